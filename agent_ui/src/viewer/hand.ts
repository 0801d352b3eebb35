// The agent's own pointer over the mirrored page: what it points at, draws and chooses. It never reaches the page itself.

import type { FromViewer, Mode } from "../common/cobrowse.ts";
import { isShared, labelOf } from "./fields.ts";
import type { Mirror } from "./mirror.ts";

const EVERY_MS = 50;
/** What a press is meant for, rather than for the words in it. */
const PRESSED = "a[href], button, summary, label, input, select, textarea, option, [role=button], [role=link], [role=tab], [role=menuitem], [data-cb=editable]";

export class Hand {
  private now: Mode = "see";
  private stroke = "";
  private strokes = 0;
  private points: [number, number][] = [];
  private sent = 0;
  private chosen = 0;
  private readonly mirror: Mirror;
  private readonly surface: HTMLElement;
  private readonly frame: HTMLElement;
  private readonly epoch: () => number;
  private readonly tell: (data: FromViewer) => void;

  constructor(mirror: Mirror, surface: HTMLElement, frame: HTMLElement, epoch: () => number, tell: (data: FromViewer) => void) {
    this.mirror = mirror;
    this.surface = surface;
    this.frame = frame;
    this.epoch = epoch;
    this.tell = tell;
    surface.addEventListener("pointerdown", (event) => this.down(event));
    surface.addEventListener("pointermove", (event) => this.move(event));
    surface.addEventListener("pointerup", () => this.up());
    surface.addEventListener("pointercancel", () => this.up());
    this.mode = "see";
  }

  get mode(): Mode {
    return this.now;
  }

  set mode(mode: Mode) {
    this.now = mode;
    this.surface.dataset["mode"] = mode;
    this.up();
  }

  /** A frame around an element of the mirrored page, which goes with it. */
  choose(node: number): void {
    this.chosen = node;
    this.follow();
  }

  follow(): void {
    const element = this.chosen ? this.mirror.nodeOf(this.chosen) : null;
    const box = element?.getBoundingClientRect();
    this.frame.hidden = !box?.width;
    if (!box?.width) return;
    const from = this.mirror.place(box.left, box.top);
    const to = this.mirror.place(box.right, box.bottom);
    Object.assign(this.frame.style, { left: `${from.left - 3}px`, top: `${from.top - 3}px`, width: `${to.left - from.left + 6}px`, height: `${to.top - from.top + 6}px` });
  }

  private down(event: PointerEvent): void {
    const { x, y } = this.mirror.back(event.clientX, event.clientY);
    if (this.now == "draw") {
      this.surface.setPointerCapture(event.pointerId);
      this.stroke = `${this.epoch()}-${++this.strokes}`;
      this.points = [[x, y]];
      return;
    }
    if (this.now != "fill" && this.now != "click" && this.now != "look") return;
    let element = this.mirror.at(x, y);
    if (this.now != "look") element = element?.closest(PRESSED) ?? element;
    // A label stands for its field.
    if (this.now == "fill" && element?.localName == "label") {
      const id = element.getAttribute("for");
      element = (id && [...(this.mirror.document?.querySelectorAll("input, select, textarea") ?? [])].find((one) => one.id == id)) || element;
    }
    const node = element ? this.mirror.idOf(element) : 0;
    if (!element || !node) return;
    this.choose(node);
    this.tell({ t: "pick", epoch: this.epoch(), node, label: labelOf(element), field: isShared(element), mode: this.now });
  }

  private move(event: PointerEvent): void {
    const { x, y } = this.mirror.back(event.clientX, event.clientY);
    if (this.stroke) this.points.push([x, y]);
    const now = performance.now();
    if (now - this.sent < EVERY_MS) return;
    if (this.stroke) this.send();
    else if (this.now == "point") this.tell({ t: "point", at: { x, y } });
    else return;
    this.sent = now;
  }

  private up(): void {
    if (this.stroke) this.send();
    this.stroke = "";
    this.points = [];
  }

  private send(): void {
    const last = this.points.at(-1);
    if (!last) return;
    this.tell({ t: "draw", id: this.stroke, points: this.points.splice(0, 200) });
  }
}
