// The heads of the mails of the contacts that are open here: loaded once by contact, kept by pushes, and loaded again when
// a message speaks of a mail that is not known yet.

import { type Signal, signal } from "@preact/signals";
import { api } from "../../common/api.ts";
import { HubError } from "../../common/errors.ts";
import { on } from "../../common/socket.ts";
import type { Hello, Message } from "../../common/types.ts";
import type { Mail } from "./types.ts";

const RETRY_MS = 5_000;

interface Known {
  mails: ReadonlyMap<string, Mail>;
  state: "loading" | "idle" | "failed";
}

const known = new Map<string, Signal<Known>>();
const asked = new Map<string, "once" | "again">();

async function load(contact: string): Promise<void> {
  const target = known.get(contact);
  if (!target) return;
  try {
    const { items } = await api<{ items: Mail[] }>("GET", `contacts/${encodeURIComponent(contact)}/mails`);
    const mails = new Map(target.value.mails);
    for (const mail of items) if (!newer(mails.get(mail.id), mail)) mails.set(mail.id, mail);
    target.value = { mails, state: "idle" };
  } catch (error) {
    target.value = { ...target.value, state: "failed" };
    if (error instanceof HubError && error.retryable) setTimeout(() => reload(contact), RETRY_MS);
  }
}

function newer(held: Mail | undefined, given: Mail): boolean {
  return held !== undefined && held.version > given.version;
}

/** One request at a time for each contact; what is asked for meanwhile may be newer than its answer, so one more follows. */
function reload(contact: string): void {
  if (asked.has(contact)) {
    asked.set(contact, "again");
    return;
  }
  asked.set(contact, "once");
  void load(contact).finally(() => {
    const again = asked.get(contact) === "again";
    asked.delete(contact);
    if (again) reload(contact);
  });
}

export function mailsOf(contact: string): Signal<Known> {
  let found = known.get(contact);
  if (!found) {
    found = signal<Known>({ mails: new Map(), state: "loading" });
    known.set(contact, found);
    reload(contact);
  }
  return found;
}

/** The mail that a message holds the text of. */
export function mailOf(message: Message): Mail | undefined {
  const id = message.data?.["mail"];
  if (typeof id !== "string") return undefined;
  const target = mailsOf(message.contact);
  const found = target.value.mails.get(id);
  if (!found && target.value.state === "idle" && !missing.has(id)) {
    missing.add(id);
    reload(message.contact);
  }
  return found;
}

const missing = new Set<string>();

export function putMail(mail: Mail): void {
  const target = known.get(mail.contact);
  if (!target || newer(target.value.mails.get(mail.id), mail)) return;
  missing.delete(mail.id);
  target.value = { ...target.value, mails: new Map(target.value.mails).set(mail.id, mail) };
}

/** Mails in the order in which they came or were written. */
export function inOrder(contact: string): Mail[] {
  return [...mailsOf(contact).value.mails.values()].sort((a, b) => a.at - b.at);
}

export function startMails(): void {
  on<{ mail: Mail }>("mail", ({ mail }) => putMail(mail));
  on<Hello>("hello", () => {
    missing.clear();
    for (const contact of known.keys()) reload(contact);
  });
}
