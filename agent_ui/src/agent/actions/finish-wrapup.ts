import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { mine } from "../mine.ts";
import { selectedId, showContact, showList } from "../route.ts";

/** Says how the contact ended and is done with it; the next of mine comes to the front. */
export async function finishWrapUp(contact: Contact, outcome: string | null, note: string): Promise<void> {
  await command("wrapup:finish", { contact: contact.id, outcome, ...(note.trim() ? { note: note.trim() } : {}) });
  if (selectedId.value !== contact.id) return;
  const next = mine.value.find(({ id }) => id !== contact.id);
  if (next) showContact(next.id, { replace: true });
  else showList();
}
