// "Write again": a closed contact is opened again, and is at once its writer's.

import { may } from "../../common/boot.ts";
import { command } from "../../common/socket.ts";
import { contacts } from "../../common/store.ts";
import { withContact } from "../../common/sync.ts";
import type { Contact } from "../../common/types.ts";
import { canWrite, isOwner } from "../mine.ts";
import { showContact } from "../route.ts";

/** What I had last, or any for a supervisor; the hub checks again. */
export function canWriteAgain(contact: Contact): boolean {
  return contact.channel === "email" && (contact.phase === "closed" || contact.phase === "wrapping") && (isOwner(contact) || may("contact.read_all"));
}

/** Whether mails of it may be moved by me. */
export function canMove(contact: Contact): boolean {
  return contact.channel === "email" && (canWrite(contact) || canWriteAgain(contact) || may("contact.read_all"));
}

export async function writeAgain(contact: string): Promise<void> {
  const opened = await command<{ contact: Contact }>("mail:reopen", { contact });
  contacts.value = withContact(contacts.value, opened.contact);
  showContact(contact);
}
