// Everything that a recorder says of a page passes here before it leaves the customer's browser: snapshots and changes
// alike are built anew, field by field, from what may be seen (rules.ts) with secrets in their words made dots
// (secrets.ts). What is not known is left out: an event, a field or a node of a kind that this file does not name.
// Pure but for what it remembers of the nodes that it has seen, which changes have to be judged by.

import { DECIDING, gatherStyled, isPhone, kindOf, shownAttribute, shownValue, type Attributes, type Kind, type Styled } from "./rules.ts";
import { holdsCard, hush, hushKeys, hushTyped, MASK, quietCss, scrubCss, scrubUrl, type Refer } from "./secrets.ts";

/** An rrweb event, of which nothing is believed. */
export interface RawEvent {
  type: number;
  data: unknown;
  timestamp: number;
}

type Raw = Record<string, unknown>;

interface Known {
  parent: number;
  tag: string;
  kind: Kind;
  /** Of elements: what decided on their kind. */
  attributes: Attributes | null;
}

const STRICTER: Record<Kind, number> = { plain: 0, open: 1, css: 2, masked: 3, private: 4, gone: 5 };

const DOCUMENT = 0;
const DOCTYPE = 1;
const ELEMENT = 2;
const TEXT = 3;
const COMMENT = 5;

const isRaw = (value: unknown): value is Raw => typeof value == "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isRaw) : []);
const number = (value: unknown): number | undefined => (typeof value == "number" && Number.isFinite(value) ? value : undefined);
const text = (value: unknown): string => (typeof value == "string" ? value : "");

/** The named fields of `raw` that are numbers or truth values, and no others. */
function plain(raw: Raw, ...names: string[]): Raw {
  const kept: Raw = {};
  for (const name of names) if (typeof raw[name] == "boolean" || number(raw[name]) !== undefined || raw[name] === null) kept[name] = raw[name];
  return kept;
}

export interface Scrubber {
  /** The event as it may be sent, or null when nothing of it may. */
  (event: RawEvent): RawEvent | null;
  /** Something became secret, or no longer is, that has been sent otherwise: a new snapshot is needed. */
  stale: boolean;
  /** Nodes have moved, which rrweb does not always tell rightly; to be reset by whoever makes it good. */
  doubtful: boolean;
  /** How many nodes are remembered. */
  readonly size: number;
  /** How many fields and areas are hidden from the agent now. */
  readonly hidden: number;
  /** Whether an agent may see what this node shows. */
  shows(id: number): boolean;
}

/** `again`: for the viewer, which does not believe that what comes was scrubbed: nothing that acts or fetches is let in. */
export function makeScrubber(again = false, refer?: Refer): Scrubber {
  const known = new Map<number, Known>();
  const styled: Styled = new Set();
  let sizeAtSnapshot = 0;
  let hidden = 0;

  const css = (text: string) => (again ? quietCss(text) : scrubCss(text, refer));

  const counts = (node: Known | undefined) => (node?.kind == "masked" || node?.kind == "private" ? 1 : 0);
  const keep = (id: number, node: Known): void => {
    hidden += counts(node) - counts(known.get(id));
    known.set(id, node);
  };
  const forget = (id: number): void => {
    hidden -= counts(known.get(id));
    known.delete(id);
  };

  /** What holds for the inside of a node: the strongest of what its ancestors say. "gone" for strangers. */
  const inside = (id: number): Kind => {
    let kind: Kind = "plain";
    for (let steps = 0, at = id; steps < 100_000; steps++) {
      const node = known.get(at);
      if (!node) return "gone";
      if (node.kind == "gone" || node.kind == "private") return node.kind;
      if (node.kind != "plain" && kind == "plain") kind = node.kind;
      if (!node.parent) return kind;
      at = node.parent;
    }
    return "gone";
  };
  const dropped = (kind: Kind) => kind == "gone" || kind == "private";

  const words = (kind: Kind, value: string): string => {
    if (dropped(kind)) return "";
    if (kind == "css") return css(value);
    if (again) return value;
    if (kind == "masked") return value.trim() ? MASK : value;
    return kind == "open" ? hushTyped(value, false) : hush(value);
  };

  const attributesOf = (tag: string, own: Kind, around: Kind, raw: Raw, deciding: Attributes): Raw => {
    if (own == "gone") return {};
    if (own == "private") return { ...sizes(raw), "data-cb": "private" };
    const kind = own == "plain" && (tag == "option" || tag == "optgroup") && around != "plain" ? around : own;
    const shown: Raw = {};
    for (const name in raw) {
      const value = raw[name];
      const looks = name == "style" || name == "_cssText";
      const kept = looks && isRaw(value) ? style(value) : looks && typeof value == "string" ? css(value) : shownAttribute(tag, kind, name, value, deciding, styled, again);
      if (kept !== undefined) shown[name] = kept;
    }
    return shown;
  };
  const sizes = (raw: Raw): Raw => {
    const kept: Raw = {};
    for (const name of ["rr_width", "rr_height"]) {
      const value = raw[name];
      if (typeof value == "string" && /^\d{1,6}(?:\.\d+)?px$/.test(value)) kept[name] = value;
    }
    return kept;
  };
  const style = (raw: Raw): Raw => {
    const kept: Raw = {};
    for (const name in raw) {
      if (!/^-{0,2}[\w-]{1,60}$/.test(name)) continue;
      const value = raw[name];
      if (value === false) kept[name] = false;
      else if (typeof value == "string") kept[name] = cssValue(name, value);
      else if (Array.isArray(value)) kept[name] = [cssValue(name, text(value[0])), value[1] == "important" ? "important" : ""];
    }
    return kept;
  };
  const cssValue = (name: string, value: string) => css(`${name}:${value}`).slice(name.length + 1);

  /** Looks through a snapshot's style sheets before anything is decided by them. */
  const gather = (raw: Raw): void => {
    const attributes = isRaw(raw["attributes"]) ? raw["attributes"] : {};
    for (const css of [attributes["_cssText"], raw["tagName"] == "style" ? list(raw["childNodes"]).map((child) => text(child["textContent"])).join("") : ""])
      if (typeof css == "string") gatherStyled(css, styled);
    list(raw["childNodes"]).forEach(gather);
  };

  const remember = (raw: Raw, parent: number): Known | null => {
    const id = number(raw["id"]);
    if (!id || id < 0) return null;
    const attributes = isRaw(raw["attributes"]) ? raw["attributes"] : {};
    const tag = raw["type"] == ELEMENT ? text(raw["tagName"]).toLowerCase() : "";
    let deciding: Attributes | null = null;
    if (raw["type"] == ELEMENT) {
      deciding = {};
      for (const name in attributes) if (DECIDING.test(name)) deciding[name] = attributes[name];
    }
    const odd = deciding && !/^[a-z][\w.-]{0,60}$/.test(tag);
    const made: Known = { parent, tag, kind: odd ? "gone" : deciding ? kindOf(tag, deciding, again) : "plain", attributes: deciding };
    keep(id, made);
    return made;
  };

  /** A node and its inside, or null. `around` is what holds where it stands; `parent` its parent's id, 0 for the document. */
  const node = (raw: Raw, parent: number, around: Kind): Raw | null => {
    const own = remember(raw, parent);
    if (!own) return null;
    const made: Raw = { type: raw["type"], id: raw["id"], ...plain(raw, "rootId", "isShadow", "isShadowHost", "isSVG", "isCustom") };
    const within = dropped(around) ? around : own.kind == "plain" ? around : own.kind;
    const children = () => {
      const kept = list(raw["childNodes"]).map((child) => node(child, raw["id"] as number, within));
      return dropped(within) ? [] : kept.filter((child) => child !== null);
    };
    switch (raw["type"]) {
      case DOCUMENT:
        return { ...made, ...(raw["compatMode"] == "BackCompat" && { compatMode: "BackCompat" }), childNodes: children() };
      case DOCTYPE:
        return { ...made, name: "html", publicId: "", systemId: "" };
      case ELEMENT: {
        const tag = text(raw["tagName"]);
        const given = isRaw(raw["attributes"]) ? raw["attributes"] : {};
        const inner = children();
        const attributes = attributesOf(own.tag, own.kind, around, given, own.attributes ?? {});
        if (own.kind == "masked") attributes["data-cb"] = "masked";
        else if (own.kind == "open" && !/^(?:input|textarea|select|datalist)$/.test(own.tag)) attributes["data-cb"] = "editable";
        // A script's or a stranger's place is kept by an element that does nothing, so that its siblings find theirs.
        return { ...made, tagName: own.kind == "gone" ? "cb-gone" : tag, attributes, childNodes: inner };
      }
      case TEXT:
        return { ...made, textContent: words(around, text(raw["textContent"])) };
      case COMMENT:
        return { ...made, textContent: "" };
    }
    // Others find their place by it, so it keeps its own.
    return { ...made, type: COMMENT, textContent: "" };
  };

  /** Card numbers whose groups stand in elements of their own: no single text shows them. Returns the node's digits. */
  const joinCards = (made: Raw): string => {
    if (made["type"] == TEXT) {
      const plain = text(made["textContent"]).replace(/[\s-]/g, "");
      return /^\d*$/.test(plain) ? plain : "x";
    }
    const inner = list(made["childNodes"]);
    const digits = inner.map(joinCards).join("");
    if (digits.length > 24 || digits.includes("x")) return "x";
    if (digits.length >= 13 && holdsCard(digits)) dotAll(made);
    return digits;
  };
  const dotAll = (made: Raw): void => {
    if (made["type"] == TEXT) made["textContent"] = text(made["textContent"]).replace(/\d/g, "•");
    list(made["childNodes"]).forEach(dotAll);
  };

  function snapshot(data: Raw): Raw | null {
    if (!isRaw(data["node"])) return null;
    known.clear();
    hidden = 0;
    styled.clear();
    gather(data["node"]);
    const made = node(data["node"], 0, "plain");
    if (!made) return null;
    if (!again) joinCards(made);
    sizeAtSnapshot = known.size;
    scrub.stale = scrub.doubtful = false;
    const offset = isRaw(data["initialOffset"]) ? data["initialOffset"] : {};
    return { node: made, initialOffset: { left: number(offset["left"]) ?? 0, top: number(offset["top"]) ?? 0 } };
  }

  function mutation(data: Raw): Raw {
    const adds = list(data["adds"]).filter((add) => isRaw(add["node"]) && number(add["parentId"]));
    // Children may be named before their parents: all are known first, then each is judged.
    for (const add of adds) {
      if (known.has(Number((add["node"] as Raw)["id"])) || Number(add["parentId"]) < 0) scrub.doubtful = true;
      gather(add["node"] as Raw);
      remember(add["node"] as Raw, add["parentId"] as number);
    }
    const added = adds.flatMap((add) => {
      const around = inside(add["parentId"] as number);
      const made = node(add["node"] as Raw, add["parentId"] as number, around);
      if (!made || dropped(around)) return [];
      if (!again) joinCards(made);
      return [{ ...plain(add, "parentId", "nextId", "previousId"), node: made }];
    });
    const removes = list(data["removes"]).flatMap((gone) => {
      const id = number(gone["id"]) ?? 0;
      const parent = inside(number(gone["parentId"]) ?? 0);
      if (!adds.some((add) => (add["node"] as Raw)["id"] == id)) forget(id);
      return dropped(parent) ? [] : [plain(gone, "parentId", "id", "isShadow")];
    });
    const texts = list(data["texts"]).flatMap((changed) => {
      const own = known.get(number(changed["id"]) ?? 0);
      const around = own ? inside(own.parent) : "gone";
      if (dropped(around)) return [];
      if (around == "css") gatherStyled(text(changed["value"]), styled);
      return [{ id: changed["id"], value: changed["value"] === null ? null : words(around, text(changed["value"])) }];
    });
    const attributes = list(data["attributes"]).flatMap((changed) => attributeChange(changed));
    return { source: 0, texts, attributes, removes, adds: added, ...(data["isAttachIframe"] === true && { isAttachIframe: true }) };
  }

  function attributeChange(changed: Raw): Raw[] {
    const id = number(changed["id"]) ?? 0;
    const own = known.get(id);
    const given = changed["attributes"];
    if (!own?.attributes || !isRaw(given)) return [];
    // "Show password" makes a text field of it; it stays what it was.
    if (own.attributes["type"] == "password") own.attributes["data-rr-is-password"] = "";
    for (const name in given)
      if (DECIDING.test(name)) {
        if (given[name] === null) delete own.attributes[name];
        else own.attributes[name] = given[name];
      }
    const kind = kindOf(own.tag, own.attributes, again);
    if (own.kind != "gone" && (kind != own.kind || "data-private" in given)) {
      // What may be seen from now on: the stricter of the two, until a snapshot has told everything anew.
      scrub.stale = true;
      if (STRICTER[kind] > STRICTER[own.kind]) keep(id, { ...own, kind });
    }
    const around = inside(own.parent);
    const now = known.get(id)?.kind ?? "gone";
    if (dropped(around) || now == "gone") return [];
    const attributes = attributesOf(own.tag, now, around, given, own.attributes);
    return Object.keys(attributes).length ? [{ id, attributes }] : [];
  }

  function input(data: Raw): Raw | null {
    const own = known.get(number(data["id"]) ?? 0);
    if (!own) return null;
    const around = inside(data["id"] as number);
    if (dropped(around)) return null;
    return {
      source: 5,
      ...plain(data, "id"),
      text: again ? text(data["text"]) : shownValue(around, text(data["text"]), isPhone(own.attributes ?? {})),
      isChecked: around == "open" && data["isChecked"] === true,
    };
  }

  const rules = (value: unknown) => list(value).map((rule) => {
    gatherStyled(text(rule["rule"]), styled);
    return { ...(typeof rule["rule"] == "string" && { rule: css(rule["rule"]) }), index: Array.isArray(rule["index"]) ? rule["index"].filter((n) => number(n) !== undefined) : (number(rule["index"]) ?? 0) };
  });

  function incremental(data: Raw): Raw | null {
    const visible = (id: unknown) => !dropped(inside(number(id) ?? 0));
    const source = data["source"];
    switch (source) {
      case 0: {
        const made = mutation(data);
        const empty = ["texts", "attributes", "removes", "adds"].every((name) => (made[name] as unknown[]).length == 0);
        return empty ? null : made;
      }
      case 1: // mouse, touch and dragging
      case 6:
      case 12:
        return { source, positions: list(data["positions"]).map((at) => ({ ...plain(at, "x", "y", "timeOffset"), id: visible(at["id"]) ? at["id"] : 0 })) };
      case 2:
        return visible(data["id"]) ? { source, ...plain(data, "type", "id", "x", "y", "pointerType") } : null;
      case 3:
        return visible(data["id"]) ? { source, ...plain(data, "id", "x", "y") } : null;
      case 4:
        return { source, ...plain(data, "width", "height") };
      case 5:
        return input(data);
      case 7:
        return visible(data["id"]) ? { source, ...plain(data, "type", "id", "currentTime", "volume", "muted", "loop", "playbackRate") } : null;
      case 8:
        if (data["id"] !== undefined && !visible(data["id"])) return null;
        return {
          source,
          ...plain(data, "id", "styleId"),
          ...(data["removes"] !== undefined && { removes: list(data["removes"]).map(({ index }) => ({ index: Array.isArray(index) ? index.filter((n) => number(n) !== undefined) : (number(index) ?? 0) })) }),
          ...(data["adds"] !== undefined && { adds: rules(data["adds"]) }),
          ...(typeof data["replace"] == "string" && { replace: css(data["replace"]) }),
          ...(typeof data["replaceSync"] == "string" && { replaceSync: css(data["replaceSync"]) }),
        };
      case 13: {
        const set = isRaw(data["set"]) ? data["set"] : null;
        const remove = isRaw(data["remove"]) ? data["remove"] : null;
        const index = Array.isArray(data["index"]) ? data["index"].filter((n) => number(n) !== undefined) : [];
        const name = (raw: Raw) => hushKeys(text(raw["property"])).slice(0, 80);
        return {
          source,
          ...plain(data, "id", "styleId"),
          index,
          ...(set && { set: { property: name(set), value: set["value"] === null ? null : cssValue(name(set), text(set["value"])), priority: set["priority"] == "important" ? "important" : "" } }),
          ...(remove && { remove: { property: name(remove) } }),
        };
      }
      case 14: {
        const ranges = list(data["ranges"]).filter((range) => [range["start"], range["end"]].every((id) => scrub.shows(number(id) ?? 0)));
        return { source, ranges: ranges.map((range) => plain(range, "start", "startOffset", "end", "endOffset")) };
      }
      case 15:
        return {
          source,
          ...plain(data, "id"),
          styleIds: Array.isArray(data["styleIds"]) ? data["styleIds"].filter((id) => number(id) !== undefined) : [],
          ...(data["styles"] !== undefined && { styles: list(data["styles"]).map((sheet) => ({ ...plain(sheet, "styleId"), rules: rules(sheet["rules"]) })) }),
        };
    }
    return null; // canvases, fonts, console, plugins and whatever else there will be
  }

  function say({ type, data }: RawEvent): unknown {
    if (type == 0 || type == 1) return {};
    if (!isRaw(data)) return null;
    if (type == 2) return snapshot(data);
    if (type == 3) return incremental(data);
    if (type == 4) return { href: again ? text(data["href"]).slice(0, 2000) : scrubUrl(text(data["href"])), ...plain(data, "width", "height") };
    return null;
  }

  const scrub = ((event: RawEvent) => {
    const data = say(event);
    if (data === null) return null;
    // Nodes whose parents went away without them stay behind; a page that lives long is told anew.
    if (known.size > 2 * sizeAtSnapshot + 20_000) scrub.stale = true;
    return { type: event.type, data, timestamp: number(event.timestamp) ?? 0 };
  }) as Scrubber;
  scrub.stale = scrub.doubtful = false;
  scrub.shows = (id) => /^(?:plain|open)$/.test(inside(id));
  Object.defineProperties(scrub, {
    size: { get: () => known.size },
    hidden: { get: () => hidden },
  });
  return scrub;
}
