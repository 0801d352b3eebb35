// Times as a screen reader should say them, and to the second.

import { formatLocale, number, t } from "../../common/i18n.ts";

/** "1 minute, 5 seconds", in the user's language. */
export function spoken(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  const unit = (value: number, name: "minute" | "second") => number(value, { style: "unit", unit: name, unitDisplay: "long" });
  return minutes > 0 ? t("calls.minutes", { minutes: unit(minutes, "minute"), seconds: unit(rest, "second") }) : unit(rest, "second");
}

/** The time of day with its seconds: 10:02:31. */
export function toTheSecond(at: number): string {
  return new Intl.DateTimeFormat(formatLocale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(at);
}
