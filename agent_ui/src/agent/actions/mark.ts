// Tells the hub what this agent has received and read; the marks under the customer's messages follow from it.

import { effect } from "@preact/signals";
import { connection, request } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { canWrite, mine } from "../mine.ts";

const told = new Map<string, { delivered: number; read: number }>();

async function tell(contact: Contact, delivered: number, read: number): Promise<void> {
  const known = told.get(contact.id) ?? { delivered: contact.marks.agent_delivered, read: contact.marks.agent_read };
  const next = { delivered: Math.max(known.delivered, delivered, read), read: Math.max(known.read, read) };
  if (next.delivered === known.delivered && next.read === known.read) return;
  told.set(contact.id, next);
  try {
    await request("mark", { contact: contact.id, ...next });
  } catch {
    told.delete(contact.id); // the next change, or the next hello, tells it
  }
}

/** The open conversation was seen up to message number `n`. */
export function markRead(contact: Contact, n: number): void {
  if (canWrite(contact)) void tell(contact, n, n);
}

/** Everything that reaches this window is delivered. */
export function startDeliveryMarks(): void {
  effect(() => {
    if (connection.value !== "online") return told.clear();
    for (const contact of mine.value) if (canWrite(contact)) void tell(contact, contact.messages, 0);
  });
}
