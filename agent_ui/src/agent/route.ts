// Which contact is open and in which view, kept in the address: the browser's Back works, and a link can be shared.

import { computed, signal } from "@preact/signals";

/** On a phone one pane is seen at a time; on a desk all. */
export type Pane = "list" | "talk" | "customer";

export interface Route {
  view: "inbox" | "search" | "mail";
  contact: string | null;
  pane: Pane;
}

function parse(hash: string): Route {
  const [kind, id, part] = hash.replace(/^#\/?/, "").split("/");
  if (kind === "search") return { view: "search", contact: null, pane: "talk" };
  if (kind === "new-mail") return { view: "mail", contact: null, pane: "talk" };
  if (kind !== "contact" || !id) return { view: "inbox", contact: null, pane: "list" };
  return { view: "inbox", contact: decodeURIComponent(id), pane: part === "customer" ? "customer" : "talk" };
}

export const route = signal<Route>(parse(location.hash));
export const selectedId = computed(() => route.value.contact);

addEventListener("hashchange", () => (route.value = parse(location.hash)));

function go(hash: string, replace: boolean): void {
  if (location.hash === hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", hash);
  route.value = parse(hash);
}

export function contactHref(id: string): string {
  return `#/contact/${encodeURIComponent(id)}`;
}

export function showContact(id: string, { replace = false, pane = "talk" as Pane } = {}): void {
  go(contactHref(id) + (pane === "customer" ? "/customer" : ""), replace);
}

export function showList(): void {
  go("#/", false);
}

export function showNewMail(): void {
  go("#/new-mail", false);
}

export function showSearch(): void {
  go("#/search", false);
}
