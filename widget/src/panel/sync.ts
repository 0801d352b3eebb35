// What the hub says becomes what the panel shows. Pushes and catch-up carry the same: a contact to replace, messages to
// add. A view that missed pushes and then catches up equals one that was loaded afresh.

import type { CallState, Channel, Cobrowse, Contact, Hello, Message, Sync } from "../wire.ts";
import { remembered } from "../../../agent_ui/src/common/voice/holding.ts";
import { fetchCalling } from "./calling.ts";
import { listenToCallbacks, look } from "./callback.ts";
import { tellHost } from "./host.ts";
import { ask, hint, onHello, onPush, Refused } from "./link.ts";
import { flush, recall, seen } from "./outbox.ts";
import { heardOfCall, lookForRing } from "./ringing.ts";
import { heardOfSharing, lookAtSharing } from "./sharing.ts";
import { changed, isCall, isOpen, running, state, type Talk } from "./state.ts";
import { joinedByCode, keep, kept } from "./storage.ts";

export function listen(): void {
  onHello(hello);
  onPush<Sync>("sync", (sync) => {
    if (sync.gone) state.talks.delete(sync.gone);
    const id = sync.contact?.id ?? sync.messages?.[0]?.contact;
    const fresh = id !== undefined && !state.talks.has(id);
    apply(sync.contact ?? null, sync.messages ?? [], true);
    const talk = state.talks.get(id!);
    if (talk && !talk.loading && talk.synced >= 0) talk.synced = Math.max(talk.synced, sync.seq);
    if (talk && fresh) void catchUp(talk);
    changed();
  });
  onPush<{ contact: string; position: number | null; wait_s: number | null }>("queue", ({ contact, position, wait_s }) => {
    const talk = state.talks.get(contact);
    if (talk) talk.place = position == null ? null : { position, wait_s };
    changed();
  });
  onPush<{ contact: string; name: string; on: boolean }>("typing", ({ contact, name, on }) => {
    const talk = state.talks.get(contact);
    if (!talk) return;
    talk.typing = on ? name : null;
    clearTimeout(typing.get(contact));
    typing.set(contact, setTimeout(() => ((talk.typing = null), changed()), 6000));
    changed();
  });
  onPush<CallState>("call", heardOfCall);
  onPush<Cobrowse>("cobrowse", heardOfSharing);
  listenToCallbacks();
  onPush<{ channels: Record<string, Channel>; agents: { name: string }[] }>("site", ({ channels, agents }) => {
    Object.assign(state.site, { channels, agents });
    changed();
  });
}

const typing = new Map<string, ReturnType<typeof setTimeout>>();

let first = true;

function hello({ token, visitor, site, contacts }: Hello): void {
  state.site = { ...state.site, ...site };
  if (token) keep("token", token);
  else if (!visitor && kept("token")) {
    // the hub does not know us any more
    keep("token", null);
    state.talks.clear();
  }
  for (const contact of contacts) apply(contact, [], false);
  const talk = running();
  // The first answer may come after the panel was opened: a running conversation is what it was opened for.
  if (talk && (!state.open || (first && state.view.name == "home"))) state.view = { name: "talk", id: talk.contact.id };
  first = false;
  for (const talk of state.talks.values()) {
    talk.typing = null;
    if (isOpen(talk.contact) || talk.synced >= 0) void catchUp(talk);
  }
  const shown = joinedByCode() ?? talk?.contact.id;
  if (shown) lookAtSharing(shown);
  for (const { contact } of state.talks.values()) {
    // The host's next page, or the same one anew: the call goes on in it.
    const spoken = isCall(contact) || contact.channel == "callback";
    if (!state.call && isOpen(contact) && spoken && remembered(contact.id)) void fetchCalling().then(({ takeUp }) => takeUp(contact.id), () => {});
  }
  if (state.page && state.site.page_info && kept("token")) void ask("page", state.page).catch(() => {});
  if (state.identity && kept("token")) void ask("identify", state.identity).catch(() => {});
  lookForRing();
  flush();
  void recall();
  void look();
  changed();
}

/** Replaces the contact unless ours is newer, adds the messages; `live` when they come as they happen. */
export function apply(contact: Contact | null, messages: Message[], live: boolean): void {
  if (contact) {
    const talk = state.talks.get(contact.id);
    if (!talk) state.talks.set(contact.id, made(contact));
    else if (contact.seq >= talk.contact.seq) {
      if (contact.marks.agent_read > talk.contact.marks.agent_read) talk.readAt = live ? Date.now() : null;
      const ended = isOpen(talk.contact) && !isOpen(contact);
      talk.contact = contact;
      if (contact.phase != "waiting") talk.place = null;
      if (ended && live) tellHost("chat:ended", { contact: contact.id });
    }
  }
  for (const message of messages) {
    const talk = state.talks.get(message.contact);
    if (!talk || talk.messages.some(({ id }) => id == message.id)) continue;
    const after = talk.messages.filter(({ n }) => n < message.n).length;
    talk.messages.splice(after, 0, message);
    if (message.author_kind != "agent") continue;
    talk.typing = null;
    if (live) tellHost("message", { contact: message.contact, from: message.author_name });
    const readUpTo = Math.max(talk.contact.marks.visitor_read, talk.read);
    if (message.n > readUpTo && !looking(talk)) talk.newFrom = Math.min(talk.newFrom ?? message.n, message.n);
  }
  seen(messages.map(({ client_id }) => client_id));
  for (const talk of state.talks.values()) mark(talk);
}

function made(contact: Contact): Talk {
  return {
    contact,
    messages: [],
    synced: -1,
    loading: false,
    place: null,
    typing: null,
    newFrom: null,
    delivered: 0,
    read: 0,
    readAt: null,
    skippedRating: kept("skipped") == contact.id,
    mailed: false,
  };
}

/** Asks for everything after what is here, page by page. */
export async function catchUp(talk: Talk): Promise<void> {
  if (talk.loading || (talk.synced >= talk.contact.seq && talk.synced >= 0)) return;
  talk.loading = true;
  try {
    for (let more = true; more; ) {
      const after = Math.max(talk.synced, 0);
      const page = await ask<{ contact: Contact; messages: Message[]; more: boolean }>("chat:sync", { contact: talk.contact.id, after });
      apply(page.contact, page.messages, false);
      more = page.more && page.messages.length > 0;
      const newest = page.messages[page.messages.length - 1]?.seq ?? 0;
      talk.synced = more ? newest : Math.max(newest, page.contact.seq, talk.synced);
    }
  } catch (error) {
    if (error instanceof Refused && error.code == "contact.not_found") state.talks.delete(talk.contact.id);
    // otherwise the next hello asks again
  } finally {
    talk.loading = false;
    changed();
  }
}

/** Whether the visitor has the end of this conversation before the eyes. */
let atEnd = true;
export const looking = ({ contact }: Talk) =>
  state.open && !document.hidden && atEnd && !state.sheet && state.view.name == "talk" && state.view.id == contact.id;

export function scrolled(end: boolean): void {
  if (atEnd == end) return;
  atEnd = end;
  markShown();
}

/** After anything that may have put a conversation before the visitor's eyes. */
export function markShown(): void {
  const talk = state.view.name == "talk" ? state.talks.get(state.view.id) : undefined;
  if (talk) mark(talk);
}

function mark(talk: Talk): void {
  const newest = talk.messages.filter(({ author_kind }) => author_kind != "visitor").pop()?.n ?? 0;
  const { visitor_delivered, visitor_read } = talk.contact.marks;
  const delivered = newest > Math.max(visitor_delivered, talk.delivered) ? newest : undefined;
  const read = looking(talk) && newest > Math.max(visitor_read, talk.read) ? newest : undefined;
  if ((!delivered && !read) || state.link != "online") return;
  const before = { delivered: talk.delivered, read: talk.read };
  if (delivered) talk.delivered = delivered;
  if (read) talk.read = read;
  changed();
  ask("mark", { contact: talk.contact.id, ...(delivered && { delivered }), ...(read && { read }) }).catch(() => Object.assign(talk, before));
}

let lastTyped = 0;
/** Tells the agent that the visitor writes: at most every three seconds, never what is written. */
export function typed(contact: string, on: boolean): void {
  const now = Date.now();
  if (on ? now - lastTyped < 3000 : !lastTyped) return;
  lastTyped = on ? now : 0;
  hint("typing", { contact, on });
}
