// The page around the panel on its way to an agent: which of the customer's pages is shown, the line to the hub, and what
// goes between the two. The customer's answer is given in the panel, which the page around it cannot press.

import type { Socket } from "socket.io-client";
import type { ToPanel } from "../../bridge.ts";
import type { Frame } from "../../cobrowse/frames.ts";
import type { Words } from "../../cobrowse/companion.ts";
import type { Capability, Cobrowse } from "../../wire.ts";
import { showSheet } from "../actions.ts";
import { closeInHost, openInHost, send } from "../host.ts";
import { dir, locale, t } from "../i18n.ts";
import { ask, beside } from "../link.ts";
import { changed, state } from "../state.ts";
import { keep, kept } from "../storage.ts";
import { heardOfSharing } from "../sharing.ts";
import { inFront, meetTabs, onFront, wantTab } from "./tabs.ts";

const AGAIN_MS = 600;
/** The tab's own: which sharing it shows. It outlives the page, not the tab. */
const MINE = "sharing";

let line: Socket | null = null;
let ticket = "";
let epoch = 0;
let joining = false;
/** What was said to the page of the sharing it is to show. */
let told: string | null = null;
/** The page's part is there and listens. */
let ready = false;
let fetching = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let outstanding = 0;
let rtt = 0;
let answered = "";

/** Taken back on the page, and not confirmed by the hub yet: it holds, and is said again once the hub is there. */
const taken = new Set<Capability>();

const alive = (sharing: Cobrowse | null) => sharing?.stage == "shared" || sharing?.stage == "paused";
const mine = () => alive(state.sharing) && kept(MINE, true) == state.sharing!.session;

/** The agent is to be told that it is another tab. */
let switched = false;

meetTabs(
  (session) => {
    if (!mine() || state.sharing!.session != session) return false;
    keep(MINE, null, true);
    follow();
    return true;
  },
  (session) => {
    // A tab that was doubled has its own memory of what it shows.
    if (mine() && state.sharing!.session == session) switched = true;
  },
);
onFront(() => claim());

/** This tab is the one that is shown from now on. */
function claim(): void {
  if (!alive(state.sharing) || mine()) return;
  switched = true;
  keep(MINE, state.sharing!.session, true);
  wantTab(state.sharing!.session);
  follow();
}

/** After whatever the hub has said of the sharing. `arrived`: this page has just been opened. */
export function follow(arrived = false): void {
  if (arrived && inFront()) {
    if (mine()) wantTab(state.sharing!.session);
    else claim();
  }
  const { sharing, sheet } = state;
  const question = sharing && sharing.asked.length && (sharing.stage == "asked" || mine()) ? `${sharing.session} ${sharing.asked} ${sharing.answer_by}` : "";
  if (question && question != answered && sheet?.name != "share") {
    openInHost();
    state.open = true;
    showSheet({ name: "share", id: sharing!.contact, offer: false });
  } else if (!question && sheet?.name == "share" && !sheet.offer) showSheet(null);
  if (mine()) void join();
  else end();
  if (alive(sharing) && !mine()) standBy();
}

/** Another tab is shown: this one says when the customer turns to it. */
function standBy(): void {
  if (ready) return send({ t: "cb:standby" });
  if (!fetching) send({ t: "load", d: state.boot.sharing.companion });
  fetching = true;
}

/** What the customer answered, or offers. Nothing allowed: he would rather not. */
export async function answer(id: string, offer: boolean, capabilities: Capability[]): Promise<void> {
  const { sharing } = state;
  if (sharing && !offer) answered = `${sharing.session} ${sharing.asked} ${sharing.answer_by}`;
  showSheet(null);
  try {
    const said = await ask<{ cobrowse: Cobrowse }>(offer ? "cobrowse:offer" : "cobrowse:answer", { contact: id, capabilities });
    if (alive(said.cobrowse)) {
      keep(MINE, said.cobrowse.session, true);
      // On a phone the panel lies over the page that is shown.
      if (state.phone) closeInHost();
    }
    heardOfSharing(said.cobrowse);
  } catch {
    answered = "";
    state.trouble = { where: id, text: t("refused") };
  }
  changed();
}

async function join(): Promise<void> {
  tellPage();
  if (joining || line?.connected || state.link != "online") return;
  joining = true;
  try {
    const given = await ask<{ ticket: string; epoch: number }>("cobrowse:ticket", { contact: state.sharing!.contact });
    ticket = given.ticket;
    epoch = Math.max(epoch, given.epoch);
    if (line) line.connect();
    else connect();
  } catch {
    again();
  } finally {
    joining = false;
  }
}

function connect(): void {
  line = beside("/cobrowse", (give) => give({ ticket }));
  if (!line) return again();
  line.on("connect", () => {
    outstanding = 0;
    takeBack();
    told = null; // a page that is paused, or another one: asked anew
    tellPage();
  });
  line.on("disconnect", again);
  line.on("connect_error", again);
  line.on("cb:elsewhere", () => {
    keep(MINE, null, true);
    follow();
  });
  line.on("cb:resync", () => send({ t: "cb:resync" }));
  for (const t of ["cb:point", "cb:draw", "cb:look", "cb:act", "cb:card", "cb:want", "cb:stills"] as const) line.on(t, (d) => send({ t, d }));
}

/** Its ticket is spent: a new one, as soon as the hub is there. */
function again(): void {
  clearTimeout(timer);
  line?.disconnect();
  if (mine()) timer = setTimeout(() => mine() && void join(), AGAIN_MS);
}

function end(): void {
  clearTimeout(timer);
  line?.disconnect();
  if (told !== null || ready) send({ t: "cb:end" });
  told = null;
  taken.clear();
  if (state.sharing?.stage == "ended" && kept(MINE, true) == state.sharing.session) keep(MINE, null, true);
}

/** Who sees the page: nobody looks on unnamed. */
function seenBy(name: string, others: readonly { name: string }[]): string {
  if (!others.length) return t("share_seen", { name });
  const names = [name, ...others.map((one) => one.name)];
  return t("share_seen_all", { names: new Intl.ListFormat(locale, { type: "conjunction" }).format(names) });
}

function words(name: string): Words {
  const can = (one: Capability) => t("share_may", {}, one);
  return {
    locale,
    dir: dir(),
    seen: seenBy(name, state.sharing?.watchers ?? []),
    paused: t("share_paused"),
    paused_page: t("share_paused_page"),
    stop: t("share_stop"),
    pause: t("share_pause"),
    resume: t("share_resume"),
    may: Object.fromEntries((["view", "point", "draw", "scroll", "type", "click", "navigate", "record"] as const).map((one) => [one, can(one)])) as Words["may"],
    look: t("share_look", { name }),
    show: t("share_show"),
    suggests: t("share_suggests", { name }),
    use: t("share_use"),
    no: t("share_no"),
    press: t("share_press", { name }),
    press_yes: t("share_press_yes"),
    revoke: t("share_revoke"),
    send: t("share_send"),
    go: t("share_go", { name }),
    go_yes: t("share_go_yes"),
  };
}

/** Starts the page's part, or tells it what has changed. */
function tellPage(): void {
  const { sharing } = state;
  if (!sharing || !mine()) return;
  if (!ready) {
    if (!fetching) send({ t: "load", d: state.boot.sharing.companion });
    fetching = true;
    return;
  }
  if (!line?.connected) return;
  const name = sharing.agent?.name ?? "";
  for (const one of taken) if (!sharing.granted.includes(one)) taken.delete(one);
  const d = { session: sharing.session, epoch, granted: sharing.granted.filter((one) => !taken.has(one)), held: sharing.pauses.includes("customer"), words: words(name), recorder: state.boot.sharing.recorder, pictures: state.boot.sharing.pictures };
  const said = JSON.stringify(d);
  if (said == told) return;
  told = said;
  send({ t: "cb:start", d });
}

export function heardFromPage(data: ToPanel): void {
  switch (data.t) {
    case "cb:ready":
      ready = true;
      if (alive(state.sharing) && !mine()) return standBy();
      return tellPage();
    case "cb:active":
      return claim();
    case "cb:page": {
      const asked = { url: data.url, switched };
      switched = false;
      return void line?.timeout(5000).emitWithAck("cb:page", asked).then(
        (given: { ok: boolean; shared?: boolean }) => send({ t: "cb:shown", d: { url: data.url, shared: given.ok && given.shared === true } }),
        () => void (switched ||= asked.switched), // the line is gone; it asks again when it is back
      );
    }
    case "cb:frame":
      return post("cb:frame", data.frame);
    case "cb:picture":
      return post("cb:picture", { hash: data.hash, body: data.body });
    case "cb:cursor":
      return void (line?.connected && line.volatile.emit("cb:cursor", data.at));
    case "cb:state": {
      const { t: _, ...shown } = data;
      return void (line?.connected && line.emit("cb:state", { ...shown, rtt }));
    }
    case "cb:failed":
      return void (line?.connected && line.emit("cb:state", { failed: data.why, rtt }));
    case "cb:res":
      return void (line?.connected && line.emit("cb:act_res", data.d));
    case "cb:hold":
      return ask_("cobrowse:hold", { on: data.on });
    case "cb:revoke":
      taken.add(data.capability);
      return takeBack();
    case "cb:stop":
      keep(MINE, null, true);
      return ask_("cobrowse:stop", {});
  }
}

function takeBack(): void {
  if (taken.size) ask_("cobrowse:revoke", { capabilities: [...taken] });
}

function ask_(event: string, more: object): void {
  const contact = state.sharing?.contact;
  if (contact) void ask<{ cobrowse: Cobrowse }>(event, { contact, ...more }).then(({ cobrowse }) => heardOfSharing(cobrowse), () => {});
}

/** What is not acknowledged yet waits somewhere on the way; the page drops changes when that is too much. */
function post(event: "cb:frame" | "cb:picture", data: Frame | { hash: string; body: Frame["body"] }): void {
  if (!line?.connected) return;
  const size = data.body.length;
  const begun = performance.now();
  if ("epoch" in data) epoch = Math.max(epoch, data.epoch);
  outstanding += size;
  if (outstanding > 64 * 1024) send({ t: "cb:backlog", d: outstanding });
  const from = line.id;
  line.emit(event, { ...data, body: data.body.buffer }, () => {
    if (from != line?.id) return;
    outstanding -= size;
    rtt = Math.round(performance.now() - begun);
    send({ t: "cb:backlog", d: outstanding });
  });
}
