// Words of routing, which the administration, the desktop and the wallboard share.
import en from "../../../locales/routing.en.json";
import { addMessages } from "../i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/routing.zh-CN.json") });
