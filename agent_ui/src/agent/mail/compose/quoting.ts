// What stands above a quoted or forwarded mail, in the language of that mail: its reader's words, not our user's. The words
// are those that mail programs write, so that others (and `mail/fold.py`) find where the quotation begins.

import type { Address } from "../types.ts";

interface Words {
  /** By which dates are written. */
  locale: string;
  wrote: (date: string, name: string) => string;
  forwarded: string;
  labels: { from: string; date: string; subject: string; to: string; cc: string };
  colon: string;
}

const LANGUAGES: Record<string, Words> = {
  en: {
    locale: "en-GB",
    wrote: (date, name) => `On ${date}, ${name} wrote:`,
    forwarded: "Forwarded mail",
    labels: { from: "From", date: "Date", subject: "Subject", to: "To", cc: "Cc" },
    colon: ": ",
  },
  zh: {
    locale: "zh-CN",
    wrote: (date, name) => `${name} 于 ${date} 写道：`,
    forwarded: "转发的邮件",
    labels: { from: "发件人", date: "日期", subject: "主题", to: "收件人", cc: "抄送" },
    colon: "：",
  },
  "zh-hant": {
    locale: "zh-TW",
    wrote: (date, name) => `${name} 於 ${date} 寫道：`,
    forwarded: "轉寄郵件",
    labels: { from: "寄件者", date: "日期", subject: "主旨", to: "收件者", cc: "副本" },
    colon: "：",
  },
  ar: {
    locale: "ar",
    wrote: (date, name) => `في ${date}، كتب ${name}:`,
    forwarded: "رسالة مُعاد توجيهها",
    labels: { from: "من", date: "التاريخ", subject: "الموضوع", to: "إلى", cc: "نسخة" },
    colon: ": ",
  },
};

/** What is said of the mail; `at` in ms. */
export interface Head {
  at: number;
  from: Address;
  to: readonly Address[];
  cc: readonly Address[];
  subject: string;
}

/** The words of the first of these languages (BCP 47) that is known here; English for none. */
function wordsOf(languages: readonly string[]): Words {
  const tags = languages.map((tag) => tag.toLowerCase());
  for (const tag of tags) {
    const main = tag.split("-")[0] ?? "";
    if (main === "zh" && tags.some((each) => /^zh-(hant|tw|hk|mo)\b/.test(each))) return LANGUAGES["zh-hant"]!;
    if (main in LANGUAGES) return LANGUAGES[main]!;
    if (main) break; // a language that is known, but not to us: English rather than the next one
  }
  return LANGUAGES["en"]!;
}

/** With plain spaces only: a mail's text is read by all sorts of programs. */
function dateIn({ locale }: Words, at: number): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  return format.format(at).replace(/[\u00a0\u2009\u202f]/g, " ");
}

function whole({ name, address }: Address): string {
  return name && name !== address ? `${name} <${address}>` : address;
}

/** The line above a quotation: "On 22 Nov 2026, 10:00, Mara Lind wrote:". */
export function attribution(mail: Head, languages: readonly string[]): string {
  const words = wordsOf(languages);
  return words.wrote(dateIn(words, mail.at), mail.from.name || mail.from.address);
}

/** The title above a forwarded mail, and its head as labels (with their colon) and values. */
export function passedOn(mail: Head, languages: readonly string[]): { title: string; lines: [label: string, value: string][] } {
  const words = wordsOf(languages);
  const values = {
    from: whole(mail.from),
    date: dateIn(words, mail.at),
    subject: mail.subject,
    to: mail.to.map(whole).join(", "),
    cc: mail.cc.map(whole).join(", "),
  };
  const lines = (["from", "date", "subject", "to", "cc"] as const).flatMap((each): [string, string][] =>
    values[each] ? [[words.labels[each] + words.colon, values[each]]] : []);
  return { title: `---------- ${words.forwarded} ----------`, lines };
}
