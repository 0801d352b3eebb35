// What every signed-in page knows: me, my presence and capacity, my contacts, the queues and the directory.
// Filled by hello, kept by pushes; a reconnect brings a new hello, which replaces all of it.

import { signal } from "@preact/signals";
import { boot, type Me } from "./boot.ts";
import { connect, on } from "./socket.ts";
import { withContact, withoutContact } from "./sync.ts";
import { setServerTime } from "./time.ts";
import type { Capacity, Contact, Directory, Hello, Presence, QueueState, Sync } from "./types.ts";

export const me = signal<Me | null>(boot.me);
export const presence = signal<Presence | null>(null);
export const capacity = signal<Capacity | null>(null);
export const contacts = signal<ReadonlyMap<string, Contact>>(new Map());
export const queues = signal<readonly QueueState[]>([]);
export const directory = signal<Directory>({ queues: [], agents: [], outcomes: [], canned: [], templates: [], reasons: [], skills: [] });
/** The server's settings for this client, such as the warning time of a waiting customer. */
export const settings = signal<Record<string, unknown>>({});
/** False until the first hello: pages show grey shapes meanwhile. */
export const ready = signal(false);

function applyHello(hello: Hello): void {
  setServerTime(hello.now);
  me.value = hello.me;
  presence.value = hello.presence;
  capacity.value = hello.capacity;
  const snapshot = new Map(hello.contacts.map((contact) => [contact.id, contact]));
  for (const [id, kept] of contacts.value) {
    if (kept.phase === "closed" && !snapshot.has(id)) snapshot.set(id, kept); // ended; nothing of it was missed
  }
  contacts.value = snapshot;
  queues.value = hello.queues;
  directory.value = hello.directory;
  settings.value = hello.settings;
  ready.value = true;
}

function applySync(sync: Sync): void {
  // What is gone from my hands still says what became of it; who has it open goes on watching it.
  if (sync.contact) contacts.value = withContact(contacts.value, sync.contact);
  else if (sync.gone) contacts.value = withoutContact(contacts.value, sync.gone);
}

/** Keeps the signals, lets the page's own readers listen (after ours, so that they find the signals set), and connects. */
export function startStore(readers: (() => void)[] = []): void {
  on<Hello>("hello", applyHello);
  on<Sync>("sync", applySync);
  on<Presence>("presence", (next) => {
    if (!presence.value || next.epoch >= presence.value.epoch) presence.value = next;
  });
  on<Capacity>("capacity", (next) => (capacity.value = next));
  on<QueueState[]>("queues", (rows) => {
    const changed = new Map(rows.map((row) => [row.id, row]));
    const kept = queues.value.map((row) => changed.get(row.id) ?? row);
    const known = new Set(kept.map((row) => row.id));
    queues.value = [...kept, ...rows.filter((row) => !known.has(row.id))];
  });
  on<Partial<Directory>>("directory", (next) => (directory.value = { ...directory.value, ...next }));
  for (const start of readers) start();
  connect();
}
