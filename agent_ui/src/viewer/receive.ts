// Frames as they arrive: put together from their parts, unpacked within bounds, in their order or not at all.

import type { Frame } from "../../../widget/src/cobrowse/frames.ts";
import type { RawEvent } from "../../../widget/src/cobrowse/scrub.ts";

/** More than any page of ours unpacks to; a few bytes of gzip can claim gigabytes. */
export const LARGEST = 64 * 1024 * 1024;
const MOST_PARTS = 64;

async function unpack(frame: Frame, body: Uint8Array<ArrayBuffer>): Promise<string> {
  if (frame.encoding == "json") return new TextDecoder("utf-8", { fatal: true }).decode(body);
  const reader = new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    if ((size += value.length) > LARGEST) {
      void reader.cancel();
      throw new RangeError("too large");
    }
    text += decoder.decode(value, { stream: true });
  }
}

export interface Shown {
  epoch: number;
  seq: number;
  snapshot: boolean;
  events: RawEvent[];
}

/** Takes frames; `show` gets whole ones in order, `missing` is called once for each gap. */
export class Receiver {
  private epoch = 0;
  private next = 0;
  private parts: Uint8Array[] = [];
  private broken = true;
  private work: Promise<void> = Promise.resolve();
  private readonly show: (shown: Shown) => void;
  private readonly missing: () => void;

  constructor(show: (shown: Shown) => void, missing: () => void) {
    this.show = show;
    this.missing = missing;
  }

  take(frame: Frame): void {
    this.work = this.work.then(() => this.handle(frame)).catch(() => this.lose());
  }

  private async handle(frame: Frame): Promise<void> {
    const { epoch, seq, kind, part, parts } = frame;
    if (epoch < this.epoch || (epoch == this.epoch && this.broken)) return;
    if (epoch > this.epoch) {
      this.epoch = epoch;
      this.next = 0;
      this.parts = [];
      this.broken = false;
    }
    if (seq < this.next || (seq == this.next && part < this.parts.length)) return; // once more what has come before
    if (seq != this.next || part != this.parts.length || parts > MOST_PARTS || (kind == "snapshot") != (seq == 0)) return this.lose();
    this.parts.push(frame.body);
    if (part < parts - 1) return;
    const body = new Uint8Array(await new Blob(this.parts as BlobPart[]).arrayBuffer());
    this.parts = [];
    this.next++;
    const events: unknown = JSON.parse(await unpack(frame, body));
    if (!Array.isArray(events)) return this.lose();
    this.show({ epoch, seq, snapshot: kind == "snapshot", events });
  }

  /** Nothing more of this epoch is of use. */
  lose(): void {
    if (this.broken) return;
    this.broken = true;
    this.missing();
  }
}
