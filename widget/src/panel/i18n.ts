// The widget's words. One JSON file a language in widget/locales; the panel page brings the first, others are fetched.

import type { Localized, Strings } from "../wire.ts";

let strings: Strings;
/** The language of the words. */
export let locale = "en";
/** For dates and numbers: the visitor's own regional form of that language ("en-GB"), if the browser says so. */
let regional = "en";

export function speak(next: string, words: Strings): void {
  locale = next;
  strings = words;
  const base = (tag: string) => tag.toLowerCase().split("-")[0];
  regional = navigator.languages?.find((tag) => base(tag) == base(next)) || next;
  document.documentElement.lang = next;
  document.documentElement.dir = words._.dir;
}

export type Values = Record<string, string | number>;

/** The sentence for `key`; of a sentence with several forms the one for `form`, or else by the plural rules for `n`. */
export function t(key: string, values: Values = {}, form?: string | number): string {
  const entry = strings[key] ?? key;
  let sentence: string | undefined;
  if (typeof entry == "string") sentence = entry;
  else {
    const n = values["n"];
    const plural = typeof n == "number" ? new Intl.PluralRules(locale).select(n) : "other";
    sentence = (form !== undefined ? entry[form] : undefined) ?? entry[plural] ?? entry["other"];
  }
  return (sentence ?? key).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value == "number" ? number(value) : (value ?? "");
  });
}

export const dir = () => strings._.dir;

/** Of a text that a site wrote in several languages, the one that fits best. */
export function pick(text: Localized | null | undefined): string {
  if (!text || typeof text == "string") return text || "";
  const base = locale.split("-")[0]!;
  return text[locale] ?? text[base] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  const key = regional + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(regional, options)));
  return made.format(at);
}

/** A time in parts, or as one text, by the visitor's clock. */
export function formatted(at: number, options: Intl.DateTimeFormatOptions): string;
export function formatted(at: number, options: Intl.DateTimeFormatOptions, parts: true): Intl.DateTimeFormatPart[];
export function formatted(at: number, options: Intl.DateTimeFormatOptions, parts = false): string | Intl.DateTimeFormatPart[] {
  return parts ? new Intl.DateTimeFormat(regional, options).formatToParts(at) : format(at, options);
}

export const number = (value: number) => new Intl.NumberFormat(regional).format(value);
export const clock = (at: number) => format(at, { hour: "numeric", minute: "2-digit" });
export const date = (at: number) => format(at, { dateStyle: "long" });

const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);
/** How many days lie between two times, by the visitor's calendar. */
export const daysFrom = (at: number, now: number) => Math.round((midnight(at) - midnight(now)) / 86_400_000);

/** "Today", "Yesterday", "Monday", or a date. */
export function day(at: number, now = Date.now()): string {
  const days = daysFrom(at, now);
  if (days == 0) return t("today");
  if (days == -1) return t("yesterday");
  const thisYear = new Date(at).getFullYear() == new Date(now).getFullYear();
  return format(at, { day: "numeric", month: "long", ...(thisYear ? {} : { year: "numeric" }) });
}

/** A point ahead, as it stands inside a sentence: "18:00", "tomorrow 9:00", "on Monday at 9:00". */
export function when(at: number, now = Date.now()): string {
  const days = daysFrom(at, now);
  if (days == 0) return clock(at);
  if (days == 1) return t("tomorrow_at", { time: clock(at) });
  if (days > 1 && days < 7) return t("weekday_at", { day: format(at, { weekday: "long" }), time: clock(at) });
  return t("date_at", { day: format(at, { day: "numeric", month: "long" }), time: clock(at) });
}

/** The same after "we are back". */
export const back = (at: number) => (daysFrom(at, Date.now()) == 0 ? t("today_at", { time: clock(at) }) : when(at));

/** How long, in the words of `key` for minutes; `soon` under one minute, `long` in hours. */
export function howLong(key: string, seconds: number, soon: string, long: string): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return t(soon);
  return minutes < 90 ? t(key, { n: minutes }) : t(long, { n: Math.round(minutes / 60) });
}

/** A length as clocks show it: 0:32, 1:24:08. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (value: number) => `${value}`.padStart(2, "0");
  return `${seconds < 3600 ? "" : `${Math.floor(seconds / 3600)}:`}${seconds < 3600 ? Math.floor(seconds / 60) : pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
}

export function bytes(size: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let i = 0;
  for (; size >= 1000 && i < 3; i++) size /= 1000;
  const options = { style: "unit", unit: units[i]!, unitDisplay: "short", maximumFractionDigits: size < 10 && i ? 1 : 0 } as const;
  return new Intl.NumberFormat(regional, options).format(size);
}
