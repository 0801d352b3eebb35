// My calls: what the hub says of each, and this window's line to it. The rules of who answers:
//   what was accepted, dialled or answered here has its audio here; a reload takes it up again by itself;
//   what connects by itself (an offer accepted for me) is taken by the window that is looked at;
//   a chat that becomes a call rings, and is answered by a press.

import { effect, signal } from "@preact/signals";
import { toastError } from "../../common/components/index.ts";
import { HubError } from "../../common/errors.ts";
import { on, request } from "../../common/socket.ts";
import { contacts } from "../../common/store.ts";
import type { Contact, Hello } from "../../common/types.ts";
import { Trouble, type TroubleCode } from "../../common/voice/devices.ts";
import type { Figures } from "../../common/voice/figures.ts";
import { Line, type LineState, type Signalling } from "../../common/voice/line.ts";
import { announceCall } from "../alerts.ts";
import { stopRinging } from "../chime.ts";
import { isCall, isOwner } from "../mine.ts";
import { offers } from "../offers.ts";
import { claim } from "../windows.ts";
import { openChosen, speaker } from "./devices.ts";
import { atPhone } from "./own.ts";
import { hold, release, remember, remembered } from "../../common/voice/holding.ts";

/** The push "phone". */
export interface Call {
  contact: string;
  state: "ringing" | "connecting" | "active" | "held" | "ended" | "reconnecting";
  /** Since when it is in this state. */
  since: number;
  recording: "off" | "on" | "paused";
  /** Whether the queue lets its calls be recorded at all. */
  may_record?: boolean;
  quality?: Figures | null;
  number?: string | null;
  /** Another window has the audio. */
  elsewhere?: boolean;
}

/** This window's line to a call, as it is drawn. */
export interface LineView {
  state: LineState;
  muted: boolean;
  trouble: TroubleCode | null;
  figures: Figures | null;
}

export const calls = signal<ReadonlyMap<string, Call>>(new Map());
export const lines = signal<ReadonlyMap<string, LineView>>(new Map());
/** Why the microphone cannot be had, while that is shown. */
export const trouble = signal<TroubleCode | null>(null);
/** Calls that wait for a press on "Answer". */
export const calling = signal<ReadonlySet<string>>(new Set());

const open = new Map<string, Line>();
const joining = new Set<string>();
const TALKING = new Set(["connecting", "active", "held"]);

function isLive(contact: Contact | undefined): boolean {
  return contact !== undefined && isCall(contact) && TALKING.has(contact.phase) && isOwner(contact);
}

export function lineOf(contact: string): Line | undefined {
  return open.get(contact);
}

function draw(contact: string): void {
  const line = open.get(contact);
  const next = new Map(lines.value);
  if (line) next.set(contact, { state: line.state, muted: line.muted, trouble: line.trouble?.code ?? null, figures: line.figures });
  else next.delete(contact);
  lines.value = next;
}

function setCalling(contact: string, rings: boolean): void {
  if (calling.value.has(contact) === rings) return;
  const next = new Set(calling.value);
  if (rings) next.add(contact);
  else next.delete(contact);
  calling.value = next;
}

/** Agrees about legs of `contact`'s call by way of the hub, once `accepted`. */
function signalling(contact: string, accepted: Promise<unknown> | undefined): Signalling {
  return {
    iceServers: async () => (await request<{ ice_servers: RTCIceServer[] }>("phone_ice", {})).ice_servers,
    exchange: async (offer) => {
      await accepted;
      return (await request<{ answer: string }>("phone_join", { contact, offer })).answer;
    },
    passing: (error) => error instanceof HubError && error.retryable,
  };
}

function drop(contact: string): void {
  open.get(contact)?.close();
  open.delete(contact);
  joining.delete(contact);
  release(contact);
  draw(contact);
}

/** The call is over for this window: nothing of it is taken up again. */
function forget(contact: string): void {
  remember(contact, false);
  setCalling(contact, false);
  drop(contact);
}

/** The microphone for a call, or null with the reason shown. */
export async function microphoneOrTrouble(): Promise<MediaStream | null> {
  try {
    return await openChosen();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    trouble.value = error.code;
    return null;
  }
}

interface Joining {
  /** Opened already; taken over. */
  microphone?: MediaStream | undefined;
  /** In the place of a leg that went with the page. */
  again?: boolean;
  /** Also from another window. */
  take?: boolean;
  /** While this is under way the line is made ready; when it fails it says so itself. */
  accepted?: Promise<unknown>;
}

/** Brings the call's audio into this window. Says what went wrong where it is seen. */
export async function join(contact: string, { microphone, again = false, take = false, accepted }: Joining = {}): Promise<void> {
  const done = () => microphone?.getTracks().forEach((track) => track.stop());
  if (open.has(contact) || joining.has(contact)) return done();
  joining.add(contact);
  setCalling(contact, false);
  const lost = () => {
    remember(contact, false);
    drop(contact);
  };
  if (!(await hold(contact, take, lost))) {
    joining.delete(contact);
    return done();
  }
  const stream = microphone ?? (await microphoneOrTrouble());
  if (!stream) return drop(contact);
  const line = new Line(stream, speaker.value, signalling(contact, accepted), () => draw(contact));
  open.set(contact, line);
  draw(contact);
  remember(contact, true);
  try {
    await line.open(again);
  } catch (error) {
    forget(contact);
    if (await accepted?.then(() => false, () => true)) return;
    toastError(error);
  } finally {
    joining.delete(contact);
  }
}

const LATER_MS = 300;

/** The call has no audio yet: who takes it? */
async function awaitAudio(contact: string): Promise<void> {
  if (open.has(contact) || joining.has(contact)) return;
  if (remembered(contact)) return join(contact, { again: true });
  await new Promise((resolve) => setTimeout(resolve, LATER_MS)); // the window that accepted comes first
  const mine = () => {
    const call = calls.value.get(contact);
    return call?.state === "connecting" && !call.elsewhere && !atPhone(contact) && !open.has(contact) && !joining.has(contact);
  };
  if (!mine()) return;
  // Who talked before by other means, or with somebody else, is not put through to an open microphone.
  if (contacts.value.get(contact)?.connected_at) {
    setCalling(contact, true);
    await announceCall(contact, () => calling.value.has(contact));
  } else if (await claim(`join ${contact}`) && mine()) await join(contact);
}

function told(call: Call): void {
  const { contact, state, elsewhere } = call;
  const next = new Map(calls.value);
  if (state === "ended") next.delete(contact);
  else next.set(contact, call);
  calls.value = next;
  if (state === "ended") return forget(contact);
  if (elsewhere && open.has(contact) && !joining.has(contact)) {
    remember(contact, false);
    drop(contact);
  }
  if (elsewhere || state !== "connecting") setCalling(contact, false);
  if (!elsewhere && state === "connecting") void awaitAudio(contact);
}

/** Hangs up and frees the line at once; the contact's end follows by the log. */
export function leaveLine(contact: string): void {
  forget(contact);
}

/** Follows the pushes; to be called before the store connects, and after the offers' own listener of hello. */
export function startPhone(): void {
  on<Call>("phone", told);
  on<Hello>("hello", (hello) => {
    const live = new Set(hello.contacts.filter(isLive).map(({ id }) => id));
    calls.value = new Map([...calls.value].filter(([id]) => live.has(id)));
    for (const id of open.keys()) if (!live.has(id) && !joining.has(id)) forget(id);
    for (const id of live) if (!open.has(id) && remembered(id)) void join(id, { again: true });
  });
  effect(() => {
    for (const id of lines.value.keys()) {
      const phase = contacts.value.get(id)?.phase;
      if (phase === "wrapping" || phase === "closed") queueMicrotask(() => forget(id));
    }
  });
  effect(() => {
    if (calling.value.size === 0 && offers.value.length === 0) stopRinging();
  });
}
