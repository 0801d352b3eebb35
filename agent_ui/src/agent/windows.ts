// Several windows of one agent on one computer: what is heard is heard once, from the window that is looked at.

import { boot } from "../common/boot.ts";
import { windowId } from "../common/socket.ts";

const DECIDE_MS = 120;

interface Claim {
  key: string;
  rank: string;
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel(`contact-hub-${boot.me?.id ?? ""}`) : null;
const best = new Map<string, string>();

channel?.addEventListener("message", ({ data }: MessageEvent<Claim>) => note(data));

function note({ key, rank }: Claim): void {
  const known = best.get(key);
  if (known === undefined || rank < known) best.set(key, rank);
  setTimeout(() => best.delete(key), 5_000);
}

/** Whether this window is the one to sound for `key`: one in sight before others, and always exactly one. */
export async function claim(key: string): Promise<boolean> {
  const rank = `${document.visibilityState === "visible" ? (document.hasFocus() ? 0 : 1) : 2}${windowId}`;
  note({ key, rank });
  channel?.postMessage({ key, rank } satisfies Claim);
  if (channel) await new Promise((resolve) => setTimeout(resolve, DECIDE_MS));
  return best.get(key) === rank;
}
