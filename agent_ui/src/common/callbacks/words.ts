// Words of callbacks, for the agents' and the supervisors' pages.
import en from "../../../locales/callbacks.en.json";
import { addMessages } from "../i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/callbacks.zh-CN.json") });
