// What is being written: one mail for each contact, and new ones. Kept while the window is open, and on the server as a
// draft a moment after each change, so that it is there at every desk.

import { signal } from "@preact/signals";
import { api } from "../../../common/api.ts";
import { errorText, HubError } from "../../../common/errors.ts";
import { newId } from "../../../common/ids.ts";
import { connection, on, request } from "../../../common/socket.ts";
import type { FileInfo } from "../../../common/types.ts";
import type { Address, Beginning, How } from "../types.ts";
import { tooLarge } from "./size.ts";

export interface Compose {
  /** Of the draft; files of a new mail are uploaded to it. */
  id: string;
  /** Of the draft as the server has it; 0 before it does. */
  version: number;
  contact: string | null;
  how: How;
  mailbox: string;
  to: Address[];
  cc: Address[];
  bcc: Address[];
  subject: string;
  /** What the editor holds. */
  html: string;
  attachments: FileInfo[];
  /** The mail that is answered or passed on. */
  about: string | null;
  /** Whether it is quoted below. */
  quote: boolean;
  signature: { text: string; html: string };
  signed: boolean;
  /** By which the hub knows a repetition: made anew for each mail that has gone. */
  key: string;
}

/** `reason` is why nothing can be written, in words. */
export type Writing = { state: "beginning" } | { state: "refused"; reason: string } | { state: "open"; compose: Compose };

interface Draft {
  id: string;
  contact: string | null;
  data: Partial<Compose>;
  version: number;
}

const SAVE_MS = 900;

/** By the contact's id, or the draft's for a new mail. */
export const writing = signal<ReadonlyMap<string, Writing>>(new Map());
/** Contacts in which a note is being written in the place of a mail. */
export const noting = signal<ReadonlySet<string>>(new Set());
/** Drafts that the server does not have yet. */
const unsaved = new Map<string, ReturnType<typeof setTimeout>>();
export const saved = signal<ReadonlyMap<string, "saving" | "saved" | "failed">>(new Map());
/** Grows when the editor of a key must begin anew: its content was replaced from outside. */
export const renewed = signal<ReadonlyMap<string, number>>(new Map());

function put(key: string, next: Writing | null): void {
  const map = new Map(writing.value);
  if (next) map.set(key, next);
  else map.delete(key);
  writing.value = map;
}

function renew(key: string): void {
  renewed.value = new Map(renewed.value).set(key, (renewed.value.get(key) ?? 0) + 1);
}

export function composeOf(key: string): Compose | null {
  const found = writing.value.get(key);
  return found?.state === "open" ? found.compose : null;
}

/** Whether something stands there that would be missed. */
export function hasWords(compose: Compose): boolean {
  return !isBlank(compose.html) || (compose.how !== "forward" && compose.attachments.length > 0);
}

export function isBlank(html: string): boolean {
  return !/<img\b/.test(html) && html.replace(/<[^>]*>|&nbsp;|\s/g, "") === "";
}

function fresh(key: string, begun: Beginning, before: Compose | null): Compose {
  const { contact, how, mailbox, to, cc, subject, signature, attachments, mail } = begun;
  return {
    id: before?.id ?? (contact === null ? key : newId()), version: before?.version ?? 0, key: before?.key ?? newId(),
    contact, how, mailbox, to, cc, bcc: before?.bcc ?? [], subject, signature, about: mail,
    html: before?.html ?? "",
    attachments: how === "forward" ? attachments : before && before.how !== "forward" ? before.attachments : [],
    quote: mail !== null && how !== "new", signed: before?.signed ?? true,
  };
}

/** Begins an answer in a contact, or a new mail; what was written there stays. */
export async function begin(key: string, ask: { contact: string | null; mail?: string | null; how: How; mailbox?: string | null }): Promise<void> {
  const before = composeOf(key);
  if (!before) put(key, { state: "beginning" });
  try {
    const { mail } = await request<{ mail: Beginning }>("mail:begin", { mail: null, mailbox: null, ...ask });
    const compose = fresh(key, mail, composeOf(key) ?? before);
    put(key, { state: "open", compose });
    if (hasWords(compose)) save(key);
  } catch (error) {
    if (before) return;
    if (error instanceof HubError && error.retryable) return put(key, null); // the next look begins again
    put(key, { state: "refused", reason: errorText(error) });
  }
}

/** "Reply", "Reply all" and "Forward" of a mail. */
export function answer(contact: string, how: How, mail: string | null): void {
  note(contact, false);
  void begin(contact, { contact, how, mail }).then(() => requestAnimationFrame(() => {
    const first = how === "forward" ? document.querySelector<HTMLElement>(".mail-composer .chips input") : null;
    (first ?? document.getElementById("reply"))?.focus();
  }));
}

export function note(contact: string, on: boolean): void {
  const next = new Set(noting.value);
  if (on) next.add(contact);
  else next.delete(contact);
  noting.value = next;
}

export function change(key: string, fields: Partial<Compose>): void {
  const compose = composeOf(key);
  if (!compose) return;
  put(key, { state: "open", compose: { ...compose, ...fields } });
  save(key);
}

/** Puts something in the editor's place: a template, or what was taken back. */
export function replaceText(key: string, fields: Partial<Compose>): void {
  change(key, fields);
  renew(key);
}

function mark(id: string, state: "saving" | "saved" | "failed"): void {
  saved.value = new Map(saved.value).set(id, state);
}

function save(key: string): void {
  const compose = composeOf(key);
  if (!compose) return;
  clearTimeout(unsaved.get(key));
  unsaved.set(key, setTimeout(() => void saveNow(key), SAVE_MS));
}

const running = new Set<string>();

async function saveNow(key: string): Promise<void> {
  const compose = composeOf(key);
  if (!compose || connection.value !== "online") return; // the next hello saves what waits
  if (running.has(key)) return save(key);
  if (!hasWords(compose) && compose.version === 0) {
    unsaved.delete(key);
    return;
  }
  unsaved.delete(key);
  running.add(key);
  mark(compose.id, "saving");
  const { id, version, contact, ...data } = compose;
  try {
    const draft = { version, contact, data };
    const answered = tooLarge(draft)
      ? await api<{ version: number }>("PUT", `me/drafts/${encodeURIComponent(id)}`, draft)
      : await request<{ version: number }>("mail:draft", { id, ...draft });
    const now = composeOf(key);
    if (now?.id === id) put(key, { state: "open", compose: { ...now, version: answered.version } });
    mark(id, "saved");
  } catch (error) {
    mark(id, "failed");
    if (error instanceof HubError && error.code === "draft.conflict") void adopt(key);
    else if (error instanceof HubError && error.retryable) unsaved.set(key, setTimeout(() => void saveNow(key), SAVE_MS * 5));
  } finally {
    running.delete(key);
  }
}

/** Another window wrote on: what it says is shown here. */
async function adopt(key: string): Promise<void> {
  const { drafts } = await request<{ drafts: Draft[] }>("mail:drafts", {});
  const id = composeOf(key)?.id;
  const other = drafts.find((draft) => draft.id === id);
  if (!other) return void put(key, null); // sent or thrown away there
  put(key, { state: "open", compose: restored(other) });
  renew(key);
}

function restored({ id, contact, version, data }: Draft): Compose {
  return {
    how: "reply", mailbox: "", to: [], cc: [], bcc: [], subject: "", html: "", attachments: [], about: null, quote: true,
    signature: { text: "", html: "" }, signed: true, key: newId(), ...data, id, contact, version,
  };
}

/** Forgets what was written, here and on the server. */
export async function discard(key: string): Promise<void> {
  const compose = composeOf(key);
  forget(key);
  if (compose && compose.version > 0) await request("mail:discard", { id: compose.id });
}

/** What has gone needs no draft; the server has deleted it. */
export function forget(key: string): void {
  clearTimeout(unsaved.get(key));
  unsaved.delete(key);
  put(key, null);
  renew(key);
}

/** The author has another signature now: what is being written gets it. */
export async function signAnew(): Promise<void> {
  for (const [key, each] of writing.value) {
    if (each.state !== "open") continue;
    const { contact, about, how, mailbox } = each.compose;
    const { mail } = await request<{ mail: Beginning }>("mail:begin", { contact, mail: about, how, mailbox: mailbox || null });
    change(key, { signature: mail.signature });
  }
}

/** Takes up what was begun earlier, at this desk or another. */
export function startComposing(): void {
  on("hello", () => {
    void request<{ drafts: Draft[] }>("mail:drafts", {}).then(({ drafts }) => {
      for (const draft of drafts) {
        const key = draft.contact ?? draft.id;
        const here = composeOf(key);
        if (here && (unsaved.has(key) || here.version >= draft.version)) continue;
        put(key, { state: "open", compose: restored(draft) });
        renew(key);
      }
    }, () => undefined);
    for (const key of unsaved.keys()) save(key);
  });
}

/** New mails that were begun and not sent. */
export function newMails(): Compose[] {
  return [...writing.value.values()].flatMap((each) => (each.state === "open" && each.compose.contact === null ? [each.compose] : []));
}
