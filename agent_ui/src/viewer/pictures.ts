// The customer's pictures in the mirrored page. Changes name them by their hashes; the bytes are asked for once and kept
// as long as the viewer is open. Nothing that comes is believed: only what begins as a PNG, JPEG or WebP of a bearable
// size becomes a picture, under an address of this origin. What the customer's side does not give is a grey box.

import { PICTURES, sniff, type Told } from "../../../widget/src/cobrowse/raster.ts";
import type { RawEvent } from "../../../widget/src/cobrowse/scrub.ts";

const MOST = 2000;
const MOST_HELD = 600;
const MOST_NUMBER = 100_000_000;
const AT_ONCE = 24;
const AGAIN_MS = 6000;
const TRIES = 4;
const LARGEST_SIDE = 20_000;
const HASH = /^[0-9a-f]{64}$/;

interface Held {
  url: string;
  width: number;
}

const isTold = (row: unknown): row is Told =>
  Array.isArray(row) &&
  row.length == 4 &&
  [row[0], row[2], row[3]].every((n) => Number.isInteger(n) && n >= 0) &&
  row[0] <= MOST_NUMBER &&
  row[2] <= LARGEST_SIDE &&
  row[3] <= LARGEST_SIDE &&
  typeof row[1] == "string" &&
  (row[1] == "" || HASH.test(row[1]));

/** What was told of one page, from its snapshot on. */
export class PagePictures {
  readonly nodes = new Map<number, Told>();
  readonly styles = new Map<number, Told>();
  /** What each element shows already. */
  readonly shown = new WeakMap<Element, string>();
  sheet: HTMLStyleElement | null = null;
  written = "";

  /** False when it is another kind of event. */
  take(event: RawEvent): boolean {
    const data = event.data as { source?: unknown; nodes?: unknown; styles?: unknown } | null;
    if (event.type != 3 || data?.source !== PICTURES) return false;
    for (const name of ["nodes", "styles"] as const) {
      const rows: unknown[] = Array.isArray(data[name]) ? data[name] : [];
      for (const row of rows) if (isTold(row) && this[name].size < MOST) this[name].set(row[0], row);
    }
    return true;
  }
}

export class Pictures {
  /** In the agent's language. */
  label = "";
  /** There are pictures that can be asked for; otherwise the label stands in each one's place. */
  some = true;
  private readonly held = new Map<string, Held>();
  private readonly asked = new Map<string, { at: number; times: number }>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private page: { told: PagePictures; document: Document; nodeOf: (id: number) => Element | null } | null = null;
  private readonly want: (hashes: string[]) => void;

  constructor(want: (hashes: string[]) => void) {
    this.want = want;
  }

  /** Bytes that were asked for, named by whoever sent them; the hub has looked that the name is theirs. */
  arrived(hash: string, bytes: Uint8Array<ArrayBuffer>): void {
    const asked = this.asked.get(hash);
    const raster = asked && HASH.test(hash) ? sniff(bytes) : null;
    if (!asked) return;
    // It is not asked for once more.
    if (!raster) return void (asked.times = TRIES);
    this.asked.delete(hash);
    for (const [oldest, { url }] of this.held) {
      if (this.held.size < MOST_HELD) break;
      URL.revokeObjectURL(url);
      this.held.delete(oldest);
    }
    this.held.set(hash, { url: URL.createObjectURL(new Blob([bytes], { type: raster.type })), width: raster.width });
    this.refresh();
  }

  /** After the mirrored page has changed, or is another one. */
  show(told: PagePictures, document: Document | null, nodeOf: (id: number) => Element | null): void {
    this.page = document && { told, document, nodeOf };
    this.refresh();
  }

  /** How many drawings (canvas) there are, of which a picture can be asked for. */
  get drawings(): number {
    const { told, nodeOf } = this.page ?? {};
    return told && nodeOf ? [...told.nodes.keys()].filter((id) => nodeOf(id)?.localName == "canvas").length : 0;
  }

  private refresh(): void {
    if (!this.page) return;
    const { told, nodeOf } = this.page;
    const missing: string[] = [];
    for (const row of told.nodes.values()) {
      const element = nodeOf(row[0]);
      if (element) this.put(told, element, row, missing);
    }
    this.write(told, missing);
    this.ask(missing);
  }

  private find(hash: string, missing: string[]): Held | undefined {
    const held = this.held.get(hash);
    if (hash && !held && this.some) missing.push(hash);
    return held;
  }

  private put(told: PagePictures, element: Element, [, named, width, height]: Told, missing: string[]): void {
    const hash = this.some ? named : "";
    const held = this.find(hash, missing);
    const state = `${held ? hash : hash && "coming"} ${width} ${height} ${this.label}`;
    if (told.shown.get(element) == state) return;
    told.shown.set(element, state);
    if (element.localName == "img") {
      // By its density it is as large as the customer's, however many pixels were sent.
      if (held && width) element.setAttribute("srcset", `${held.url} ${held.width / width}x`);
      else element.removeAttribute("srcset");
      if (held || !width) element.removeAttribute("src");
      else element.setAttribute("src", greyBox(width, height, hash ? "" : this.label));
    } else if (element.localName == "canvas") {
      const image = new Image();
      image.onload = () => draw(element as HTMLCanvasElement, image);
      image.src = held ? held.url : greyBox(width, height, hash ? "" : this.label);
    }
  }

  /** Style sheets' pictures, as variables: they hold in shadow trees as well. */
  private write(told: PagePictures, missing: string[]): void {
    const { document } = this.page!;
    const rules: string[] = [];
    for (const [number, hash, width] of told.styles.values()) {
      const held = this.find(hash, missing);
      if (!held) continue;
      const density = width ? held.width / width : 1;
      rules.push(`--cb-${number}:${density == 1 ? `url("${held.url}")` : `image-set(url("${held.url}") ${density}x)`}`);
    }
    const css = rules.length ? `:root{${rules.join(";")}}` : "";
    if (css == told.written && (!css || told.sheet?.isConnected)) return;
    told.written = css;
    told.sheet ??= document.createElement("style");
    told.sheet.textContent = css;
    if (!told.sheet.isConnected) document.documentElement.append(told.sheet);
  }

  private ask(missing: string[]): void {
    const now = performance.now();
    const due: string[] = [];
    let waiting = [...this.asked.values()].filter(({ at, times }) => times < TRIES && now - at < AGAIN_MS).length;
    for (const hash of new Set(missing)) {
      const before = this.asked.get(hash);
      if (before && (before.times >= TRIES || now - before.at < AGAIN_MS)) continue;
      if (waiting >= AT_ONCE) break;
      waiting++;
      this.asked.set(hash, { at: now, times: (before?.times ?? 0) + 1 });
      due.push(hash);
    }
    if (due.length) this.want(due);
    clearTimeout(this.timer);
    if (missing.length) this.timer = setTimeout(() => this.refresh(), AGAIN_MS + 100);
  }
}

function draw(canvas: HTMLCanvasElement, image: HTMLImageElement): void {
  const pen = canvas.getContext("2d");
  pen?.clearRect(0, 0, canvas.width, canvas.height);
  pen?.drawImage(image, 0, 0, canvas.width, canvas.height);
}

/** Made here, of numbers and of our own word. */
function greyBox(width: number, height: number, label: string): string {
  const words = label && width > 90 && height > 24 ? `<text x="50%" y="50%" dominant-baseline="middle" text-anchor="middle" font-family="sans-serif" font-size="13" fill="#3f4851">${label.replace(/[^\p{L}\p{N} ]/gu, "")}</text>` : "";
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#d5dade"/>${words}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(drawing)}`;
}
