// What a picture is by its first bytes, whatever it is called: PNG, JPEG or WebP with its size in pixels, or nothing that
// is shown. Pure.

export interface Raster {
  type: "image/png" | "image/jpeg" | "image/webp";
  width: number;
  height: number;
}

/** Bytes of one picture on the wire, and pixels of its longer side. */
export const LARGEST_PICTURE = 192 * 1024;
export const LONGEST_SIDE = 4096;

const ascii = (bytes: Uint8Array, at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length));

function sized(type: Raster["type"], width: number, height: number): Raster | null {
  return width > 0 && height > 0 && width <= LONGEST_SIDE && height <= LONGEST_SIDE ? { type, width, height } : null;
}

export function sniff(bytes: Uint8Array): Raster | null {
  if (bytes.length < 30 || bytes.length > LARGEST_PICTURE) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (ascii(bytes, 1, 3) == "PNG" && view.getUint32(0) == 0x89504e47 && view.getUint32(4) == 0x0d0a1a0a)
    return ascii(bytes, 12, 4) == "IHDR" ? sized("image/png", view.getUint32(16), view.getUint32(20)) : null;
  if (ascii(bytes, 0, 4) == "RIFF" && ascii(bytes, 8, 4) == "WEBP") return webp(bytes, view);
  return view.getUint16(0) == 0xffd8 ? jpeg(view) : null;
}

/** RFC 9649. */
function webp(bytes: Uint8Array, view: DataView): Raster | null {
  const type = "image/webp";
  switch (ascii(bytes, 12, 4)) {
    case "VP8 ":
      return sized(type, view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return sized(type, (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
    }
    case "VP8X":
      return sized(type, (view.getUint32(24, true) & 0xffffff) + 1, (view.getUint32(26, true) >>> 8) + 1);
  }
  return null;
}

/** ITU-T T.81: the frame's header stands behind segments that say how long they are. */
function jpeg(view: DataView): Raster | null {
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) != 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return sized("image/jpeg", view.getUint16(at + 7), view.getUint16(at + 5));
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return null;
}

/** The pictures of a page as an increment says them: ours, beside rrweb's own sources. */
export const PICTURES = 100;

/** By number (of a node, or of an address in style sheets): the hash of what it shows, "" where that stays with the customer; its size. */
export type Told = [number: number, hash: string, width: number, height: number];

export interface PicturesData {
  source: typeof PICTURES;
  nodes: Told[];
  styles: Told[];
}
