// Words of co-browsing.
import en from "../../../locales/cobrowse.en.json";
import { addMessages } from "../../common/i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/cobrowse.zh-CN.json") });
