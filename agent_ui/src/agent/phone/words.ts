// Words of the agent's phone.
import en from "../../../locales/phone.en.json";
import "../../common/telephone/words.ts";
import { addMessages } from "../../common/i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/phone.zh-CN.json") });
