import { render } from "preact";
import "./calls.css";
import en from "../../locales/records.en.json";
import "../agent/record/words.ts";
import { addMessages, loadLocale } from "../common/i18n.ts";
import "../common/messages.ts";
import { startStore } from "../common/store.ts";
import { App } from "./app.tsx";

addMessages(en, { "zh-CN": () => import("../../locales/records.zh-CN.json") });
await loadLocale();
startStore();
render(<App />, document.getElementById("app") as HTMLElement);
