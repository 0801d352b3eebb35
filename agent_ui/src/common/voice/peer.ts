// One leg: an RTCPeerConnection with a microphone in and a loudspeaker out. The hub takes a complete offer and gives a
// complete answer, so candidates are gathered first, within a deadline.

import { type Counted, counted } from "./figures.ts";
import type { Connection } from "./pulse.ts";

const GATHER_MS = 1_500; // a STUN or TURN server that does not answer costs no more than this
const NOTHING_YET_MS = 5_000;
const KEY_MS = 120;
const GAP_MS = 70;

export class Peer {
  readonly #connection: RTCPeerConnection;
  readonly #sender: RTCRtpSender;
  /** What the other side says; the track comes with the answer. */
  readonly remote = new MediaStream();

  constructor(iceServers: RTCIceServer[], microphone: MediaStreamTrack, changed: () => void) {
    this.#connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#sender = this.#connection.addTrack(microphone);
    this.#connection.addEventListener("track", ({ track }) => this.remote.addTrack(track));
    this.#connection.addEventListener("connectionstatechange", changed);
  }

  get state(): Connection {
    return this.#connection.connectionState;
  }

  /** The offer with every candidate that was found in time. */
  async offer(): Promise<string> {
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    await this.#gathered();
    return this.#connection.localDescription?.sdp ?? "";
  }

  async answer(sdp: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
  }

  #gathered(): Promise<void> {
    return new Promise((resolve) => {
      const connection = this.#connection;
      const found = () => connection.localDescription?.sdp.includes("\na=candidate:") ?? false;
      const done = () => {
        clearTimeout(soon);
        clearTimeout(late);
        connection.removeEventListener("icegatheringstatechange", check);
        connection.removeEventListener("icecandidate", check);
        resolve();
      };
      let due = false;
      const check = () => {
        if (connection.iceGatheringState === "complete" || (due && found())) done();
      };
      const soon = setTimeout(() => ((due = true), check()), GATHER_MS);
      const late = setTimeout(done, NOTHING_YET_MS);
      connection.addEventListener("icegatheringstatechange", check);
      connection.addEventListener("icecandidate", check);
      check();
    });
  }

  /** Sends a key after those that are under way; false when the line cannot. */
  press(key: string): boolean {
    const { dtmf } = this.#sender;
    if (!dtmf?.canInsertDTMF) return false;
    dtmf.insertDTMF(dtmf.toneBuffer + key, KEY_MS, GAP_MS);
    return true;
  }

  async setMicrophone(track: MediaStreamTrack): Promise<void> {
    await this.#sender.replaceTrack(track);
  }

  async count(): Promise<Counted | null> {
    return counted((await this.#connection.getStats()).values());
  }

  close(): void {
    this.#connection.close();
  }
}
