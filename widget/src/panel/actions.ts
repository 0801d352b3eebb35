// What the visitor does.

import type { Way } from "../bridge.ts";
import type { Identity, Strings } from "../wire.ts";
import { awaited, hold } from "./callback.ts";
import { calling, fetchCalling } from "./calling.ts";
import { tellHost } from "./host.ts";
import { locale, speak, t } from "./i18n.ts";
import { ask, connect, renew, rest } from "./link.ts";
import * as outbox from "./outbox.ts";
import { changed, channel, isCall, running, state, type Sheet, type View, unreadIn } from "./state.ts";
import { byCode, joinedByCode, keep, kept } from "./storage.ts";
import { apply, catchUp, markShown } from "./sync.ts";

export function go(view: View): void {
  if (view.name != "home") connect();
  seenAll();
  state.view = view;
  state.trouble = null;
  const talk = view.name == "talk" ? state.talks.get(view.id) : undefined;
  if (talk) void catchUp(talk);
  changed();
  markShown();
}

export function showSheet(sheet: Sheet | null): void {
  state.sheet = sheet;
  changed();
  markShown();
}

/** The "New" lines of what has been read have done their work. */
function seenAll(): void {
  for (const talk of state.talks.values()) if (!unreadIn(talk)) talk.newFrom = null;
}

const FRESH_MS = 10_000;
let staying: ReturnType<typeof setTimeout>;

/** Opens where it makes sense: the running conversation, or what was asked for if the site offers it. */
export function open(way?: Way): void {
  state.open = true;
  // What the page brought along is enough for a look; who stays, or comes back to it later, sees what changed meanwhile.
  clearTimeout(staying);
  if (kept("token") || performance.now() > FRESH_MS) connect();
  else staying = setTimeout(connect, FRESH_MS);
  const talk = running();
  if (state.call && (!way || way == "call")) go({ name: "call" });
  else if (way == "call" && talk && !isCall(talk.contact) && channel(way)) {
    go({ name: "talk", id: talk.contact.id });
    showSheet({ name: "by_voice", id: talk.contact.id });
  } else if (way == "callback" && channel(way)) go({ name: "form", channel: way, ...(talk && !isCall(talk.contact) && { contact: talk.contact.id }) });
  else if (way && way != "callback" && channel(way) && (way == "email" || !talk)) go({ name: "form", channel: way });
  else if (talk && way != "email" && way != "callback") go({ name: "talk", id: talk.contact.id });
  else if (way) go({ name: "home" });
  else changed();
}

export function closed(): void {
  state.open = false;
  clearTimeout(staying);
  state.sheet = null;
  seenAll();
  if (!running() && !state.call && !awaited() && !outbox.anything() && !joinedByCode()) rest();
  changed();
}

export const startOf = (event: outbox.Entry["event"]) => outbox.pending(null).find((entry) => entry.event == event);

/** What was asked for, as the hub takes it. */
export function given({ name = "", email = "", phone, topic = "", question = "", ...fields }: Record<string, string>) {
  return { name, email, ...(phone && { phone }), topic, text: question, fields, page: state.site.page_info ? state.page : null, locale };
}

export function start(values: Record<string, string>): void {
  const { identity } = state;
  state.trouble = null;
  outbox.put({ event: "chat:start", contact: null, data: { ...given(values), ...(identity && { identity }) } });
}

/** Begins a call, or with `contact` lets a conversation go on by voice. */
export async function startCall(values: Record<string, string>, contact?: string): Promise<void> {
  const where = contact ?? "call";
  state.trouble = null;
  connect();
  try {
    await (await fetchCalling()).begin(values, contact);
  } catch {
    state.trouble = { where, text: t("call_failed") };
  }
  changed();
}

export async function chooseLanguage(next: string): Promise<void> {
  showSheet(null);
  try {
    await learn(next);
  } catch {
    return;
  }
  keep("locale", next);
  changed();
}

/** All words of a language; the page brings only those that its first views need. */
export async function learn(next = locale): Promise<void> {
  const response = await fetch(`/widget/locales/${next}.json`);
  if (response.ok) speak(next, (await response.json()) as Strings);
  else throw new Error(next);
}

export function identify(identity: Identity): void {
  state.identity = identity;
  for (const key of ["name", "email", "phone"] as const) state.form[key] ||= identity[key] ?? "";
  if (kept("token") && state.link == "online") void ask("identify", identity).catch(() => {});
  changed();
}

/** The person at this browser has signed out of the host's site: nothing of the conversation stays here. */
export async function logout(): Promise<void> {
  await ask("logout", {}).catch(() => {});
  keep("token", null);
  leave();
}

/** Forgets who we are, here or because another window did. */
export function leave(): void {
  void calling()?.then(({ hangUp }) => hangUp());
  outbox.forget();
  hold(null);
  state.talks.clear();
  Object.assign(state, { identity: null, form: {}, files: [], drafts: {}, sheet: null, view: { name: "home" } });
  keep("drafts", null, true);
  byCode(null);
  renew();
  changed();
}

/** What the outbox has brought home, or could not. */
export function settle(): void {
  outbox.onSettled(
    ({ event, contact }, answer) => {
      if (answer.token) keep("token", answer.token);
      apply(answer.contact ?? null, [...(answer.messages ?? []), ...(answer.message ? [answer.message] : [])], false);
      if (!contact && answer.contact) {
        const talk = state.talks.get(answer.contact.id)!;
        talk.synced = Math.max(talk.synced, 0);
        state.form["question"] = "";
        if (event == "chat:start") tellHost("chat:started", { contact: answer.contact.id });
        go({ name: "talk", id: answer.contact.id });
      }
      if (event == "chat:end") tellHost("chat:ended", { contact });
      const talk = contact && event == "chat:transcript" && state.talks.get(contact);
      if (talk) talk.mailed = true;
      changed();
    },
    ({ event, contact, data }, code, { path }) => {
      if (event == "message:send" || event == "chat:end" || event == "callback:ask") return changed();
      const form = event == "chat:start" ? "chat" : "email";
      const words = path == "email" ? "bad_email" : path == "phone" ? "bad_phone" : "refused";
      state.form["question"] ||= String(data["text"] ?? "");
      if (code == "queue.closed" || code == "queue.full") {
        if (channel("email")) go({ name: "form", channel: "email" });
        state.trouble = { where: "email", text: t(code.replace(".", "_")) };
      } else state.trouble = { where: contact ?? form, text: t(words) };
      changed();
    },
  );
}


