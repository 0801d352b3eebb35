// Messages in words, as text: what the log shows, what a screen reader says, what a saved copy holds.

import type { Contact, Message } from "../../wire.ts";
import { span, t } from "../i18n.ts";

const string = (value: unknown) => (typeof value == "string" ? value : typeof value == "object" && value && "name" in value ? String(value.name) : "");

/** A system line in the visitor's language; "" for codes that this panel does not know. */
export function systemLine({ code, data, author_name }: Message): string {
  const name = string(data?.["name"]) || string(data?.["agent"]) || author_name || t("agent");
  if (code == "ended") {
    const by = data?.["by"];
    return by == "visitor" ? t("sys_ended_you") : by == "agent" ? t("sys_ended_by", { name }) : t("sys_ended");
  }
  const key = `sys_${code}`;
  const line = t(key, { name, queue: string(data?.["queue"]), time: span(Number(data?.["ms"] ?? 0)) });
  return line == key ? "" : line;
}

export const authorOf = (message: Message, contact: Contact) => message.author_name || contact.agent?.name || t("agent");

/** One message on one line. */
export function lineOf(message: Message, contact: Contact): string {
  if (message.kind == "system") return systemLine(message);
  const who = message.author_kind == "visitor" ? t("you_said") : t("said", { name: authorOf(message, contact) });
  return who + (message.file ? message.file.name : (message.text ?? ""));
}
