// The course of a call in words, from the events of its contact.

import { has, number, t } from "../../common/i18n.ts";
import { directory } from "../../common/store.ts";
import type { Happened } from "./data.ts";
import "./words.ts";

/** Why calls end, the frequent first. There are rarer ones. */
export const CAUSES = [
  "hung_up", "left", "closed", "no_answer", "busy", "rejected", "declined", "cancelled", "waited_too_long", "lost", "silent", "agent_lost",
  "queue_closed", "queue_full", "too_long", "unreachable", "no_such_number", "incompatible", "setup_failed", "session_expired", "interrupted", "trouble", "failed",
] as const;

/** One side's audio; `loss` is a share (0 to 1). */
export interface Leg {
  codec?: string;
  mos?: number | null;
  loss?: number | null;
  jitter_ms?: number | null;
  round_trip_ms?: number | null;
}

function agentName(id: unknown): string {
  return directory.value.agents.find((agent) => agent.id === id)?.name ?? t("calls.an_agent");
}

function queueName(id: unknown): string {
  return directory.value.queues.find((queue) => queue.id === id)?.name ?? String(id ?? "");
}

/** A code of the server in words, or as it is when it is one that we do not know. */
function coded(prefix: string, code: unknown): string {
  const key = `${prefix}.${String(code)}`;
  return has(key) ? t(key) : String(code ?? "");
}

/** Why a call ended, in words. */
export function causeText(cause: string): string {
  return coded("calls.cause", cause);
}

/** Who ended a call: a party, or an agent's id. */
export function endedBy(by: unknown): string {
  return has(`calls.by.${String(by)}`) ? t(`calls.by.${String(by)}`) : agentName(by);
}

/** What happened, in words; null for what is no part of a call. */
function sentence({ type, data }: Happened): string | null {
  switch (type) {
    case "call.started":
      if (data["way"] === "callback" && !data["called"]) return t("calls.started.page");
      return t(`calls.started.${String(data["way"])}`, { caller: String(data["caller"] || t("calls.unknown")), called: String(data["called"] || t("calls.unknown")) });
    case "call.ringing":
      return t("calls.ringing");
    case "contact.queued":
      return t("calls.queued", { queue: queueName(data["queue"]) });
    case "contact.offered":
      return t("calls.offered", { agent: agentName(data["agent"]) });
    case "offer.accepted":
      return t("calls.accepted", { agent: agentName(data["agent"]) });
    case "offer.declined":
      return t("calls.declined", { agent: agentName(data["agent"]) });
    case "offer.missed":
      return t("calls.missed", { agent: agentName(data["agent"]) });
    case "offer.rescinded":
      return t("calls.rescinded", { agent: agentName(data["agent"]) });
    case "contact.upgraded":
      return t("calls.upgraded");
    case "participant.joined":
      return t("calls.joined", { agent: agentName(data["agent"]) });
    case "participant.left":
      return t("calls.gone", { agent: agentName(data["agent"]) });
    case "call.answered":
      return data["party"] === "customer" ? t("calls.answered") : t("calls.audio", { agent: agentName(data["agent"]) });
    case "call.cut":
      return t(data["party"] === "customer" ? "calls.cut.customer" : "calls.cut.agent");
    case "contact.connected":
      return t("calls.connected", { agent: agentName(data["agent"]) });
    case "contact.held":
      return t("calls.on_hold");
    case "contact.resumed":
      return t("calls.off_hold");
    case "contact.transferred":
      return data["to_agent"]
        ? t("calls.transferred", { to: agentName(data["to_agent"]) })
        : t("calls.transferred", { to: queueName(data["to_queue"]) });
    case "contact.requeued":
      return t("calls.requeued");
    case "contact.abandoned":
      return t("calls.abandoned");
    case "call.recording":
      return coded("calls.record", data["state"]);
    case "call.ended":
      return t("calls.ended", { by: endedBy(data["by"]), cause: causeText(String(data["cause"] ?? "")) }) + (data["status"] ? ` (${String(data["status"])})` : "");
    case "contact.closed":
      return t("calls.closed");
    default:
      return null;
  }
}

/** From the first call's beginning on; what went before (a chat) is told by the conversation. That the contact was queued
 * is logged before its call, which began with it. */
export function ofCalls(events: readonly Happened[]): Happened[] {
  const first = events.findIndex(({ type }) => type === "call.started");
  if (first < 0) return [];
  const chat = events.some(({ type }) => type === "contact.upgraded");
  if (chat) return events.slice(first);
  return [events[first]!, ...events.slice(0, first), ...events.slice(first + 1)];
}

/** A line's figures in a few words. */
export function figures({ codec, mos, loss, jitter_ms, round_trip_ms }: Leg): string {
  const one = { maximumFractionDigits: 1 };
  return [
    codec,
    mos != null && t("calls.mos", { value: number(mos, one) }),
    loss != null && t("calls.loss", { value: number(loss, { style: "percent", maximumFractionDigits: 1 }) }),
    jitter_ms != null && t("calls.jitter", { value: number(jitter_ms, one) }),
    round_trip_ms != null && t("calls.round_trip", { value: number(round_trip_ms, one) }),
  ].filter(Boolean).join(" · ");
}

/** One step of a call's course. */
export interface Step extends Happened {
  words: string;
}

/** The events that are told, with their words. */
export function steps(events: readonly Happened[]): Step[] {
  return events.flatMap((event) => {
    const words = sentence(event);
    return words === null ? [] : [{ ...event, words }];
  });
}

/** Of one call: from its first event, at `version`, to before the next call's. The first has what led to it, too. */
export function ofCall(events: readonly Happened[], version: number): Happened[] {
  const shown = ofCalls(events);
  const starts = shown.flatMap((event, index) => (event.type === "call.started" ? [index] : []));
  const at = starts.findIndex((index) => shown[index]?.version === version);
  if (at < 0) return [];
  return shown.slice(at === 0 ? 0 : starts[at], starts[at + 1]);
}
