// The visitor's call: microphone, line, and what the hub says of it. One at a time in this window; a page that is loaded
// anew takes it up again, as the host's next page does in the middle of a call.

import { type Devices, listDevices, openMicrophone, Trouble, type TroubleCode } from "../../../../agent_ui/src/common/voice/devices.ts";
import { hold, release, remember } from "../../../../agent_ui/src/common/voice/holding.ts";
import { Line, type Signalling } from "../../../../agent_ui/src/common/voice/line.ts";
import type { Contact } from "../../wire.ts";
import { go } from "../actions.ts";
import { tellHost } from "../host.ts";
import { locale, t } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { newId } from "../outbox.ts";
import { ringing } from "../ringing.ts";
import { changed, isOpen, state, type View } from "../state.ts";
import { keep, kept } from "../storage.ts";
import { apply } from "../sync.ts";

export const sound = {
  line: null as Line | null,
  devices: { microphones: [], speakers: [] } as Devices,
  microphone: "",
  speaker: "",
  /** When the two began to talk. */
  since: 0,
};

const ONLINE_MS = 8_000;
const LOOK_MS = 300;
let watch = 0;
const PASSING = ["offline", "timeout", "store.busy", "server.stopping", "rate.limited"];

/** The link may only just have been asked for, or come back together with the network. */
async function askWhenOnline<T>(event: string, data: object): Promise<T> {
  for (let waited = 0; state.link != "online" && waited < ONLINE_MS; waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return ask<T>(event, data);
}

interface Started {
  token: string | null;
  contact: Contact;
  answer: string;
}

function signalling(start: (offer: string) => Promise<string>): Signalling {
  return {
    iceServers: async () => (await askWhenOnline<{ ice_servers: RTCIceServer[] }>("call_ice", {})).ice_servers,
    exchange: async (offer, again) =>
      again ? (await askWhenOnline<{ answer: string }>("call_rejoin", { contact: state.call, offer })).answer : start(offer),
    passing: (error) => error instanceof Refused && PASSING.includes(error.code),
  };
}

/** What is wrong, and what to do about it. */
export const troubleWords = (code: TroubleCode) => t("mic_trouble", {}, code);

function refusalWords(error: unknown): string {
  if (error instanceof Trouble) return troubleWords(error.code);
  const code = error instanceof Refused ? error.code : "";
  return t(code == "queue.closed" || code == "queue.full" ? `call_${code.slice(6)}` : "call_failed");
}

async function open(make: (line: Line) => Promise<void>, start: (offer: string) => Promise<string>): Promise<void> {
  const microphone = await openMicrophone(sound.microphone);
  const line: Line = new Line(microphone, sound.speaker, signalling(start), changed);
  sound.line?.close();
  sound.line = line;
  const [talking, since] = kept("talking", true)?.split(" ") ?? [];
  sound.since = talking && talking == state.call ? Number(since) : 0; // on the host's next page the time goes on
  clearInterval(watch);
  watch = window.setInterval(follow, LOOK_MS);
  void refreshDevices();
  await make(line);
}

/** Begins a call, or lets the conversation `contact` go on by voice; what hinders it is said where that was asked. */
export async function begin(values: Record<string, string>, contact?: string): Promise<void> {
  if (sound.line) return;
  const client_id = newId();
  const { identity } = state;
  const about = contact ? { contact } : { ...values, ...(identity && { identity }) };
  try {
    await open(
      (line) => line.open(),
      async (offer) => {
        const { token, contact, answer } = await askWhenOnline<Started>("call_start", { client_id, offer, locale, ...about });
        if (token) keep("token", token);
        apply(contact, [], false);
        await take(contact.id, true);
        return answer;
      },
    );
    tellHost("call:started", { contact: state.call });
    go({ name: "call" });
    if (state.page && state.site.page_info) void ask("page", state.page).catch(() => {});
  } catch (error) {
    drop();
    state.trouble = { where: contact ?? "call", text: refusalWords(error), unheard: error instanceof Trouble };
  }
  changed();
}

/** Answers a call that rings here. The hub hears of it before the browser asks for the microphone, which may take a while. */
export async function answer(id: string): Promise<void> {
  if (sound.line) return;
  const client_id = newId();
  let words = "";
  ringing.answering = id;
  try {
    await ask("call_take", { contact: id, client_id });
    await open(
      (line) => line.open(),
      async (offer) => {
        const { contact, answer } = await askWhenOnline<Started>("call_answer", { contact: id, client_id, offer });
        apply(contact, [], false);
        await take(id, true);
        return answer;
      },
    );
    go({ name: "call" });
  } catch (error) {
    drop();
    if (error instanceof Trouble) {
      words = refusalWords(error);
      void ask("call_decline", { contact: id, why: "unheard" }).catch(() => {}); // else its time runs out
    }
    go(after(id));
  }
  ringing.answering = null;
  state.sheet = null;
  if (words) state.trouble = { where: "ring", text: words };
  changed();
}

/** Not now, neither here nor at his telephone. */
export function decline(id: string): void {
  ringing.hidden = id;
  state.sheet = null;
  void ask("call_decline", { contact: id, why: "not_now" }).catch(() => {}); // else its time runs out
  changed();
}

/** What is seen after a call: the conversation, or what became of the callback. */
function after(id: string): View {
  const back = state.talks.get(id)?.contact.channel == "callback" && state.callback;
  return back ? { name: "form", channel: "callback", step: "sent" } : { name: "talk", id };
}

/** Makes this window the one with the call's sound; false when another one is. */
async function take(id: string, force: boolean): Promise<boolean> {
  const lost = () => {
    drop();
    changed();
  };
  if (!(await hold(id, force, lost))) return false;
  state.call = id;
  remember(id, true);
  return true;
}

/** Brings the sound of a call that goes on into this window; `asked`: also from another one, which loses it. */
export async function takeUp(id: string, asked = false): Promise<void> {
  if (sound.line || state.call || !(await take(id, asked))) return;
  try {
    await open((line) => line.open(true), () => Promise.reject(new Refused("offline")));
    go({ name: "call" });
  } catch (error) {
    drop();
    state.trouble = { where: id, text: refusalWords(error), unheard: error instanceof Trouble };
  }
  changed();
}

/** Frees the microphone; the call is none of this window's any more. */
function drop(): void {
  clearInterval(watch);
  sound.line?.close();
  sound.line = null;
  if (!state.call) return;
  remember(state.call, false);
  release(state.call);
  state.call = null;
}

export function hangUp(id = state.call): void {
  if (!id) return;
  if (id == state.call) drop();
  state.sheet = null;
  go(after(id));
  // The page may be about to go: what does not arrive is noticed by the hub, as nobody speaks any more.
  void askWhenOnline<{ contact: Contact }>("call_hang_up", { contact: id, client_id: newId() }).then(
    ({ contact }) => {
      apply(contact, [], true);
      changed();
    },
    () => {},
  );
}

/** Looks whether the call is over, for all that the hub has said. */
function follow(): void {
  const id = state.call;
  if (!id || !sound.line) return;
  const talk = state.talks.get(id);
  const told = state.calls.get(id);
  if (told?.state == "active" && !sound.since) {
    sound.since = Date.now();
    keep("talking", `${id} ${sound.since}`, true);
  }
  if (told?.state != "ended" && (!talk || isOpen(talk.contact))) return;
  drop();
  state.sheet = null;
  if (state.view.name == "call") go(after(id));
  changed();
}

export function toggleMute(): void {
  sound.line?.setMuted(!sound.line.muted);
}

export async function refreshDevices(): Promise<void> {
  sound.devices = await listDevices();
  changed();
}

export async function chooseMicrophone(id: string): Promise<void> {
  sound.microphone = id;
  await sound.line?.setMicrophone(id).catch(() => {}); // the former one stays
  changed();
}

export function chooseSpeaker(id: string): void {
  sound.speaker = id;
  void sound.line?.setSpeaker(id);
  changed();
}
