// The server's clock on this screen, and times in words and figures.

import { signal } from "@preact/signals";
import { formatLocale, t } from "./i18n.ts";

let offset = 0;

/** The server's time now, in ms; corrected at each hello, since a desk's clock may be minutes off. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** Ticks each second with the server's time; what reads it in a render counts along. */
export const now = signal(serverNow());

setInterval(() => {
  now.value = serverNow();
}, 1000);

export function setServerTime(at: number): void {
  offset = at - Date.now();
  now.value = at;
}

/** 0:32, 4:12, 1:24:08. Never negative: clocks disagree by some ms. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(formatLocale(), options).format(at);
}

/** The time of day, as on the wall: 10:02. */
export function clock(at: number): string {
  return format(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

function dayNumber(at: number): number {
  const date = new Date(at);
  return Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 86_400_000);
}

export function sameDay(a: number, b: number): boolean {
  return dayNumber(a) === dayNumber(b);
}

/** "Today", "Yesterday", then "12 Nov", with the year when it is another. */
export function day(at: number): string {
  const days = dayNumber(serverNow()) - dayNumber(at);
  if (days === 0) return t("common.today");
  if (days === 1) return t("common.yesterday");
  const sameYear = new Date(at).getFullYear() === new Date(serverNow()).getFullYear();
  return format(at, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) });
}

/** A line between days: "Today", "Yesterday", "Thursday 19 November". */
export function dayLine(at: number): string {
  const days = dayNumber(serverNow()) - dayNumber(at);
  if (days <= 1) return day(at);
  const sameYear = new Date(at).getFullYear() === new Date(serverNow()).getFullYear();
  return format(at, { weekday: "long", day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) });
}

/** Within a list: the time today, else the day. */
export function clockOrDay(at: number): string {
  return sameDay(at, serverNow()) ? clock(at) : day(at);
}

/** Date and time, for titles and details. */
export function dateTime(at: number): string {
  return format(at, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
}
