// The words of calls and recordings, an area of their own.

import { addMessages } from "../../common/i18n.ts";
import en from "../../../locales/calls.en.json";

addMessages(en, { "zh-CN": () => import("../../../locales/calls.zh-CN.json") });
