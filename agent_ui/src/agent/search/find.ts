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
  more: boolean;
  state: "idle" | "searching" | "failed";
  error: string | null;
}

const PAGE = 30;
const PAUSE_MS = 250;

export const asked = signal<Query>({ query: "", channel: "", queue: "", phase: "", agent: "" });
export const found = signal<Found>({ hits: [], more: false, state: "searching", error: null });

let run = 0;
let pause: ReturnType<typeof setTimeout> | undefined;

async function fetchPage(before: number | null): Promise<void> {
  const mine = ++run;
  found.value = { ...found.value, state: "searching", error: null };
  const given = Object.entries(asked.value).filter(([name, value]) => name === "query" || value);
  try {
    const page = await request<{ hits: Hit[]; more: boolean }>("search", {
      ...Object.fromEntries(given),
      limit: PAGE,
      ...(before === null ? {} : { before }),
    });
    if (mine !== run) return; // something else is looked for meanwhile
    found.value = {
      hits: before === null ? page.hits : [...found.value.hits, ...page.hits],
      more: page.more,
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
  const last = found.value.hits.at(-1);
  if (last && found.value.state !== "searching") void fetchPage(last.contact.created_at);
}

/** The first look, and the look after a return: the newest contacts. */
export function refresh(): void {
  void fetchPage(null);
}
