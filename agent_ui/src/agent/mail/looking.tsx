// Who else has this thread open: two who answer the same mail should know of each other.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { list, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { connection, on, request } from "../../common/socket.ts";
import type { Looker } from "./types.ts";

const AGAIN_MS = 10_000;

const lookers = signal<ReadonlyMap<string, readonly Looker[]>>(new Map());

function put(contact: string, agents: readonly Looker[]): void {
  lookers.value = new Map(lookers.value).set(contact, agents);
}

function tell(contact: string, on: boolean, writes: boolean): void {
  if (connection.value !== "online") return;
  request<{ agents: Looker[] }>("mail:looking", { contact, on, writing: writes }).then(({ agents }) => on && put(contact, agents), () => undefined);
}

/** Says so while the thread is open here. */
export function useLooking(contact: string, writes: boolean): void {
  const online = connection.value === "online";
  useEffect(() => {
    if (!online) return;
    tell(contact, true, writes);
    const timer = setInterval(() => document.visibilityState === "visible" && tell(contact, true, writes), AGAIN_MS);
    return () => clearInterval(timer);
  }, [contact, online, writes]);
  useEffect(() => () => tell(contact, false, false), [contact]);
}

export function startLooking(): void {
  on<{ contact: string; agents: Looker[] }>("mail:lookers", ({ contact, agents }) => put(contact, agents));
}

export function Lookers({ contact }: { contact: string }) {
  const others = lookers.value.get(contact) ?? [];
  const writes = others.filter((other) => other.writing);
  if (others.length === 0) return null;
  const some = writes.length ? writes : others;
  return (
    <p class={`lookers${writes.length ? " warn" : ""}`} role="status">
      <Icon name={writes.length ? "edit" : "eye"} />
      {t(writes.length ? "mail.lookers.writing" : "mail.lookers.looking", { names: list(some.map(({ name }) => name)), count: some.length })}
    </p>
  );
}
