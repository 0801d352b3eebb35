import { render } from "preact";
import "./admin.css";
import en from "../../locales/admin.en.json";
import mail from "../../locales/admin_mail.en.json";
import { addMessages, loadLocale } from "../common/i18n.ts";
import "../common/messages.ts";
import { App } from "./app.tsx";
import { startRouter } from "./router.ts";

addMessages(en, { "zh-CN": () => import("../../locales/admin.zh-CN.json") });
addMessages(mail, { "zh-CN": () => import("../../locales/admin_mail.zh-CN.json") });
await loadLocale();
startRouter();
render(<App />, document.getElementById("app") as HTMLElement);
