import { command } from "../../common/socket.ts";
import type { Offer } from "../../common/types.ts";
import { removeOffer } from "../offers.ts";

/** Leaves the contact to others; it keeps its place in the queue. */
export async function decline({ contact, fence }: Offer): Promise<void> {
  try {
    await command("offer:decline", { contact: contact.id, fence });
  } finally {
    removeOffer(contact.id, fence);
  }
}
