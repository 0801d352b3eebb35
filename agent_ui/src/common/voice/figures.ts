// How good a line sounds, estimated from what the network does to it: the E-model (ITU-T G.107) in short form, as the
// hub's own `webrtc/quality.py` has it. Pure: what the browser counted goes in, figures come out.

/** `loss` is a share (0 to 1) of the last interval; times are ms; `mos` is 1 (bad) to 4.4 (as good as a telephone gets). */
export interface Figures {
  mos: number;
  loss: number;
  jitter_ms: number;
  round_trip_ms: number | null;
}

/** The browser's counters at one moment. */
export interface Counted {
  received: number;
  lost: number;
  jitter_ms: number;
  round_trip_ms: number | null;
  codec: string;
}

export type Grade = "good" | "fair" | "poor" | "bad";

// Equipment impairment is 0 for these; the second figure is the robustness against loss (Bpl).
const ROBUSTNESS: Record<string, number> = { pcmu: 25.1, pcma: 25.1, g722: 10, opus: 15 };
const BASIC = 93.2;
const PACKET_MS = 20;
const PLAYOUT_MS = 40;

export function mos(codec: string, loss: number, jitterMs: number, roundTripMs: number | null): number {
  const oneWay = (roundTripMs ?? 0) / 2 + PACKET_MS + Math.max(PLAYOUT_MS, 2 * jitterMs);
  const delay = 0.024 * oneWay + (oneWay > 177.3 ? 0.11 * (oneWay - 177.3) : 0);
  const percent = 100 * Math.min(Math.max(loss, 0), 1);
  const r = Math.max(0, BASIC - delay - (95 * percent) / (percent + (ROBUSTNESS[codec.toLowerCase()] ?? 15)));
  return Math.max(1, Math.min(4.5, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6));
}

/** What `mos` is called: users are satisfied from 4.0 on, many are not below 3.6, nearly all not below 3.1 (G.107 annex B). */
export function grade(score: number): Grade {
  return score >= 4 ? "good" : score >= 3.6 ? "fair" : score >= 3.1 ? "poor" : "bad";
}

/** How many of four bars. */
export function bars(score: number): number {
  return { good: 4, fair: 3, poor: 2, bad: 1 }[grade(score)];
}

interface Entry {
  type: string;
  [key: string]: unknown;
}

/** The counters of the one audio stream that comes in; null before it does. */
export function counted(report: Iterable<Entry>): Counted | null {
  const entries = [...report];
  const inbound = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  if (!inbound) return null;
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  const pair = entries.find(({ type, nominated, state }) => type === "candidate-pair" && nominated === true && state === "succeeded");
  const remote = entries.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio");
  const seconds = pair?.["currentRoundTripTime"] ?? remote?.["roundTripTime"];
  const codec = entries.find(({ type, id }) => type === "codec" && id === inbound["codecId"]);
  return {
    received: number(inbound["packetsReceived"]),
    lost: number(inbound["packetsLost"]),
    jitter_ms: number(inbound["jitter"]) * 1000,
    round_trip_ms: typeof seconds === "number" ? seconds * 1000 : null,
    codec: String(codec?.["mimeType"] ?? "").replace(/^audio\//i, ""),
  };
}

/** Figures of the time between two counts of the same stream. */
export function between(before: Counted | null, now: Counted): Figures {
  const received = Math.max(0, now.received - (before?.received ?? 0));
  const lost = Math.max(0, now.lost - (before?.lost ?? 0)); // a packet that was late after all makes it fall
  const loss = received + lost > 0 ? lost / (received + lost) : 0;
  return { mos: mos(now.codec, loss, now.jitter_ms, now.round_trip_ms), loss, jitter_ms: now.jitter_ms, round_trip_ms: now.round_trip_ms };
}

/** The worse of what two ends say of one line. */
export function worse(one: Figures | null, other: Figures | null): Figures | null {
  if (!one || !other) return one ?? other;
  return one.mos <= other.mos ? one : other;
}
