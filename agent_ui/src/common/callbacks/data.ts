// Callbacks as the hub's REST gives them, and what is said of one.

import { HubError, errorText } from "../errors.ts";
import { has, t } from "../i18n.ts";
import { clock, dateTime, sameDay, serverNow } from "../time.ts";
import type { Named } from "../types.ts";

export type State =
  | "asked" | "scheduled" | "queued" | "connecting" | "dialling" | "ringing" | "talking" | "reached" | "closed" | "cancelled";

export interface Attempt {
  at: number;
  /** Null while a customer who was called ahead of an agent has none. */
  agent: Named | null;
  /** Null while it runs. */
  result: string | null;
  status: number | null;
  talk_ms: number;
  ended_at: number | null;
}

export interface Callback {
  id: string;
  reference: string;
  state: State;
  /** "" for one who is rung on his page only. */
  phone: string;
  /** His page is rung first. */
  page: boolean;
  /** It rings now, or he talks there. */
  at_page: boolean;
  name: string;
  email: string;
  topic: string;
  note: string;
  site: string;
  queue: Named | null;
  contact: string;
  customer: string;
  /** The other contact in which it was asked for. */
  conversation: string;
  language: string;
  origin: string;
  consent: string;
  consent_version: string;
  asked_at: number;
  /** The time that was wished for; null for as soon as possible. */
  when: number | null;
  due_at: number;
  next_at: number | null;
  ended_at: number | null;
  reason: string;
  agent: Named | null;
  only_agent: Named | null;
  attempts: Attempt[];
  estimate_s: number | null;
  joined: boolean;
  /** Until then the agent who has it may read before it is dialled. */
  preview_until: number | null;
  put_off: string;
  most_attempts: number;
  told: string | null;
}

export const STATES: readonly State[] = ["asked", "scheduled", "queued", "connecting", "dialling", "ringing", "talking", "reached", "closed", "cancelled"];
const ENDED = new Set<State>(["reached", "closed", "cancelled"]);
const ON_THE_LINE = new Set<State>(["dialling", "ringing", "talking"]);

export function isOver(callback: Callback): boolean {
  return ENDED.has(callback.state);
}

export function isOnTheLine(callback: Callback): boolean {
  return ON_THE_LINE.has(callback.state);
}

/** Where it is called: at a number, on the customer's page, or on the page first. */
export function calledAt({ phone, page }: Callback): string {
  return page ? t(phone ? "callbacks.page_first" : "callbacks.page_only", { phone }) : phone;
}

/** The time if it is today, else with its day. */
export function shortTime(at: number): string {
  return sameDay(at, serverNow()) ? clock(at) : dateTime(at);
}

/** Why it waits or how it ended; nothing for what needs no word. */
export function reasonText({ state, reason }: Callback): string {
  if (state === "cancelled" || reason === "") return "";
  const key = `callbacks.reason.${reason}`;
  return has(key) ? t(key) : reason;
}

export function resultText(result: string | null): string {
  return t(`callbacks.result.${result ?? "running"}`);
}

/** How many times the customer's phone rang, or may have: what the network did not put through is none. */
export function counted({ attempts }: Callback): number {
  return attempts.filter(({ result }) => result !== "unreachable").length;
}

/** Why a number or a time was not taken: ours for what we know, else the hub's own sentence. */
export function refusalText(error: unknown): string {
  if (error instanceof HubError && error.code === "callback.number_refused") {
    const key = `callbacks.refused.${String(error.details["reason"])}`;
    if (has(key)) return t(key);
  }
  if (error instanceof HubError && has(`callbacks.error.${error.code}`)) return t(`callbacks.error.${error.code}`);
  return errorText(error);
}
