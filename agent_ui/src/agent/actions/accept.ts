import { command } from "../../common/socket.ts";
import type { Offer } from "../../common/types.ts";
import { removeOffer } from "../offers.ts";
import { join, microphoneOrTrouble } from "../phone/phone.ts";
import { showContact } from "../route.ts";

/**
 * Takes the offered contact and opens it; a call with the microphone first, so that nobody is connected to an agent whom
 * he cannot hear. @throws HubError, "offer.gone" when it was too late
 */
export async function accept({ contact, fence }: Offer): Promise<void> {
  const speaks = contact.channel === "voice" && contact.media;
  const microphone = speaks ? await microphoneOrTrouble() : null;
  if (speaks && !microphone) return; // the offer rings on while the reason is shown
  try {
    await command("offer:accept", { contact: contact.id, fence });
  } catch (error) {
    microphone?.getTracks().forEach((track) => track.stop());
    throw error;
  } finally {
    removeOffer(contact.id, fence); // a refusal ends the offer as well
  }
  showContact(contact.id);
  if (microphone) await join(contact.id, { microphone });
}
