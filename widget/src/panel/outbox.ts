// What the visitor has said and the hub has not yet confirmed. It survives a reload, goes out in order, one at a time for
// each conversation, and carries a client id, so that a doubt is settled by asking again: the hub never does it twice.

import type { Contact, Message } from "../wire.ts";
import { ask, Refused } from "./link.ts";
import { changed, state } from "./state.ts";
import { keep, kept, outboxStore } from "./storage.ts";
import { upload } from "./upload.ts";

export interface Entry {
  /** The client id. */
  id: string;
  order: number;
  at: number;
  event: "message:send" | "chat:start" | "email:send" | "callback:ask" | "chat:end" | "chat:rate" | "chat:transcript";
  /** null for what begins a conversation. */
  contact: string | null;
  data: Record<string, unknown>;
  text?: string;
  file?: File;
  /** Set once the bytes are with the hub, so that a retry does not send them again. */
  fileId?: string;
  /** An e-mail's own: see mail/send.ts. */
  files?: File[];
  fileIds?: string[];
  /** What lets a form in: pass.ts. */
  pass?: { ticket: string; counter: number; due: number };
}

/** What can be seen of an entry on its way. */
export interface Progress {
  /** Why it is not out yet: an error code; "held" while the link is away. */
  why?: string;
  /** Given up, for the visitor to decide. */
  failed?: boolean;
  uploaded?: number;
  tries: number;
}

export interface Answer {
  message?: Message;
  contact?: Contact;
  messages?: Message[];
  token?: string;
}

let entries: Entry[] = [];
const progress = new Map<string, Progress>();
const lanes = new Set<string>();
const sleepers = new Map<string, () => void>();
let last = 0;

let confirmed: (entry: Entry, answer: Answer) => void = () => {};
let gaveUp: (entry: Entry, code: string, details: Record<string, unknown>) => void = () => {};
export function onSettled(done: typeof confirmed, failed: typeof gaveUp): void {
  confirmed = done;
  gaveUp = failed;
}

export const pending = (contact: string | null) => entries.filter((entry) => entry.contact == contact);
/** Whether something is still on its way. */
export const anything = () => entries.some(({ id }) => !progressOf(id).failed);
export const progressOf = (id: string): Progress => progress.get(id) ?? { tries: 0 };

export function progressing(id: string, uploaded: number): void {
  progress.set(id, { ...progressOf(id), uploaded });
  changed();
}

const laneOf = (entry: Entry) => entry.contact ?? "";

export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Brings back what an earlier page, or a window that is closed by now, could not send; and goes on with everything. */
export async function recall(): Promise<void> {
  if (kept("token") === null) return; // never acted: nothing is opened, nothing stored
  const stored = (await outboxStore.all<Entry>()) ?? [];
  const known = new Set(entries.map(({ id }) => id));
  entries = [...entries, ...stored.filter(({ id }) => !known.has(id))].sort((a, b) => a.order - b.order);
  changed();
  flush();
}

export function put(entry: Omit<Entry, "id" | "order" | "at">): Entry {
  const now = Date.now();
  last = Math.max(last + 1, now);
  const made: Entry = { ...entry, id: newId(), order: last, at: now };
  entries.push(made);
  if (kept("token") === null) keep("token", ""); // acted, though not yet known to the hub
  void outboxStore.put(made);
  changed();
  void pump(laneOf(made));
  return made;
}

export function drop(id: string): void {
  entries = entries.filter((entry) => entry.id != id);
  progress.delete(id);
  void outboxStore.remove(id);
  changed();
}

/** The hub has shown us these ids as done (a push can overtake the answer). */
export function seen(ids: (string | null)[]): void {
  for (const entry of entries) if (ids.includes(entry.id)) drop(entry.id);
}

export function forget(): void {
  entries = [];
  progress.clear();
  void outboxStore.clear();
}

/** Tries again what was given up. */
export function resend(id: string): void {
  progress.delete(id);
  changed();
  flush();
}

/** Goes on with everything, now. */
export function flush(): void {
  for (const wake of sleepers.values()) wake();
  for (const lane of new Set(entries.map(laneOf))) void pump(lane);
}

const permanent = /^(input|file|contact|queue|auth|form|mail|mailbox|email|callback)\./;

async function pump(lane: string): Promise<void> {
  if (lanes.has(lane)) return;
  lanes.add(lane);
  try {
    for (;;) {
      const entry = entries.find((one) => laneOf(one) == lane && !progressOf(one.id).failed);
      if (!entry) return;
      const before = progressOf(entry.id);
      try {
        const answer = await deliver(entry);
        drop(entry.id);
        confirmed(entry, answer);
      } catch (error) {
        const { code, details } = error instanceof Refused ? error : new Refused("timeout");
        if (code == "offline") {
          progress.set(entry.id, { ...before, why: "held" });
          changed();
          return;
        }
        const failed = permanent.test(code);
        progress.set(entry.id, { why: code, failed, tries: before.tries + 1 });
        changed();
        if (failed) {
          if (entry.event != "message:send" || code == "contact.not_found") drop(entry.id);
          gaveUp(entry, code, details);
          continue;
        }
        const asked = details["retry_after_ms"];
        const pause = typeof asked == "number" ? asked : Math.min(15_000, 1000 * 2 ** before.tries);
        await sleep(lane, pause * (0.8 + Math.random() * 0.4));
      }
    }
  } finally {
    lanes.delete(lane);
  }
}

function sleep(lane: string, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      sleepers.delete(lane);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    sleepers.set(lane, wake);
  });
}

async function deliver(entry: Entry): Promise<Answer> {
  if (state.link != "online") throw new Refused("offline");
  if (entry.event == "email:send") return (await import("./mail/index.ts")).deliver(entry);
  if (entry.event == "callback:ask") return (await import("./callback/index.tsx")).deliver(entry);
  if (entry.file && !entry.fileId) {
    const sent = await upload(entry.file, entry.contact!, (uploaded) => progressing(entry.id, uploaded));
    entry.fileId = sent.id;
    void outboxStore.put(entry);
  }
  const { event, contact, id: client_id, data, fileId } = entry;
  return ask<Answer>(event, { ...data, client_id, ...(contact && { contact }), ...(fileId && { file: fileId }) });
}
