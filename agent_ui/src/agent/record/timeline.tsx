import { useEffect, useState } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { dateTime } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { eventsOf, type Happened, hasCalls } from "./data.ts";
import { toTheSecond } from "./spoken.ts";
import { figures, type Leg, ofCalls, type Step, steps } from "./steps.ts";

const SHOWN = 12;

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

/** What happened, one step a line. */
export function Course({ steps, hidden = 0 }: { steps: readonly Step[]; hidden?: number }) {
  return (
    <ol class="timeline">
      {steps.slice(hidden).map(({ version, at, type, words }) => (
        <li key={version} class={type === "call.ended" || type === "contact.abandoned" ? "over" : type === "contact.connected" ? "good" : ""}>
          <time title={dateTime(at)}>{toTheSecond(at)}</time>
          <span>{words}</span>
        </li>
      ))}
    </ol>
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

  const told = steps(ofCalls(events));
  if (!calls || told.length === 0) return null;
  const hidden = all ? 0 : Math.max(0, told.length - SHOWN);
  return (
    <section>
      <h2>{t("calls.timeline")}</h2>
      {hidden > 0 && (
        <button type="button" class="btn quiet small" onClick={() => setAll(true)}>{t("calls.timeline.all", { count: hidden })}</button>
      )}
      <Course steps={told} hidden={hidden} />
      <Lines events={events} />
    </section>
  );
}
