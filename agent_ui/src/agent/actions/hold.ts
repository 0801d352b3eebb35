import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";

/** Puts the customer on hold, or takes up the call again. */
export async function toggleHold(contact: Contact): Promise<void> {
  await command(contact.phase === "held" ? "contact:resume" : "contact:hold", { contact: contact.id });
}
