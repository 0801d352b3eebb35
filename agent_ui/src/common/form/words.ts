// Words of the parts that forms and tables share.
import en from "../../../locales/form.en.json";
import { addMessages } from "../i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/form.zh-CN.json") });
