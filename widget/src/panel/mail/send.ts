// A form on its way: a puzzle is fetched and solved while the visitor writes, files go up, then the mail goes. All of it can
// be done again after a reload, and what was taken once is not taken twice.

import { given, go } from "../actions.ts";
import { ask, Refused } from "../link.ts";
import { type Answer, type Entry, pending, progressing, put } from "../outbox.ts";
import { state } from "../state.ts";
import { keep, kept, outboxStore } from "../storage.ts";
import { upload } from "../upload.ts";
import { solve } from "./work.ts";

interface Begun {
  ticket: string;
  nonce: string;
  bits: number;
  wait_ms: number;
  files: { count: number; bytes: number };
}

/** What a form may bring along; the hub says so as well. */
export const limits = { count: 5, bytes: 15_000_000 };

/** What lets one form in. */
export interface Pass {
  ticket: string;
  counter: number;
  /** Not before; by this browser's clock. */
  due: number;
}

let coming: Promise<Pass> | null = null;
let failedAt = -Infinity;
const AGAIN_MS = 5000;

/** Begins while the visitor still writes. Where it cannot, sending does it. */
export function prepare(): void {
  if (!coming && Date.now() > failedAt + AGAIN_MS) pass().catch(() => {});
}

function pass(): Promise<Pass> {
  return (coming ??= begin().catch((error: unknown) => {
    coming = null;
    failedAt = Date.now();
    throw error;
  }));
}

async function begin(): Promise<Pass> {
  const { ticket, nonce, bits, wait_ms, files } = await ask<Begun>("email:begin", {});
  const due = Date.now() + wait_ms;
  Object.assign(limits, files);
  return { ticket, due, counter: await work(nonce, bits) };
}

function work(nonce: string, bits: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const worker = new Worker(state.boot.worker);
    worker.onmessage = ({ data }: MessageEvent<number>) => (resolve(data), worker.terminate());
    worker.onerror = reject;
    worker.postMessage({ nonce, bits });
  }).catch(() => here(nonce, bits));
}

/** Without a worker: in pieces that nobody feels. */
async function here(nonce: string, bits: number): Promise<number> {
  const PIECE = 2000;
  for (let from = 0; ; from += PIECE) {
    const found = solve(nonce, bits, from, PIECE);
    if (found >= 0) return found;
    await pause(0);
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Old, used up or not ours: begun anew without anybody's noticing. */
const STALE = ["form.expired", "form.used", "form.unsolved", "auth.required"];

export function send({ subject = "", ...values }: Record<string, string>): void {
  state.trouble = null;
  put({ event: "email:send", contact: null, files: state.files, data: { ...given(values), subject, website: state.form["website"] ?? "" } });
}

/** Brings an entry of the outbox to the hub, and shows by what name it can be asked about. */
export async function deliver(entry: Entry): Promise<Answer> {
  const { reference } = await taken(entry);
  state.files = [];
  Object.assign(state.form, { reference, email: entry.data["email"], subject: "", question: "" });
  // Who has written nothing but an e-mail is nobody the hub would know again; later pages leave it in peace.
  if (kept("token") === "" && pending(null).length < 2) keep("token", null);
  if (state.view.name == "form" || state.view.name == "home") go({ name: "form", channel: "email", step: "sent" });
  return {};
}

async function taken(entry: Entry): Promise<{ reference: string }> {
  for (let tries = 3; ; ) {
    if (!entry.pass) {
      entry.pass = await pass();
      coming = null; // each pass lets one form in
      void outboxStore.put(entry);
    }
    const { ticket, counter, due } = entry.pass;
    try {
      await sendFiles(entry, `${ticket}.${counter}`);
      await pause(due - Date.now());
      return await ask("email:send", { ...entry.data, ticket, counter, files: entry.fileIds ?? [] }, 30_000);
    } catch (error) {
      const { code, details } = error instanceof Refused ? error : new Refused("timeout");
      if (!--tries) throw error;
      if (code == "form.early") await pause(Number(details["retry_after_ms"]));
      else if (STALE.includes(code)) {
        delete entry.pass;
        delete entry.fileIds;
      } else throw error;
    }
  }
}

async function sendFiles(entry: Entry, bearer: string): Promise<void> {
  const files = entry.files ?? [];
  const ids = (entry.fileIds ??= []);
  while (ids.length < files.length) {
    const file = files[ids.length]!;
    const done = ids.length;
    const sent = await upload(file, "form", (share) => progressing(entry.id, (done + share) / files.length), bearer);
    ids.push(sent.id);
    void outboxStore.put(entry);
  }
}
