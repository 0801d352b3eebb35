// Sending what was written, taking it back within ten seconds, and writing on from there.

import { signal } from "@preact/signals";
import { api } from "../../../common/api.ts";
import { command, repeated } from "../../../common/socket.ts";
import { contacts } from "../../../common/store.ts";
import { withContact } from "../../../common/sync.ts";
import type { Contact } from "../../../common/types.ts";
import { newId } from "../../../common/ids.ts";
import { putMail } from "../mails.ts";
import type { Mail } from "../types.ts";
import { type Compose, composeOf, forget, replaceText, begin } from "./composing.ts";
import { plainText } from "./plain.ts";
import { quoteOf } from "./quote.ts";
import { tooLarge } from "./size.ts";
import { undo } from "../state.tsx";

export interface When {
  /** Later than as soon as possible. */
  send_at?: number;
  /** The contact is closed until its customer answers, */
  waiting?: boolean;
  /** or until this time. */
  remind_at?: number;
}

interface Gone {
  mail: Mail;
  key: string;
  compose: Compose;
}

/** What went out last from this window, while it can be taken back. */
export const gone = signal<Gone | null>(null);

/** Text and HTML as they go out: what was written, the signature, the quotation. */
async function content(compose: Compose): Promise<{ text: string; html: string }> {
  const signature = compose.signed ? compose.signature : { text: "", html: "" };
  const quote = compose.quote && compose.about && compose.contact
    ? await quoteOf(compose.contact, compose.about, compose.how === "forward")
    : { text: "", html: "" };
  const text = [plainText(compose.html), signature.text && `-- \n${signature.text}`, quote.text].filter(Boolean).join("\n\n");
  const html = compose.html + (signature.html && `<div>--&nbsp;<br></div>${signature.html}`) + (quote.html && `<br>${quote.html}`);
  return { text, html };
}

interface Sent {
  contact: Contact;
  mail: Mail;
}

/** The same id by either way is the same mail, so that a repetition is none. */
async function post(contact: string | null, mail: object): Promise<Sent> {
  const event = { contact, ...mail };
  if (!tooLarge(event)) return command<Sent>("mail:send", event);
  const path = contact === null ? "mails" : `contacts/${encodeURIComponent(contact)}/mails`;
  const sent = await repeated(() => api<Mail>("POST", path, mail));
  return { mail: sent, contact: await repeated(() => api<Contact>("GET", `contacts/${encodeURIComponent(sent.contact)}`)) };
}

/** @throws HubError; what was written is kept then */
export async function sendMail(key: string, when: When = {}): Promise<Sent | null> {
  const compose = composeOf(key);
  if (!compose) return null;
  const { text, html } = await content(compose);
  const people = (list: Compose["to"]) => list.map(({ address, name }) => ({ address, name }));
  const { contact, mail } = await post(compose.contact, {
    client_id: compose.key,
    mailbox: compose.mailbox || null,
    to: people(compose.to),
    cc: people(compose.cc),
    bcc: people(compose.bcc),
    subject: compose.subject,
    text,
    html,
    attachments: compose.attachments.map(({ id }) => id),
    reply_to_mail: compose.how === "forward" ? null : compose.about,
    forwards: compose.how === "forward" ? compose.about : null,
    ...(compose.version > 0 ? { draft: compose.id } : {}),
    ...when,
  });
  contacts.value = withContact(contacts.value, contact);
  putMail(mail);
  forget(key);
  gone.value = { mail, key: compose.contact === null ? contact.id : key, compose };
  return { contact, mail };
}

/** Takes back what went out last; it is there again to be written on. */
export async function takeBack({ mail, key, compose }: Gone): Promise<void> {
  await undo(mail);
  gone.value = null;
  if (!composeOf(key)) await begin(key, { contact: mail.contact, mail: compose.about, how: compose.about ? compose.how : "reply" });
  const { how, about, to, cc, bcc, subject, html, attachments, quote, signed, mailbox } = compose;
  const answers = how === "new" ? { how: "reply" as const } : { how, about };
  replaceText(key, { ...answers, to, cc, bcc, subject, html, attachments, quote, signed, mailbox, key: newId() });
}
