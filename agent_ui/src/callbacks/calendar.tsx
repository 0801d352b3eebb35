// A week of slots: what each has to bear against what it takes.
import { useEffect, useState } from "preact/hooks";
import type { Callback } from "../common/callbacks/data.ts";
import { Combobox, Dialog, Empty, IconButton } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { formatLocale, number, t } from "../common/i18n.ts";
import { directory } from "../common/store.ts";
import { clock, sameDay, serverNow } from "../common/time.ts";
import { dayAfter, type Load, loadsOf, moves, pageOf } from "./data.ts";
import { Rows } from "./list.tsx";

const ALL = "*";
const DAYS = 7;
const SHOWN = 200;
const narrow = matchMedia("(max-width: 720px)");

function heading(at: number): string {
  return new Intl.DateTimeFormat(formatLocale(), { weekday: "short", day: "numeric", month: "short" }).format(at);
}

/** Rows by the time of day, so that one line of the table is one time; where the clocks change a time may lack or come twice. */
function timesOf(loads: readonly Load[]): string[] {
  return [...new Set(loads.map(({ start }) => clock(start)))].sort();
}

function Cell({ load, onOpen }: { load: Load | undefined; onOpen: (load: Load) => void }) {
  if (!load) return <td class="closed" />;
  const { start, due, promised, capacity } = load;
  if (due === 0) return <td class="free num">{number(due)}<small>/{number(capacity)}</small></td>;
  const share = capacity > 0 ? Math.min(1, due / capacity) : 1;
  const tone = promised >= capacity ? " full" : due / capacity > 0.5 ? " busy" : " some";
  const name = t("callbacks.calendar.slot", { day: heading(start), time: clock(start), due, capacity });
  return (
    <td>
      <button type="button" class={`slot${tone}`} aria-label={name} title={name} onClick={() => onOpen(load)}>
        <span class="num">{number(due)}<small>/{number(capacity)}</small></span>
        <i aria-hidden="true"><u style={{ width: `${share * 100}%` }} /></i>
      </button>
    </td>
  );
}

function SlotDialog({ load, queue, onClose }: { load: Load; queue: string; onClose: () => void }) {
  const [rows, setRows] = useState<Callback[] | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    const query = new URLSearchParams({ living: "true", due_from: String(load.start), due_to: String(load.end), limit: String(SHOWN), ...(queue ? { queue } : {}) });
    pageOf(query, gone.signal).then(({ items }) => setRows(items), () => undefined);
    return () => gone.abort();
  }, [load.start, queue, moves.value]);
  return (
    <Dialog wide title={`${heading(load.start)}, ${clock(load.start)}–${clock(load.end)}`} subtitle={t("callbacks.calendar.load", { promised: load.promised, capacity: load.capacity })} onClose={onClose}>
      {rows === null
        ? <div class="skeleton list-shape" role="status" aria-label={t("common.loading")} />
        : rows.length === 0 ? <Empty icon="callback" title={t("callbacks.none")} /> : <Rows callbacks={rows} label={t("callbacks.title")} />}
    </Dialog>
  );
}

export function Calendar() {
  const [first, setFirst] = useState(() => dayAfter(serverNow(), 0));
  const [queue, setQueue] = useState("");
  const [loads, setLoads] = useState<Load[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [slot, setSlot] = useState<Load | null>(null);
  const [days, setDays] = useState(narrow.matches ? 1 : DAYS);
  useEffect(() => {
    const changed = () => setDays(narrow.matches ? 1 : DAYS);
    narrow.addEventListener("change", changed);
    return () => narrow.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    const gone = new AbortController();
    loadsOf(queue, first, dayAfter(first, days), gone.signal).then(
      ({ items }) => {
        setLoads(items);
        setError(null);
      },
      (failure: unknown) => gone.signal.aborted || setError(failure),
    );
    return () => gone.abort();
  }, [first, queue, days, moves.value]);
  const columns = Array.from({ length: days }, (_, index) => dayAfter(first, index));
  const shown = (loads ?? []).filter(({ start }) => start >= first);
  const queues = [{ value: ALL, label: t("callbacks.queue.any") }, ...directory.value.queues.map(({ id, name }) => ({ value: id, label: name }))];
  return (
    <>
      <div class="filters">
        <Combobox label={t("callbacks.queue")} value={queue || ALL} options={queues} class={`select${queue ? " set" : ""}`} onChange={(value) => setQueue(value === ALL ? "" : value)} />
        <span class="pager">
          <IconButton icon="left" label={t("callbacks.calendar.before")} onClick={() => setFirst(dayAfter(first, -days))} />
          <button type="button" class="btn" onClick={() => setFirst(dayAfter(serverNow(), 0))}>{t("common.today")}</button>
          <IconButton icon="right" label={t("callbacks.calendar.after")} onClick={() => setFirst(dayAfter(first, days))} />
        </span>
      </div>
      {error !== null && <div role="alert"><Empty icon="failed" title={t("callbacks.failed")}><p>{errorText(error)}</p></Empty></div>}
      {error === null && loads === null && <div class="skeleton list-shape" role="status" aria-label={t("common.loading")} />}
      {error === null && loads !== null && shown.length === 0 && <Empty icon="cal" title={t("callbacks.calendar.closed")} />}
      {error === null && shown.length > 0 && (
        <div class="table-box" role="region" aria-label={t("callbacks.calendar")} tabIndex={0}>
          <table class="table calendar" aria-label={t("callbacks.calendar.table")}>
            <thead>
              <tr>
                <th scope="col"><span class="vh">{t("callbacks.ask.time")}</span></th>
                {columns.map((day) => <th key={day} scope="col" aria-current={sameDay(day, serverNow()) ? "date" : undefined}>{heading(day)}</th>)}
              </tr>
            </thead>
            <tbody>
              {timesOf(shown).map((time) => (
                <tr key={time}>
                  <th scope="row" class="num">{time}</th>
                  {columns.map((day, index) => (
                    <Cell key={day} onOpen={setSlot} load={shown.find(({ start }) => start >= day && start < dayAfter(first, index + 1) && clock(start) === time)} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {slot && <SlotDialog load={slot} queue={queue} onClose={() => setSlot(null)} />}
    </>
  );
}
