// What was begun and not sent, per contact, on this computer. Written as it is typed, so that a crash loses nothing.

import { boot } from "../common/boot.ts";

export interface Draft {
  text: string;
  note: boolean;
  at: number;
}

const PREFIX = `hub.draft.${boot.me?.id ?? ""}.`;
const KEPT_MS = 14 * 86_400_000;

export function readDraft(contact: string): Draft | null {
  try {
    const stored = localStorage.getItem(PREFIX + contact);
    return stored ? (JSON.parse(stored) as Draft) : null;
  } catch {
    return null; // storage refused by the browser: drafts live as long as the page
  }
}

export function writeDraft(contact: string, draft: Omit<Draft, "at">): void {
  try {
    if (draft.text) localStorage.setItem(PREFIX + contact, JSON.stringify({ ...draft, at: Date.now() }));
    else localStorage.removeItem(PREFIX + contact);
  } catch {
    // storage is full or refused: the text is still in the field
  }
}

/** Forgets drafts of contacts that ended long ago. */
export function pruneDrafts(): void {
  try {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
      const { at } = JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Draft>;
      if (!at || Date.now() - at > KEPT_MS) localStorage.removeItem(key);
    }
  } catch {
    // nothing to prune where nothing is stored
  }
}
