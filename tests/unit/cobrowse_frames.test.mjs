// Frames: what is gathered, numbered, packed, cut in parts, dropped and made good; the line is one that we hold still.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { BACKLOG_MS, Frames, GATHER_MS, LARGEST_BACKLOG, LARGEST_PART, LARGEST_SNAPSHOT } from "../../widget/src/cobrowse/frames.ts";

const META = { type: 4, data: { href: "x", width: 1, height: 1 }, timestamp: 1 };
const snapshot = (text = "x") => ({ type: 2, data: { node: text }, timestamp: 2 });
const change = (n) => ({ type: 3, data: { source: 0, n }, timestamp: 3 });
const typed = (text) => ({ type: 3, data: { source: 5, text }, timestamp: 3 });
const noise = (length) => Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join("");

function make(epoch = 0) {
  const line = { frames: [], cursors: [], bytes: 0, asked: 0, refused: [] };
  const clock = { now: 0 };
  const frames = new Frames(
    {
      send: (frame) => line.frames.push(frame),
      cursor: (at) => line.cursors.push(at),
      buffered: () => line.bytes,
      again: () => line.asked++,
      tooLarge: (bytes) => line.refused.push(bytes),
    },
    epoch,
    () => clock.now,
  );
  return { frames, line, clock };
}

const settled = async (frames) => {
  let before;
  do {
    before = frames.sending;
    await before;
  } while (before != frames.sending);
};

function events(line, epoch, seq) {
  const parts = line.frames.filter((frame) => frame.epoch == epoch && frame.seq == seq);
  assert.deepEqual(parts.map(({ part }) => part), parts.map((_, n) => n));
  assert.ok(parts.every(({ parts: all, body }) => all == parts.length && body.length <= LARGEST_PART));
  const body = Buffer.concat(parts.map(({ body }) => body));
  return JSON.parse(parts[0].encoding == "gzip" ? gunzipSync(body) : body);
}

test("a snapshot comes with its page, changes are gathered, typing is not kept waiting", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { frames, line } = make(4);
  frames.add(META);
  frames.add(snapshot());
  frames.add(change(1));
  frames.add(change(2));
  await settled(frames);
  assert.deepEqual(line.frames.map(({ epoch, seq, kind }) => [epoch, seq, kind]), [[5, 0, "snapshot"]]);
  assert.deepEqual(events(line, 5, 0), [META, snapshot()]);
  mock.timers.tick(GATHER_MS);
  await settled(frames);
  assert.deepEqual(events(line, 5, 1), [change(1), change(2)]);
  frames.add(change(3));
  frames.add(typed("a"));
  await settled(frames);
  assert.deepEqual(events(line, 5, 2), [change(3), typed("a")]);
  frames.add({ type: 3, data: { source: 1, positions: [{ x: 1, y: 2, id: 3 }, { x: 4, y: 5, id: 3 }] } });
  assert.deepEqual(line.cursors, [{ x: 4, y: 5 }]);
  mock.timers.reset();
});

test("what is large is packed and cut, in its order among what is small", async () => {
  const { frames, line } = make();
  const large = snapshot(noise(900_000));
  frames.add(large);
  frames.add(typed("a"));
  frames.add(typed("b"));
  await settled(frames);
  assert.ok(line.frames.length > 4 && line.frames[0].encoding == "gzip");
  assert.deepEqual(line.frames.map(({ seq }) => seq), [...line.frames.map(({ seq }) => seq)].sort());
  assert.deepEqual(events(line, 1, 0), [large]);
  assert.deepEqual(events(line, 1, 2), [typed("b")]);
});

test("a new snapshot makes void what waits before it", async () => {
  const { frames, line } = make();
  frames.add(snapshot("one"));
  frames.add(change(1));
  frames.add(snapshot("two"));
  await settled(frames);
  assert.deepEqual(line.frames.map(({ epoch, seq, kind }) => [epoch, seq, kind]), [[2, 0, "snapshot"]]);
});

test("a line that stands still is spared until it is free, and then told everything", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { frames, line, clock } = make();
  frames.add(snapshot());
  await settled(frames);
  line.bytes = LARGEST_BACKLOG + 1;
  frames.add(typed("still sent"));
  clock.now += BACKLOG_MS;
  frames.add(typed("dropped"));
  frames.add(typed("dropped too"));
  await settled(frames);
  assert.equal(line.frames.length, 2);
  mock.timers.tick(10 * GATHER_MS);
  assert.equal(line.asked, 0);
  line.bytes = 0;
  mock.timers.tick(10 * GATHER_MS);
  assert.equal(line.asked, 1);
  frames.add(snapshot("again"));
  frames.add(typed("after"));
  await settled(frames);
  assert.deepEqual(line.frames.slice(2).map(({ epoch, seq }) => [epoch, seq]), [[2, 0], [2, 1]]);
  mock.timers.reset();
});

test("a snapshot that nobody takes is refused, and nothing is sent after the end", async () => {
  const { frames, line } = make();
  frames.add(snapshot(noise(11_000_000)));
  await settled(frames);
  assert.equal(line.frames.length, 0);
  assert.ok(line.refused[0] > LARGEST_SNAPSHOT);
  frames.add(snapshot());
  frames.end();
  await settled(frames);
  assert.equal(line.frames.length, 0);
});
