// What an agent's desktop and the viewer in its frame say to each other over their MessagePort. Types only.

import type { Cursor, Frame } from "../../../widget/src/cobrowse/frames.ts";

export type ToViewer =
  | { t: "frame"; frame: Frame }
  /** Where the customer's pointer is, in the pixels of his page's window. */
  | { t: "cursor"; at: Cursor };

export type FromViewer =
  /** Everything up to this frame is shown. */
  | { t: "shown"; epoch: number; seq: number }
  /** Something is missing or cannot be shown: only a new snapshot helps. */
  | { t: "missing" }
  /** The customer's page and the size of his window. */
  | { t: "page"; href: string; width: number; height: number };

/** The viewer's first word to its parent, and the answer that brings the port. */
export const READY = "contacthub:viewer";
