// The fields of the mirrored page that the site shares, with what stands in them, and how one is called.

import type { SharedField } from "../common/cobrowse.ts";
import type { Mirror } from "./mirror.ts";

const MOST = 200;
const DATES = /^(?:date|time|datetime-local|month|week)$/;
const NONE = /^(?:submit|button|reset|image|hidden|file|password)$/;

const clean = (text: string | null | undefined) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, 80);

/** The words beside an element, else what it says of itself. */
export function labelOf(element: Element): string {
  const id = element.getAttribute("id");
  const root = element.getRootNode() as Document | ShadowRoot;
  const named = id ? [...root.querySelectorAll("label")].find((label) => label.getAttribute("for") == id) : null;
  const label = named ?? element.closest("label");
  const own = element.localName == "select" || element.localName == "textarea" ? "" : element.textContent;
  return clean(label?.textContent) || clean(element.getAttribute("placeholder")) || clean(own) || clean(id) || element.localName;
}

export function isShared(element: Element): boolean {
  if (!/^(?:input|select|textarea)$/.test(element.localName) || NONE.test(element.getAttribute("type") ?? "")) return false;
  return !element.closest("[data-cb]");
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
  const { value, checked, type } = element as HTMLInputElement;
  if (element.localName == "textarea") return { ...base, kind: "area", value };
  if (type == "checkbox" || type == "radio") return { ...base, kind: type == "radio" ? "radio" : "check", value: String(checked) };
  return { ...base, kind: DATES.test(type) ? "date" : "text", value };
}

export function sharedFields(mirror: Mirror): SharedField[] {
  const { document } = mirror;
  if (!document) return [];
  const found: SharedField[] = [];
  for (const element of document.querySelectorAll("input, select, textarea")) {
    const field = describe(mirror, element);
    if (field) found.push(field);
    if (found.length == MOST) break;
  }
  return found;
}
