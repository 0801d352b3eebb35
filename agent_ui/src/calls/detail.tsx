import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { eventsOf, type Happened, type Recording, recordingsOf } from "../agent/record/data.ts";
import { RecordingCard } from "../agent/record/player.tsx";
import { spoken } from "../agent/record/spoken.ts";
import { causeText, endedBy, type Leg, ofCall, steps } from "../agent/record/steps.ts";
import { Course } from "../agent/record/timeline.tsx";
import { Button, Empty, IconButton } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { list, number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { directory } from "../common/store.ts";
import { dateTime } from "../common/time.ts";
import { type CallRecord, callOf } from "./data.ts";
import { open } from "./filter.ts";
import { sentenceCase } from "./filters.tsx";
import { Mos, nameOf, ResultChip } from "./list.tsx";

interface Known {
  call: CallRecord;
  events: Happened[];
  recordings: Recording[];
}

/** A record's id is its contact's with the number of the event that began it. */
function versionOf(call: CallRecord): number {
  return Number(call.id.slice(call.contact.length + 1));
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Facts({ call }: { call: CallRecord }) {
  const outcome = call.outcome && (directory.value.outcomes.find(({ id }) => id === call.outcome)?.label ?? call.outcome);
  const held = call.holds > 0 ? t("records.held_times", { time: spoken(call.hold_ms), count: call.holds }) : null;
  return (
    <dl class="call-facts">
      <Fact name={t("records.result")}><ResultChip call={call} /></Fact>
      {call.cause && (
        <Fact name={t("records.ended")}>
          {t("records.ended_by", { cause: sentenceCase(causeText(call.cause)), by: endedBy(call.by) })}
          {call.status !== null && <span class="quiet-text"> · SIP {call.status}</span>}
        </Fact>
      )}
      <Fact name={t("records.caller")}><span class="num">{call.caller || t(call.way === "web" ? "records.from_page" : "calls.unknown")}</span></Fact>
      {call.called && <Fact name={t("records.called")}><span class="num">{call.called}</span></Fact>}
      <Fact name={t("records.way")}>{t(`records.way.${call.way}`)}{call.trunk && ` · ${call.trunk}`}</Fact>
      {call.queue && <Fact name={t("records.queue")}>{call.queue.name}</Fact>}
      {call.agents.length > 0 && <Fact name={t("records.agent")}>{list(call.agents.map(({ name }) => name))}</Fact>}
      {call.direction === "in" && <Fact name={t("records.wait")}>{spoken(call.wait_ms)}</Fact>}
      {call.connected_at !== null && <Fact name={t("records.talk")}>{spoken(call.talk_ms)}</Fact>}
      {held && <Fact name={t("records.held")}>{held}</Fact>}
      {call.wrap_ms > 0 && <Fact name={t("records.wrap")}>{spoken(call.wrap_ms)}</Fact>}
      {outcome && <Fact name={t("records.outcome")}>{outcome}</Fact>}
      {call.digits > 0 && <Fact name={t("records.digits")}>{number(call.digits)}</Fact>}
    </dl>
  );
}

function figure(value: number | null | undefined, options: Intl.NumberFormatOptions): ComponentChildren {
  return value == null ? <span class="none">–</span> : number(value, { maximumFractionDigits: 1, ...options });
}

function Lines({ legs }: { legs: Record<string, Leg> }) {
  const shown = (["customer", "agent"] as const).flatMap((party) => (legs[party] ? [[party, legs[party]] as const] : []));
  if (shown.length === 0) return <p class="quiet-text">{t("records.no_figures")}</p>;
  const ms = { style: "unit", unit: "millisecond", unitDisplay: "short" } as const;
  return (
    <div class="table-box">
      <table class="table lines">
        <thead>
          <tr>
            <th scope="col"><span class="vh">{t("records.line")}</span></th>
            <th scope="col" class="n">{t("records.mos")}</th>
            <th scope="col" class="n">{t("records.loss")}</th>
            <th scope="col" class="n">{t("records.jitter")}</th>
            <th scope="col" class="n">{t("records.round_trip")}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(([party, { codec, mos, loss, jitter_ms, round_trip_ms }]) => (
            <tr key={party}>
              <th scope="row"><span class="two-lines"><b>{t(`calls.line.${party}`)}</b>{codec && <span>{codec}</span>}</span></th>
              <td class="n"><Mos value={mos ?? null} /></td>
              <td class="n">{figure(loss, { style: "percent" })}</td>
              <td class="n">{figure(jitter_ms, ms)}</td>
              <td class="n">{figure(round_trip_ms, { ...ms, maximumFractionDigits: 0 })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Body({ known, again }: { known: Known; again: () => void }) {
  const { call, events, recordings } = known;
  const own = recordings.filter(({ id }) => call.recordings.includes(id));
  const course = steps(ofCall(events, versionOf(call)));
  return (
    <>
      <section>
        <h3 class="vh">{t("records.facts")}</h3>
        <Facts call={call} />
      </section>
      {own.length > 0 && (
        <section class="own-recordings">
          <h3>{t("records.recording")}</h3>
          {own.map((recording) => <RecordingCard key={recording.id} recording={recording} onChange={again} />)}
        </section>
      )}
      <section>
        <h3>{t("records.quality")}</h3>
        <Lines legs={call.legs} />
      </section>
      <section>
        <h3>{t("records.course")}</h3>
        <Course steps={course} />
      </section>
    </>
  );
}

/** One call, beside the list or, on a narrow window, in its place. */
export function Detail({ id }: { id: string }) {
  const title = useRef<HTMLHeadingElement>(null);
  const [known, setKnown] = useState<Known | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    const look = async () => {
      const call = await callOf(id, signal);
      const [events, recordings] = await Promise.all([eventsOf(call.contact, signal), recordingsOf(call.contact, signal)]);
      if (!signal.aborted) {
        setKnown({ call, events, recordings });
        setError(null);
      }
    };
    look().catch((failure: unknown) => {
      if (!signal.aborted) setError(failure);
    });
    return () => gone.abort();
  }, [id, asked]);
  useLayoutEffect(() => title.current?.focus(), [id]);
  const again = () => setAsked(asked + 1);
  const call = known?.call;
  return (
    <aside class="call-detail" aria-labelledby="call-title" onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && open(null)}>
      <h1 class="vh narrow-only">{t("calls.title")}</h1>
      <header>
        <IconButton icon="back" label={t("records.back")} class="narrow-only" onClick={() => open(null)} />
        {call && <span class={`way ${call.direction} ${call.result}`}><Icon name={call.direction === "in" ? "callin" : "callout"} label={t(`records.direction.${call.direction}`)} /></span>}
        <div class="cut">
          <h2 id="call-title" ref={title} tabIndex={-1} class="cut num">{call ? nameOf(call) : t("records.call")}</h2>
          {call && <p class="num">{dateTime(call.started_at)}</p>}
        </div>
        <IconButton icon="x" label={t("common.close")} class="wide-only" onClick={() => open(null)} />
      </header>
      <div class="detail-body">
        {error !== null && (
          <div role="alert">
            <Empty icon="failed" title={t("records.call_failed")}>
              <p>{errorText(error)}</p>
              <Button icon="retry" onClick={again}>{t("records.again")}</Button>
            </Empty>
          </div>
        )}
        {error === null && !known && <div class="detail-shapes" role="status" aria-label={t("common.loading")}><div class="skeleton" /><div class="skeleton" /><div class="skeleton" /></div>}
        {error === null && known && <Body known={known} again={again} />}
      </div>
      {call && (
        <footer>
          <a class="btn" href={`/agent#/contact/${encodeURIComponent(call.contact)}`}><Icon name="user" small />{t("records.open_contact")}</a>
        </footer>
      )}
    </aside>
  );
}
