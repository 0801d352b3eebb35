// The search: what is looked for, and the pages of hits that were found for it.

import { signal } from "@preact/signals";
import { errorText } from "../../common/errors.ts";
import { request } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";

export interface Query {
  query: string;
  channel: string;
  queue: string;
  phase: string;
  agent: string;
}

export interface Hit {
  contact: Contact;
  /** The place that was found, cut into pieces, of which some are the words looked for. */
  snippet: { text: string; hit: boolean }[];
  n: number | null;
}

interface Found {
  hits: readonly Hit[];
  /** Where the next page goes on; null at the end. */
  next: string | null;
  state: "idle" | "searching" | "failed";
  error: string | null;
}

const PAGE = 30;
const PAUSE_MS = 250;

export const asked = signal<Query>({ query: "", channel: "", queue: "", phase: "", agent: "" });
export const found = signal<Found>({ hits: [], next: null, state: "searching", error: null });

let run = 0;
let pause: ReturnType<typeof setTimeout> | undefined;

async function fetchPage(before: string | null): Promise<void> {
  const mine = ++run;
  found.value = { ...found.value, state: "searching", error: null };
  const given = Object.entries(asked.value).filter(([name, value]) => name === "query" || value);
  try {
    const page = await request<{ hits: Hit[]; before: string | null }>("search", {
      ...Object.fromEntries(given),
      limit: PAGE,
      ...(before === null ? {} : { before }),
    });
    if (mine !== run) return; // something else is looked for meanwhile
    found.value = {
      hits: before === null ? page.hits : [...found.value.hits, ...page.hits],
      next: page.before,
      state: "idle",
      error: null,
    };
  } catch (error) {
    if (mine === run) found.value = { ...found.value, state: "failed", error: errorText(error) };
  }
}

/** Looks for something else; typing is given a moment. */
export function ask(change: Partial<Query>): void {
  asked.value = { ...asked.value, ...change };
  clearTimeout(pause);
  pause = setTimeout(() => void fetchPage(null), "query" in change ? PAUSE_MS : 0);
}

export function findMore(): void {
  const { next, state } = found.value;
  if (next !== null && state !== "searching") void fetchPage(next);
}

/** The first look, and the look after a return: the newest contacts. */
export function refresh(): void {
  void fetchPage(null);
}
