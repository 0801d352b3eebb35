import { command } from "../../common/socket.ts";
import { removeInvitation } from "../offers.ts";
import { showContact } from "../route.ts";

/** Takes part in another agent's conversation. */
export async function join(contact: string): Promise<void> {
  try {
    await command("contact:join", { contact });
  } finally {
    removeInvitation(contact);
  }
  showContact(contact);
}
