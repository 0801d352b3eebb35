// The agent desktop. Listeners come before the connection, so that nothing of the first hello is missed.

import { render } from "preact";
import "./styles/agent.css";
import "../common/callbacks/words.ts";
import "../common/messages.ts";
import "./cobrowse/words.ts";
import "./mail/words.ts";
import "./phone/words.ts";
import en from "../../locales/agent.en.json";
import { addMessages, loadLocale } from "../common/i18n.ts";
import { startStore } from "../common/store.ts";
import { startDeliveryMarks } from "./actions/mark.ts";
import { startAlerts } from "./alerts.ts";
import { App } from "./app.tsx";
import { startCallbacks } from "./callback/known.ts";
import { startCobrowse } from "./cobrowse/sharing.ts";
import { startCustomers } from "./customers.ts";
import { pruneDrafts } from "./drafts.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { startComposing } from "./mail/compose/composing.ts";
import { startLooking } from "./mail/looking.tsx";
import { startMails } from "./mail/mails.ts";
import { startOffers } from "./offers.ts";
import { startOutbox } from "./outbox.ts";
import { startDevices } from "./phone/devices.ts";
import { startOwnPhone } from "./phone/own.ts";
import { startPhone } from "./phone/phone.ts";
import { startShortcuts } from "./settings/keys.ts";
import { startThreads } from "./threads.ts";
import { startTyping } from "./typing.ts";

addMessages(en, { "zh-CN": () => import("../../locales/agent.zh-CN.json") });
await loadLocale();

startStore([startThreads, startOffers, startTyping, startCustomers, startOutbox, startAlerts, startOwnPhone, startPhone, startCallbacks, startDeliveryMarks, startMails, startComposing, startLooking, startCobrowse]);
startHeartbeat();
startShortcuts();
startDevices();
pruneDrafts();

const root = document.getElementById("app");
if (root) render(<App />, root);
