import { signal } from "@preact/signals";

export const sheetOpen = signal(false);
