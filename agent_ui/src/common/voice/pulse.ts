// Whether a line still lives, from what is seen of it, and when to try a new one. Pure: times are arguments (ms).
// The hub sends audio all the time (silence too), so a line on which nothing comes is dead long before ICE says so.

export type Verdict = "up" | "unsure" | "lost";

/** As RTCPeerConnection.connectionState. */
export type Connection = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

const QUIET_MS = 2_000; // packets come every 20 ms
const DISCONNECTED_MS = 1_500; // the browser's own checks may bring it back
const CONNECT_MS = 8_000;

export class Pulse {
  #packets = -1;
  #heard: number; // when the count of packets last grew
  #broken: number | null = null;
  #connected = false;
  readonly #begun: number;

  constructor(now: number) {
    this.#begun = this.#heard = now;
  }

  /** Takes in what is seen at `now`; `packets` is how many have come in so far. */
  see(connection: Connection, packets: number, now: number): Verdict {
    if (connection === "failed" || connection === "closed") return "lost";
    if (packets > this.#packets) {
      this.#packets = packets;
      this.#heard = now;
    }
    if (connection === "disconnected") {
      this.#broken ??= now;
      return now - this.#broken >= DISCONNECTED_MS ? "lost" : "unsure";
    }
    this.#broken = null;
    if (connection !== "connected") return now - this.#begun >= CONNECT_MS ? "lost" : "unsure";
    if (!this.#connected) {
      this.#connected = true;
      this.#heard = now; // the first packets have their time from here
    }
    return now - this.#heard >= QUIET_MS ? "lost" : "up";
  }
}

/** How long to wait before the given try (from 0) at a new line: at once, then soon, within the hub's ten seconds often. */
export function patience(attempt: number): number {
  return [0, 400, 1_000, 1_500][attempt] ?? 2_000;
}

/** Whether to give up: the hub has ended the call by then, or will not take us back. */
export function hopeless(lostAt: number, now: number): boolean {
  return now - lostAt > 40_000;
}
