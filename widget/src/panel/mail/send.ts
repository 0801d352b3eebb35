// A form on its way: a puzzle is fetched and solved while the visitor writes, files go up, then the mail goes. All of it can
// be done again after a reload, and what was taken once is not taken twice.

import { given, go } from "../actions.ts";
import { ask, Refused } from "../link.ts";
import { type Answer, type Entry, pending, progressing, put } from "../outbox.ts";
import { type Begun, Passes, pause, STALE } from "../pass.ts";
import { state } from "../state.ts";
import { keep, kept, outboxStore } from "../storage.ts";
import { upload } from "../upload.ts";

interface Opened extends Begun {
  files: { count: number; bytes: number };
}

/** What a form may bring along; the hub says so as well. */
export const limits = { count: 5, bytes: 15_000_000 };

const passes = new Passes<Opened>("email:begin", ({ files }) => Object.assign(limits, files));

/** Begins while the visitor still writes. */
export const prepare = () => passes.prepare();

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
      entry.pass = await passes.take();
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
