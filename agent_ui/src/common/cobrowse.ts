// What an agent's desktop and the viewer in its frame say to each other over their MessagePort. Types only.

import type { Cursor, Frame } from "../../../widget/src/cobrowse/frames.ts";

export type ToViewer =
  | { t: "frame"; frame: Frame }
  /** Where the customer's pointer is, in the pixels of his page's window. */
  | { t: "cursor"; at: Cursor }
  /** What the agent's own pointer does from now on. */
  | { t: "mode"; mode: Mode }
  /** The element that he works on is framed; 0: none. */
  | { t: "frame_node"; node: number }
  /** Bytes of a picture that was wanted. */
  | { t: "picture"; hash: string; body: Uint8Array<ArrayBuffer> }
  /** In the agent's language: what stands in the place of a picture that is not shared. `pictures`: there are any that can
   * be asked for; a recording has none. */
  | { t: "words"; picture: string; pictures: boolean };

/** see, open: nothing; point: it is shown to the customer; draw: lines are; look, fill, click: an element is chosen. */
export type Mode = "see" | "point" | "draw" | "look" | "fill" | "click" | "open";

/** A field that the site shares, as the mirrored page has it. */
export interface SharedField {
  node: number;
  kind: "text" | "area" | "select" | "check" | "radio" | "date";
  label: string;
  value: string;
  /** Of a list; of a text, what the page suggests. */
  options: { value: string; text: string }[];
}

export type FromViewer =
  /** Everything up to this frame is shown. */
  | { t: "shown"; epoch: number; seq: number }
  /** Something is missing or cannot be shown: only a new snapshot helps. */
  | { t: "missing" }
  /** The agent's pointer and pen, in the pixels of the customer's window. */
  | { t: "point"; at: Cursor }
  | { t: "draw"; id: string; points: [number, number][] }
  /** The element that he chose, and its words. */
  | { t: "pick"; epoch: number; node: number; label: string; field: boolean; mode: Mode }
  /** The fields that are shared now. */
  | { t: "fields"; epoch: number; fields: SharedField[] }
  /** Pictures that it has not got, by the hashes of their bytes. */
  | { t: "want"; hashes: string[] }
  /** The customer's page, the size of his window, and how many drawings are in it of which a picture can be asked for. */
  | { t: "page"; href: string; width: number; height: number; drawings: number };

/** The viewer's first word to its parent, and the answer that brings the port. */
export const READY = "contacthub:viewer";
