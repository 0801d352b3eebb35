// Call detail records as the hub's REST gives them: pages of a list, figures of all of it, one of them.

import { signal } from "@preact/signals";
import type { Leg } from "../agent/record/steps.ts";
import { api } from "../common/api.ts";
import { saveFile } from "../common/save.ts";
import type { Named } from "../common/types.ts";
import { type Filter, queryOf } from "./filter.ts";

export type Result = "running" | "answered" | "abandoned" | "unanswered";

export interface CallRecord {
  id: string;
  contact: string;
  direction: "in" | "out";
  way: "trunk" | "web" | "dial" | "callback";
  caller: string;
  called: string;
  trunk: string;
  queue: Named | null;
  agent: Named | null;
  agents: Named[];
  started_at: number;
  answered_at: number | null;
  connected_at: number | null;
  ended_at: number | null;
  offers: number;
  wait_ms: number;
  talk_ms: number;
  hold_ms: number;
  holds: number;
  wrap_ms: number;
  result: Result;
  by: string;
  cause: string;
  status: number | null;
  digits: number;
  outcome: string | null;
  legs: Record<string, Leg>;
  recordings: string[];
}

export interface Summary {
  calls: number;
  answered: number;
  abandoned: number;
  unanswered: number;
  running: number;
  recorded: number;
  mean_wait_ms: number | null;
  mean_talk_ms: number | null;
  mean_mos: number | null;
}

interface Page {
  items: CallRecord[];
  next: string | null;
}

/** What is shown: null until it is there for the first time. Kept while the next list is fetched. */
export interface Listed {
  calls: CallRecord[] | null;
  next: string | null;
  summary: Summary | null;
  error: unknown;
}

const A_PAGE = 50;

export const listed = signal<Listed>({ calls: null, next: null, summary: null, error: null });
export const loading = signal(false);
let asking = new AbortController();

function pageOf(filter: Filter, after: string | null, signal: AbortSignal): Promise<Page> {
  const query = queryOf(filter);
  query.set("limit", String(A_PAGE));
  query.set("sort", filter.sort);
  query.set("order", filter.order);
  if (after) query.set("after", after);
  return api<Page>("GET", `calls?${query}`, undefined, signal);
}

/** Fetches the list from its beginning. What an earlier question still brings is dropped. */
export async function load(filter: Filter): Promise<void> {
  asking.abort();
  const { signal } = (asking = new AbortController());
  loading.value = true;
  try {
    const [page, summary] = await Promise.all([
      pageOf(filter, null, signal),
      api<Summary>("GET", `call-summary?${queryOf(filter)}`, undefined, signal),
    ]);
    if (!signal.aborted) listed.value = { calls: page.items, next: page.next, summary, error: null };
  } catch (error) {
    if (!signal.aborted) listed.value = { calls: null, next: null, summary: null, error };
  } finally {
    if (!signal.aborted) loading.value = false;
  }
}

export async function more(filter: Filter): Promise<void> {
  const { signal } = asking;
  const { items, next } = await pageOf(filter, listed.value.next, signal);
  if (!signal.aborted) listed.value = { ...listed.value, calls: [...(listed.value.calls ?? []), ...items], next };
}

export function callOf(id: string, signal: AbortSignal): Promise<CallRecord> {
  return api("GET", `calls/${encodeURIComponent(id)}`, undefined, signal);
}

export function exportCsv(filter: Filter): Promise<void> {
  return saveFile(`/api/v1/calls.csv?${queryOf(filter)}`, "contact-hub-calls");
}

/** The worse of both lines' MOS. */
export function worstMos(call: CallRecord): number | null {
  const found = Object.values(call.legs).flatMap(({ mos }) => (mos == null ? [] : [mos]));
  return found.length > 0 ? Math.min(...found) : null;
}

/** The customer's number, or what there is to say of him. */
export function customerNumber(call: CallRecord): string {
  return call.direction === "in" ? call.caller : call.called;
}
