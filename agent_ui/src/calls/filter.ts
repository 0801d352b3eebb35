// Which calls are shown and in which order, kept in the address with the call that is open: a link shows the same again.

import { signal } from "@preact/signals";
import { serverNow } from "../common/time.ts";

export const SPANS = ["today", "yesterday", "week", "month", "all", "days"] as const;
export type Span = (typeof SPANS)[number];
export type Sort = "started" | "wait" | "talk" | "mos";

/** "" is no condition. */
export interface Filter {
  span: string;
  /** With the span "days": the first and the last day, as 2026-11-22. */
  from: string;
  to: string;
  queue: string;
  agent: string;
  number: string;
  direction: string;
  result: string;
  cause: string;
  outcome: string;
  recorded: string;
  sort: string;
  order: string;
}

export const ANY: Filter = {
  span: "week", from: "", to: "", queue: "", agent: "", number: "", direction: "", result: "", cause: "", outcome: "", recorded: "",
  sort: "started", order: "desc",
};

/** What narrows the list, beside the time. */
const CONDITIONS = ["queue", "agent", "number", "direction", "result", "cause", "outcome", "recorded"] as const;
/** Fewer letters of a number than this find everything. */
const NUMBER_LEAST = 2;

export interface View {
  /** The call that is open. */
  call: string | null;
  filter: Filter;
}

function parse(hash: string): View {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const given = new URLSearchParams(query);
  const filter = { ...ANY };
  for (const name of Object.keys(ANY) as (keyof Filter)[]) filter[name] = given.get(name) ?? ANY[name];
  if (!(SPANS as readonly string[]).includes(filter.span)) filter.span = ANY.span;
  return { call: path ? decodeURIComponent(path) : null, filter };
}

export const view = signal<View>(parse(location.hash));
addEventListener("hashchange", () => (view.value = parse(location.hash)));

export function hrefOf({ call, filter }: View): string {
  const changed = (Object.keys(ANY) as (keyof Filter)[]).filter((name) => filter[name] !== ANY[name]);
  const query = new URLSearchParams(changed.map((name) => [name, filter[name]])).toString();
  return `#/${call ? encodeURIComponent(call) : ""}${query ? `?${query}` : ""}`;
}

/** Another list. It takes the place of the one before: the browser's Back leads out, not through every letter. */
export function narrow(change: Partial<Filter>): void {
  const next = { ...view.value, filter: { ...view.value.filter, ...change } };
  history.replaceState(null, "", hrefOf(next));
  view.value = next;
}

export function open(call: string | null): void {
  location.hash = hrefOf({ ...view.value, call });
}

/** How many conditions there are beside the time. */
export function conditions(filter: Filter): number {
  return CONDITIONS.filter((name) => filter[name] !== "").length;
}

/** Without any condition, at the same time and in the same order. */
export function widen(): void {
  narrow(Object.fromEntries(CONDITIONS.map((name) => [name, ""])));
}

/** The beginning of a day, by this screen's clock; `days` later than today, or than the day `of`. */
function dayStart(days: number, of?: string): number | null {
  const date = of ? new Date(`${of}T00:00:00`) : new Date(serverNow());
  if (Number.isNaN(date.getTime())) return null;
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

function timesOf({ span, from, to }: Filter): [number | null, number | null] {
  switch (span as Span) {
    case "today":
      return [dayStart(0), null];
    case "yesterday":
      return [dayStart(-1), dayStart(0)];
    case "week":
      return [dayStart(-6), null];
    case "month":
      return [dayStart(-29), null];
    case "days":
      return [from ? dayStart(0, from) : null, to ? dayStart(1, to) : null];
    case "all":
      return [null, null];
  }
}

/** The conditions as the hub's REST takes them. */
export function queryOf(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  const [from, to] = timesOf(filter);
  if (from !== null) query.set("started_from", String(from));
  if (to !== null) query.set("started_to", String(to));
  for (const name of CONDITIONS) {
    const value = filter[name].trim();
    if (value && (name !== "number" || value.length >= NUMBER_LEAST)) query.set(name, value);
  }
  return query;
}
