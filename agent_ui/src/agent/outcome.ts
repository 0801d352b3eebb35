// The outcome can be chosen while one still talks; it is sent with the end of the wrap-up.

import { signal } from "@preact/signals";
import type { Contact } from "../common/types.ts";

const chosen = signal<ReadonlyMap<string, string>>(new Map());

export function chosenOutcome(contact: Contact): string | null {
  return chosen.value.get(contact.id) ?? contact.outcome;
}

export function chooseOutcome(contact: Contact, outcome: string): void {
  chosen.value = new Map(chosen.value).set(contact.id, outcome);
}
