// What the hub knows of a contact's calls and shared pages: the timeline, and the recordings with their waveforms.

import { api, bytes } from "../../common/api.ts";
import { saveFile } from "../../common/save.ts";
import type { Contact, Named } from "../../common/types.ts";

export interface Recording {
  id: string;
  contact: string;
  /** Of a call, or of a page that the customer showed. */
  kind: "sound" | "page";
  state: "recording" | "complete" | "interrupted" | "failed" | "deleted";
  started_at: number;
  ended_at: number | null;
  ms: number;
  bytes: number;
  format: "wav" | "ogg" | "page" | "";
  agents: Named[];
  /** Spans of silence, in ms from the beginning. */
  paused: [number, number][];
  error: string;
  hold: string;
  expires_at: number | null;
  deleted_at: number | null;
  deleted_by: Named | null;
  may: ("listen" | "download" | "hold" | "delete")[];
}

/** The loudest sample, 0 to 255, of each of many parts of equal length. */
export interface Peaks {
  ms: number;
  customer: number[];
  agent: number[];
}

export interface Happened {
  version: number;
  at: number;
  type: string;
  data: Record<string, unknown>;
}

interface Page<T> {
  items: T[];
  next: string | null;
}

const EVENTS_A_PAGE = 200;

/** Whether there may be calls in it. */
export function hasCalls(contact: Contact): boolean {
  return contact.channel === "voice" || contact.channel === "callback";
}

/** Oldest first; deleted ones too. */
export async function recordingsOf(contact: string, signal: AbortSignal): Promise<Recording[]> {
  const found = await api<Page<Recording>>("GET", `recordings?deleted=true&contact=${encodeURIComponent(contact)}`, undefined, signal);
  return found.items.reverse();
}

/** All that happened to the contact, in order. */
export async function eventsOf(contact: string, signal: AbortSignal): Promise<Happened[]> {
  const found: Happened[] = [];
  let after: string | null = "0";
  while (after !== null) {
    const page: Page<Happened> = await api("GET", `contacts/${encodeURIComponent(contact)}/events?limit=${EVENTS_A_PAGE}&after=${after}`, undefined, signal);
    found.push(...page.items);
    after = page.next;
  }
  return found;
}

export function peaksOf(recording: string, signal: AbortSignal): Promise<Peaks> {
  return api("GET", `recordings/${encodeURIComponent(recording)}/peaks`, undefined, signal);
}

export function audioUrl(recording: string): string {
  return `/api/v1/recordings/${encodeURIComponent(recording)}/audio`;
}

/** What was shown of a page, as hub/film.py writes it. Throws as `api` does. */
export function filmOf(recording: string, signal: AbortSignal): Promise<ArrayBuffer> {
  return bytes(`recordings/${encodeURIComponent(recording)}/frames`, signal);
}

export const FORMATS = ["original", "alaw", "ulaw", "raw", "gsm"] as const;
export type Format = (typeof FORMATS)[number];

/** Has the recording saved as a file. */
export function download(recording: string, format: Format): Promise<void> {
  return saveFile(`/api/v1/recordings/${encodeURIComponent(recording)}/export?format=${format}`, recording);
}
