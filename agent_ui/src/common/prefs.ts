// What a user chooses for themselves: theme, language, sound. Kept by the server, so that it is the same at every desk;
// the volume belongs to this computer.

import { signal } from "@preact/signals";
import { api } from "./api.ts";
import { boot, type Theme } from "./boot.ts";

export const theme = signal<Theme>((document.documentElement.dataset["theme"] as Theme | undefined) ?? "auto");

export function showTheme(next: Theme): void {
  theme.value = next;
  document.documentElement.dataset["theme"] = next;
}

export async function setTheme(next: Theme): Promise<void> {
  showTheme(next);
  await api("PATCH", "me", { theme: next });
}

/** Other languages come with the page, so it loads again. */
export async function setLanguage(next: string): Promise<void> {
  if (boot.me) await api("PATCH", "me", { locale: next });
  location.reload();
}
