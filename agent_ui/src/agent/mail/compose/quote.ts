// What an answer quotes of the mail before it, and what a forwarded mail passes on: as text and as HTML.

import { api } from "../../../common/api.ts";
import { t } from "../../../common/i18n.ts";
import { dateTime } from "../../../common/time.ts";
import { thread } from "../../threads.ts";
import { mailsOf } from "../mails.ts";
import { nameOf, whole } from "../people.ts";
import type { Mail } from "../types.ts";
import { escapeHtml, textAsHtml } from "./plain.ts";

export interface Quote {
  text: string;
  html: string;
}

/** The mail's own HTML, for no document of ours: it is only sent. Without it, its text. */
async function inner(mail: Mail, text: string): Promise<string> {
  if (!mail.html) return textAsHtml(text);
  try {
    return (await api<{ html: string }>("GET", `/mails/${encodeURIComponent(mail.id)}/quoted`)).html;
  } catch {
    return textAsHtml(text);
  }
}

function intro(mail: Mail): string {
  return t("mail.quote.intro", { date: dateTime(mail.date ?? mail.at), name: nameOf(mail.from) });
}

function heading(mail: Mail): [string, string][] {
  const lines: [string, string][] = [
    [t("mail.from"), whole(mail.from)],
    [t("mail.date"), dateTime(mail.date ?? mail.at)],
    [t("mail.subject"), mail.subject],
    [t("mail.to"), mail.to.map(whole).join(", ")],
    [t("mail.cc"), mail.cc.map(whole).join(", ")],
  ];
  return lines.filter(([, value]) => value);
}

/** The quotation of a mail of this contact; empty when it is not known. */
export async function quoteOf(contact: string, about: string, forwarded: boolean): Promise<Quote> {
  const mail = mailsOf(contact).value.mails.get(about);
  const message = thread(contact).value.messages.find(({ id }) => id === mail?.message);
  if (!mail || !message) return { text: "", html: "" };
  const html = await inner(mail, message.text);
  if (forwarded) {
    const lines = heading(mail);
    const title = t("mail.quote.forwarded");
    return {
      text: `---------- ${title} ----------\n${lines.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${message.text}`,
      html: `<p>---------- ${escapeHtml(title)} ----------<br>${lines.map(([name, value]) => `<b>${escapeHtml(name)}:</b> ${escapeHtml(value)}`).join("<br>")}</p>${html}`,
    };
  }
  return {
    text: `${intro(mail)}\n${message.text.split("\n").map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`)).join("\n")}`,
    html: `<p>${escapeHtml(intro(mail))}</p><blockquote type="cite">${html}</blockquote>`,
  };
}
