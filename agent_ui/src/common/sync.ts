// The one way to be up to date: rows replace rows by sequence, messages merge by number. Pure.

import type { Contact, Message } from "./types.ts";

/** The map with `contact` in it, or the same map when what it holds is as new. */
export function withContact(contacts: ReadonlyMap<string, Contact>, contact: Contact): ReadonlyMap<string, Contact> {
  const known = contacts.get(contact.id);
  if (known && known.seq > contact.seq) return contacts;
  return new Map(contacts).set(contact.id, contact);
}

export function withoutContact(contacts: ReadonlyMap<string, Contact>, id: string): ReadonlyMap<string, Contact> {
  if (!contacts.has(id)) return contacts;
  const rest = new Map(contacts);
  rest.delete(id);
  return rest;
}

/** Messages in order of n, each once; a newer copy (by seq) replaces an older. */
export function mergeMessages(known: readonly Message[], added: readonly Message[]): readonly Message[] {
  if (added.length === 0) return known;
  const last = known.at(-1);
  const first = added[0];
  if (added.length === 1 && first && (!last || first.n > last.n)) return [...known, first]; // the usual case
  const byNumber = new Map(known.map((message) => [message.n, message]));
  for (const message of added) {
    const old = byNumber.get(message.n);
    if (!old || old.seq <= message.seq) byNumber.set(message.n, message);
  }
  return [...byNumber.values()].sort((a, b) => a.n - b.n);
}
