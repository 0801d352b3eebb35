// Drawn over the customer's page, in a shadow root: the banner, the agent's pointer and pen, frames around elements, and
// questions. Nothing but its buttons takes a click. The recorder leaves the element out.

import type { Words } from "./companion.ts";

const CSS = `
:host { all: initial !important }
* { box-sizing: border-box; margin: 0 }
[hidden] { display: none !important }
.layer { position: fixed; inset: 0; z-index: 2147483600; pointer-events: none; font: 15px/1.4 Inter, system-ui, -apple-system, "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans SC", "Microsoft YaHei", sans-serif; color: #14202b }
.edge { position: absolute; inset: 0; border: 3px solid #0b6e63 }
.edge.paused { border-color: #8f5500 }
.bar { position: absolute; top: 0; left: 12px; right: 12px; width: fit-content; max-width: 680px; margin-inline: auto; display: flex; flex-wrap: wrap; align-items: center; gap: 2px 12px; padding-block: 6px; padding-inline: 16px 6px; border-radius: 0 0 14px 14px; background: #0b6e63; color: #fff; pointer-events: auto; box-shadow: 0 8px 24px rgb(16 24 40 / .2) }
.bar.paused { background: #7a4800 }
.bar b { font-weight: 600 }
.bar ul { flex: 1 0 100%; display: flex; flex-wrap: wrap; gap: 0 4px; margin: 0; padding: 0; list-style: none }
.bar button.may { min-height: 26px; padding: 0 6px; margin-inline-start: -6px; border: 0; border-radius: 8px; font-size: 13px; font-weight: 400; white-space: nowrap }
.bar button.may:hover { text-decoration: line-through }
.bar button.may::after { content: "×" / ""; display: inline-block; margin-inline-start: 5px; font-weight: 600 }
.bar p { flex: 1 1 auto; min-width: 0 }
button { font: inherit; font-weight: 600; color: inherit; min-height: 36px; padding: 0 14px; border-radius: 10px; border: 1px solid currentColor; background: none; cursor: pointer; pointer-events: auto }
.bar button.stop { background: #fff; color: #0b6e63; border-color: #fff }
.bar.paused button.stop { color: #7a4800 }
button:focus-visible { outline: 3px solid #7fb0f2; outline-offset: 2px }
.ptr { position: absolute; left: 0; top: 0; transition: transform .08s linear }
.ptr svg { display: block; width: 22px; height: 24px; filter: drop-shadow(0 1px 2px rgb(0 0 0 / .4)) }
.ptr span { position: absolute; left: 18px; top: 16px; padding: 1px 8px; border-radius: 8px; background: #0b6e63; color: #fff; font-size: 13px; font-weight: 600; white-space: nowrap }
svg.pen { position: absolute; inset: 0; width: 100%; height: 100% }
.pen polyline { fill: none; stroke: #d92d20; stroke-width: 4; stroke-linecap: round; stroke-linejoin: round; transition: opacity 1s }
.mark { position: absolute; border: 3px solid #0b6e63; border-radius: 6px; box-shadow: 0 0 0 4px rgb(11 110 99 / .25) }
.mark span { position: absolute; inset-block-end: calc(100% + 6px); inset-inline-start: 0; padding: 2px 10px; border-radius: 8px; background: #0b6e63; color: #fff; font-size: 14px; font-weight: 600; white-space: nowrap }
.ask { position: absolute; z-index: 1; display: grid; gap: 10px; width: max-content; max-width: min(360px, calc(100% - 24px)); padding: 14px 16px; border-radius: 14px; background: #fff; color: #14202b; border: 1px solid #838d96; box-shadow: 0 20px 48px rgb(16 24 40 / .3); pointer-events: auto }
.ask.mid { left: 50%; top: 50%; transform: translate(-50%, -50%) }
.ask p { overflow-wrap: anywhere }
.ask q { quotes: none; font-weight: 600 }
.ask div { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end }
.ask .yes { background: #0b6e63; color: #fff; border-color: #0b6e63 }
@media print { .layer { display: none } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important } }`;

const SVG = "http://www.w3.org/2000/svg";
const POINTER_MS = 4000;
const PEN_MS = 3500;
const MARK_MS = 5000;

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...inside);
  return made;
}

function drawing(name: string, ...inside: [string, Record<string, string>][]): SVGElement {
  const made = document.createElementNS(SVG, "svg");
  if (name) made.setAttribute("class", name);
  for (const [tag, attributes] of inside) {
    const part = document.createElementNS(SVG, tag);
    for (const key in attributes) part.setAttribute(key, attributes[key]!);
    made.append(part);
  }
  return made;
}

export interface Question {
  text: string;
  /** What it is about, set off from the sentence. */
  what: string;
  yes: string;
  no: string;
  /** Beside this, or in the middle of the window. */
  at: Element | null;
}

interface Does {
  stop(): void;
  hold(on: boolean): void;
  /** This is no longer allowed. */
  revoke(capability: keyof Words["may"]): void;
}

export class Overlay {
  words!: Words;
  private readonly host = document.createElement("contact-hub");
  private readonly layer = make("div", "layer");
  private readonly edge = make("div", "edge");
  private readonly bar = make("div", "bar");
  private readonly label = make("span", "");
  private readonly pointer = make("div", "ptr");
  private readonly pen = drawing("pen");
  private pointing = 0;
  private lines = new Map<string, { line: SVGElement; fading: number }>();
  private shown = "";
  private questions = new Set<() => void>();
  private readonly does: Does;

  constructor(does: Does) {
    this.does = does;
    const root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    this.pointer.append(drawing("", ["path", { d: "M2 2 20 10.500 12 13 8.500 21z", fill: "#0b6e63", stroke: "#fff", "stroke-width": "1.500" }]), this.label);
    this.pointer.setAttribute("aria-hidden", "true");
    this.pen.setAttribute("aria-hidden", "true");
    this.pointer.hidden = true;
    this.bar.setAttribute("role", "region");
    this.layer.append(this.edge, this.pen, this.pointer, this.bar);
    root.append(this.layer);
  }

  /** Whether a question waits for an answer. */
  get asking(): boolean {
    return this.questions.size > 0;
  }

  banner(words: Words, granted: (keyof Words["may"])[], paused: "" | "customer" | "page"): void {
    this.words = words;
    this.layer.lang = words.locale;
    this.layer.dir = words.dir;
    if (!this.host.isConnected) document.documentElement.append(this.host);
    const line = paused == "page" ? words.paused_page : paused ? words.paused : words.seen;
    const may = paused ? [] : (Object.keys(words.may) as (keyof Words["may"])[]).filter((one) => one != "view" && granted.includes(one)).map((one) => [one, words.may[one]] as const);
    const now = JSON.stringify([line, may, paused, words.stop]);
    if (now == this.shown) return;
    this.shown = now;
    const stop = make("button", "stop", words.stop);
    const hold = make("button", "", paused == "customer" ? words.resume : words.pause);
    stop.onclick = () => this.does.stop();
    hold.onclick = () => this.does.hold(paused != "customer");
    const text = make("p", "", make("b", "", line));
    text.setAttribute("role", "status");
    const list = make("ul", "", ...may.map(([one, name]) => {
      const button = make("button", "may", name);
      button.title = `${words.revoke}: ${name}`;
      button.setAttribute("aria-label", `${words.revoke}: ${name}`);
      button.onclick = () => this.does.revoke(one);
      return make("li", "", button);
    }));
    const focused = this.bar.contains((this.host.shadowRoot as ShadowRoot).activeElement);
    this.bar.replaceChildren(text, ...(paused == "page" ? [] : [hold]), stop, ...(may.length ? [list] : []));
    this.bar.setAttribute("aria-label", words.seen);
    this.bar.classList.toggle("paused", !!paused);
    this.edge.classList.toggle("paused", !!paused);
    if (focused) stop.focus();
  }

  /** Nothing of the agent's stays on a page that he does not see. */
  rest(): void {
    this.wipe();
    this.layer.querySelectorAll(".mark").forEach((mark) => mark.remove());
    this.questions.forEach((close) => close());
  }

  wipe(): void {
    this.pointer.hidden = true;
    this.pen.replaceChildren();
    this.lines.clear();
  }

  gone(): void {
    this.rest();
    this.shown = "";
    this.host.remove();
  }

  point(x: number, y: number, name: string): void {
    this.label.textContent = name;
    this.pointer.style.transform = `translate(${x}px, ${y}px)`;
    this.pointer.hidden = false;
    clearTimeout(this.pointing);
    this.pointing = window.setTimeout(() => (this.pointer.hidden = true), POINTER_MS);
  }

  draw(id: string, points: [number, number][]): void {
    const { line, fading } = this.lines.get(id) ?? { line: document.createElementNS(SVG, "polyline"), fading: 0 };
    if (!fading) this.pen.append(line);
    line.setAttribute("points", `${line.getAttribute("points") ?? ""} ${points.map((at) => at.join(",")).join(" ")}`.slice(-20_000));
    clearTimeout(fading);
    const fade = () => {
      line.style.opacity = "0";
      this.lines.delete(id);
      setTimeout(() => line.remove(), 1200);
    };
    this.lines.set(id, { line, fading: window.setTimeout(fade, PEN_MS) });
  }

  /** A frame around an element, which follows it for a while. */
  mark(element: Element, text: string): void {
    const mark = make("div", "mark", make("span", "", text));
    this.layer.append(mark);
    const until = performance.now() + MARK_MS;
    const follow = () => {
      if (performance.now() > until || !element.isConnected || !mark.isConnected) return mark.remove();
      const { left, top, width, height } = element.getBoundingClientRect();
      Object.assign(mark.style, { left: `${left - 4}px`, top: `${top - 4}px`, width: `${width + 8}px`, height: `${height + 8}px` });
      requestAnimationFrame(follow);
    };
    follow();
  }

  /** Asks the customer; false when he says no, or when it is over before he has said anything. */
  ask({ text, what, yes, no, at }: Question): Promise<boolean> {
    return new Promise((resolve) => {
      const before = document.activeElement as HTMLElement | null;
      const refuse = make("button", "", no);
      const agree = make("button", "yes", yes);
      const line = make("p", "", text, " ");
      if (what) line.append(make("q", "", what));
      const box = make("div", at ? "ask" : "ask mid", line, make("div", "", refuse, agree));
      box.setAttribute("role", at ? "group" : "alertdialog");
      box.setAttribute("aria-label", `${text} ${what}`.trim());
      const close = (answer: boolean) => {
        this.questions.delete(cancel);
        const had = (this.host.shadowRoot as ShadowRoot).activeElement;
        box.remove();
        if (had && before?.isConnected) before.focus({ preventScroll: true });
        resolve(answer);
      };
      const cancel = () => close(false);
      this.questions.add(cancel);
      refuse.onclick = cancel;
      agree.onclick = () => close(true);
      box.onkeydown = (event) => {
        if (event.key == "Escape") cancel();
        event.stopPropagation();
      };
      if (at) {
        const place = at.getBoundingClientRect();
        const below = place.bottom + 140 < innerHeight;
        Object.assign(box.style, {
          left: `${Math.max(12, Math.min(place.left, innerWidth - 372))}px`,
          ...(below ? { top: `${place.bottom + 8}px` } : { bottom: `${Math.max(12, innerHeight - place.top + 8)}px` }),
        });
      }
      this.layer.append(box);
      // Beside a field the customer goes on writing; a question of its own is to be answered first.
      if (!at) refuse.focus();
    });
  }
}
