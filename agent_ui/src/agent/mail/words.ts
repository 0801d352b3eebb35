// Words of the agent's mail.
import en from "../../../locales/mail.en.json";
import { addMessages } from "../../common/i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/mail.zh-CN.json") });
