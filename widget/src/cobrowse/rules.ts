// Which elements and attributes of a page may be seen by the agent. Everything that is not named here stays with the
// customer: a new kind of attribute is a secret until somebody has thought about it. Pure.

import { dataPicture, hush, hushKeys, hushTyped, MASK, quietCss, scrubCss } from "./secrets.ts";

export type Attributes = Record<string, unknown>;

/**
 * What an element is to the scrubber.
 * gone: nothing of it is sent but its place; private: a hatched box; masked: a field whose value stays here;
 * open: a field that its site shares; css: its text is a style sheet; plain: anything else.
 */
export type Kind = "gone" | "private" | "masked" | "open" | "css" | "plain";

const GONE = /^(?:script|noscript|template|object|embed|applet|param|base|meta|portal|frame|frameset|source|track|area|map|contact-hub)$/;
const BUTTON = /^(?:submit|button|reset|image)$/;
const NEVER_TYPE = /^(?:password|hidden|file)$/;
const NEVER_COMPLETE = /(?:^|\s)(?:cc-[\w-]+|one-time-code|current-password|new-password|webauthn)(?:\s|$)/i;
const NEVER_NAME =
  /pass(?:w|code|phrase)|pwd|secret|token|csrf|\b(?:otp|tan|pin|cvc|cvv|cvn|csc|iban|bic|ssn|sin|tin)\d?\b|security.?code|card.?(?:n|code|cvc)|credit.?card|account.?n|social.?sec|one.?time|2fa|mfa|验证码|密码/i;

const word = (value: unknown) => (typeof value == "string" ? value.toLowerCase() : "");
/** `cardNumber`, `card_number` and `card-number` in separate words. */
const spaced = (value: unknown) => (typeof value == "string" ? value.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_\-.[\]]+/g, " ") : "");

/** What a site may share by `data-cobrowse="allow"`, and what it may not, whatever it says. */
function mayOpen(attributes: Attributes): boolean {
  if (word(attributes["data-cobrowse"]) != "allow") return false;
  if (NEVER_TYPE.test(word(attributes["type"])) || "data-rr-is-password" in attributes) return false;
  if (typeof attributes["autocomplete"] == "string" && NEVER_COMPLETE.test(attributes["autocomplete"])) return false;
  return !["name", "id", "aria-label", "placeholder"].some((name) => NEVER_NAME.test(spaced(attributes[name])));
}

/** `again`: of what was scrubbed before, where only what could act or fetch matters. */
export function kindOf(tag: string, attributes: Attributes, again = false): Kind {
  if (GONE.test(tag)) return "gone";
  if (again) return tag == "style" ? "css" : /^(?:input|textarea|select|option)$/.test(tag) ? "open" : "plain";
  // Of what it was told to leave out, rrweb gives the size and not the attribute that said so.
  if ("data-private" in attributes || "rr_width" in attributes) return "private";
  if (tag == "style") return "css";
  const field =
    (tag == "input" && !BUTTON.test(word(attributes["type"]))) ||
    /^(?:textarea|select|datalist)$/.test(tag) ||
    ("contenteditable" in attributes && word(attributes["contenteditable"]) != "false") ||
    /^(?:textbox|searchbox|spinbutton)$/.test(word(attributes["role"]));
  return field ? (mayOpen(attributes) ? "open" : "masked") : "plain";
}

/** A change of these may change what the element is. */
export const DECIDING = /^(?:type|autocomplete|name|id|role|placeholder|aria-label|contenteditable|data-private|data-cobrowse|data-rr-is-password|rr_width)$/;

export const isPhone = (attributes: Attributes) =>
  word(attributes["type"]) == "tel" || /(?:^|\s)tel(?:-|\s|$)/.test(word(attributes["autocomplete"]));

/** A field's value as the agent may see it. */
export function shownValue(kind: Kind, value: string, phone: boolean): string {
  if (kind == "open") return hushTyped(value, phone);
  return kind == "masked" && value ? MASK : kind == "masked" ? "" : hush(value);
}

const PLAIN =
  /^(?:dir|lang|hidden|width|height|colspan|rowspan|span|align|valign|cellpadding|cellspacing|border|bgcolor|color|face|size|multiple|rows|cols|wrap|disabled|readonly|required|open|start|reversed|inert|popover|controls|slot|part|exportparts|role|min|max|step|low|high|optimum|xmlns|rr_(?:left|top|scrollTop|scrollLeft|mediaState|mediaCurrentTime|mediaPlaybackRate|mediaMuted|mediaLoop|open_mode))$/;
const STATES =
  /^aria-(?:expanded|selected|current|hidden|pressed|disabled|busy|invalid|orientation|sort)$/;
const STATE = /^(?:true|false|mixed|page|step|location|date|time|horizontal|vertical|ascending|descending|none|)$/;
const DRAWING =
  /^(?:d|points|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|fx|fy|fr|dx|dy|rotate|transform|transform-origin|viewBox|preserveAspectRatio|fill(?:-opacity|-rule)?|stroke(?:-\w+)*|opacity|offset|stop-(?:color|opacity)|gradient(?:Units|Transform)|spreadMethod|pattern(?:Units|ContentUnits|Transform)|clip-(?:path|rule)|clipPathUnits|mask(?:Units|ContentUnits)?|filter(?:Units)?|stdDeviation|in2?|result|mode|operator|k[1-4]|flood-(?:color|opacity)|font-(?:size|family|weight|style)|letter-spacing|text-anchor|dominant-baseline|alignment-baseline|vector-effect|marker-(?:start|mid|end)|marker(?:Width|Height|Units)|refX|refY|orient|pathLength|textLength|lengthAdjust|visibility|display|overflow|color-interpolation-filters|values)$/;

/** `name="value"` pairs of data attributes that the page's style sheets name: they are looks, not secrets. */
export type Styled = Set<string>;

export function gatherStyled(css: string, styled: Styled): void {
  for (const [, name, a, b, c] of css.matchAll(/\[(data-[\w-]{1,64})=(?:"([^"\]]{0,40})"|'([^'\]]{0,40})'|([\w-]{1,40}))\s*[is]?\]/g))
    styled.add(`${name}=${a ?? b ?? c ?? ""}`);
}

/** One attribute as it may be sent; undefined: not at all. */
export function shownAttribute(
  tag: string,
  kind: Kind,
  name: string,
  value: unknown,
  all: Attributes,
  styled: Styled,
  again = false,
): string | number | boolean | null | undefined {
  if (value === null) return PLAIN.test(name) || DRAWING.test(name) || /^(?:class|id|style|checked|selected|value|src|_cssText|data-[\w-]+)$/.test(name) || STATES.test(name) ? null : undefined;
  if (typeof value == "number") return /^rr_/.test(name) && PLAIN.test(name) && Number.isFinite(value) ? value : undefined;
  if (typeof value == "boolean") {
    if (name == "checked" || name == "selected") return kind == "open" ? value : undefined;
    return PLAIN.test(name) ? value : undefined;
  }
  if (typeof value != "string") return undefined;
  if (again) {
    if (name == "data-cb") return /^(?:masked|private|editable)$/.test(value) ? value : undefined;
    if (/^rr_(?:width|height)$/.test(name)) return /^\d{1,6}(?:\.\d+)?px$/.test(value) ? value : undefined;
    if (/^(?:class|id|for|placeholder|label|list|aria-controls|aria-owns)$/.test(name) || (name == "value" && kind == "open")) return value;
  }
  switch (name) {
    case "class":
      return hushKeys(value);
    // The lists of suggestions that belong to a field.
    case "list":
    case "aria-controls":
    case "aria-owns":
      return kind == "open" && hush(value) == value ? value : undefined;
    case "id":
    case "for":
      return hush(value) == value ? value : "";
    case "type":
      // The viewer's browser must not offer to fill in what it believes to be a password.
      return tag == "input" && NEVER_TYPE.test(word(value)) ? (word(value) == "hidden" ? "hidden" : "text") : value.slice(0, 40);
    case "contenteditable":
      return undefined;
    case "placeholder":
      return kind == "open" ? hush(value) : undefined;
    case "label":
      return kind == "masked" ? undefined : hush(value);
    case "checked":
    case "selected":
      return kind == "open" ? value : undefined;
    case "value":
      if (/^(?:progress|meter|li)$/.test(tag)) return /^-?\d{0,6}(?:\.\d+)?$/.test(value) ? value : undefined;
      if (tag == "button" || tag == "data") return undefined;
      if (tag == "option") return kind == "open" ? hush(value) : undefined;
      return shownValue(kind, value, isPhone(all));
    case "href":
    case "xlink:href":
      // Where a link leads stays here; that it is one is seen. Drawings point into themselves.
      if (tag == "a") return "#";
      return tag != "link" && /^#[\w-]{1,64}$/.test(value) && hush(value) == value ? value : undefined;
    case "src":
      return tag == "img" ? dataPicture(value) || undefined : undefined;
  }
  if (STATES.test(name)) return STATE.test(value) ? value : undefined;
  if (name.startsWith("data-")) return value == "" || again || styled.has(`${name}=${value}`) ? value : undefined;
  if (DRAWING.test(name) || PLAIN.test(name)) return again ? quietCss(value) : scrubCss(hushKeys(value));
  return undefined;
}
