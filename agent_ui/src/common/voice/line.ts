// A line to the hub that is kept: microphone, loudspeaker, and a leg that is replaced by a new one when it is lost, after
// a change of network or a sleep. The page shows `state`, `trouble` and `figures`, which `changed` tells it to read anew.

import { openMicrophone, Trouble } from "./devices.ts";
import { between, type Counted, type Figures } from "./figures.ts";
import { Meter } from "./meter.ts";
import { Peer } from "./peer.ts";
import { hopeless, patience, Pulse } from "./pulse.ts";

/** How a leg is agreed with the hub; `again` when it takes the place of an earlier one. Both throw what the hub refused. */
export interface Signalling {
  iceServers(): Promise<RTCIceServer[]>;
  exchange(offer: string, again: boolean): Promise<string>;
  /** Whether a failed exchange may work when it is tried again; otherwise the line is given up. */
  passing(error: unknown): boolean;
}

export type LineState = "opening" | "up" | "reconnecting" | "failed" | "closed";

const LOOK_MS = 500;
const COUNT_EVERY = 4; // looks

export class Line {
  state: LineState = "opening";
  trouble: Trouble | null = null;
  figures: Figures | null = null;
  muted = false;

  readonly #signalling: Signalling;
  readonly #changed: () => void;
  readonly #audio = document.createElement("audio");
  readonly #meter = new Meter();
  #microphone: MediaStream | null = null;
  #peer: Peer | null = null;
  #pulse = new Pulse(0);
  #before: Counted | null = null;
  #looks = 0;
  #attempt = 0;
  #lostAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #wake = () => this.#hurry();

  /** `microphone` was opened for this line and is closed with it. */
  constructor(microphone: MediaStream, speaker: string, signalling: Signalling, changed: () => void) {
    this.#signalling = signalling;
    this.#changed = changed;
    this.#audio.autoplay = true;
    this.#take(microphone);
    void this.setSpeaker(speaker);
    this.#watch = setInterval(() => void this.#look(), LOOK_MS);
    addEventListener("online", this.#wake);
  }

  /** Makes the first leg; after a reload, with `again`, it takes the place of the one that went with the page. */
  async open(again = false): Promise<void> {
    try {
      await this.#connect(again);
    } catch (error) {
      if (this.state === "closed") return;
      if (again && this.#signalling.passing(error)) return this.#lose();
      this.close();
      throw error;
    }
  }

  async #connect(again: boolean): Promise<void> {
    const servers = await this.#signalling.iceServers();
    const track = this.#microphone?.getAudioTracks()[0];
    if (this.state === "closed" || !track) return;
    this.#peer?.close();
    const peer = new Peer(servers, track, () => void this.#look());
    this.#peer = peer;
    this.#pulse = new Pulse(performance.now());
    this.#before = null;
    const offer = await peer.offer();
    if (this.#peer !== peer) return;
    const answer = await this.#signalling.exchange(offer, again);
    if (this.#peer !== peer) return;
    await peer.answer(answer);
    this.#audio.srcObject = peer.remote;
    void this.play();
  }

  /** Starts the sound; needs a press in the page when the browser has blocked it. */
  async play(): Promise<void> {
    try {
      await this.#audio.play();
      if (this.trouble?.code === "blocked") this.#tell({ trouble: null });
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#tell({ trouble: new Trouble("blocked") });
    }
  }

  async #look(): Promise<void> {
    const peer = this.#peer;
    if (!peer || this.state === "closed" || this.state === "failed" || this.#timer !== undefined) return;
    const now = await peer.count().catch(() => null);
    if (this.#peer !== peer || this.#timer !== undefined) return;
    const verdict = this.#pulse.see(peer.state, now?.received ?? 0, performance.now());
    if (verdict === "lost") return this.#lose();
    if (verdict !== "up") return;
    this.#attempt = 0;
    if (now && this.#looks++ % COUNT_EVERY === 0) {
      const figures = between(this.#before, now);
      if (this.#before) this.#tell({ figures });
      this.#before = now;
    }
    if (this.state !== "up") this.#tell({ state: "up" });
  }

  #lose(): void {
    if (this.state === "closed") return;
    if (this.state !== "reconnecting") this.#lostAt = performance.now();
    this.#tell({ state: "reconnecting", figures: null });
    this.#retry(patience(this.#attempt++));
  }

  #retry(after: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#connect(true).then(
        () => (this.#timer = undefined),
        (error: unknown) => {
          this.#timer = undefined;
          if (this.state === "closed") return;
          if (this.#signalling.passing(error) && !hopeless(this.#lostAt, performance.now())) return this.#lose();
          this.#peer?.close();
          this.#tell({ state: "failed", trouble: new Trouble("network") });
        },
      );
    }, after);
  }

  /** The network is back, or another one is there: what waits for its turn goes at once, what stands is looked at. */
  #hurry(): void {
    if (this.state === "reconnecting") this.#retry(0);
    else if (this.state === "up") this.#lose();
  }

  /** Tries again after it was given up. */
  again(): void {
    if (this.state !== "failed") return;
    this.#attempt = 0;
    this.trouble = null;
    this.#lose();
  }

  #take(stream: MediaStream): void {
    this.#microphone?.getTracks().forEach((track) => track.stop());
    this.#microphone = stream;
    this.#meter.follow(stream);
    const track = stream.getAudioTracks()[0];
    if (!track) return;
    track.enabled = !this.muted;
    track.addEventListener("ended", () => void this.#unplugged(stream));
  }

  /** Goes on with another microphone when there is one. */
  async #unplugged(stream: MediaStream): Promise<void> {
    if (this.#microphone !== stream || this.state === "closed") return;
    try {
      await this.setMicrophone("");
    } catch {
      this.#tell({ trouble: new Trouble("lost") });
    }
  }

  /** @throws Trouble; the former microphone stays then */
  async setMicrophone(id: string): Promise<void> {
    const stream = await openMicrophone(id);
    if (this.state === "closed") return stream.getTracks().forEach((track) => track.stop());
    this.#take(stream);
    const track = stream.getAudioTracks()[0];
    if (track) await this.#peer?.setMicrophone(track);
    if (this.trouble && this.trouble.code !== "blocked") this.#tell({ trouble: null });
  }

  get microphoneName(): string {
    return this.#microphone?.getAudioTracks()[0]?.label ?? "";
  }

  async setSpeaker(id: string): Promise<void> {
    // A loudspeaker that is gone: the usual one is as good as none at all is bad.
    if ("setSinkId" in this.#audio) await this.#audio.setSinkId(id).catch(() => this.#audio.setSinkId("").catch(() => undefined));
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !muted;
    this.#changed();
  }

  /** Presses a key of the telephone; false when the line cannot send it now. */
  press(key: string): boolean {
    return this.state === "up" && (this.#peer?.press(key) ?? false);
  }

  /** How loud the microphone is, 0 to 1; 0 while muted. */
  level(): number {
    return this.#meter.level();
  }

  #tell(change: { state?: LineState; trouble?: Trouble | null; figures?: Figures | null }): void {
    Object.assign(this, change);
    this.#changed();
  }

  /** Frees microphone and loudspeaker. What the hub is told of it is the caller's business. */
  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
    removeEventListener("online", this.#wake);
    this.#peer?.close();
    this.#peer = null;
    this.#audio.srcObject = null;
    this.#microphone?.getTracks().forEach((track) => track.stop());
    this.#meter.close();
    this.#changed();
  }
}
