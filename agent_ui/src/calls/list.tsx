import { useRef } from "preact/hooks";
import { causeText } from "../agent/record/steps.ts";
import { Avatar } from "../common/components/index.ts";
import "../common/form/words.ts";
import { formatLocale, number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { clock, dateTime, day, duration } from "../common/time.ts";
import { bars, grade } from "../common/voice/figures.ts";
import { type CallRecord, customerNumber, worstMos } from "./data.ts";
import { hrefOf, narrow, open, type Sort, view } from "./filter.ts";
import { sentenceCase } from "./filters.tsx";

const TONES: Record<CallRecord["result"], string> = { running: "voice", answered: "ok", abandoned: "warn", unanswered: "danger" };

/** What became of the call, as a chip. */
export function ResultChip({ call }: { call: CallRecord }) {
  return (
    <span class={`chip ${TONES[call.result]}`}>
      {call.result === "running" && <span class="onair" aria-hidden="true"><i /><i /><i /></span>}
      {t(`records.result.${call.result}`)}
    </span>
  );
}

/** A line's MOS with four bars. */
export function Mos({ value }: { value: number | null }) {
  if (value === null) return <span class="none">–</span>;
  const full = bars(value);
  return (
    <span class={`mos ${grade(value)}`} title={t("records.mos.of", { word: t(`records.grade.${grade(value)}`) })}>
      <span class="qual" aria-hidden="true">{[0, 1, 2, 3].map((bar) => <i key={bar} class={bar < full ? "" : "off"} />)}</span>
      <span class="num">{number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}</span>
    </span>
  );
}

/** The other number of the call: where he called, or with which number he was called. */
function through(call: CallRecord): string {
  if (call.way === "web") return t("records.way.web");
  return call.direction === "in" ? t("records.to_number", { number: call.called || t("calls.unknown") }) : t("records.from_number", { number: call.caller || t("calls.unknown") });
}

export function nameOf(call: CallRecord): string {
  return customerNumber(call) || t(call.way === "web" ? "records.from_page" : "calls.unknown");
}

function Row({ call, current }: { call: CallRecord; current: boolean }) {
  const others = call.agents.length - 1;
  const direction = t(`records.direction.${call.direction}`);
  return (
    <tr aria-selected={current} class={current ? "current" : undefined}>
      <th scope="row">
        <a class="row-link call-name" href={hrefOf({ ...view.value, call: call.id })} aria-current={current ? "true" : undefined}>
          <span class={`way ${call.direction} ${call.result}`} title={direction}><Icon name={call.direction === "in" ? "callin" : "callout"} label={direction} /></span>
          <span class="two-lines"><b class="num cut">{nameOf(call)}</b><span class="num cut">{through(call)}</span></span>
        </a>
      </th>
      <td class="num when" title={dateTime(call.started_at)}><span class="two-lines"><span class="time">{clock(call.started_at)}</span><span>{day(call.started_at)}</span></span></td>
      <td class="p2 cut">{call.queue?.name ?? <span class="none">–</span>}</td>
      <td class="p1">
        {call.agent
          ? <span class="person"><Avatar name={call.agent.name} small /><span class="cut">{call.agent.name}</span>{others > 0 && <span class="chip" title={call.agents.map(({ name }) => name).join(", ")}>+{number(others)}</span>}</span>
          : <span class="none">–</span>}
      </td>
      <td><span class="two-lines"><span><ResultChip call={call} /></span>{call.cause && <span class="cut">{sentenceCase(causeText(call.cause))}</span>}</span></td>
      <td class="n p2">{call.direction === "in" ? duration(call.wait_ms) : <span class="none">–</span>}</td>
      <td class="n p1">{call.talk_ms > 0 ? duration(call.talk_ms) : <span class="none">–</span>}</td>
      <td class="n p3"><Mos value={worstMos(call)} /></td>
      <td class="p1 rec">{call.recordings.length > 0 && <span title={t("records.recorded.true")}><Icon name="vm" small label={t("records.recorded.true")} /></span>}</td>
    </tr>
  );
}

function Head({ sort, label, class: classes = "", first = "desc" }: { sort?: Sort; label: string; class?: string; first?: "asc" | "desc" }) {
  const { filter } = view.value;
  if (!sort) return <th scope="col" class={classes}>{label}</th>;
  const on = filter.sort === sort;
  const down = filter.order !== "asc";
  const press = () => narrow({ sort, order: !on ? first : down ? "asc" : "desc" });
  return (
    <th scope="col" class={classes} aria-sort={on ? (down ? "descending" : "ascending") : undefined}>
      <button type="button" class="sort" title={t("table.sort", { name: label })} onClick={press}>
        {label}
        {on && <Icon name={down ? "down" : "up"} small />}
      </button>
    </th>
  );
}

export function Calls({ calls }: { calls: readonly CallRecord[] }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const { call: opened } = view.value;
  const onKeyDown = (event: KeyboardEvent) => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (event.key === "Escape" && opened) open(null);
    if (at < 0 || to === undefined || !links[to]) return;
    event.preventDefault();
    links[to].focus();
  };
  return (
    <div class="table-box" lang={formatLocale()}>
      <table class="table data-table calls-table" aria-label={t("records.calls")}>
        <thead>
          <tr>
            <Head label={t("records.number")} />
            <Head sort="started" label={t("records.started")} />
            <Head label={t("records.queue")} class="p2" />
            <Head label={t("records.agent")} class="p1" />
            <Head label={t("records.result")} />
            <Head sort="wait" label={t("records.wait")} class="n p2" />
            <Head sort="talk" label={t("records.talk")} class="n p1" />
            <Head sort="mos" first="asc" label={t("records.mos")} class="n p3" />
            <th scope="col" class="p1"><span class="vh">{t("records.recorded")}</span></th>
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {calls.map((call) => <Row key={call.id} call={call} current={call.id === opened} />)}
        </tbody>
      </table>
    </div>
  );
}
