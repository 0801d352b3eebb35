// The pictures of the customer's page, for the agent's side: each is drawn anew, which leaves nothing of it but what is
// seen, and told by the hash of its bytes; the bytes leave only when a viewer asks for them, so each goes once. A script
// of its own, fetched once a page is shared. What may not be seen, cannot be read or is too large stays a grey box.

import type { FromPage, Sharing } from "./main.ts";
import { LARGEST_PICTURE, PICTURES, type PicturesData, type Told } from "./raster.ts";
import { dataPicture } from "./secrets.ts";

export interface Pictures {
  /** A viewer has not got these yet. */
  give(hashes: string[]): void;
  /** What drawings (canvas) show now. */
  stills(): void;
  /** How many bytes the panel could not send yet. */
  backlog(bytes: number): void;
  stop(): void;
}

export type MakePictures = (sharing: Sharing, port: { postMessage(data: FromPage, transfer?: Transferable[]): void }) => Pictures;

interface Made {
  hash: string;
  /** In CSS pixels, as the page has it without a size of its own. */
  width: number;
  height: number;
  body: Blob;
}

const MOST = 400;
const MOST_BYTES = 12 * 1024 * 1024;
/** Bytes at once, and a second after that. */
const BURST = 512 * 1024;
const RATE = 48 * 1024;
const SMALLEST = 3;
const WIDEST = 1600;
const SETTLE_MS = 250;
const STYLES_EVERY_MS = 1000;
const SLICE = 100;

/** Pictures that are secrets by what they are called: a net below `data-private`. */
const NEVER = /\b(?:qr|otp|totp|2fa|mfa|captcha|signature|bar ?code|cheque|passport|id ?card|tan)\b|qr.?code/i;

/** By address and width; they outlive pauses. */
const made = new Map<string, Promise<Made | null>>();
const byHash = new Map<string, Made>();
let bytes = 0;

const idle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work, 0);
};
const resting = () => new Promise<void>(idle);

const isPicture = (element: Element): element is HTMLImageElement => element.localName == "img";
const isDrawing = (element: Element): element is HTMLCanvasElement => element.localName == "canvas";

function secret(element: Element, address = ""): boolean {
  const said = [...["alt", "class", "id", "title", "name"].map((name) => element.getAttribute(name)), address.startsWith("data:") ? "" : address.split(/[?#]/)[0]];
  return said.some((text) => text && NEVER.test(text.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_\-./]+/g, " ")));
}

/** What is drawn, as bytes that no viewer refuses; null where it cannot be read or will not become small. */
async function encode(source: CanvasImageSource, width: number, height: number, sent: number): Promise<Made | null> {
  for (let wide = sent; wide >= 32; wide = Math.floor(wide / 2)) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(wide));
    canvas.height = Math.max(1, Math.round((wide * height) / width));
    if (canvas.height > 2 * WIDEST) continue;
    const pen = canvas.getContext("2d");
    if (!pen) return null;
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    let body: Blob | null;
    try {
      // Throws for what another origin does not let be read.
      body = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/webp", 0.8));
    } catch {
      return null;
    }
    if (!body) return null;
    if (body.size > LARGEST_PICTURE) continue;
    const hash = [...new Uint8Array(await crypto.subtle.digest("SHA-256", await body.arrayBuffer()))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return { hash, width, height, body };
  }
  return null;
}

function keep(one: Made | null): Made | null {
  if (!one) return null;
  const known = byHash.get(one.hash);
  if (!known) {
    if (byHash.size >= MOST || bytes + one.body.size > MOST_BYTES) return null;
    bytes += one.body.size;
    byHash.set(one.hash, one);
  }
  return one;
}

/** Without cookies for other origins; null where that origin does not let it be read. */
async function load(address: string): Promise<HTMLImageElement | null> {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = address;
  try {
    await image.decode();
  } catch {
    return null;
  }
  return image.naturalWidth ? image : null;
}

/** One after the other, when the page has nothing better to do. */
let working: Promise<unknown> = Promise.resolve();
function oneByOne<T>(work: () => Promise<T>): Promise<T> {
  const next = working.then(resting).then(work);
  working = next.catch(() => {});
  return next;
}

/** `wide` is as wide as it is shown, in the pixels of the screen; a drawing that can be any size is drawn so wide. */
function make(address: string, wide: number, shown: HTMLImageElement | null): Promise<Made | null> {
  const bucket = Math.min(WIDEST, Math.max(256, 2 ** Math.ceil(Math.log2(Math.max(1, wide)))));
  const key = `${bucket} ${address}`;
  let known = made.get(key);
  if (!known && made.size < 2 * MOST) {
    known = oneByOne(async () => {
      const read = async (image: HTMLImageElement) => encode(image, image.naturalWidth, image.naturalHeight, Math.min(bucket, image.naturalWidth));
      const own = shown?.complete && shown.currentSrc == address && shown.naturalWidth ? await read(shown) : null;
      if (own) return keep(own);
      const image = await load(address);
      return image ? keep(await read(image)) : null;
    }).catch(() => null);
    made.set(key, known);
  }
  return known ?? Promise.resolve(null);
}

const ratio = () => Math.min(2, window.devicePixelRatio || 1);

const pictures: MakePictures = (sharing, port) => {
  let stopped = false;
  let nodes: Told[] = [];
  let styles: Told[] = [];
  /** What was told since the last snapshot. */
  let toldNodes = new Map<number, string>();
  let toldStyles = new Set<number>();
  let current = new Set<string>();
  let telling = 0;
  let looking = 0;
  let lookedAt = -STYLES_EVERY_MS;
  let round = 0;
  const near = new Set<Element>();
  const watched = new WeakSet<Node>();
  const roots: Node[] = [];

  const tell = (list: "nodes" | "styles", row: Told): void => {
    if (stopped) return;
    if (row[1]) current.add(row[1]);
    (list == "nodes" ? nodes : styles).push(row);
    telling ||= window.setTimeout(() => {
      telling = 0;
      if (stopped) return;
      const data: PicturesData = { source: PICTURES, nodes: nodes.splice(0), styles: styles.splice(0) };
      if (data.nodes.length || data.styles.length) sharing.add({ type: 3, data, timestamp: 0 });
    }, 50);
  };
  const tellNode = (element: Element, hash: string, width: number, height: number): void => {
    const id = element.closest("[data-private]") ? 0 : sharing.shown(element);
    const row = `${hash} ${width} ${height}`;
    if (!id || toldNodes.get(id) == row) return;
    toldNodes.set(id, row);
    tell("nodes", [id, hash, Math.round(width), Math.round(height)]);
  };

  async function show(image: HTMLImageElement): Promise<void> {
    const address = image.currentSrc;
    if (!sharing.shown(image) || !image.complete) return;
    const { naturalWidth: width, naturalHeight: height } = image;
    // A small one that stands in the page itself goes along with it.
    if (dataPicture(address) && image.getAttribute("src") == address) return;
    if (width < SMALLEST || height < SMALLEST) return tellNode(image, "", 0, 0);
    if (secret(image, address)) return tellNode(image, "", width, height);
    const before = round;
    const one = await make(address, image.getBoundingClientRect().width * ratio(), image);
    // Meanwhile it may have become another picture, or private; a new snapshot looks at all of them again.
    if (stopped || before != round || image.currentSrc != address) return;
    tellNode(image, one?.hash ?? "", width, height);
  }

  const shows = (element: Element): void => {
    if (isPicture(element)) void show(element);
    // What is in it is told when it is asked for.
    else if (isDrawing(element) && sharing.shown(element) && !toldNodes.has(sharing.shown(element))) tellNode(element, "", element.width, element.height);
  };

  const seen = new IntersectionObserver(
    (entries) =>
      entries.forEach(({ target, isIntersecting }) => {
        if (isIntersecting) {
          near.add(target);
          shows(target);
        } else near.delete(target);
      }),
    { rootMargin: "50%" },
  );
  const loaded = ({ target }: Event): void => {
    if (target && near.has(target as Element)) shows(target as Element);
  };

  /** Every element of the page with its shadow trees. */
  function* elements(root: Document | ShadowRoot): Generator<Element> {
    if (!watched.has(root)) {
      watched.add(root);
      roots.push(root);
      root.addEventListener("load", loaded, true);
    }
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot && element.localName != "contact-hub") yield* elements(element.shadowRoot);
    }
  }

  /** Style sheets' pictures that an element shows which an agent may see; what only private ones show stays here. */
  function styled(element: Element): void {
    if (!sharing.shown(element) || !element.getClientRects().length) return;
    for (const part of [null, "::before", "::after"]) {
      const style = getComputedStyle(element, part);
      if (part && style.content == "none") continue;
      const said = [style.backgroundImage, style.listStyleImage, style.borderImageSource, style.maskImage, part ? style.content : ""].join(" ");
      if (!said.includes("url(")) continue;
      for (const [, quoted = ""] of said.matchAll(/url\("((?:[^"\\]|\\.)*)"\)/g)) {
        const address = quoted.replace(/\\(.)/g, "$1");
        const number = sharing.addresses.get(address);
        if (!number || toldStyles.has(number)) continue;
        toldStyles.add(number);
        if (secret(element, address)) continue;
        const before = round;
        void make(address, 1024, null).then((one) => {
          if (one && before == round) tell("styles", [number, one.hash, one.width, one.height]);
        });
      }
    }
  }

  async function look(): Promise<void> {
    const before = round;
    const withStyles = sharing.addresses.size > toldStyles.size;
    let n = 0;
    for (const element of elements(document)) {
      if (isPicture(element) || isDrawing(element)) {
        if (!watched.has(element)) {
          watched.add(element);
          seen.observe(element);
        }
      }
      if (withStyles) styled(element);
      if (++n % SLICE == 0 && withStyles) {
        await resting();
        if (stopped || before != round) return;
      }
    }
    for (const element of near) if (!element.isConnected) near.delete(element);
  }

  sharing.changed = (snapshot) => {
    if (snapshot) {
      round++;
      toldNodes = new Map();
      toldStyles = new Set();
      current = new Set();
      nodes = [];
      styles = [];
      near.forEach(shows);
    }
    looking ||= window.setTimeout(() => {
      looking = 0;
      lookedAt = performance.now();
      if (!stopped) idle(() => void look());
    }, snapshot ? 0 : Math.max(SETTLE_MS, lookedAt + STYLES_EVERY_MS - performance.now()));
  };
  sharing.changed(true);

  // --- to the viewers -------------------------------------------------------------------------------------------------

  const asked: string[] = [];
  let left = BURST;
  let since = performance.now();
  let behind = 0;
  let giving = false;

  async function pass(): Promise<void> {
    if (giving) return;
    giving = true;
    while (asked.length && !stopped) {
      const now = performance.now();
      left = Math.min(BURST, left + ((now - since) / 1000) * RATE);
      since = now;
      if (left < 0 || behind > 128 * 1024) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const hash = asked.shift()!;
      // Only what the page shows now.
      const one = current.has(hash) ? byHash.get(hash) : undefined;
      if (!one) continue;
      left -= one.body.size;
      const body = new Uint8Array(await one.body.arrayBuffer());
      if (!stopped && current.has(hash)) port.postMessage({ t: "cb:picture", hash, body }, [body.buffer]);
    }
    giving = false;
  }

  return {
    give(hashes) {
      for (const hash of hashes) if (asked.length < MOST && !asked.includes(hash)) asked.push(hash);
      void pass();
    },
    stills() {
      for (const canvas of near) {
        if (!isDrawing(canvas) || !sharing.shown(canvas) || !canvas.width || !canvas.height || secret(canvas)) continue;
        // With the page's next picture: what a graphics card has drawn is gone soon after.
        requestAnimationFrame(() => {
          const before = round;
          const { width, height } = canvas;
          const wide = Math.min(width, WIDEST, canvas.getBoundingClientRect().width * ratio() || width);
          void encode(canvas, width, height, wide).then((one) => {
            if (!stopped && before == round) tellNode(canvas, keep(one)?.hash ?? "", width, height);
          });
        });
      }
    },
    backlog: (size) => void (behind = size),
    stop() {
      stopped = true;
      delete sharing.changed;
      clearTimeout(telling);
      clearTimeout(looking);
      seen.disconnect();
      roots.forEach((root) => root.removeEventListener("load", loaded, true));
    },
  };
};

// Hashes need a page that came over a secure connection.
if (window.crypto?.subtle) (window as { ContactHub?: (name: string, given: unknown) => void }).ContactHub?.("pictures", pictures);
