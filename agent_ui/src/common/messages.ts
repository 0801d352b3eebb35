import { addMessages } from "./i18n.ts";
import en from "../../locales/common.en.json";

addMessages(en, { "zh-CN": () => import("../../locales/common.zh-CN.json") });
