// What the hub says of triage, and its figures in words.
import { number } from "../i18n.ts";

/** `rule` is empty where no rule applied, "guess" where the classifier had its say. */
export interface RuleFigures {
  rule: string;
  name: string;
  contacts: number;
  share: number;
  corrected: number;
  transferred: number;
}

export interface QueueFigures {
  queue: string;
  name: string;
  placed: number;
  corrected: number;
  contacts: number;
  answered: number;
  first_answer_ms: number | null;
  promised_minutes: number | null;
  first_late: number;
  late: number;
}

export interface Report {
  contacts: number;
  sorted: number;
  corrected: number;
  rules: readonly RuleFigures[];
  queues: readonly QueueFigures[];
  moves: readonly { placed: string; queue: string; contacts: number }[];
  whole: boolean;
}

export interface Learning {
  state: "off" | "waiting" | "learning" | "ready" | "trouble";
  problem: string;
  mails: number;
  learned_at: number | null;
  accuracy: number | null;
  threshold: number;
  queues: readonly { queue: string; name: string; mails: number; share: number | null; words: readonly string[] }[];
}

export function percent(share: number): string {
  return number(share, { style: "percent", maximumFractionDigits: 0 });
}

const UNITS = [["day", 1440], ["hour", 60], ["minute", 1]] as const;

/** A time of minutes, hours or days in its two largest units: "3 hr 20 min". */
export function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return number(Math.round(ms / 1000), { style: "unit", unit: "second", unitDisplay: "short" });
  const first = UNITS.findIndex(([, size]) => minutes >= size);
  let rest = minutes;
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(number(count, { style: "unit", unit, unitDisplay: "short" }));
  }
  return parts.join(" ");
}
