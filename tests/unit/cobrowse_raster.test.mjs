// What a picture is by its first bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LARGEST_PICTURE, sniff } from "../../widget/src/cobrowse/raster.ts";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const padded = (...start) => Uint8Array.from([...start.flatMap((one) => (typeof one == "string" ? [...one].map((c) => c.charCodeAt(0)) : one)), ...Array(40).fill(0)]);
const PNG = bytes("iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGNgYGD4z8AABQAHAwEAe8t3WgAAAABJRU5ErkJggg==");

test("a PNG, a JPEG and the three kinds of WebP with their sizes", () => {
  assert.deepEqual(sniff(PNG), { type: "image/png", width: 2, height: 3 });
  const jpeg = padded([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xc0, 0, 17, 8, 0, 7, 0, 9]);
  assert.deepEqual(sniff(jpeg), { type: "image/jpeg", width: 9, height: 7 });
  const lossy = padded("RIFF", [9, 0, 0, 0], "WEBPVP8 ", [9, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 5, 0, 6, 0]);
  assert.deepEqual(sniff(lossy), { type: "image/webp", width: 5, height: 6 });
  const lossless = padded("RIFF", [9, 0, 0, 0], "WEBPVP8L", [9, 0, 0, 0, 0x2f, 4, 0x40, 1, 0]);
  assert.deepEqual(sniff(lossless), { type: "image/webp", width: 5, height: 6 });
  const extended = padded("RIFF", [9, 0, 0, 0], "WEBPVP8X", [10, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 5, 0, 0]);
  assert.deepEqual(sniff(extended), { type: "image/webp", width: 5, height: 6 });
});

test("nothing else is a picture, whatever it is called", () => {
  for (const start of ["<svg xmlns='http://www.w3.org/2000/svg' width='1'>", "GIF89a", "<!doctype html><script>", "BM", "\0\0\0 ftypavif", "%PDF-1.7"])
    assert.equal(sniff(padded(start)), null, start);
  assert.equal(sniff(new Uint8Array(0)), null);
  assert.equal(sniff(padded([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff])), null);
  assert.equal(sniff(padded([0xff, 0xd8, 0, 0])), null);
});

test("none that would unpack to more than a window shows, and none of too many bytes", () => {
  const large = PNG.slice();
  large.set([0, 0, 0x80, 0], 16);
  assert.equal(sniff(large), null);
  const none = PNG.slice();
  none.set([0, 0, 0, 0], 20);
  assert.equal(sniff(none), null);
  const long = new Uint8Array(LARGEST_PICTURE + 1);
  long.set(PNG);
  assert.equal(sniff(long), null);
});
