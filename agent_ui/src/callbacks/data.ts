// What the page knows: the list as it is narrowed, what moved since, and what can be done with one.

import { signal } from "@preact/signals";
import { api } from "../common/api.ts";
import type { Callback } from "../common/callbacks/data.ts";
import { newId } from "../common/ids.ts";
import { on, request } from "../common/socket.ts";
import { serverNow } from "../common/time.ts";
import type { Named } from "../common/types.ts";

export interface Filter {
  /** "" is any; "open" are all that have not ended. */
  state: string;
  queue: string;
  agent: string;
  /** The day that it is due, as 2026-11-22; "" is any. */
  day: string;
  q: string;
}

export interface Load {
  start: number;
  end: number;
  promised: number;
  due: number;
  capacity: number;
}

export interface Report {
  asked: number;
  living: number;
  reached: number;
  closed: number;
  cancelled: number;
  tried: number;
  attempts: number;
  on_time: number;
  delay_ms: number | null;
  answered: number;
  unserved: number;
}

/** How a queue that calls customers first does. */
export interface Dialling {
  queue: Named;
  now: "customer_first" | "agent_first";
  why: "" | "limit";
  answered: number;
  abandoned: number;
  percent: number;
  limit_percent: number;
  calling: number;
  on_hold: number;
}

export interface Breaker {
  name: string;
  open_at: number | null;
  why: string;
  reset_at: number;
  reset_by: string;
}

export interface Blocked {
  number: string;
  at: number;
  source: string;
  by: string;
}

export interface LineError {
  line: number;
  path: string;
  code: string;
  message: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

const A_PAGE = 50;
const SOON_MS = 1_000;
const DAY_MS = 86_400_000;

export const ANY: Filter = { state: "open", queue: "", agent: "", day: "", q: "" };
export const filter = signal<Filter>(ANY);
/** The callback that is open. */
export const opened = signal<Callback | null>(null);
/** Counts up when something moved, so that whoever shows callbacks asks again. */
export const moves = signal(0);

let soon: ReturnType<typeof setTimeout> | undefined;

/** Has everything asked for anew, a little later, and once for many. */
function moved(): void {
  soon ??= setTimeout(() => {
    soon = undefined;
    moves.value += 1;
  }, SOON_MS);
}

/** Follows the pushes; to be called before the store connects. */
export function startMoves(): void {
  on<{ id: string }>("callback", moved);
  on("hello", () => {
    void request("supervise:subscribe", {}).catch(() => undefined); // without it the page is as new as its last question
    moved();
  });
}

/** Midnight here, of "2026-11-22". */
export function startOfDay(day: string): number {
  return new Date(`${day}T00:00:00`).getTime();
}

/** Midnight here, so many days after the one that `at` lies in; days with a change of the clocks are as long as they are. */
export function dayAfter(at: number, days: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

export function queryOf({ state, queue, agent, day, q }: Filter): URLSearchParams {
  const query = new URLSearchParams({ limit: String(A_PAGE) });
  if (state === "open") query.set("living", "true");
  else if (state) query.set("state", state);
  if (queue) query.set("queue", queue);
  if (agent) query.set("agent", agent);
  if (q) query.set("q", q);
  if (day) {
    query.set("due_from", String(startOfDay(day)));
    query.set("due_to", String(dayAfter(startOfDay(day), 1)));
  }
  return query;
}

export function pageOf(query: URLSearchParams, signal: AbortSignal): Promise<Page<Callback>> {
  return api("GET", `callbacks?${query}`, undefined, signal);
}

export function loadsOf(queue: string, since: number, until: number, signal: AbortSignal): Promise<{ items: Load[] }> {
  const query = new URLSearchParams({ since: String(since), until: String(until), ...(queue ? { queue } : {}) });
  return api("GET", `callback-load?${query}`, undefined, signal);
}

export function reportOf(queue: string, days: number): Promise<Report> {
  const until = serverNow() + DAY_MS; // by any clock
  const query = new URLSearchParams({ asked_from: String(dayAfter(serverNow(), 1 - days)), asked_to: String(until), ...(queue ? { queue } : {}) });
  return api("GET", `callback-report?${query}`);
}

/** Takes over what became of one. */
function took(callback: Callback): void {
  if (opened.value?.id === callback.id) opened.value = callback;
  moves.value += 1;
}

async function act(id: string, what: string, body: object = {}): Promise<void> {
  took(await api<Callback>("POST", `callbacks/${encodeURIComponent(id)}/${what}`, { ...body, client_id: newId() }));
}

export const callNow = ({ id }: Callback) => act(id, "call-now");
export const cancel = ({ id }: Callback) => act(id, "cancel");
export const assign = ({ id }: Callback, agent: string | null) => act(id, "assign", { agent });

export async function move({ id }: Callback, at: number): Promise<void> {
  took(await api<Callback>("PATCH", `callbacks/${encodeURIComponent(id)}`, { when: new Date(at).toISOString(), client_id: newId() }));
}
