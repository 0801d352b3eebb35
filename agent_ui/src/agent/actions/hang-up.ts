import { command } from "../../common/socket.ts";
import { leaveLine } from "../phone/phone.ts";

/** Ends the call; the wrap-up begins. */
export async function hangUp(contact: string): Promise<void> {
  await command("phone_hang_up", { contact });
  leaveLine(contact);
}
