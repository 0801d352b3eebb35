// Which of the known contacts are mine, and small questions about one.

import { computed } from "@preact/signals";
import { contacts, me, settings } from "../common/store.ts";
import type { Contact } from "../common/types.ts";
import { selectedId } from "./route.ts";

const LIVE = new Set(["connecting", "active", "held", "wrapping"]);
const WARN_S = 60;

export function isOwner(contact: Contact): boolean {
  return contact.agent?.id === me.value?.id;
}

export function isParticipant(contact: Contact): boolean {
  return contact.participants.some(({ id }) => id === me.value?.id);
}

/** Whether what I write goes to the customer. */
export function canWrite(contact: Contact): boolean {
  return ["connecting", "active", "held"].includes(contact.phase) && (isOwner(contact) || isParticipant(contact));
}

/** Whether it is talked over the hub's own audio. */
export function isCall(contact: Contact): boolean {
  return (contact.channel === "voice" || contact.channel === "callback") && contact.media;
}

/** Whether somebody reads what is written here: who only has a phone at the ear does not. */
export function readsText(contact: Contact): boolean {
  if (isCall(contact)) return contact.customer.online; // from the page, or from a telephone
  return contact.channel === "chat" || contact.channel === "email" || Boolean(contact.site) || contact.customer.online;
}

function began(contact: Contact): number {
  return contact.connected_at ?? contact.queued_at ?? contact.created_at;
}

/** My contacts, oldest first: a new one comes at the end, so that nothing jumps under the pointer. */
export const mine = computed<readonly Contact[]>(() =>
  [...contacts.value.values()]
    .filter((contact) => LIVE.has(contact.phase) && (isOwner(contact) || (isParticipant(contact) && contact.phase !== "wrapping")))
    .sort((a, b) => began(a) - began(b) || a.id.localeCompare(b.id)));

export const selected = computed<Contact | null>(() => {
  const id = selectedId.value;
  return id ? contacts.value.get(id) ?? null : null;
});

/** From when on a customer who waits for an answer is shown in amber, in ms. */
export function warnAfterMs(): number {
  return Number(settings.value["warn_after_s"] ?? WARN_S) * 1000;
}

/** What a customer is called: the name, else the address, else nothing known. */
export function customerName(contact: Contact, unnamed: string): string {
  return contact.customer.name || contact.customer.email || contact.customer.phone || unnamed;
}
