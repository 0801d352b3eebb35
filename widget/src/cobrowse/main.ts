// The part of the widget that shares the customer's page: a script of its own, for the host page, which the loader
// fetches once a customer has agreed. It hands itself to the loader and does nothing before it is called.

import { record } from "@rrweb/record";
import { Frames, type Cursor, type Frame } from "./frames.ts";
import { startRecording, type Recording } from "./recorder.ts";
import type { RawEvent } from "./scrub.ts";

export type FromPage =
  | { t: "cb:frame"; frame: Frame }
  | { t: "cb:cursor"; at: Cursor }
  | { t: "cb:state"; hidden: number; width: number; height: number }
  | { t: "cb:failed"; why: "too_large" | "unsupported" }
  /** A picture of the page, by the hash of its bytes, that a viewer has asked for. */
  | { t: "cb:picture"; hash: string; body: Uint8Array<ArrayBuffer> };

export interface Sharing extends Pick<Recording, "shown" | "addresses"> {
  /** The agent misses something: tells the page anew. */
  resync(): void;
  /** How many bytes the panel could not send yet. */
  backlog(bytes: number): void;
  /** The element that the agent means. */
  node(id: number): Node | null;
  /** A change of our own, which goes along in the order of all. */
  add(event: RawEvent): void;
  /** Called after a snapshot (true) or a change. */
  changed?: (snapshot: boolean) => void;
  stop(): void;
}

export type Share = (port: { postMessage(data: FromPage, transfer?: Transferable[]): void }, epoch: number) => Sharing;

const share: Share = (port, epoch) => {
  let backlog = 0;
  let described = "";
  const frames = new Frames(
    {
      send: (frame) => {
        port.postMessage({ t: "cb:frame", frame }, [frame.body.buffer]);
        describe();
      },
      cursor: (at) => port.postMessage({ t: "cb:cursor", at }),
      buffered: () => backlog,
      again: () => recording.again(),
      tooLarge: () => port.postMessage({ t: "cb:failed", why: "too_large" }),
    },
    epoch,
  );
  const describe = (): void => {
    const state = { t: "cb:state" as const, hidden: recording.hidden, width: innerWidth, height: innerHeight };
    if (described == (described = JSON.stringify(state))) return;
    port.postMessage(state);
  };
  const recording = startRecording(
    (event) => {
      frames.add(event);
      sharing.changed?.(event.type == 2);
    },
    () => port.postMessage({ t: "cb:failed", why: "unsupported" }),
  );
  const sharing: Sharing = {
    shown: recording.shown,
    addresses: recording.addresses,
    add: (event) => frames.add(event),
    resync: () => recording.again(),
    backlog: (bytes) => (backlog = bytes),
    node: (id) => record.mirror.getNode(id),
    stop() {
      recording.stop();
      frames.end();
    },
  };
  return sharing;
};

(window as { ContactHub?: (name: string, given: unknown) => void }).ContactHub?.("cobrowse", share);
