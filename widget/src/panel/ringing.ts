// A call that rings on this page, as its visitor asked for it: the dialog opens by itself, and closes when nothing rings
// here any more. It can be put away and is silent then; how the callback stands still has the buttons.

import type { CallState } from "../wire.ts";
import { fetchCalling } from "./calling.ts";
import { openInHost } from "./host.ts";
import { ask } from "./link.ts";
import { changed, isOpen, state } from "./state.ts";

export const ringing = {
  /** The contact whose call this window is answering. */
  answering: null as string | null,
  /** The one whose dialog was put away. */
  hidden: null as string | null,
  /** Until when it rings, by this clock. */
  until: 0,
};

/** The contact whose call rings here now. */
export const rings = () => [...state.calls.values()].find((call) => call.state == "incoming" && !state.call)?.contact ?? null;

export function heardOfCall(call: CallState): void {
  state.calls.set(call.contact, call);
  const shown = state.sheet?.name == "ring" && state.sheet.id == call.contact;
  if (call.state == "incoming" && !state.call) {
    ringing.until = Date.now() + (call.left_ms ?? 0);
    if (!shown && ringing.hidden != call.contact) {
      void fetchCalling().catch(() => {}); // the dialog asks again until it has come
      openInHost();
      state.sheet = { name: "ring", id: call.contact };
    }
  } else {
    if (ringing.hidden == call.contact) ringing.hidden = null;
    if (shown && ringing.answering != call.contact) state.sheet = null;
  }
  changed();
}

/** Asked at each hello: what was pushed meanwhile was missed. */
export function lookForRing(): void {
  for (const { contact } of state.talks.values()) {
    if (contact.channel != "callback" || state.call) continue;
    const gone: CallState = { contact: contact.id, state: "ended" };
    if (!isOpen(contact)) heardOfCall(gone);
    else void ask<{ call: CallState | null }>("call_standing", { contact: contact.id }).then(({ call }) => heardOfCall(call ?? gone), () => {});
  }
}
