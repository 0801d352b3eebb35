// The column of alerts: the worst first, each with what one can do about it; below, what is over.
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { clock } from "../common/time.ts";
import { SetStatus } from "./agent-actions.tsx";
import { alerts, markSeen, past, type Alert } from "./alerts.ts";

function Item({ alert }: { alert: Alert }) {
  return (
    <li class={`al ${alert.tone}${alert.tone === "danger" ? " hot" : ""}`}>
      <span class="ic"><Icon name={alert.icon} /></span>
      <div>
        <b class="num">{alert.title}</b>
        <p class="num">{alert.text}</p>
        <div class="do">
          {alert.agent && <SetStatus agent={alert.agent} class="btn small">{t("supervisor.set_status")}</SetStatus>}
          <button type="button" class="btn small quiet" onClick={() => markSeen(alert.key)}>{t("supervisor.alerts.seen")}</button>
        </div>
      </div>
    </li>
  );
}

export function AlertsPane() {
  const shown = alerts.value;
  return (
    <aside class="card alerts" aria-label={t("supervisor.alerts")}>
      <header>
        <h2>{t("supervisor.alerts")}</h2>
        {shown.length > 0 && <span class="badge">{shown.length}</span>}
      </header>
      {shown.length > 0 && <ol>{shown.map((alert) => <Item key={alert.key} alert={alert} />)}</ol>}
      {past.value.length > 0 && (
        <>
          <h3 class="daysep">{t("supervisor.alerts.earlier")}</h3>
          <ol>
            {past.value.map((row) => (
              <li class="al over-now" key={row.key}>
                <span class="ic"><Icon name="check" /></span>
                <div>
                  <b>{row.title}</b>
                  <p class="num">{t("supervisor.alert.ended", { from: clock(row.from), to: clock(row.to) })}</p>
                </div>
              </li>
            ))}
          </ol>
        </>
      )}
      <p class="end">{t(shown.length > 0 ? "supervisor.alerts.nothing_else" : "supervisor.alerts.none")}</p>
    </aside>
  );
}
