// The figures over all queues that are looked at. Pure.
import type { AgentRow, Channel, PresenceState, QueueRow } from "../common/types.ts";

export interface Totals {
  waiting: number;
  byChannel: [Channel, number][];
  longest: { since: number; queue: QueueRow } | null;
  offered: number;
  /** Answered or lost today. */
  decided: number;
  inTarget: number;
  abandoned: number;
  /** 0 to 1, of all that were answered or lost; null when nothing was. */
  level: number | null;
  /** What the level is compared with; null when the queues promise different things. */
  target: { percent: number; seconds: number } | null;
  /** How many more in time would reach the target. */
  missing: number;
}

const sum = (rows: readonly QueueRow[], value: (row: QueueRow) => number) => rows.reduce((total, row) => total + value(row), 0);

export function decided(row: QueueRow): number {
  return row.answered_today + row.abandoned_today;
}

export function totals(rows: readonly QueueRow[]): Totals {
  const channels = new Map<Channel, number>();
  for (const row of rows) {
    for (const [channel, count] of Object.entries(row.channels) as [Channel, number][]) {
      if (count > 0) channels.set(channel, (channels.get(channel) ?? 0) + count);
    }
  }
  const oldest = rows
    .filter((row) => row.waiting > 0 && row.longest_since !== null)
    .sort((one, other) => (one.longest_since ?? 0) - (other.longest_since ?? 0))[0];
  const all = sum(rows, decided);
  const inTarget = sum(rows, (row) => row.in_target_today);
  const first = rows[0]?.target ?? null;
  const target = first && rows.every((row) => row.target.percent === first.percent && row.target.seconds === first.seconds) ? first : null;
  return {
    waiting: sum(rows, (row) => row.waiting),
    byChannel: [...channels],
    longest: oldest ? { since: oldest.longest_since ?? 0, queue: oldest } : null,
    offered: sum(rows, (row) => row.offered_today),
    decided: all,
    inTarget,
    abandoned: sum(rows, (row) => row.abandoned_today),
    level: all === 0 ? null : inTarget / all,
    target,
    missing: target && all > 0 ? Math.max(0, Math.ceil((target.percent / 100) * all) - inTarget) : 0,
  };
}

/** In the order in which they are drawn and counted. */
export const STATES: PresenceState[] = ["available", "busy", "wrap_up", "away", "not_responding"];

export function countStates(rows: readonly AgentRow[]): Map<PresenceState, number> {
  const counts = new Map<PresenceState, number>();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return counts;
}

const NEED: Record<PresenceState, number> = { not_responding: 0, busy: 1, wrap_up: 2, available: 3, away: 4, offline: 5 };

/** Who may need help first: no response, then the busiest, then by name. */
export function byNeed(one: AgentRow, other: AgentRow): number {
  return NEED[one.state] - NEED[other.state] || other.contacts.length - one.contacts.length || one.name.localeCompare(other.name);
}

/** Whether a wait is late (past the target) or much too late, for its colour. */
export function lateness(row: QueueRow, now: number): "" | "warn" | "bad" {
  if (row.waiting === 0 || row.longest_since === null) return "";
  const seconds = (now - row.longest_since) / 1000;
  if (seconds >= Math.max(120, 4 * row.target.seconds)) return "bad";
  return seconds > row.target.seconds ? "warn" : "";
}
