// What the visitor does in a conversation.

import { showSheet } from "../actions.ts";
import { bytes, clock, date, t } from "../i18n.ts";
import * as outbox from "../outbox.ts";
import { changed, state } from "../state.ts";
import { keep } from "../storage.ts";
import { typed } from "../sync.ts";
import { refusal, save } from "./files.ts";
import { lineOf } from "./words.ts";

export function say(contact: string, text: string): void {
  const said = text.trim();
  if (!said) return;
  outbox.put({ event: "message:send", contact, data: { text: said }, text: said });
  const talk = state.talks.get(contact);
  if (talk) talk.newFrom = null;
  typed(contact, false);
  changed();
}

export function sendFiles(contact: string, files: Iterable<File>): void {
  state.trouble = null;
  for (const file of files) {
    const reason = refusal(file);
    if (reason) state.trouble = { where: contact, text: t(reason, { name: file.name, size: bytes(state.site.files!.max_bytes) }) };
    else outbox.put({ event: "message:send", contact, data: {}, file });
  }
  changed();
}

export function end(contact: string): void {
  outbox.put({ event: "chat:end", contact, data: {} });
  showSheet(null);
}

export function rate(contact: string, score: number, comment: string): void {
  outbox.put({ event: "chat:rate", contact, data: { score, comment } });
}

export function skipRating(contact: string): void {
  const talk = state.talks.get(contact);
  if (talk) talk.skippedRating = true;
  keep("skipped", contact);
  changed();
}

/** What was said, by mail to the visitor's own address. */
export function mailCopy(contact: string): void {
  state.trouble = null;
  outbox.put({ event: "chat:transcript", contact, data: {} });
}

/** The conversation as a text file. */
export function saveCopy(id: string): void {
  const talk = state.talks.get(id);
  if (!talk) return;
  const head = t("transcript", { site: state.site.name, date: date(talk.contact.created_at) });
  const lines = talk.messages.map((message) => `[${date(message.at)} ${clock(message.at)}] ${lineOf(message, talk.contact)}`);
  save(new Blob(["\ufeff", [head, "", ...lines, ""].join("\r\n")]), `${state.site.name}.txt`);
  showSheet(null);
}
