// The customer's page as the agent sees it: rebuilt by rrweb in a frame without scripts, from what scrub() lets in once
// more. Nothing that comes is believed, neither that it was scrubbed nor that it makes sense.

import { Replayer } from "@rrweb/replay";
import { makeScrubber, type RawEvent, type Scrubber } from "../../../widget/src/cobrowse/scrub.ts";
import { PagePictures, type Pictures } from "./pictures.ts";
import type { Shown } from "./receive.ts";

/** What is hidden from the agent is seen to be hidden. */
const HATCH = "repeating-linear-gradient(135deg, #e8e2d8 0 8px, #d9d0c1 8px 16px)";
const LOOKS = [
  `[data-cb=masked] { background: ${HATCH} !important; color: #4b4138 !important }`,
  `[data-cb=private] { background: ${HATCH} !important; display: inline-block; box-sizing: border-box }`,
  "cb-gone { display: none !important }",
  // The agent does not type here.
  "*, ::before, ::after { caret-color: transparent !important }",
];

const META = 4;
/** More nodes than any page that could be followed anyway. */
const MOST_NODES = 200_000;
const LARGEST_SIDE = 20_000;

/**
 * rrweb's own way of live replay waits for clocks to agree, keeps every event for ever and throws where nobody hears it.
 * This, a member that it does not name in its types (hence the exact version), applies events in the call that brings them.
 */
interface AtOnce {
  applyEventsSynchronously(events: RawEvent[]): void;
}

interface Stage {
  box: HTMLElement;
  replayer: Replayer;
  scrub: Scrubber;
  pictures: PagePictures;
  clock: number;
}

export interface Page {
  href: string;
  width: number;
  height: number;
}

export class Mirror {
  page: Page = { href: "", width: 0, height: 0 };
  private stage: Stage | null = null;
  private readonly root: HTMLElement;
  private readonly pictures: Pictures;

  constructor(root: HTMLElement, pictures: Pictures) {
    this.root = root;
    this.pictures = pictures;
  }

  /** Throws when it cannot be shown; what was shown before stays then. */
  show({ snapshot, events }: Shown): void {
    if (snapshot) this.begin(events);
    else if (this.stage) this.apply(this.stage, events);
    else throw new Error("no snapshot");
    this.pictures.show(this.stage!.pictures, this.document, (id) => this.nodeOf(id));
  }

  /** A page of its own for each snapshot, put in the old one's place once it stands. */
  private begin(events: RawEvent[]): void {
    const box = document.createElement("div");
    box.className = "stage coming";
    this.root.append(box);
    // It looks at the first event's time whenever it meets a film.
    const first = [{ type: META, data: { href: "", width: 1, height: 1 }, timestamp: 0 }] as ConstructorParameters<typeof Replayer>[0];
    const replayer = new Replayer(first, {
      root: box,
      liveMode: true,
      useVirtualDom: false,
      UNSAFE_replayCanvas: false,
      mouseTail: false,
      triggerFocus: false,
      showWarning: false,
      showDebug: false,
      pauseAnimation: false,
      insertStyleRules: LOOKS,
      logger: { log() {}, warn() {} } as unknown as Console,
    });
    const stage: Stage = { box, replayer, scrub: makeScrubber(true), pictures: new PagePictures(), clock: 0 };
    try {
      this.apply(stage, events);
      if (!replayer.getMirror().getIds().length) throw new Error("an empty snapshot");
    } catch (error) {
      this.drop(stage);
      throw error;
    }
    const before = this.stage;
    this.stage = stage;
    box.classList.remove("coming");
    if (before) this.drop(before);
    this.fit();
  }

  private apply(stage: Stage, events: RawEvent[]): void {
    for (const event of events) {
      if (stage.pictures.take(event)) continue;
      const kept = stage.scrub(event);
      if (!kept) continue;
      if (stage.scrub.size > MOST_NODES) throw new RangeError("too many nodes");
      if (kept.type == META) this.meet(stage, kept.data as Page);
      (stage.replayer as unknown as AtOnce).applyEventsSynchronously([{ ...kept, timestamp: ++stage.clock }]);
    }
  }

  private meet({ replayer }: Stage, { href, width, height }: Page): void {
    const side = (length: number) => Math.min(LARGEST_SIDE, Math.max(1, Number(length) || 1));
    this.page = { href, width: side(width), height: side(height) };
    replayer.iframe.style.display = "block";
  }

  private drop({ box, replayer }: Stage): void {
    try {
      replayer.destroy();
    } catch {
      // what it could not build it cannot tear down
    }
    box.remove();
  }

  /** The customer's window in the room there is, never larger than it is. */
  fit(): void {
    const { width, height } = this.page;
    if (!this.stage || !width || !height) return;
    const scale = Math.min(1, this.root.clientWidth / width, this.root.clientHeight / height);
    const { box, replayer } = this.stage;
    box.style.transform = `scale(${scale})`;
    box.style.left = `${Math.max(0, (this.root.clientWidth - width * scale) / 2)}px`;
    // The frame by its style as well: rrweb sets its attributes once more, to the first event's, after a while.
    for (const { style } of [box, replayer.iframe]) {
      style.width = `${width}px`;
      style.height = `${height}px`;
    }
  }

  /** The mirrored page; nothing in it is to be believed. */
  get document(): Document | null {
    return this.stage?.replayer.iframe.contentDocument ?? null;
  }

  idOf(element: Element): number {
    const id = this.stage?.replayer.getMirror().getId(element) ?? -1;
    return id > 0 ? id : 0;
  }

  nodeOf(id: number): Element | null {
    const node = this.stage?.replayer.getMirror().getNode(id);
    return node?.nodeType == 1 ? (node as Element) : null;
  }

  /** A point of our window in the pixels of the customer's. */
  back(left: number, top: number): { x: number; y: number } {
    const box = this.stage?.box.getBoundingClientRect() ?? { left: 0, top: 0, width: 0 };
    const scale = this.page.width && box.width ? box.width / this.page.width : 1;
    const round = (value: number) => Math.round(value * 10) / 10;
    return { x: round((left - box.left) / scale), y: round((top - box.top) / scale) };
  }

  /** What stands at a point of the customer's window. The mirror is inert, which hides it from the search, too. */
  at(x: number, y: number): Element | null {
    this.root.inert = false;
    try {
      let found = this.document?.elementFromPoint(x, y) ?? null;
      while (found?.shadowRoot?.elementFromPoint(x, y) && found.shadowRoot.elementFromPoint(x, y) != found) found = found.shadowRoot.elementFromPoint(x, y);
      return found;
    } finally {
      this.root.inert = true;
    }
  }

  /** Where a point of the customer's window lies in ours. */
  place(x: number, y: number): { left: number; top: number } {
    const box = this.stage?.box.getBoundingClientRect() ?? { left: 0, top: 0, width: 0 };
    const scale = this.page.width ? box.width / this.page.width : 1;
    return { left: box.left + x * scale, top: box.top + y * scale };
  }
}
