// The keyboard shortcuts: one table, from which both the listener and the "?" sheet are made.

import { attempt } from "../../common/components/index.ts";
import { presence } from "../../common/store.ts";
import { accept } from "../actions/accept.ts";
import { closeContact } from "../actions/close.ts";
import { decline } from "../actions/decline.ts";
import { setPresence } from "../actions/set-presence.ts";
import { canMove } from "../mail/again.ts";
import { askToSplit } from "../mail/split.ts";
import { canWrite, isOwner, mine, selected } from "../mine.ts";
import { currentOffer } from "../offers.ts";
import { showContact, showSearch } from "../route.ts";
import { holdCall } from "../actions/hold-call.ts";
import { toggleMute } from "../actions/mute.ts";
import { dialog } from "../phone/dialogs.ts";
import { calls, lines } from "../phone/phone.ts";
import { asking } from "../talk/asking.ts";
import { sheetOpen } from "./sheet-open.ts";
import { singleKeys } from "./single-keys.ts";

export interface Shortcut {
  /** As shown on the sheet. */
  keys: string[];
  /** The physical key (KeyboardEvent.code) with Alt, or the sign alone. */
  code?: string;
  sign?: string;
  label: string;
  group: "contacts" | "conversation" | "everywhere";
  /** Absent for what the reply's own field does. */
  run?: () => void;
}

function step(by: number): void {
  const all = mine.value;
  if (all.length === 0) return;
  const at = all.findIndex(({ id }) => id === selected.value?.id);
  const next = all[at < 0 ? 0 : (at + by + all.length) % all.length];
  if (next) showContact(next.id);
}

function withOwned(act: (contact: NonNullable<typeof selected.value>) => void): void {
  const contact = selected.value;
  if (contact && isOwner(contact) && canWrite(contact)) act(contact);
}

/** The call that is open, else the only one, else the one in which I talk. */
function withCall(act: (contact: string) => void): void {
  const here = selected.value?.id;
  const all = [...lines.value.keys()];
  const talking = all.filter((contact) => calls.value.get(contact)?.state !== "held");
  const id = here && all.includes(here) ? here : all.length === 1 ? all[0] : talking.length === 1 ? talking[0] : undefined;
  if (id) act(id);
}

export const shortcuts: Shortcut[] = [
  { keys: ["Alt", "A"], code: "KeyA", label: "agent.keys.accept", group: "contacts", run: () => {
    const offer = currentOffer.value;
    if (offer && !offer.auto) void attempt(() => accept(offer));
  } },
  { keys: ["Alt", "D"], code: "KeyD", label: "agent.keys.decline", group: "contacts", run: () => {
    const offer = currentOffer.value;
    if (offer && !offer.auto) void attempt(() => decline(offer));
  } },
  { keys: ["Alt", "↓"], code: "ArrowDown", label: "agent.keys.next", group: "contacts", run: () => step(1) },
  { keys: ["Alt", "↑"], code: "ArrowUp", label: "agent.keys.previous", group: "contacts", run: () => step(-1) },
  ...Array.from({ length: 9 }, (_, index): Shortcut => ({
    keys: ["Alt", "1–9"], code: `Digit${index + 1}`, label: "agent.keys.nth", group: "contacts", run: () => {
      const contact = mine.value[index];
      if (contact) showContact(contact.id);
    },
  })),
  { keys: ["Alt", "R"], code: "KeyR", label: "agent.keys.reply", group: "conversation", run: () => document.getElementById("reply")?.focus() },
  { keys: ["Enter"], label: "agent.keys.send", group: "conversation" },
  { keys: ["Shift", "Enter"], label: "agent.keys.line", group: "conversation" },
  { keys: ["/"], label: "agent.keys.canned", group: "conversation" },
  { keys: ["Alt", "N"], code: "KeyN", label: "agent.keys.note", group: "conversation", run: () => {
    document.querySelector<HTMLElement>(".composer [aria-pressed]")?.click();
    document.getElementById("reply")?.focus();
  } },
  { keys: ["Alt", "T"], code: "KeyT", label: "agent.keys.transfer", group: "conversation", run: () => withOwned(() => (asking.value = "transfer")) },
  { keys: ["Alt", "I"], code: "KeyI", label: "agent.keys.invite", group: "conversation", run: () => withOwned(() => (asking.value = "invite")) },
  { keys: ["Alt", "C"], code: "KeyC", label: "agent.keys.close", group: "conversation", run: () => withOwned((contact) => void attempt(() => closeContact(contact))) },
  { keys: ["Alt", "G"], code: "KeyG", label: "mail.keys.merge", group: "conversation", run: () => {
    if (selected.value && canMove(selected.value)) asking.value = "merge";
  } },
  { keys: ["Alt", "X"], code: "KeyX", label: "mail.keys.split", group: "conversation", run: () => {
    const contact = selected.value;
    if (contact) void attempt(() => askToSplit(contact));
  } },
  { keys: ["Alt", "M"], code: "KeyM", label: "phone.keys.mute", group: "conversation", run: () => withCall(toggleMute) },
  { keys: ["Alt", "H"], code: "KeyH", label: "phone.keys.hold", group: "conversation", run: () => withCall((id) => {
    void attempt(() => holdCall(id, calls.value.get(id)?.state !== "held"));
  }) },
  { keys: ["Alt", "K"], code: "KeyK", label: "phone.keys.keypad", group: "conversation", run: () => withCall((contact) => (dialog.value = { name: "keypad", contact })) },
  { keys: ["Alt", "P"], code: "KeyP", label: "phone.keys.dial", group: "everywhere", run: () => (dialog.value = { name: "dial" }) },
  { keys: ["Alt", "S"], code: "KeyS", label: "agent.keys.status", group: "everywhere", run: () => {
    const away = presence.value?.state === "available" || presence.value?.state === "busy";
    void attempt(() => setPresence(away ? "away" : "available", null));
  } },
  { keys: ["Alt", "F"], code: "KeyF", label: "agent.keys.search", group: "everywhere", run: showSearch },
  { keys: ["?"], sign: "?", label: "agent.keys.sheet", group: "everywhere", run: () => (sheetOpen.value = true) },
];

function typingInto(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) return;
  if (document.querySelector("dialog[open]")) return; // a dialog's keys are its own
  const found = shortcuts.find(({ code, sign }) => {
    if (event.altKey) return code === event.code && !event.shiftKey;
    return sign === event.key && singleKeys.value && !typingInto(event.target);
  });
  if (!found?.run) return;
  event.preventDefault();
  found.run();
}

export function startShortcuts(): void {
  addEventListener("keydown", onKeyDown);
}
