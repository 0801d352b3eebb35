import { command } from "../../common/socket.ts";
import type { Offer } from "../../common/types.ts";
import { isCall } from "../mine.ts";
import { removeOffer } from "../offers.ts";
import { atPhone } from "../phone/own.ts";
import { join, microphoneOrTrouble } from "../phone/phone.ts";
import { showContact } from "../route.ts";

/**
 * Takes the offered contact and opens it; a call with the microphone first, so that nobody is connected to an agent whom
 * he cannot hear; one that rings the agent's own telephone waits for it to be answered. @throws HubError, "offer.gone" when it was too late
 */
export async function accept({ contact, fence }: Offer): Promise<void> {
  const speaks = isCall(contact) && !atPhone(contact.id);
  let microphone = speaks ? await microphoneOrTrouble() : null;
  if (speaks && !microphone) return; // the offer rings on while the reason is shown
  if (contact.channel === "callback") {
    // There is one; it is opened again when the customer's phone is called.
    microphone?.getTracks().forEach((track) => track.stop());
    microphone = null;
  }
  const accepted = command("offer:accept", { contact: contact.id, fence });
  if (microphone) void join(contact.id, { microphone, accepted });
  try {
    await accepted;
  } finally {
    removeOffer(contact.id, fence); // a refusal ends the offer as well
  }
  showContact(contact.id);
}
