import { useEffect, useState } from "preact/hooks";
import { Combobox, Empty } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { number, t } from "../common/i18n.ts";
import { directory, ready } from "../common/store.ts";
import { duration } from "../common/time.ts";
import { moves, type Report as Figures, reportOf } from "./data.ts";

const SPANS = [1, 7, 30, 90];

interface Line {
  name: string;
  figures: Figures;
}

function share(part: number, whole: number): string {
  return whole > 0 ? number(part / whole, { style: "percent", maximumFractionDigits: 0 }) : "–";
}

function Row({ name, figures, total }: Line & { total?: boolean }) {
  const { asked, on_time, tried, attempts, reached, delay_ms, closed, cancelled, living, answered, unserved } = figures;
  return (
    <tr class={total ? "total" : undefined}>
      <th scope="row">{name}</th>
      <td class="n num">{number(asked)}</td>
      <td class="n num">{number(reached)}</td>
      <td class="n num">{share(reached, asked - living)}</td>
      <td class="n num">{share(on_time, tried)}</td>
      <td class="n num">{number(attempts)}</td>
      <td class="n num">{delay_ms === null ? "–" : duration(delay_ms)}</td>
      <td class="n num">{share(unserved, answered)}</td>
      <td class="n num">{number(closed)}</td>
      <td class="n num">{number(cancelled)}</td>
      <td class="n num">{number(living)}</td>
    </tr>
  );
}

const COLUMNS = ["asked", "reached", "share", "on_time", "attempts", "delay", "unserved", "abandoned", "cancelled", "open"];

/** Of the callbacks asked for in a time: how they ended, by queue. */
export function Report() {
  const [days, setDays] = useState(7);
  const [lines, setLines] = useState<Line[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { queues } = directory.value;
  useEffect(() => {
    if (!ready.value) return;
    let gone = false;
    const all = Promise.all([reportOf("", days), ...queues.map(({ id }) => reportOf(id, days))]);
    all.then(
      ([total, ...each]) => {
        if (gone || !total) return;
        setError(null);
        setLines([{ name: t("callbacks.queue.any"), figures: total }, ...each.map((figures, index) => ({ name: queues[index]!.name, figures }))]);
      },
      (failure: unknown) => gone || setError(failure),
    );
    return () => {
      gone = true;
    };
  }, [days, queues.length, ready.value, moves.value]);
  return (
    <>
      <div class="filters">
        <Combobox label={t("callbacks.report.span")} value={String(days)} class="select" options={SPANS.map((count) => ({ value: String(count), label: t("callbacks.report.days", { count }) }))} onChange={(value) => setDays(Number(value))} />
      </div>
      {error !== null && <div role="alert"><Empty icon="failed" title={t("callbacks.failed")}><p>{errorText(error)}</p></Empty></div>}
      {error === null && lines === null && <div class="skeleton list-shape" role="status" aria-label={t("common.loading")} />}
      {error === null && lines && (
        <div class="table-box" role="region" aria-label={t("callbacks.report")} tabIndex={0}>
          <table class="table report" aria-label={t("callbacks.report.table")}>
            <thead>
              <tr>
                <th scope="col">{t("callbacks.queue")}</th>
                {COLUMNS.map((name) => <th key={name} scope="col" class="n" title={t(`callbacks.report.${name}.hint`)}>{t(`callbacks.report.${name}`)}</th>)}
              </tr>
            </thead>
            <tbody>{lines.map((line, index) => <Row key={line.name} {...line} total={index === 0} />)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}
