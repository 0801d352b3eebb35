// Everything the panel shows, in one object; `changed()` draws it anew. What may change it: sync.ts (what the hub says),
// outbox.ts (what is on its way out) and actions.ts (what the visitor does).

import type { Boot, CallState, Channel, Cobrowse, Contact, HeldCallback, HubFile, Identity, Message, Page, Site } from "../wire.ts";
import type { Way } from "../bridge.ts";

/** One conversation as this window knows it. */
export interface Talk {
  contact: Contact;
  /** Ordered by n. */
  messages: Message[];
  /** Everything up to this sequence is here; -1 while nothing was asked for yet. */
  synced: number;
  loading: boolean;
  place: { position: number; wait_s: number | null } | null;
  typing: string | null;
  /** The first message that came while nobody was looking: the "New" line stands before it. */
  newFrom: number | null;
  /** What this window has told the hub as received and as read. */
  delivered: number;
  read: number;
  /** When this window saw the agent's read mark move. */
  readAt: number | null;
  skippedRating: boolean;
  /** What was said is on its way to the visitor's address. */
  mailed: boolean;
}

export type View =
  /** "code": one that an agent has told, to share the page. */
  | { name: "home" | "earlier" | "code" }
  /** An e-mail's or a callback's has gone with `sent`; with `ask` it is asked how an e-mail stands. A callback's `move`
   * is for another time, `again` for one more, `joined` when its number is called already; `contact` is the conversation
   * that it goes on from. */
  | { name: "form"; channel: Way; step?: "sent" | "ask" | "move" | "again" | "joined"; contact?: string }
  | { name: "call" }
  | { name: "talk"; id: string };

export type Sheet =
  | { name: "end"; id: string }
  | { name: "more"; id: string }
  /** Whether to go on by voice, of a conversation. */
  | { name: "by_voice"; id: string }
  /** What of the page may be seen and done; `offer`: nobody has asked. */
  | { name: "share"; id: string; offer: boolean }
  | { name: "country" }
  /** A call rings here. */
  | { name: "ring"; id: string }
  | { name: "callback_cancel" }
  | { name: "sound" }
  | { name: "keypad" }
  | { name: "language" }
  | { name: "picture"; file: HubFile };

export const state = {
  boot: null as unknown as Boot,
  site: null as unknown as Site,
  /** Whether the panel is on the screen. */
  open: true,
  phone: false,
  view: { name: "home" } as View,
  sheet: null as Sheet | null,
  talks: new Map<string, Talk>(),
  link: "off" as "off" | "connecting" | "online" | "lost",
  /** Whether the hub has been reached since the panel was loaded. */
  met: false,
  /** The link has been away long enough to say so. */
  away: false,
  /** When the next attempt to connect is due. */
  retryAt: 0,
  identity: null as Identity | null,
  page: null as Page | null,
  /** What the visitor has written into the form, kept while looking at something else. */
  form: {} as Record<string, string>,
  /** The files that go along with an e-mail. */
  files: [] as File[],
  drafts: {} as Record<string, string>,
  /** What the hub last said of each call; kept by sync.ts, as the call's own part of the panel may not be here yet. */
  calls: new Map<string, CallState>(),
  /** The contact whose call has its sound in this window. */
  call: null as string | null,
  /** What the hub last said of the page that is shown to an agent. */
  sharing: null as Cobrowse | null,
  /** The callback that is to come, or came lately. */
  callback: null as HeldCallback | null,
  /** A passing problem, in words, with the conversation or form it belongs to; `unheard`: there is no microphone. */
  trouble: null as { where: string; text: string; unheard?: boolean } | null,
};

let draw: () => void = () => {};
let due = false;

export function whenChanged(fn: () => void): void {
  draw = fn;
}

/** Draws soon; several changes in one go are drawn once. Not by animation frame, which a hidden frame never gets. */
export function changed(): void {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    draw();
  });
}

export const isOpen = ({ phase }: Contact) => phase == "waiting" || phase == "active";

const A_DAY = 86_400_000;

/** Whether to ask how it was: once, on the day, and not again after a "no, thanks". */
export const asksRating = ({ contact, skippedRating }: Talk) =>
  contact.can_rate && !skippedRating && Date.now() - (contact.ended_at ?? 0) < A_DAY;

/** Newest first. What is called back is a conversation no more: callback.ts has it. */
export const talks = () => [...state.talks.values()].filter(({ contact }) => contact.channel != "callback").sort((a, b) => b.contact.created_at - a.contact.created_at);

/** A conversation that is spoken, or was. */
export const isCall = ({ channel }: Contact) => channel == "voice";

export const running = () => talks().find(({ contact }) => isOpen(contact));

export function unreadIn(talk: Talk): number {
  const seen = Math.max(talk.contact.marks.visitor_read, talk.read);
  return talk.messages.filter((message) => message.author_kind == "agent" && message.n > seen).length;
}

export const unread = () => talks().reduce((sum, talk) => sum + unreadIn(talk), 0);

export function queueName({ queue }: Contact): string {
  return (typeof queue == "string" ? queue : queue?.name) ?? "";
}

export const channel = (way: string): Channel | null => {
  const found = state.site.channels[way];
  return found?.open ? found : null;
};
