// Scrubbed events as frames for the wire: numbered, so that a gap is seen; compressed; in parts that no socket refuses.
// An epoch begins with each snapshot. What the visitor's line cannot carry is dropped until a snapshot makes it good.

import type { RawEvent } from "./scrub.ts";

export interface Frame {
  epoch: number;
  /** From 0, the snapshot's, in each epoch. */
  seq: number;
  kind: "snapshot" | "increment";
  part: number;
  parts: number;
  encoding: "gzip" | "json";
  /** UTF-8 JSON of an array of events, or a piece of it. */
  body: Uint8Array<ArrayBuffer>;
}

/** Where the pointer is; may be lost, and is in no frame. */
export interface Cursor {
  x: number;
  y: number;
}

export interface Line {
  send(frame: Frame): void;
  cursor(at: Cursor): void;
  /** Bytes that were given to `send` and have not left yet. */
  buffered(): number;
  /** The page is to be told anew: `Frames.begin` and a snapshot's events. */
  again(): void;
  /** A snapshot of so many bytes is more than anybody takes. */
  tooLarge(bytes: number): void;
}

export const LARGEST_PART = 256 * 1024;
export const LARGEST_SNAPSHOT = 8 * 1024 * 1024;
export const LARGEST_BACKLOG = 512 * 1024;
export const BACKLOG_MS = 2000;
export const GATHER_MS = 50;
const WORTH_PACKING = 1000;

const SNAPSHOT = 2;
const INCREMENT = 3;
const META = 4;
const POINTER = new Set([1, 6, 12]);
const INPUT = 5;

async function pack(json: Uint8Array<ArrayBuffer>): Promise<Pick<Frame, "encoding" | "body">> {
  if (json.length < WORTH_PACKING || typeof CompressionStream == "undefined") return { encoding: "json", body: json };
  const packed = new Blob([json]).stream().pipeThrough(new CompressionStream("gzip"));
  return { encoding: "gzip", body: new Uint8Array(await new Response(packed).arrayBuffer()) };
}

export class Frames {
  private epoch: number;
  private seq = 0;
  private waiting: RawEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> = Promise.resolve();
  private fullSince: number | null = null;
  private dropping = false;
  private head: RawEvent | null = null;
  private ended = false;
  private readonly line: Line;
  private readonly now: () => number;

  /** `epoch` goes on from the page before, so that no two pages of a session share one. `now` in milliseconds. */
  constructor(line: Line, epoch: number, now: () => number = () => performance.now()) {
    this.line = line;
    this.epoch = epoch;
    this.now = now;
  }

  add(event: RawEvent): void {
    const data = event.data as { source?: number; positions?: Cursor[] };
    if (event.type == INCREMENT && POINTER.has(data.source ?? -1)) {
      const at = data.positions?.at(-1);
      if (at) this.line.cursor({ x: at.x, y: at.y });
      return;
    }
    if (event.type == META) {
      this.head = event; // goes with the snapshot that follows it
      return;
    }
    if (event.type == SNAPSHOT) return this.begin(event);
    if (this.dropping || event.type != INCREMENT) return;
    this.waiting.push(event);
    if (data.source == INPUT) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Sends what waits now. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.waiting.splice(0);
    if (!events.length || this.dropping || this.ended) return;
    if (this.congested()) {
      this.dropping = true;
      this.drain();
      return;
    }
    this.post("increment", events);
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.waiting = [];
  }

  private begin(snapshot: RawEvent): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
    this.epoch++;
    this.seq = 0;
    this.dropping = false;
    this.fullSince = null;
    this.post("snapshot", this.head ? [this.head, snapshot] : [snapshot]);
  }

  private congested(): boolean {
    if (this.line.buffered() <= LARGEST_BACKLOG) {
      this.fullSince = null;
      return false;
    }
    this.fullSince ??= this.now();
    return this.now() - this.fullSince >= BACKLOG_MS;
  }

  private drain(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.ended || !this.dropping) return;
      if (this.line.buffered() > LARGEST_BACKLOG / 8) return this.drain();
      this.line.again();
    }, 4 * GATHER_MS);
  }

  private post(kind: Frame["kind"], events: RawEvent[]): void {
    const { epoch } = this;
    const seq = this.seq++;
    const json = new TextEncoder().encode(JSON.stringify(events));
    // One after the other, since packing takes its time and the order is the meaning.
    this.sending = this.sending.then(async () => {
      const { encoding, body } = await pack(json);
      if (this.ended || epoch != this.epoch) return;
      if (body.length > LARGEST_SNAPSHOT) {
        this.ended = true; // changes without their snapshot would be nonsense
        this.line.tooLarge(body.length);
        return;
      }
      const parts = Math.max(1, Math.ceil(body.length / LARGEST_PART));
      for (let part = 0; part < parts; part++)
        this.line.send({ epoch, seq, kind, part, parts, encoding, body: body.slice(part * LARGEST_PART, (part + 1) * LARGEST_PART) });
    });
  }
}
