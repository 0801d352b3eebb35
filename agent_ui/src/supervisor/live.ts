// The live rows: a snapshot at each (re)connection, then the rows that changed, at most once a second.
import { computed, signal } from "@preact/signals";
import { on, request } from "../common/socket.ts";
import type { AgentRow, Hello, QueueRow } from "../common/types.ts";

interface Rows {
  queues: QueueRow[];
  agents: AgentRow[];
  gone_queues?: string[];
  gone_agents?: string[];
}

export const queueRows = signal<ReadonlyMap<string, QueueRow>>(new Map());
export const agentRows = signal<ReadonlyMap<string, AgentRow>>(new Map());
/** False until the first snapshot. */
export const loaded = signal(false);
/** The queue that is looked at, kept in the address; "" is all of them. */
export const shownQueue = signal(decodeURIComponent(location.hash.replace(/^#\/?/, "")));

export function showQueue(id: string): void {
  shownQueue.value = id;
  history.replaceState(null, "", id ? `#/${encodeURIComponent(id)}` : location.pathname + location.search);
}

function changed<R extends { id: string }>(rows: ReadonlyMap<string, R>, fresh: readonly R[], gone: readonly string[] = []): ReadonlyMap<string, R> {
  if (fresh.length === 0 && gone.length === 0) return rows;
  const next = new Map(rows);
  for (const row of fresh) next.set(row.id, row);
  for (const id of gone) next.delete(id);
  return next;
}

/** The queues that are looked at. */
export const queues = computed(() => [...queueRows.value.values()].filter((row) => !shownQueue.value || row.id === shownQueue.value));

/** The agents of the queues that are looked at. */
export const agents = computed(() => [...agentRows.value.values()].filter((row) => !shownQueue.value || row.queues.includes(shownQueue.value)));

export function queueName(id: string): string {
  return queueRows.value.get(id)?.name ?? id;
}

export function startLive(): void {
  on<Hello>("hello", () => {
    void request<Rows>("supervise:subscribe", {}).then(
      (rows) => {
        queueRows.value = new Map(rows.queues.map((row) => [row.id, row]));
        agentRows.value = new Map(rows.agents.map((row) => [row.id, row]));
        if (shownQueue.value && !queueRows.value.has(shownQueue.value)) showQueue("");
        loaded.value = true;
      },
      () => undefined, // the connection broke again; the next hello asks anew
    );
  });
  on<Rows>("live", (rows) => {
    queueRows.value = changed(queueRows.value, rows.queues, rows.gone_queues);
    agentRows.value = changed(agentRows.value, rows.agents, rows.gone_agents);
  });
}
