// Who is typing, and telling others that I am. Both may be lost; an old "on" ends by itself.

import { signal } from "@preact/signals";
import { on, volatile } from "../common/socket.ts";
import type { Sync } from "../common/types.ts";

const SHOWN_MS = 6_000;
const REPEAT_MS = 3_000;
const IDLE_MS = 4_000;

interface Typing {
  contact: string;
  name: string;
  kind: "visitor" | "agent";
  on: boolean;
}

/** Contact id to those who type there now. */
export const typing = signal<ReadonlyMap<string, readonly { name: string; kind: Typing["kind"] }[]>>(new Map());
const ends = new Map<string, ReturnType<typeof setTimeout>>();

function show({ contact, name, kind, on: active }: Typing): void {
  const key = `${contact} ${kind} ${name}`;
  clearTimeout(ends.get(key));
  const others = (typing.value.get(contact) ?? []).filter((one) => one.name !== name || one.kind !== kind);
  typing.value = new Map(typing.value).set(contact, active ? [...others, { name, kind }] : others);
  if (active) ends.set(key, setTimeout(() => show({ contact, name, kind, on: false }), SHOWN_MS));
}

let sent = { contact: "", at: 0 };
let idle: ReturnType<typeof setTimeout> | undefined;

/** To be called at each change of the reply. */
export function iAmTyping(contact: string): void {
  clearTimeout(idle);
  idle = setTimeout(() => iStopped(contact), IDLE_MS);
  if (sent.contact === contact && Date.now() - sent.at < REPEAT_MS) return;
  sent = { contact, at: Date.now() };
  volatile("typing", { contact, on: true });
}

export function iStopped(contact: string): void {
  clearTimeout(idle);
  if (sent.contact !== contact) return;
  sent = { contact: "", at: 0 };
  volatile("typing", { contact, on: false });
}

export function startTyping(): void {
  on<Typing>("typing", show);
  on<Sync>("sync", ({ messages = [] }) => {
    for (const { contact, author_kind: kind } of messages) { // who has sent has stopped typing
      for (const one of typing.value.get(contact) ?? []) if (one.kind === kind) show({ contact, ...one, on: false });
    }
  });
}
