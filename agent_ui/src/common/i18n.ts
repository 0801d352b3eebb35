// Words in the user's language. A page registers its catalogues once and loads the language before it renders;
// English is always there, so that a missing translation shows English and never a key.

import type { ComponentChildren } from "preact";
import { boot } from "./boot.ts";

/** Plural forms by the categories of Intl.PluralRules; "other" must be there. */
type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogue = Record<string, string | Plural>;
type Loader = () => Promise<{ default: Catalogue }>;
type Values = Record<string, string | number>;

/** The languages that a user can choose, by their own names. */
export const LANGUAGES: Record<string, string> = { en: "English", "zh-CN": "简体中文" };

const english: Catalogue = {};
const translated: Catalogue = {};
const loaders: Record<string, Loader[]> = {};
export let locale = "en";

/** English without a country writes dates the way most of the world reads them: 12 Nov, 14:30. */
export function formatLocale(): string {
  return locale === "en" ? "en-GB" : locale;
}

/** Adds an area's words: English at once, other languages by a loader each. */
export function addMessages(en: Catalogue, others: Record<string, Loader>): void {
  Object.assign(english, en);
  for (const [name, load] of Object.entries(others)) (loaders[name] ??= []).push(load);
}

/** The language of ours nearest to a BCP 47 tag: "zh" and "zh-Hans-CN" are "zh-CN", anything unknown is "en". */
export function nearest(tag: string): string {
  if (tag in LANGUAGES) return tag;
  const language = tag.split("-")[0]?.toLowerCase();
  return Object.keys(LANGUAGES).find((name) => name.split("-")[0] === language) ?? "en";
}

/** Loads a language's words; to be awaited before the first render. */
export async function loadLocale(tag: string = boot.locale): Promise<void> {
  locale = nearest(tag);
  document.documentElement.lang = locale;
  const parts = await Promise.all((loaders[locale] ?? []).map((load) => load()));
  for (const part of parts) Object.assign(translated, part.default);
}

function pattern(key: string, values?: Values): string {
  const entry = translated[key] ?? english[key];
  if (entry === undefined) return key;
  if (typeof entry === "string") return entry;
  const rules = new Intl.PluralRules(translated[key] ? locale : "en");
  return entry[rules.select(Number(values?.["count"] ?? 0))] ?? entry.other;
}

/** Whether a key has words, for keys made from codes of the server. */
export function has(key: string): boolean {
  return key in translated || key in english;
}

/** The words of `key` with {name} filled in from `values`; {count} also chooses the plural form. */
export function t(key: string, values?: Values): string {
  return pattern(key, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values?.[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

/** As t(), but values may be elements: for a name in bold within a sentence. */
export function tx(key: string, values: Record<string, ComponentChildren>): ComponentChildren[] {
  const count = values["count"];
  const words = pattern(key, typeof count === "number" ? { count } : undefined);
  return words.split(/(\{\w+\})/).map((part) => (/^\{\w+\}$/.test(part) ? values[part.slice(1, -1)] ?? part : part));
}

export function number(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(formatLocale(), options).format(value);
}

/** A list in words: "Ada, Omar and Lin". */
export function list(items: string[]): string {
  return new Intl.ListFormat(locale, { type: "conjunction" }).format(items);
}

/** The name of a language in the user's own: "de" is "German". */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag; // not a BCP 47 tag: as it was written
  }
}

/** Bytes for people: 182 KB, 3.4 MB. */
export function fileSize(bytes: number): string {
  const [unit, value] = bytes < 1e6 ? ["kilobyte", Math.max(1, bytes / 1e3)] as const : ["megabyte", bytes / 1e6] as const;
  return number(value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: unit === "megabyte" ? 1 : 0 });
}
