// How customers' pages stand: what was asked, what is allowed, and which of them is before me. What is pushed and what is
// asked for carry the same, so a window that missed something looks again at each hello.

import { signal } from "@preact/signals";
import { boot, may } from "../../common/boot.ts";
import { connection, on, request } from "../../common/socket.ts";
import { me } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";

export type Capability = "view" | "point" | "draw" | "scroll" | "type" | "click" | "navigate" | "record";
/** What is asked for one by one; the recording goes along by itself. */
export const CAPABILITIES: readonly Capability[] = ["view", "point", "draw", "scroll", "type", "click", "navigate"];

export interface Cobrowse {
  contact: string;
  session: string;
  stage: "new" | "asked" | "shared" | "paused" | "ended";
  agent: { id: string | null; name: string } | null;
  /** Whose page it is, is known; by a code not before somebody has entered it. */
  joined: boolean;
  /** Who looks on beside the agent. */
  watchers: { id: string; name: string }[];
  /** Its site records what is shown, where the customer allows it. */
  records: boolean;
  /** What waits for the customer's answer. */
  asked: Capability[];
  granted: Capability[];
  pauses: ("page" | "customer" | "away")[];
  answer_by: number | null;
  expires_at: number | null;
  ending: string | null;
  now: number;
}

/** What happened, newest first; words are made where it is shown. */
export interface Happened {
  at: number;
  key: string;
  what?: string;
}

/** The viewer's origin; null where pages are not shared. */
export const viewer = typeof boot["viewer"] === "string" && boot["viewer"] ? boot["viewer"] : null;

export const sharings = signal<ReadonlyMap<string, Cobrowse>>(new Map());
export const possible = signal<ReadonlyMap<string, boolean>>(new Map());
/** Contacts without a conversation in the widget: a code says whose page it is. */
export const byCode = signal<ReadonlyMap<string, boolean>>(new Map());
/** The code of each that waits for somebody to enter it; null where it is not known any more. */
export const codes = signal<ReadonlyMap<string, string | null>>(new Map());
/** The contact whose page fills the desk. */
export const shown = signal<string | null>(null);
export const history = signal<ReadonlyMap<string, readonly Happened[]>>(new Map());

const KEPT = 50;

export const isLive = (sharing: Cobrowse | undefined) => sharing?.stage === "shared" || sharing?.stage === "paused";

/** Whether my rights let me look on at a page that is shared with somebody else. */
export const looksOn = (contact: string) => may("cobrowse.watch") && isLive(sharings.value.get(contact));

export function note(contact: string, key: string, what?: string): void {
  const before = history.value.get(contact) ?? [];
  const entry: Happened = what === undefined ? { at: Date.now(), key } : { at: Date.now(), key, what };
  history.value = new Map(history.value).set(contact, [entry, ...before].slice(0, KEPT));
}

function take(next: Cobrowse): void {
  const before = sharings.value.get(next.contact);
  sharings.value = new Map(sharings.value).set(next.contact, next);
  if (next.stage !== "asked" && codes.value.has(next.contact)) codes.value = new Map([...codes.value].filter(([contact]) => contact !== next.contact));
  if (before?.session === next.session && before.stage === next.stage && String(before.granted) === String(next.granted) && String(before.asked) === String(next.asked) && before.joined === next.joined) return;
  // What another agent asks is not mine to tell.
  if (next.stage !== "ended" && next.agent?.id !== me.value?.id) return;
  if (next.stage === "asked") note(next.contact, next.joined ? (before?.stage === "asked" && !before.joined ? "entered" : "asked") : "code");
  else if (next.stage === "ended") note(next.contact, "ended");
  else if (next.stage === "paused") note(next.contact, "paused");
  else if (next.stage === "shared") note(next.contact, next.asked.length ? "asked_more" : before?.stage === "paused" ? "resumed" : before?.granted.some((one) => !next.granted.includes(one)) ? "taken_back" : "allowed");
  // A customer who offers his page wants it to be seen.
  if (before && !isLive(before) && before.stage !== "asked" && isLive(next)) shown.value ??= next.contact;
}

interface Told {
  cobrowse: Cobrowse;
  code: string | null;
}

function learn({ cobrowse, code }: Told): void {
  if (cobrowse.stage === "asked") codes.value = new Map(codes.value).set(cobrowse.contact, code);
  take(cobrowse);
}

/** Whether a customer's page can be asked for, and how it stands. */
export async function lookAt(contact: string): Promise<void> {
  if (!viewer) return;
  const answer = await request<Told & { possible: boolean; by_code: boolean }>("cobrowse:look", { contact });
  possible.value = new Map(possible.value).set(contact, answer.possible);
  byCode.value = new Map(byCode.value).set(contact, answer.by_code);
  learn(answer);
}

export async function askFor(contact: Contact, capabilities: Capability[]): Promise<void> {
  learn(await request<Told>("cobrowse:ask", { contact: contact.id, capabilities }));
}

export async function stop(contact: string): Promise<void> {
  take((await request<{ cobrowse: Cobrowse }>("cobrowse:stop", { contact })).cobrowse);
}

export function startCobrowse(): void {
  if (!viewer) return;
  on<Cobrowse>("cobrowse", take);
  connection.subscribe((state) => {
    if (state === "online") for (const id of sharings.value.keys()) void lookAt(id).catch(() => {});
  });
}
