// The recording of a shared page: read back whole and cut off, and played from any place, as the viewer would take it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { entriesOf, Reel } from "../../agent_ui/src/agent/record/film.ts";

/** As hub/film.py writes it. */
function film(...entries) {
  const words = new TextEncoder();
  const parts = [words.encode("CHPAGE1\n")];
  for (const [head, body = new Uint8Array()] of entries) {
    const told = words.encode(JSON.stringify(head));
    const lengths = new DataView(new ArrayBuffer(8));
    lengths.setUint32(0, told.length);
    lengths.setUint32(4, body.length);
    parts.push(new Uint8Array(lengths.buffer), told, body);
  }
  return new Blob(parts).arrayBuffer();
}

const head = (at, epoch, seq, part = 0, parts = 1) => ({ at, epoch, seq, kind: seq ? "increment" : "snapshot", part, parts, encoding: "json" });

test("a film is read with the times of its beginning, up to where it was cut off", async () => {
  const body = new Uint8Array([1, 2, 3]);
  const whole = await film([head(0, 7, 0), body], [{ at: 40, x: 3, y: 4 }], [head(90, 7, 1), body]);
  const read = entriesOf(whole, 1000);
  assert.deepEqual(read.map(({ at }) => at), [1000, 1040, 1090]);
  assert.deepEqual([...read[0].frame.body], [1, 2, 3]);
  assert.deepEqual(read[1].cursor, { x: 3, y: 4 });
  for (let length = 8; length < whole.byteLength; length++) {
    const cut = entriesOf(whole.slice(0, length), 1000);
    assert.ok(cut.length < 3);
    assert.deepEqual(cut, read.slice(0, cut.length));
  }
  assert.throws(() => entriesOf(new ArrayBuffer(20), 0));
});

/** What the viewer shows: whole pages in rising numbers, nothing after a gap. */
class Viewer {
  epoch = 0;
  next = 0;
  shown = [];
  take({ epoch, seq, body }) {
    assert.ok(epoch >= this.epoch, "an old page is not taken");
    if (epoch > this.epoch) {
      assert.equal(seq, 0);
      [this.epoch, this.next, this.shown] = [epoch, 0, []];
    }
    assert.equal(seq, this.next++, "no gap, nothing twice");
    this.shown.push(body[0]);
  }
}

test("wherever it is played from, the viewer has what was shown then", () => {
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let run = 0; run < 300; run++) {
    const entries = [];
    let [at, epoch, seq] = [0, 1 + random(50), 0];
    for (let n = 0; n < 60; n++) {
      if (n && !random(7)) [epoch, seq] = [epoch + 1 + random(3), 0];
      if (random(6) === 0) entries.push({ at, cursor: { x: n, y: n } });
      entries.push({ at, frame: { ...head(at, epoch, seq++), body: new Uint8Array([n]) } });
      at += random(3) * 10;
    }
    const expected = (to) => {
      const until = entries.filter((one) => one.frame && (one.at <= to || one.at <= entries.find(({ frame }) => frame).at));
      const start = until.map(({ frame }) => frame.seq).lastIndexOf(0);
      return until.slice(start).map(({ frame }) => frame.body[0]);
    };
    const reel = new Reel(entries);
    const viewer = new Viewer();
    let place = 0;
    const take = (given) => given.forEach(({ frame }) => frame && viewer.take(frame));
    take(reel.seek(place));
    for (let step = 0; step < 30; step++) {
      if (random(2)) take(reel.advance((place += random(80))));
      else take(reel.seek((place = random(at + 50))));
      assert.deepEqual(viewer.shown, expected(place));
    }
  }
});
