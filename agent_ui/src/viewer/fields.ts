// The fields of the mirrored page that the site shares, with what stands in them, and how one is called.

import type { SharedField } from "../common/cobrowse.ts";
import { plainText } from "../../../widget/src/cobrowse/editable.ts";
import type { Mirror } from "./mirror.ts";

const MOST = 200;
const DATES = /^(?:date|time|datetime-local|month|week)$/;
/** An area that the site shares, by the mark that the customer's side gives it. */
export const EDITABLE = "[data-cb=editable]";
const NONE = /^(?:submit|button|reset|image|hidden|file|password)$/;

const clean = (text: string | null | undefined) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, 80);

/** The words beside an element, else what it says of itself. */
export function labelOf(element: Element): string {
  const id = element.getAttribute("id");
  const root = element.getRootNode() as Document | ShadowRoot;
  const named = id ? [...root.querySelectorAll("label")].find((label) => label.getAttribute("for") == id) : null;
  const label = named ?? element.closest("label");
  const own = element.localName == "select" || element.localName == "textarea" || element.matches(EDITABLE) ? "" : element.textContent;
  return clean(label?.textContent) || clean(element.getAttribute("placeholder")) || clean(own) || clean(id) || element.localName;
}

export function isShared(element: Element): boolean {
  if (element.closest("[data-cb=masked], [data-cb=private]")) return false;
  if (element.matches(EDITABLE)) return true;
  if (!/^(?:input|select|textarea)$/.test(element.localName) || NONE.test(element.getAttribute("type") ?? "")) return false;
  return true;
}

/** What a list of suggestions offers for a field: one of the browser's own, or one that the page draws. */
function suggestions(element: Element): SharedField["options"] {
  const root = element.getRootNode() as Document | ShadowRoot;
  const list = root.getElementById(element.getAttribute("list") ?? "");
  const drawn = `${element.getAttribute("aria-controls") ?? ""} ${element.getAttribute("aria-owns") ?? ""}`.trim().split(/\s+/);
  const own = list && !list.closest("[data-cb]") ? [...list.querySelectorAll("option")].map((option) => clean(option.getAttribute("value") || option.textContent)) : [];
  const page = drawn.flatMap((id) => [...((id && root.getElementById(id)?.querySelectorAll("[role=option]")) || [])]).map((option) => clean(option.textContent));
  return [...new Set([...own, ...page])].filter(Boolean).slice(0, MOST).map((value) => ({ value, text: value }));
}

function describe(mirror: Mirror, element: Element): SharedField | null {
  const node = mirror.idOf(element);
  if (!node || !isShared(element) || !element.getClientRects().length) return null;
  const label = labelOf(element);
  const base = { node, label, options: [] };
  if (element.localName == "select") {
    const select = element as HTMLSelectElement;
    const options = [...select.options].slice(0, MOST * 2).map((option) => ({ value: option.value, text: clean(option.text) }));
    return { ...base, kind: "select", value: select.value, options };
  }
  if (element.matches(EDITABLE)) return { ...base, kind: "area", value: plainText(element) };
  const { value, checked, type } = element as HTMLInputElement;
  if (element.localName == "textarea") return { ...base, kind: "area", value };
  if (type == "checkbox" || type == "radio") return { ...base, kind: type == "radio" ? "radio" : "check", value: String(checked) };
  return { ...base, kind: DATES.test(type) ? "date" : "text", value, options: suggestions(element) };
}

export function sharedFields(mirror: Mirror): SharedField[] {
  const { document } = mirror;
  if (!document) return [];
  const found: SharedField[] = [];
  for (const element of document.querySelectorAll(`input, select, textarea, ${EDITABLE}`)) {
    const field = describe(mirror, element);
    if (field) found.push(field);
    if (found.length == MOST) break;
  }
  return found;
}
