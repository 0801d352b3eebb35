import { signal } from "@preact/signals";

/** Which dialog of the open contact is there; shortcuts open them too. */
export const asking = signal<"transfer" | "invite" | "subject" | "merge" | "callback" | null>(null);
