import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { leaveFor } from "./next.ts";

/** Says how the contact ended and is done with it; the next of mine comes to the front. */
export async function finishWrapUp(contact: Contact, outcome: string | null, note: string): Promise<void> {
  await command("wrapup:finish", { contact: contact.id, outcome, ...(note.trim() ? { note: note.trim() } : {}) });
  leaveFor(contact.id);
}
