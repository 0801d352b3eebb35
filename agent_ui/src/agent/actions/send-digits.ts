import { request } from "../../common/socket.ts";
import { keyTone } from "../chime.ts";

/** Presses a key towards the other side: menus of other exchanges listen to it. */
export async function sendDigit(contact: string, digit: string): Promise<void> {
  keyTone(digit);
  await request("phone_digits", { contact, digits: digit });
}
