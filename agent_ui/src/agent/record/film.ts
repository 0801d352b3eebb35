// The recording of a shared page as it lies at the hub (hub/film.py): entries with their times, and what the viewer is to
// be sent when it is played from some place on.

import type { Cursor, Frame } from "../../../../widget/src/cobrowse/frames.ts";

export interface Entry {
  /** By the clock, in ms. */
  at: number;
  frame?: Frame;
  cursor?: Cursor;
}

const MAGIC = "CHPAGE1\n";
const HEAD = 8;

type Told = { at: number } & (Omit<Frame, "body"> | Cursor);

/** Up to the first entry that is not whole: what wrote it may have died. Throws when it is no recording of a page. */
export function entriesOf(film: ArrayBuffer, begun: number): Entry[] {
  const view = new DataView(film);
  const words = new TextDecoder();
  if (words.decode(film.slice(0, MAGIC.length)) !== MAGIC) throw new Error("no recording of a page");
  const found: Entry[] = [];
  let at = MAGIC.length;
  while (at + HEAD <= film.byteLength) {
    const [head, body] = [view.getUint32(at), view.getUint32(at + 4)];
    const start = at + HEAD;
    at = start + head + body;
    if (at > film.byteLength) break;
    const { at: time, ...told } = JSON.parse(words.decode(film.slice(start, start + head))) as Told;
    const entry: Entry = { at: begun + time };
    if ("epoch" in told) entry.frame = { ...told, body: new Uint8Array(film, start + head, body) };
    else entry.cursor = told;
    found.push(entry);
  }
  return found;
}

const begins = ({ frame }: Entry) => frame?.kind === "snapshot" && frame.part === 0;

/** Plays entries of one or several films, in the order of their times. The viewer takes pages in rising numbers only, so
 * each time that one begins, also once more, it gets a new one. */
export class Reel {
  private next = 0;
  private epoch = 0;
  private readonly entries: readonly Entry[];
  /** Where the snapshots begin. */
  private readonly starts: readonly number[];

  constructor(entries: readonly Entry[]) {
    this.entries = [...entries].sort((a, b) => a.at - b.at);
    this.starts = this.entries.flatMap((entry, n) => (begins(entry) ? [n] : []));
  }

  /** What is to be shown at this time and is not yet, when it was reached by playing. */
  advance(to: number): Entry[] {
    const from = this.next;
    while (this.next < this.entries.length && this.entries[this.next]!.at <= to) this.next++;
    return this.sent(from, this.next);
  }

  /** The same, for any time: from the last snapshot before it, if it is not the one that is shown. */
  seek(to: number): Entry[] {
    const [first] = this.starts;
    if (first === undefined) return [];
    const start = this.starts.filter((n) => this.entries[n]!.at <= to).at(-1) ?? first;
    const shown = this.starts.filter((n) => n < this.next).at(-1);
    // Forwards in the page that is shown already: the rest of the way is enough.
    if (shown !== start || this.entries[this.next - 1]!.at > to) this.next = start;
    return this.advance(Math.max(to, this.entries[start]!.at));
  }

  private sent(from: number, to: number): Entry[] {
    return this.entries.slice(from, to).map((entry) => {
      if (!entry.frame) return entry;
      if (begins(entry)) this.epoch++;
      // A copy of its own: with a view the whole film would go along.
      return { ...entry, frame: { ...entry.frame, epoch: this.epoch, body: entry.frame.body.slice() } };
    });
  }
}
