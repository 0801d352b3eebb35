// Run by test_browser_voice.py. Node takes TypeScript without types away, so the sources are tested as they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, between, counted, grade, mos, worse } from "../../agent_ui/src/common/voice/figures.ts";
import { dialled, numberProblem } from "../../agent_ui/src/common/voice/number.ts";
import { hopeless, patience, Pulse } from "../../agent_ui/src/common/voice/pulse.ts";

test("the E-model's figures", () => {
  assert.ok(Math.abs(mos("PCMU", 0, 0, 0) - 4.38) < 0.02); // as good as a telephone gets
  assert.ok(mos("PCMU", 0.01, 5, 40) < mos("PCMU", 0, 5, 40));
  assert.ok(mos("PCMU", 0, 5, 600) < mos("PCMU", 0, 5, 300), "delay over 177 ms costs more");
  assert.ok(mos("PCMU", 0.05, 5, 40) > mos("opus", 0.05, 5, 40), "concealment of G.711 is the more robust one");
  for (const loss of [0, 0.03, 0.2, 1, 7, -1]) {
    const score = mos("unheard-of", loss, 20, null);
    assert.ok(score >= 1 && score <= 4.5, `${loss}: ${score}`);
  }
  assert.deepEqual([4.2, 4, 3.7, 3.2, 2].map(grade), ["good", "good", "fair", "poor", "bad"]);
  assert.deepEqual([4.2, 3.7, 3.2, 2].map(bars), [4, 3, 2, 1]);
});

test("what the browser counted", () => {
  assert.equal(counted([]), null);
  assert.equal(counted([{ type: "inbound-rtp", kind: "video" }]), null);
  const report = [
    { type: "codec", id: "c1", mimeType: "audio/PCMU" },
    { type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 9 },
    { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.05 },
    { type: "inbound-rtp", kind: "audio", codecId: "c1", packetsReceived: 100, packetsLost: 2, jitter: 0.004 },
  ];
  assert.deepEqual(counted(report), { received: 100, lost: 2, jitter_ms: 4, round_trip_ms: 50, codec: "PCMU" });
});

test("figures are those of the last interval", () => {
  const at = (received, lost) => ({ received, lost, jitter_ms: 1, round_trip_ms: 2, codec: "PCMU" });
  assert.equal(between(at(100, 50), at(200, 50)).loss, 0, "old losses are past");
  assert.equal(between(at(100, 0), at(190, 10)).loss, 0.1);
  assert.equal(between(at(100, 5), at(200, 4)).loss, 0, "a late packet makes the count fall");
  assert.equal(between(null, at(0, 0)).loss, 0);
  const good = { mos: 4 }, bad = { mos: 2 };
  assert.equal(worse(good, bad), bad);
  assert.equal(worse(null, good), good);
  assert.equal(worse(null, null), null);
});

test("a line that lives", () => {
  const pulse = new Pulse(0);
  assert.equal(pulse.see("new", 0, 10), "unsure");
  assert.equal(pulse.see("connecting", 0, 900), "unsure");
  assert.equal(pulse.see("connected", 0, 1_000), "up", "the first packets have their time");
  for (let now = 1_500; now < 20_000; now += 500) assert.equal(pulse.see("connected", now, now), "up");
});

test("a line on which nothing comes is lost", () => {
  const pulse = new Pulse(0);
  pulse.see("connected", 5, 100);
  assert.equal(pulse.see("connected", 5, 2_000), "up");
  assert.equal(pulse.see("connected", 5, 2_100), "lost");
});

test("a short break is waited for, a long one is not", () => {
  const pulse = new Pulse(0);
  pulse.see("connected", 5, 100);
  assert.equal(pulse.see("disconnected", 5, 500), "unsure");
  assert.equal(pulse.see("connected", 9, 1_000), "up");
  assert.equal(pulse.see("disconnected", 9, 1_500), "unsure", "counted anew");
  assert.equal(pulse.see("disconnected", 9, 2_999), "unsure");
  assert.equal(pulse.see("disconnected", 9, 3_000), "lost");
  assert.equal(new Pulse(0).see("failed", 0, 1), "lost");
  assert.equal(new Pulse(0).see("connecting", 0, 8_000), "lost", "an answer that leads nowhere");
});

test("tries come often enough for the hub's ten seconds, and end", () => {
  const waits = [0, 1, 2, 3, 4, 9].map(patience);
  assert.equal(waits[0], 0);
  assert.ok(waits.slice(0, 4).reduce((sum, wait) => sum + wait) < 4_000);
  assert.ok(Math.max(...waits) <= 2_000);
  assert.equal(hopeless(0, 30_000), false);
  assert.equal(hopeless(0, 41_000), true);
});

test("numbers as people write them", () => {
  assert.equal(dialled("+49 (30) 123-45/6"), "+4930123456");
  assert.equal(dialled("0049 30 123456"), "+4930123456");
  assert.equal(dialled("030 123456"), "030123456");
  const problems = { "": "empty", "+": "empty", "+49 30 12x": "signs", "+49 30": "short", "030 1234": null, "+0493012345": "country", "+49301234567890123": "long", "+86 138 0013 8000": null, "49+3012345": "signs" };
  for (const [text, problem] of Object.entries(problems)) assert.equal(numberProblem(text), problem, text);
});
