import { command } from "../../common/socket.ts";
import type { Offer } from "../../common/types.ts";
import { removeOffer } from "../offers.ts";
import { showContact } from "../route.ts";

/** Takes the offered contact and opens it. @throws HubError, "offer.gone" when it was too late */
export async function accept({ contact, fence }: Offer): Promise<void> {
  try {
    await command("offer:accept", { contact: contact.id, fence });
  } finally {
    removeOffer(contact.id, fence); // a refusal ends the offer as well
  }
  showContact(contact.id);
}
