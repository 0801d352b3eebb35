// Messages on their way. Each has its client id from the first moment, is kept until the hub has it, and is sent again
// under the same id until then: a retry can never double it. Per contact one after the other, so that order is kept.

import { effect, signal } from "@preact/signals";
import { boot } from "../common/boot.ts";
import { errorText, HubError } from "../common/errors.ts";
import { newId } from "../common/ids.ts";
import { connection, on, request } from "../common/socket.ts";
import type { Message, Sync } from "../common/types.ts";
import { dropEntry, storedEntries, storeEntry, type StoredEntry } from "./outbox-db.ts";
import { addMessages } from "./threads.ts";
import { upload } from "./upload.ts";

export interface Pending extends StoredEntry {
  /** waiting: will be sent again by itself; failed: only when asked to. */
  state: "sending" | "waiting" | "failed";
  /** Share of the file that is up, 0 to 1. */
  progress: number;
  error: string | null;
}

const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/** Everything that the hub has not confirmed, in the order of writing. */
export const outbox = signal<readonly Pending[]>([]);
const busy = new Set<string>();
const attempts = new Map<string, number>();

function change(clientId: string, fields: Partial<Pending>): void {
  outbox.value = outbox.value.map((entry) => (entry.client_id === clientId ? { ...entry, ...fields } : entry));
}

function remove(clientId: string): void {
  attempts.delete(clientId);
  if (!outbox.value.some((entry) => entry.client_id === clientId)) return;
  outbox.value = outbox.value.filter((entry) => entry.client_id !== clientId);
  void dropEntry(clientId);
}

async function deliver(entry: Pending): Promise<void> {
  let { file } = entry;
  if (entry.blob && !file) {
    file = (await upload(entry.contact, entry.blob, (progress) => change(entry.client_id, { progress }))).id;
    change(entry.client_id, { file, progress: 1 });
    void storeEntry({ ...stored(entry), file });
  }
  const { message } = await request<{ message: Message }>("message:send", {
    contact: entry.contact,
    client_id: entry.client_id,
    kind: entry.kind,
    ...(file ? { file } : {}),
    ...(entry.text ? { text: entry.text } : {}),
  });
  addMessages(entry.contact, [message]);
}

function stored({ client_id, user, contact, kind, text, blob, file, at }: Pending): StoredEntry {
  return { client_id, user, contact, kind, text, blob, file, at };
}

/** Sends what waits for one contact, in order, until it is empty or has to wait. */
async function flush(contact: string): Promise<void> {
  if (busy.has(contact)) return;
  busy.add(contact);
  try {
    for (;;) {
      const entry = outbox.value.find((one) => one.contact === contact && one.state !== "failed");
      if (!entry) return;
      change(entry.client_id, { state: "sending", error: null });
      try {
        await deliver(entry);
        remove(entry.client_id);
      } catch (error) {
        const again = error instanceof HubError && error.retryable;
        change(entry.client_id, { state: again ? "waiting" : "failed", error: errorText(error) });
        if (!again) continue; // the next ones are not to wait for it
        const count = attempts.get(entry.client_id) ?? 0;
        attempts.set(entry.client_id, count + 1);
        const asked = error instanceof HubError ? Number(error.details["retry_after_ms"] ?? 0) : 0;
        setTimeout(() => void flush(contact), Math.max(asked, RETRY_MS[Math.min(count, RETRY_MS.length - 1)] ?? 0));
        return;
      }
    }
  } finally {
    busy.delete(contact);
  }
}

function put(contact: string, part: Pick<StoredEntry, "kind" | "text" | "blob">): void {
  const entry: Pending = {
    client_id: newId(),
    user: boot.me?.id ?? "",
    contact,
    ...part,
    file: null,
    at: Date.now(),
    state: "sending",
    progress: 0,
    error: null,
  };
  outbox.value = [...outbox.value, entry];
  void storeEntry(stored(entry)); // beside, not before: the eye waits for the bubble, not for the disk
  void flush(contact);
}

export function sendText(contact: string, text: string, kind: "text" | "note"): void {
  put(contact, { kind, text, blob: null });
}

export function sendFile(contact: string, blob: File, kind: "text" | "note"): void {
  put(contact, { kind, text: "", blob });
}

/** "Try again" on a message that failed for good. */
export function retry(clientId: string): void {
  const entry = outbox.value.find((one) => one.client_id === clientId);
  if (!entry) return;
  change(clientId, { state: "waiting" });
  void flush(entry.contact);
}

/** Gives up a message that failed. */
export function discard(clientId: string): void {
  remove(clientId);
}

function flushAll(): void {
  for (const contact of new Set(outbox.value.map((entry) => entry.contact))) void flush(contact);
}

/** Takes up what an earlier page left behind, and sends on each return of the connection. */
export function startOutbox(): void {
  on<Sync>("sync", ({ messages = [] }) => {
    for (const { client_id } of messages) if (client_id) remove(client_id); // confirmed by the log, before the ack
  });
  effect(() => {
    if (connection.value === "online") flushAll();
  });
  void storedEntries(boot.me?.id ?? "").then((entries) => {
    const known = new Set(outbox.value.map((entry) => entry.client_id));
    const left = entries.filter((entry) => !known.has(entry.client_id));
    outbox.value = [...left.map((entry): Pending => ({ ...entry, state: "waiting", progress: 0, error: null })), ...outbox.value];
    if (connection.value === "online") flushAll();
  });
}
