// The work of the e-mail form, run by node as it stands, against node's own SHA-256.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { sha256, solve } from "../../widget/src/panel/work.ts";

const hex = (words) => [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
const own = (text) => createHash("sha256").update(text).digest("hex");

test("one block of SHA-256", () => {
  for (const text of ["", "abc", "a".repeat(55), ...Array.from({ length: 55 }, (_, n) => "0123456789abcdef.-_~ZYX".repeat(3).slice(0, n))]) {
    assert.equal(hex(sha256(text)), own(text), text);
  }
  assert.throws(() => sha256("a".repeat(56)), RangeError);
});

test("the first counter that solves it", () => {
  const nonce = "00112233445566778899aabbccddeeff";
  for (const bits of [1, 8, 15]) {
    const counter = solve(nonce, bits);
    const zeros = (n) => BigInt(`0x${own(`${nonce}.${n}`)}`) >> BigInt(256 - bits) == 0n;
    assert.ok(zeros(counter));
    for (let n = 0; n < Math.min(counter, 500); n++) assert.ok(!zeros(n));
    // In pieces it comes to the same, and a piece without one says so.
    let found = -1;
    for (let from = 0; found < 0; from += 100) found = solve(nonce, bits, from, 100);
    assert.equal(found, counter);
    if (counter) assert.equal(solve(nonce, bits, 0, counter), -1);
  }
});
