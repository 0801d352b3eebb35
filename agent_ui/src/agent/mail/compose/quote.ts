// What an answer quotes of the mail before it, and what a forwarded mail passes on: as text and as HTML.

import { api } from "../../../common/api.ts";
import { contacts } from "../../../common/store.ts";
import { thread } from "../../threads.ts";
import { mailsOf } from "../mails.ts";
import type { Mail } from "../types.ts";
import { escapeHtml, textAsHtml } from "./plain.ts";
import { attribution, passedOn } from "./quoting.ts";

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

/** The quotation of a mail of this contact; empty when it is not known. */
export async function quoteOf(contact: string, about: string, forwarded: boolean): Promise<Quote> {
  const mail = mailsOf(contact).value.mails.get(about);
  const message = thread(contact).value.messages.find(({ id }) => id === mail?.message);
  if (!mail || !message) return { text: "", html: "" };
  const html = await inner(mail, message.text);
  // What is too short to tell its language is in its contact's.
  const languages = [mail.language, contacts.value.get(contact)?.language ?? ""].filter(Boolean);
  const head = { ...mail, at: mail.date ?? mail.at };
  if (forwarded) {
    const { title, lines } = passedOn(head, languages);
    return {
      text: `${title}\n${lines.map(([label, value]) => label + value).join("\n")}\n\n${message.text}`,
      html: `<p dir="auto">${escapeHtml(title)}<br>${lines.map(([label, value]) => `<b>${escapeHtml(label)}</b>${escapeHtml(value)}`).join("<br>")}</p>${html}`,
    };
  }
  const intro = attribution(head, languages);
  return {
    text: `${intro}\n${message.text.split("\n").map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`)).join("\n")}`,
    html: `<p dir="auto">${escapeHtml(intro)}</p><blockquote type="cite">${html}</blockquote>`,
  };
}
