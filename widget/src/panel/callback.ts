// The callback that this browser may come back to: kept beside the token, shown at home, brought up to date by the hub.
// Asking for one, and all that can be done with it, is in callback/, which is fetched when it is needed.

import type { Callback, HeldCallback } from "../wire.ts";
import { ask, onPush, Refused } from "./link.ts";
import { changed, state } from "./state.ts";
import { keep, kept } from "./storage.ts";

const FRESH_MS = 86_400_000;

export const over = ({ ended_at }: Callback) => ended_at != null;

/** Whether this page is to be rung: it stays with the hub, opened or not. */
export const awaited = () => !!state.callback?.seen?.page && !over(state.callback.seen);

export function hold(held: HeldCallback | null): void {
  state.callback = held;
  keep("callback", held && JSON.stringify(held));
  changed();
}

/** What the hub says of it, unless something newer is here. */
export function learnt(seen: Callback): void {
  const { callback } = state;
  if (callback?.reference == seen.reference && seen.version >= (callback.seen?.version ?? 0)) hold({ ...callback, seen });
}

/** From an earlier page or another window; one that ended a day ago is forgotten. */
export function recallCallback(text = kept("callback")): void {
  let held: HeldCallback | null = null;
  try {
    held = text ? (JSON.parse(text) as HeldCallback) : null;
  } catch {
    // not ours
  }
  if (held?.seen && over(held.seen) && Date.now() - held.seen.ended_at! > FRESH_MS) held = null;
  state.callback = held;
  changed();
}

/** By the link in a mail: what stands behind the # goes to nobody. True when there is one. */
export function fromLink(): boolean {
  const [, reference, token] = /^#callback=([0-9A-Z]{1,40})\.([0-9a-z.]{1,80})$/.exec(location.hash) ?? [];
  if (!reference || !token) return false;
  history.replaceState(null, "", location.pathname + location.search);
  hold({ reference, token });
  return true;
}

/** Asks how it stands; from then on the hub says what changes. */
export async function look(): Promise<void> {
  const { callback } = state;
  if (!callback) return;
  const { reference, token } = callback;
  try {
    learnt((await ask<{ callback: Callback }>("callback:status", { reference, token })).callback);
  } catch (error) {
    if (error instanceof Refused && error.code == "callback.not_found" && state.callback?.token == token) hold(null);
  }
}

export const listenToCallbacks = () => onPush<Callback>("callback", learnt);
