// Words about triage, which the administration and the wallboard share.
import en from "../../../locales/triage.en.json";
import { addMessages } from "../i18n.ts";

addMessages(en, { "zh-CN": () => import("../../../locales/triage.zh-CN.json") });
