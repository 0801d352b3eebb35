import { command } from "../../common/socket.ts";
import { removeInvitation } from "../offers.ts";

/** Ends my part in another agent's conversation, or says no to an invitation. */
export async function leave(contact: string): Promise<void> {
  removeInvitation(contact);
  await command("contact:leave", { contact });
}
