import { lineOf } from "../phone/phone.ts";

/** The customer hears nothing of me, or hears me again. */
export function toggleMute(contact: string): void {
  const line = lineOf(contact);
  line?.setMuted(!line.muted);
}
