// Two who write in one text area.

import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "../../widget/src/cobrowse/acting.ts";

test("what one of them left as it was becomes what the other made of it", () => {
  assert.equal(merge("Ring twice", "Ring twice", "Ring once"), "Ring once");
  assert.equal(merge("Ring twice", "Ring once", "Ring twice"), "Ring once");
  assert.equal(merge("Ring", "Ring twice", "Ring twice"), "Ring twice");
});

test("changes that do not touch each other are put together, whoever made which", () => {
  const [base, mine, theirs] = ["one two three", "ONE two three", "one two THREE"];
  assert.equal(merge(base, mine, theirs), "ONE two THREE");
  assert.equal(merge(base, theirs, mine), "ONE two THREE");
  assert.equal(merge("a b c", "b c", "a b c d"), "b c d");
  assert.equal(merge("Tor links", "Das Tor links", "Tor links, hinten"), "Das Tor links, hinten");
});

test("changes of the same words are nobody's to decide but the customer's", () => {
  assert.equal(merge("one two three", "one 2 three", "one zwei three"), null);
  assert.equal(merge("", "hers", "his"), null);
  assert.equal(merge("one two", "one", "one two!"), null);
});

test("putting together keeps both changes, for any two that stand apart", () => {
  let state = 7;
  const chance = (below) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  for (let n = 0; n < 2000; n++) {
    const base = Array.from({ length: 12 }, () => "abc"[chance(3)]).join("");
    const cut = 1 + chance(10);
    const mine = "X".repeat(chance(3)) + base.slice(chance(cut), cut) + base.slice(cut);
    const theirs = base.slice(0, cut) + base.slice(cut, cut + chance(12 - cut)) + "Y".repeat(1 + chance(3));
    const both = merge(base, mine, theirs);
    if (both === null) continue;
    assert.equal(both.split("X").length, mine.split("X").length, `${base} ${mine} ${theirs}`);
    assert.equal(both.split("Y").length, theirs.split("Y").length, `${base} ${mine} ${theirs}`);
  }
});
