// The agent's own telephone: whether calls go there, and how it does in each of them, as the hub says.

import { signal } from "@preact/signals";
import { api } from "../../common/api.ts";
import { on } from "../../common/socket.ts";
import type { Hello } from "../../common/types.ts";

/** The push "phone_line". */
export interface OwnLine {
  line: "browser" | "phone";
  /** Whether phones may register at this hub. */
  allowed: boolean;
  /** The name of its account. */
  account: string | null;
  registered: boolean;
}

/** The push "phone_ring": a call at the agent's telephone. */
export interface OwnCall {
  contact: string;
  state: "ringing" | "taking" | "up" | "failed" | "over";
  /** Why it failed. */
  problem: "" | "unregistered" | "unreachable" | "no_answer" | "declined" | "lost";
}

export const ownLine = signal<OwnLine>({ line: "browser", allowed: false, account: null, registered: false });
export const ownCalls = signal<ReadonlyMap<string, OwnCall>>(new Map());

/** Whether calls go to the telephone now. */
export function phoneRings(): boolean {
  return ownLine.value.line === "phone" && ownLine.value.registered;
}

/** Whether this call is, or is about to be, at the telephone, so that no window takes its audio by itself. */
export function atPhone(contact: string): boolean {
  const call = ownCalls.value.get(contact);
  return call ? call.state !== "failed" : phoneRings();
}

export async function chooseLine(line: OwnLine["line"]): Promise<void> {
  await api("PATCH", "me", { line });
  ownLine.value = { ...ownLine.value, line };
}

/** Follows the pushes; to be called before the store connects. */
export function startOwnPhone(): void {
  on<Hello>("hello", () => (ownCalls.value = new Map())); // what there is follows
  on<OwnLine>("phone_line", (told) => (ownLine.value = told));
  on<OwnCall>("phone_ring", (told) => {
    const next = new Map(ownCalls.value);
    if (told.state === "over") next.delete(told.contact);
    else next.set(told.contact, told);
    ownCalls.value = next;
  });
}
