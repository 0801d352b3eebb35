// Shortcuts of one key ("?", "/") can be switched off: speech input types letters without meaning them (WCAG 2.1.4).

import { signal } from "@preact/signals";

const KEY = "hub.single-keys";

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== "0";
  } catch {
    return true; // storage refused: as it is for everybody
  }
}

export const singleKeys = signal(stored());

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  try {
    localStorage.setItem(KEY, on ? "1" : "0");
  } catch {
    // lives as long as the page
  }
}
