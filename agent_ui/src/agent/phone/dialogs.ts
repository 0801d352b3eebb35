import { signal } from "@preact/signals";

/** The phone's dialog that is open; `contact` is the call that it is about. */
export type PhoneDialog = { name: "keypad"; contact: string } | { name: "setup"; contact: string | null } | { name: "dial" };

export const dialog = signal<PhoneDialog | null>(null);
