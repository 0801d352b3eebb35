// Watches the customer's page with rrweb and hands on what scrub() lets through: a snapshot first, then changes in order.
// Snapshots are taken when the page has nothing better to do.

import { record } from "@rrweb/record";
import { makeScrubber, type RawEvent, type Scrubber } from "./scrub.ts";

export interface Recording {
  /** Tells the whole page anew, soon; what was told before is void then. */
  again(): void;
  stop(): void;
  readonly hidden: number;
  /** The number by which the agent's side knows a node; 0 where it may not see what the node shows. */
  shown(node: Node): number;
  /** Addresses of pictures in style sheets, by their numbers there. */
  readonly addresses: ReadonlyMap<string, number>;
}

const SNAPSHOT = 2;
const META = 4;
/** How long a busy page may put a snapshot off. */
const PATIENCE_MS = 500;
/** Addresses of pictures that a page's style sheets may name. */
const MOST_ADDRESSES = 2000;

/**
 * rrweb tells changes of one moment as one change, and gets some moves among them wrong: an element then stands twice in
 * the mirror, or no longer where it belongs. So a page in which elements moved is told anew once it has come to rest.
 */
const REST_MS = 1000;
const REST_EVERY_MS = 10_000;

const idle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: PATIENCE_MS });
  else setTimeout(work, 0);
};

/** `heard` gets scrubbed events one by one, in their order; `failed` when the page can no longer be followed. */
export function startRecording(heard: (event: RawEvent) => void, failed: () => void): Recording {
  const addresses = new Map<string, number>();
  const scrub: Scrubber = makeScrubber(false, (url) => {
    try {
      url = new URL(url, document.baseURI).href;
    } catch {
      return 0;
    }
    if (!addresses.has(url) && addresses.size < MOST_ADDRESSES) addresses.set(url, addresses.size + 1);
    return addresses.get(url) ?? 0;
  });
  let stop: (() => void) | undefined;
  let stopped = false;
  let due = false;
  let begun = false;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let rested = -REST_EVERY_MS;

  const again = (): void => {
    if (due || stopped) return;
    due = true;
    idle(() => {
      due = false;
      if (stopped) return;
      if (stop) record.takeFullSnapshot(true);
      else begin();
    });
  };

  const take = (event: RawEvent): void => {
    if (stopped) return;
    const kept = scrub(event);
    if (event.type == SNAPSHOT) begun = true;
    if (kept && (begun || event.type == META)) heard(kept);
    if (scrub.stale) again();
    else if (scrub.doubtful) rest();
  };

  const rest = (): void => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      rested = performance.now();
      if (scrub.doubtful) again();
    }, Math.max(REST_MS, rested + REST_EVERY_MS - performance.now()));
  };

  // rrweb says nothing of what has just become private: the agent would go on seeing what it was.
  const watcher = new MutationObserver(again);

  const begin = (): void => {
    watcher.observe(document, { subtree: true, attributeFilter: ["data-private", "data-cobrowse"] });
    stop = record({
      emit: (event) => take(event as unknown as RawEvent),
      // What is never to be sent is not even looked at; scrub() knows the same rules and does not rely on these.
      blockSelector: "[data-private], contact-hub",
      maskInputOptions: { password: true },
      slimDOMOptions: "all",
      recordCanvas: false,
      collectFonts: false,
      inlineImages: false,
      recordCrossOriginIframes: false,
      // Inputs each, since "last" loses those in shadow trees.
      sampling: { mousemove: 100, scroll: 100, media: 800 },
      errorHandler: () => true,
      recordAfter: "DOMContentLoaded",
    });
    if (!stop) failed();
  };

  again();
  return {
    again,
    stop() {
      stopped = true;
      clearTimeout(resting);
      watcher.disconnect();
      stop?.();
    },
    get hidden() {
      return scrub.hidden;
    },
    shown(node) {
      const id = record.mirror.getId(node);
      return id > 0 && scrub.shows(id) ? id : 0;
    },
    addresses,
  };
}
