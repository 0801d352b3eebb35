import { useEffect, useState } from "preact/hooks";
import { has, number, t } from "../../common/i18n.ts";
import { directory } from "../../common/store.ts";
import { dateTime } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { eventsOf, type Happened, hasCalls } from "./data.ts";
import { toTheSecond } from "./spoken.ts";
import "./words.ts";

const SHOWN = 12;

interface Leg {
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

function endedBy(by: unknown): string {
  return has(`calls.by.${String(by)}`) ? t(`calls.by.${String(by)}`) : agentName(by);
}

/** What happened, in words; null for what is no part of a call. */
function sentence({ type, data }: Happened): string | null {
  switch (type) {
    case "call.started":
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
      return t("calls.ended", { by: endedBy(data["by"]), cause: coded("calls.cause", data["cause"]) });
    case "contact.closed":
      return t("calls.closed");
    default:
      return null;
  }
}

/** From the call's beginning on; what went before (a chat) is told by the conversation. Its queue is part of it. */
function ofCalls(events: readonly Happened[]): Happened[] {
  const first = events.findIndex(({ type }) => type === "call.started");
  if (first < 0) return [];
  const chat = events.some(({ type }) => type === "contact.upgraded");
  return events.slice(chat ? first : 0);
}

function figures({ codec, mos, loss, jitter_ms, round_trip_ms }: Leg): string {
  const one = { maximumFractionDigits: 1 };
  return [
    codec,
    mos != null && t("calls.mos", { value: number(mos, one) }),
    loss != null && t("calls.loss", { value: number(loss, { style: "percent", maximumFractionDigits: 1 }) }),
    jitter_ms != null && t("calls.jitter", { value: number(jitter_ms, one) }),
    round_trip_ms != null && t("calls.round_trip", { value: number(round_trip_ms, one) }),
  ].filter(Boolean).join(" · ");
}

function Lines({ events }: { events: readonly Happened[] }) {
  const legs = (events.filter(({ type }) => type === "call.ended").at(-1)?.data["legs"] ?? {}) as Record<string, Leg>;
  const shown = (["customer", "agent"] as const).filter((party) => legs[party] && figures(legs[party]));
  if (shown.length === 0) return null;
  return (
    <dl class="call-lines">
      {shown.map((party) => (
        <div key={party}>
          <dt>{t(`calls.line.${party}`)}</dt>
          <dd>{figures(legs[party]!)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The course of the contact's calls, in the customer's pane. */
export function Timeline({ contact }: { contact: Contact }) {
  const [events, setEvents] = useState<Happened[]>([]);
  const [all, setAll] = useState(false);
  const calls = hasCalls(contact);
  useEffect(() => {
    if (!calls) return;
    const gone = new AbortController();
    eventsOf(contact.id, gone.signal).then(setEvents, () => undefined);
    return () => gone.abort();
  }, [contact.id, contact.version, calls]);

  const told = ofCalls(events).flatMap((event) => {
    const words = sentence(event);
    return words === null ? [] : [{ ...event, words }];
  });
  if (!calls || told.length === 0) return null;
  const hidden = all ? 0 : Math.max(0, told.length - SHOWN);
  return (
    <section>
      <h2>{t("calls.timeline")}</h2>
      {hidden > 0 && (
        <button type="button" class="btn quiet small" onClick={() => setAll(true)}>{t("calls.timeline.all", { count: hidden })}</button>
      )}
      <ol class="timeline">
        {told.slice(hidden).map(({ version, at, type, words }) => (
          <li key={version} class={type === "call.ended" || type === "contact.abandoned" ? "over" : type === "contact.connected" ? "good" : ""}>
            <time title={dateTime(at)}>{toTheSecond(at)}</time>
            <span>{words}</span>
          </li>
        ))}
      </ol>
      <Lines events={events} />
    </section>
  );
}
