// What the agent does on the customer's page, as far as the customer allows it. Whatever is asked for is looked at here
// once more: that the page is still the one that the agent saw, that the field is shared and seen, and whose it is now.
// Sending a form and what costs money is never done without the customer's own "yes".

import { binds, parentOf, pressed, withoutSending, wordsOf } from "./binding.ts";
import { plainText, putText } from "./editable.ts";
import type { Overlay } from "./overlay.ts";
import { kindOf, type Attributes } from "./rules.ts";

export interface Act {
  id: string;
  operation: "fill" | "click" | "navigate";
  epoch: number;
  node: number;
  value: string;
  /** What the agent saw in the field when he began. */
  base: string;
  name: string;
}

/** Values of the customer card, and what the fields are called that each belongs in. */
export interface Card {
  id: string;
  epoch: number;
  values: { value: string; match: string[] }[];
  name: string;
}

export type Outcome = "kept" | "none" | "done" | "merged" | "asked" | "suggested" | "refused" | "denied" | "masked" | "stale" | "invalid";

export interface ActResult {
  id: string;
  operation: string;
  result: Outcome;
  /** The element's own id or name, never what is in it. */
  field: string;
}

/** How long a list of suggestions may take to come. */
const LIST_MS = 3000;

export class Acting {
  granted: string[] = [];
  private readonly overlay: Overlay;
  private readonly node: (id: number) => Node | null;
  private readonly epoch: () => number;
  private readonly tell: (result: ActResult) => void;

  constructor(overlay: Overlay, node: (id: number) => Node | null, epoch: () => number, tell: (result: ActResult) => void) {
    this.overlay = overlay;
    this.node = node;
    this.epoch = epoch;
    this.tell = tell;
  }

  look({ node, epoch, scroll }: { node: number; epoch: number; scroll: boolean }): void {
    const element = this.find(node, epoch);
    if (!element || hidden(element)) return;
    const { words } = this.overlay;
    const show = () => {
      element.scrollIntoView({ block: "center", inline: "nearest", behavior: "smooth" });
      this.overlay.mark(element, words.look);
    };
    if (scroll || inView(element)) show();
    else void this.overlay.ask({ text: words.look, what: "", yes: words.show, no: words.no, at: null }).then((yes) => yes && show());
  }

  act(given: Act): void {
    const { id, operation } = given;
    const element = operation == "navigate" ? null : this.find(given.node, given.epoch);
    const field = element ? nameOf(element) : "";
    const tell = (result: Outcome) => this.tell({ id, operation, result, field });
    const needed = { fill: "type", click: "click", navigate: "navigate" }[operation];
    if (!this.granted.includes(needed)) return tell("denied");
    if (operation == "navigate") return void this.navigate(given, tell);
    if (!element) return tell("stale");
    if (hidden(element)) return tell("stale");
    void (operation == "fill" ? this.fill(element, given, tell) : this.click(element, given, tell));
  }

  private find(id: number, epoch: number): HTMLElement | null {
    const node = epoch == this.epoch() ? this.node(id) : null;
    return node instanceof HTMLElement && node.isConnected ? node : null;
  }

  // --- fields ---------------------------------------------------------------------------------------------------------

  private async fill(element: HTMLElement, { value, base }: Act, tell: (result: Outcome) => void): Promise<void> {
    if (!shared(element)) return tell("masked");
    if (element.matches(":disabled") || (element as HTMLInputElement).readOnly) return tell("denied");
    let next = value;
    let merged = false;
    const now = valueOf(element);
    if (now != base && now != value) {
      // The customer has been here since the agent looked: both, where that is possible, else as the customer says.
      if (element.matches(TICKED)) return tell("stale");
      const both = element instanceof HTMLTextAreaElement || element.isContentEditable ? merge(base, now, value) : null;
      if (both === null) return this.suggest(element, value, tell);
      merged = true;
      next = both;
    }
    // The field that the customer is in is his.
    if (deepActive() == element && writes(element)) return this.suggest(element, next, tell);
    await this.put(element, next, merged ? "merged" : "done", tell);
  }

  /** Fills it in; what the page would send because of that is the customer's to send. */
  private async put(element: HTMLElement, value: string, good: Outcome, tell: (result: Outcome) => void): Promise<void> {
    let taken = false;
    const held = withoutSending(element, () => (taken = put(element, value)));
    tell(taken ? good : "invalid");
    if (taken && element.getAttribute("role") == "combobox") await this.choose(element, value);
    await this.send(held, element);
  }

  /** Of the suggestions that come, the one that was meant; where there is none, what was written stays. */
  private async choose(element: HTMLElement, value: string): Promise<void> {
    const until = performance.now() + LIST_MS;
    const wanted = value.trim().toLowerCase();
    const options = () => listOf(element).filter((one) => one.getClientRects().length && one.getAttribute("aria-disabled") != "true");
    for (; performance.now() < until; await new Promise((resolve) => setTimeout(resolve, 60))) {
      if (!element.isConnected || !this.granted.includes("type")) return;
      const found = options().find((one) => (one.innerText || one.textContent || "").trim().toLowerCase() == wanted);
      if (!found || binds(found)) continue;
      const held = withoutSending(found, () => {
        for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup"]) found.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, composed: true }));
        found.click();
      });
      return this.send(held, element);
    }
  }

  private async send(held: (() => void)[], element: HTMLElement): Promise<void> {
    if (!held.length) return;
    const { words } = this.overlay;
    const what = element.closest("form")?.getAttribute("aria-label") ?? "";
    if (await this.overlay.ask({ text: words.send, what, yes: words.press_yes, no: words.no, at: null })) held.forEach((go) => go());
  }

  /** Into empty fields only: what is written somewhere is the customer's. Each field's fate is told on its own. */
  card({ id, epoch, values }: Card): void {
    const tell = (result: Outcome, field = "") => this.tell({ id, operation: "card", result, field });
    if (!this.granted.includes("type")) return tell("denied");
    if (epoch != this.epoch()) return tell("stale");
    const met = new Set<Element>();
    // A question that one of them brings takes the focus.
    const writing = deepActive();
    for (const { value, match } of values) {
      for (const element of document.querySelectorAll<HTMLInputElement>("input, select, textarea")) {
        if (met.has(element) || element.matches(TICKED) || !called(element).some((name) => match.some((pattern) => like(pattern, name)))) continue;
        if (!shared(element) || hidden(element) || element.matches(":disabled") || element.readOnly) continue;
        met.add(element);
        const field = nameOf(element);
        if (element.value) tell("kept", field);
        else if (writing == element) void this.suggest(element, value, (result) => tell(result, field));
        else void this.put(element, value, "done", (result) => tell(result, field));
      }
    }
    if (!met.size) tell("none");
  }

  private async suggest(element: HTMLElement, value: string, tell: (result: Outcome) => void): Promise<void> {
    const { words } = this.overlay;
    tell("suggested");
    const yes = await this.overlay.ask({ text: words.suggests, what: value, yes: words.use, no: words.no, at: element });
    if (!yes) return tell("refused");
    if (!element.isConnected || !shared(element)) return tell("invalid");
    await this.put(element, value, "done", tell);
  }

  // --- buttons and pages -----------------------------------------------------------------------------------------------

  private async click(element: HTMLElement, _: Act, tell: (result: Outcome) => void): Promise<void> {
    const target = pressed(element);
    if (priv(target)) return tell("masked");
    if (target.matches(":disabled")) return tell("denied");
    const field = target.matches("input, select, option, textarea") && !target.matches("[type=submit], [type=button], [type=reset], [type=image]");
    if (field && !shared(target)) return tell("masked");
    if (binds(target)) {
      const { words } = this.overlay;
      tell("asked");
      const label = wordsOf(target).slice(0, 80);
      const yes = await this.overlay.ask({ text: words.press, what: label, yes: words.press_yes, no: words.no, at: null });
      if (!yes || !target.isConnected || priv(target)) return tell("refused");
      target.click();
      return tell("done");
    }
    const held = withoutSending(target, () => target.click());
    tell("done");
    await this.send(held, target);
  }

  private async navigate({ value }: Act, tell: (result: Outcome) => void): Promise<void> {
    let url: URL;
    try {
      url = new URL(value, location.href);
    } catch {
      return tell("invalid");
    }
    if (url.origin != location.origin || !/^https?:$/.test(url.protocol)) return tell("denied");
    const { words } = this.overlay;
    tell("asked");
    if (!(await this.overlay.ask({ text: words.go, what: url.pathname, yes: words.go_yes, no: words.no, at: null }))) return tell("refused");
    tell("done");
    location.assign(url);
  }
}

/** The element's own id or name, never what is in it. */
const nameOf = (element: Element) => (element.id || element.getAttribute("name") || element.localName).slice(0, 100);

const TICKED = "[type=checkbox], [type=radio], [type=submit], [type=button], [type=reset], [type=image]";

/** What a field is called: for what it asks to be completed, its name, its id and its label. */
function called(element: HTMLInputElement): string[] {
  const complete = (element.getAttribute("autocomplete") ?? "").trim().split(/\s+/).at(-1);
  return [complete, element.name, element.id, element.labels?.[0]?.innerText].map((name) => (name ?? "").trim().slice(0, 200)).filter((name) => name);
}

/** `*` stands for anything; case does not matter. Without expressions, which a pattern could make slow. */
export function like(pattern: string, name: string): boolean {
  const [first, ...rest] = pattern.toLowerCase().split("*");
  const text = name.toLowerCase();
  if (!rest.length) return text == first;
  const last = rest.pop()!;
  if (!text.startsWith(first!)) return false;
  let at = first!.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}

/** By the rules of the scrubber: what the agent may not see he may not fill either. */
function shared(element: HTMLElement): boolean {
  if (priv(element)) return false;
  const attributes: Attributes = {};
  for (const { name, value } of element.attributes) attributes[name] = value;
  if (element instanceof HTMLInputElement) attributes["type"] = element.type;
  return kindOf(element.localName, attributes) == "open";
}

function priv(element: Element): boolean {
  for (let at: Element | null = element; at; at = parentOf(at)) if (at.hasAttribute("data-private") || at.localName == "contact-hub") return true;
  return false;
}

/** The options of the list that a field says is its own. */
function listOf(element: HTMLElement): HTMLElement[] {
  const root = element.getRootNode() as Document | ShadowRoot;
  const ids = `${element.getAttribute("aria-controls") ?? ""} ${element.getAttribute("aria-owns") ?? ""}`.trim().split(/\s+/);
  return ids.flatMap((id) => [...((id && root.getElementById(id)?.querySelectorAll<HTMLElement>("[role=option]")) || [])]);
}

const hidden = (element: HTMLElement) => !element.getClientRects().length || getComputedStyle(element).visibility != "visible";

function inView(element: HTMLElement): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}

function deepActive(): Element | null {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return document.hasFocus() ? active : null;
}

const writes = (element: HTMLElement) => element.isContentEditable || !element.matches("[type=checkbox], [type=radio]");

/** What is in a field, as the agent's side says it. */
function valueOf(element: HTMLElement): string {
  if (element instanceof HTMLInputElement && /^(?:checkbox|radio)$/.test(element.type)) return String(element.checked);
  return element.matches("input, select, textarea") ? (element as HTMLInputElement).value : plainText(element);
}

/** With the prototype's own setter, past a framework's; false when the field does not take the value. */
function put(element: HTMLElement, value: string): boolean {
  const heard = () => {
    element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  if (element instanceof HTMLSelectElement) {
    const option = [...element.options].find((one) => one.value == value) ?? [...element.options].find((one) => one.text.trim() == value.trim());
    if (!option || option.disabled) return false;
    setter(HTMLSelectElement.prototype, "value").call(element, option.value);
    heard();
    return true;
  }
  if (element instanceof HTMLInputElement && /^(?:checkbox|radio)$/.test(element.type)) {
    const on = value == "true";
    if (element.checked != on) element.click();
    return element.checked == on;
  }
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    const before = element.value;
    const most = element.maxLength;
    const set = setter(Object.getPrototypeOf(element) as object, "value");
    set.call(element, most >= 0 ? value.slice(0, most) : value);
    if (value && !element.value) {
      set.call(element, before); // a date that is none
      return false;
    }
    heard();
    return true;
  }
  return element.isContentEditable && putText(element, value);
}

const setter = (prototype: object, name: string) => Object.getOwnPropertyDescriptor(prototype, name)!.set!;

/** Both changes of one text, where they do not touch each other; null where they do. */
export function merge(base: string, mine: string, theirs: string): string | null {
  if (mine == base) return theirs;
  if (theirs == base || theirs == mine) return mine;
  const change = (to: string) => {
    let start = 0;
    while (start < base.length && start < to.length && base[start] == to[start]) start++;
    let end = 0;
    while (end < base.length - start && end < to.length - start && base[base.length - 1 - end] == to[to.length - 1 - end]) end++;
    return { start, end: base.length - end, text: to.slice(start, to.length - end) };
  };
  const [a, b] = [change(mine), change(theirs)];
  const [first, second] = a.start <= b.start ? [a, b] : [b, a];
  if (first.end >= second.start) return null;
  return base.slice(0, first.start) + first.text + base.slice(first.end, second.start) + second.text + base.slice(second.end);
}
