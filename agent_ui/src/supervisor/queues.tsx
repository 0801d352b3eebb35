// The table of queues. A row keeps its height whatever it says.
import { Empty } from "../common/components/index.ts";
import { locale, number, t } from "../common/i18n.ts";
import { duration, now } from "../common/time.ts";
import type { QueueRow } from "../common/types.ts";
import { lateness } from "./figures.ts";
import { queues } from "./live.ts";
import { showWaiting } from "./waiting.tsx";

function opens(at: number): string {
  const options: Intl.DateTimeFormatOptions = { weekday: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(locale, options).format(at);
}

function Gauge({ row }: { row: QueueRow }) {
  if (row.service_level === null) return <span class="dim">{t("supervisor.no_level")}</span>;
  const share = Math.round(row.service_level * 100);
  const bad = share < row.target.percent;
  return (
    <div>
      <span class={`gauge${bad ? " bad" : ""}`} role="img" aria-label={t("supervisor.gauge", { percent: share, target: row.target.percent })}>
        <i style={{ width: `${share}%` }} />
        <u style={{ left: `${row.target.percent}%` }} />
      </span>
      <b class={`num${bad ? " bad" : ""}`} aria-hidden="true">{share}%</b>
    </div>
  );
}

function Row({ row }: { row: QueueRow }) {
  if (!row.open && row.waiting === 0 && row.active === 0) {
    return (
      <tr class="closed">
        <th scope="row">{row.name}</th>
        <td class="r num">0</td>
        <td colSpan={7}>{row.opens_at ? t("supervisor.closed_opens", { time: opens(row.opens_at) }) : t("supervisor.closed")}</td>
      </tr>
    );
  }
  const late = lateness(row, now.value);
  const lost = row.offered_today > 0 ? row.abandoned_today / row.offered_today : null;
  return (
    <tr>
      <th scope="row">{row.name}{!row.open && <span class="chip">{t("supervisor.closed")}</span>}</th>
      <td class="r num strong">
        {row.waiting === 0 ? number(0) : (
          <button type="button" class="link num" aria-label={t("supervisor.waiting.show", { queue: row.name, count: row.waiting })} onClick={() => showWaiting(row)}>
            {number(row.waiting)}
          </button>
        )}
      </td>
      <td class={`r num ${late}`}>{row.waiting > 0 && row.longest_since !== null ? duration(now.value - row.longest_since) : <span class="dim">{t("supervisor.none")}</span>}</td>
      <td class="sl"><Gauge row={row} /></td>
      <td class="r num opt-col">{lost === null ? <span class="dim">–</span> : `${number(lost * 100, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}%`}</td>
      <td class="r num opt-col">{number(row.offered_today)}</td>
      <td class="r num">{number(row.active)}</td>
      <td class="r num">{number(row.idle)}</td>
      <td class={`r num${row.staffed === 0 && row.open ? " warn" : ""}`}>{number(row.staffed)}</td>
    </tr>
  );
}

export function Queues() {
  const rows = queues.value;
  return (
    <section class="card queues" aria-labelledby="queues-title">
      <header><h2 id="queues-title">{t("supervisor.queues")}</h2></header>
      {rows.length === 0
        ? <Empty icon="queue" title={t("supervisor.queues.empty")}><p>{t("supervisor.queues.empty.text")}</p></Empty>
        : (
          <div class="scroll-x">
            <table aria-label={t("supervisor.queues")}>
              <thead>
                <tr>
                  <th scope="col">{t("supervisor.queue")}</th>
                  <th scope="col" class="r">{t("supervisor.col.waiting")}</th>
                  <th scope="col" class="r">{t("supervisor.col.longest")}</th>
                  <th scope="col" class="sl-head">{t("supervisor.col.level")}</th>
                  <th scope="col" class="r opt-col">{t("supervisor.col.lost")}</th>
                  <th scope="col" class="r opt-col">{t("supervisor.col.today")}</th>
                  <th scope="col" class="r">{t("supervisor.col.active")}</th>
                  <th scope="col" class="r">{t("supervisor.col.free")}</th>
                  <th scope="col" class="r">{t("supervisor.col.staffed")}</th>
                </tr>
              </thead>
              <tbody>{rows.map((row) => <Row key={row.id} row={row} />)}</tbody>
            </table>
          </div>
        )}
    </section>
  );
}
