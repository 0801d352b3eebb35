import { command } from "../../common/socket.ts";
import { contacts } from "../../common/store.ts";
import { withContact } from "../../common/sync.ts";
import type { Contact } from "../../common/types.ts";
import { dialled } from "../../common/voice/number.ts";
import { phoneRings } from "../phone/own.ts";
import { join, microphoneOrTrouble } from "../phone/phone.ts";
import { showContact } from "../route.ts";

/** Rings a number on behalf of a queue, after the agent's own telephone if that is where they talk; false when there is no microphone. @throws HubError: the hub refuses the number */
export async function dial(number: string, queue: string): Promise<boolean> {
  const microphone = phoneRings() ? null : await microphoneOrTrouble();
  if (!microphone && !phoneRings()) return false;
  try {
    const { contact } = await command<{ contact: Contact }>("phone_dial", { number: dialled(number), queue });
    contacts.value = withContact(contacts.value, contact);
    showContact(contact.id);
    if (microphone) void join(contact.id, { microphone });
  } catch (error) {
    microphone?.getTracks().forEach((track) => track.stop());
    throw error;
  }
  return true;
}
