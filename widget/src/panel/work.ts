// The work that a form costs: a counter for which the SHA-256 of "nonce.counter" begins with so many zero bits.
// crypto.subtle answers by promise, one hash at a time, and is missing on pages without https; this is ten times as fast.

const K = new Uint32Array(64);
const START = new Uint32Array(8);

/** The first 32 bits of the broken part of the square and cube roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function constants(): void {
  const part = (value: number) => ((value - Math.floor(value)) * 2 ** 32) | 0;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let by = 2; by * by <= n && prime; by++) prime = n % by != 0;
    if (!prime) continue;
    if (found < 8) START[found] = part(Math.sqrt(n));
    K[found++] = part(Math.cbrt(n));
  }
}
constants();

const words = new Uint32Array(64);
const digest = new Uint32Array(8);

/** SHA-256 of a text of at most 55 ASCII characters: one block. The answer is overwritten by the next call. */
export function sha256(text: string): Uint32Array {
  if (text.length > 55) throw new RangeError("more than one block");
  words.fill(0, 0, 16);
  for (let i = 0; i < text.length; i++) words[i >> 2]! |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  words[text.length >> 2]! |= 0x80 << (24 - 8 * (text.length & 3));
  words[15] = text.length * 8;
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15]!;
    const y = words[i - 2]!;
    const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16]! + low + words[i - 7]! + high) | 0;
  }
  let [a, b, c, d, e, f, g, h] = START as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + high + ((e & f) ^ (~e & g)) + K[i]! + words[i]!) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => (digest[i] = START[i]! + value));
  return digest;
}

/** The first counter from `from` on that solves it, or -1 when none of the next `count` does. At most 32 bits. */
export function solve(nonce: string, bits: number, from = 0, count = Infinity): number {
  for (let counter = from; counter < from + count; counter++) {
    if (sha256(`${nonce}.${counter}`)[0]! >>> (32 - bits) == 0) return counter;
  }
  return -1;
}
