import { join, microphoneOrTrouble } from "../phone/phone.ts";

/** Answers a call that rings without an offer, or takes it from another of my windows. */
export async function answer(contact: string, take = false): Promise<void> {
  const microphone = await microphoneOrTrouble();
  if (microphone) await join(contact, { microphone, take, again: true });
}
