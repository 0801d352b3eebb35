// What needs a supervisor now, computed from the live rows; and what needed one earlier, as long as this page is open.
import { effect, signal } from "@preact/signals";
import type { IconName } from "../common/icons.tsx";
import { number, t } from "../common/i18n.ts";
import { duration, now } from "../common/time.ts";
import type { AgentRow, QueueRow } from "../common/types.ts";
import { decided, lateness } from "./figures.ts";
import { agents, loaded, queues } from "./live.ts";

export interface Alert {
  /** The same while the same thing goes on. */
  key: string;
  tone: "danger" | "warn" | "info";
  icon: IconName;
  title: string;
  text: string;
  agent?: AgentRow;
}

export interface Past {
  key: string;
  title: string;
  from: number;
  to: number;
}

const LONG_WRAP_UP_MS = 5 * 60_000;
/** Shares of fewer contacts say little. */
const ENOUGH = 10;
const KEPT = 6;

function ofQueue(row: QueueRow, at: number): Alert[] {
  if (!row.open) return [];
  const found: Alert[] = [];
  const late = lateness(row, at);
  if (row.staffed === 0) {
    found.push({
      key: `unstaffed:${row.id}`,
      tone: row.waiting > 0 ? "danger" : "warn",
      icon: "team",
      title: t("supervisor.alert.unstaffed", { queue: row.name }),
      text: row.waiting > 0 ? t("supervisor.alert.unstaffed.waiting", { count: row.waiting }) : t("supervisor.alert.unstaffed.text"),
    });
  }
  if (late && row.longest_since !== null) {
    found.push({
      key: `wait:${row.id}:${row.longest_since}`,
      tone: late === "bad" ? "danger" : "warn",
      icon: "clock",
      title: t("supervisor.alert.wait", { queue: row.name, time: duration(at - row.longest_since) }),
      text: [
        t("supervisor.alert.wait.text", { seconds: row.target.seconds }),
        row.idle > 0 ? t("supervisor.alert.wait.help", { count: row.idle }) : "",
      ].filter(Boolean).join(" "),
    });
  }
  const { late: overdue, soon } = row.answers;
  if (overdue + soon > 0) {
    found.push({
      key: `answers:${row.id}:${overdue > 0}`,
      tone: overdue > 0 ? "danger" : "warn",
      icon: "clock",
      title: t(overdue > 0 ? "supervisor.alert.answers_late" : "supervisor.alert.answers_soon", { queue: row.name, count: overdue || soon }),
      text: t("supervisor.alert.answers.text"),
    });
  }
  if (row.service_level !== null && decided(row) >= ENOUGH && row.service_level * 100 < row.target.percent) {
    found.push({
      key: `level:${row.id}`,
      tone: "info",
      icon: "chart",
      title: t("supervisor.alert.level", { queue: row.name }),
      text: t("supervisor.alert.level.text", { percent: number(row.service_level * 100, { maximumFractionDigits: 0 }), target: row.target.percent }),
    });
  }
  return found;
}

function ofAgent(row: AgentRow, at: number): Alert[] {
  if (row.state === "not_responding") {
    return [{
      key: `silent:${row.id}:${row.since}`,
      tone: "warn",
      icon: "bell",
      title: t("supervisor.alert.not_responding", { name: row.name }),
      text: t("supervisor.alert.not_responding.text", { time: duration(at - row.since) }),
      agent: row,
    }];
  }
  if (row.state === "wrap_up" && at - row.since > LONG_WRAP_UP_MS) {
    return [{
      key: `wrap:${row.id}:${row.since}`,
      tone: "info",
      icon: "edit",
      title: t("supervisor.alert.wrap_up", { name: row.name }),
      text: t("supervisor.alert.wrap_up.text", { time: duration(at - row.since) }),
      agent: row,
    }];
  }
  return [];
}

const ORDER = { danger: 0, warn: 1, info: 2 };

const seen = signal<ReadonlySet<string>>(new Set());
export const alerts = signal<readonly Alert[]>([]);
export const past = signal<readonly Past[]>([]);
const began = new Map<string, { title: string; at: number }>();

/** Takes an alert away; it comes again when the same trouble begins anew. */
export function markSeen(key: string): void {
  seen.value = new Set([...seen.value, key]);
}

export function startAlerts(): void {
  effect(() => {
    if (!loaded.value) return;
    const at = now.value;
    const found = [...queues.value.flatMap((row) => ofQueue(row, at)), ...agents.value.flatMap((row) => ofAgent(row, at))];
    const keys = new Set(found.map((alert) => alert.key));
    for (const alert of found) if (!began.has(alert.key)) began.set(alert.key, { title: alert.title, at });
    const ended = [...began].filter(([key]) => !keys.has(key));
    if (ended.length > 0) {
      for (const [key] of ended) began.delete(key);
      const rows = ended.map(([key, { title, at: from }]) => ({ key: `${key}:${from}`, title, from, to: at }));
      past.value = [...rows, ...past.peek()].slice(0, KEPT);
    }
    alerts.value = found.filter((alert) => !seen.value.has(alert.key)).sort((one, other) => ORDER[one.tone] - ORDER[other.tone]);
  });
}
