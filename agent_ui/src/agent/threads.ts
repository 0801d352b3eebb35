// The messages of the contacts that were opened here. A thread is loaded once, from its newest page backwards; pushes
// append to it; a gap or a reconnect is filled by asking for what came after the last sequence.

import { type Signal, signal } from "@preact/signals";
import { connection, on, request } from "../common/socket.ts";
import { contacts } from "../common/store.ts";
import { mergeMessages, withContact } from "../common/sync.ts";
import type { Contact, Hello, Message, PageInfo, Sync } from "../common/types.ts";

export interface Thread {
  messages: readonly Message[];
  /** "idle" also when everything is here. */
  state: "loading" | "older" | "idle" | "failed";
  /** Whether the first message of the contact is here. */
  complete: boolean;
}

interface SyncAnswer {
  contact: Contact;
  messages: Message[];
  more: boolean;
}

const threads = new Map<string, Signal<Thread>>();
const watched = new Set<string>();

/** The thread of a contact; empty and loading when it was not opened before. */
export function thread(id: string): Signal<Thread> {
  let found = threads.get(id);
  if (!found) {
    found = signal<Thread>({ messages: [], state: "loading", complete: false });
    threads.set(id, found);
    void load(id);
  }
  return found;
}

function put(id: string, change: Partial<Thread>): void {
  const target = threads.get(id);
  if (target) target.value = { ...target.value, ...change };
}

/** Adds messages that came by any way: a push, an acknowledgement, a page of history. */
export function addMessages(id: string, messages: readonly Message[]): void {
  const target = threads.get(id);
  if (target) put(id, { messages: mergeMessages(target.value.messages, messages) });
}

function isComplete(id: string): boolean {
  const first = threads.get(id)?.value.messages[0];
  return first === undefined || first.n <= 1;
}

async function load(id: string): Promise<void> {
  put(id, { state: "loading" });
  try {
    const known = contacts.value.get(id) ?? (await openForeign(id));
    const page = { contact: id, after: 0, before: known.messages + 1 };
    const { contact, messages } = await request<SyncAnswer>("contact:sync", page);
    contacts.value = withContact(contacts.value, contact);
    addMessages(id, messages);
    put(id, { state: "idle", complete: isComplete(id) });
  } catch {
    put(id, { state: "failed" });
  }
}

/** Loads again after a failure. */
export function reload(id: string): void {
  void load(id);
}

/** Loads the page of history before the oldest message that is here. */
export async function loadOlder(id: string): Promise<void> {
  const { state, complete, messages } = thread(id).value;
  const first = messages[0];
  if (state !== "idle" || complete || !first || connection.value !== "online") return;
  put(id, { state: "older" });
  try {
    const answer = await request<SyncAnswer>("contact:sync", { contact: id, after: 0, before: first.n });
    addMessages(id, answer.messages);
    put(id, { state: "idle", complete: isComplete(id) || answer.messages.length === 0 });
  } catch {
    put(id, { state: "idle" }); // scrolling asks again
  }
}

async function catchUp(id: string): Promise<void> {
  const target = threads.get(id);
  if (!target) return;
  if (target.value.state !== "idle") return void load(id);
  for (let more = true; more;) {
    const after = Math.max(0, ...target.value.messages.map(({ seq }) => seq));
    const answer = await request<SyncAnswer>("contact:sync", { contact: id, after });
    contacts.value = withContact(contacts.value, answer.contact);
    addMessages(id, answer.messages);
    more = answer.more && answer.messages.length > 0;
  }
}

/** Keeps a contact that is not mine up to date while it is looked at. @throws HubError when I may not see it */
export async function openForeign(id: string): Promise<Contact> {
  const { contact } = await request<{ contact: Contact }>("contact:watch", { contact: id });
  watched.add(id);
  contacts.value = withContact(contacts.value, contact);
  return contact;
}

export function unwatch(id: string): void {
  if (watched.delete(id) && connection.value === "online") void request("contact:unwatch", { contact: id }).catch(() => undefined);
}

/** Follows the pushes; to be called before the store connects. */
export function startThreads(): void {
  on<Sync>("sync", ({ contact, messages }) => {
    const id = contact?.id ?? messages?.[0]?.contact;
    const target = id ? threads.get(id) : undefined;
    if (!id || !target || !messages?.length) return;
    const last = target.value.messages.at(-1);
    const gap = last && messages.every(({ n }) => n > last.n + 1);
    addMessages(id, messages);
    if (gap) void catchUp(id).catch(() => undefined); // a reconnect follows, which catches up too
  });
  on<Hello>("hello", ({ contacts }) => {
    for (const id of watched) void openForeign(id).catch(() => watched.delete(id));
    for (const id of threads.keys()) {
      // What is neither held nor looked at is loaded anew when it is opened.
      if (!watched.has(id) && !contacts.some((contact) => contact.id === id)) threads.delete(id);
      else void catchUp(id).catch(() => undefined); // lost again: the next hello catches up
    }
  });
  on<PageInfo & { contact: string }>("page", ({ contact: id, url, title, at }) => {
    const contact = contacts.value.get(id);
    if (contact) contacts.value = new Map(contacts.value).set(id, { ...contact, page: { url, title, at } });
  });
}
