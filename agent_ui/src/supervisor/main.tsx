import { render } from "preact";
import "./supervisor.css";
import en from "../../locales/supervisor.en.json";
import agent from "../../locales/agent.en.json";
import { addMessages, loadLocale } from "../common/i18n.ts";
import "../common/messages.ts";
import { startStore } from "../common/store.ts";
import { startAlerts } from "./alerts.ts";
import { App } from "./app.tsx";
import { conversationReaders } from "./drawer.tsx";
import { startLive } from "./live.ts";

addMessages(en, { "zh-CN": () => import("../../locales/supervisor.zh-CN.json") });
addMessages(agent, { "zh-CN": () => import("../../locales/agent.zh-CN.json") }); // the log of a conversation
await loadLocale();
startAlerts();
startStore([startLive, ...conversationReaders]);
render(<App />, document.getElementById("app") as HTMLElement);
