// The callbacks of the contacts that are looked at or offered, by contact; asked for again when one moves.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../../common/api.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { on } from "../../common/socket.ts";
import { connection } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";

/** Null: there is none. */
export const callbacks = signal<ReadonlyMap<string, Callback | null>>(new Map());

export function putCallback(callback: Callback): void {
  callbacks.value = new Map(callbacks.value).set(callback.contact, callback);
}

async function load(contact: string): Promise<void> {
  try {
    const { callback } = await api<{ callback: Callback | null }>("GET", `contacts/${encodeURIComponent(contact)}/callback`);
    callbacks.value = new Map(callbacks.value).set(contact, callback);
  } catch {
    // it went elsewhere, or the line is down: a push or the next look brings it
  }
}

/** The callback that a contact is, once it is known. */
export function useCallbackOf(contact: Contact): Callback | null {
  const wanted = contact.channel === "callback";
  const online = connection.value === "online";
  // Each new stay in the queue and each change of hands is another look.
  useEffect(() => {
    if (wanted && online) void load(contact.id);
  }, [contact.id, wanted, online, contact.phase]);
  return wanted ? callbacks.value.get(contact.id) ?? null : null;
}

/** Follows the pushes; to be called before the store connects. */
export function startCallbacks(): void {
  on<{ contact: string }>("callback", ({ contact }) => {
    if (callbacks.value.has(contact)) void load(contact);
  });
}
