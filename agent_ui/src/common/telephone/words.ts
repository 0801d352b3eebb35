// Words of a telephone's account.
import en from "../../../locales/telephone.en.json";
import { addMessages } from "../i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/telephone.zh-CN.json") });
