// What was sent to a webhook lately, how the other side answered, and a way to send it again.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Button, Empty, toast } from "../common/components/index.ts";
import type { Row } from "../common/form/paths.ts";
import { has, number, t } from "../common/i18n.ts";
import { dateTime } from "../common/time.ts";
import { rowText } from "./data.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { timeOf } from "./resources/tokens.tsx";

const TONES: Record<string, string> = { delivered: "ok", pending: "info", retrying: "warn", failed: "danger" };

function stateOf(row: Row): string {
  const state = rowText(row, "state") || rowText(row, "status");
  return state in TONES ? state : row["delivered_at"] ? "delivered" : "pending";
}

function Answer({ row }: { row: Row }) {
  const code = Number(row["status_code"] ?? row["response_status"] ?? row["status"]);
  const error = rowText(row, "error") || rowText(row, "last_error");
  return <>{[Number.isInteger(code) && code > 0 ? `HTTP ${code}` : "", error.startsWith("HTTP") ? "" : error].filter(Boolean).join(", ")}</>;
}

export function Deliveries({ id }: { id: string }) {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    try {
      setRows((await api<{ items: Row[] }>("GET", `webhooks/${encodeURIComponent(id)}/deliveries?limit=50`)).items);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => void load(), [id]);
  const resend = async (row: Row) => {
    await api("POST", `webhooks/deliveries/${encodeURIComponent(rowText(row, "id"))}/resend`, {});
    toast(t("admin.deliveries.again"), "ok");
    await load();
  };
  return (
    <section class="form-section wide" aria-labelledby="deliveries-title">
      <header>
        <h2 id="deliveries-title">{t("admin.deliveries")}</h2>
        <p>{t("admin.deliveries.text")}</p>
        <Button small icon="retry" onClick={load}>{t("admin.deliveries.reload")}</Button>
      </header>
      <div class="fields">
        {error !== null && <LoadFailed error={error} again={load} />}
        {rows === null && error === null && <ListSkeleton />}
        {rows?.length === 0 && <Empty icon="hook" title={t("admin.deliveries.none")}><p>{t("admin.deliveries.none.text")}</p></Empty>}
        {rows && rows.length > 0 && (
          <div class="table-box">
            <table class="table" aria-label={t("admin.deliveries")}>
              <thead>
                <tr>
                  <th scope="col">{t("admin.deliveries.at")}</th>
                  <th scope="col">{t("admin.deliveries.type")}</th>
                  <th scope="col">{t("admin.deliveries.state")}</th>
                  <th scope="col" class="n extra">{t("admin.deliveries.attempts")}</th>
                  <th scope="col" class="extra">{t("admin.deliveries.answer")}</th>
                  <th scope="col"><span class="vh">{t("admin.deliveries.resend")}</span></th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const state = stateOf(row);
                  const at = timeOf(row["at"] ?? row["created_at"]);
                  return (
                    <tr key={rowText(row, "id")}>
                      <td class="num">{at === null ? "" : dateTime(at)}</td>
                      <td><code>{rowText(row, "type")}</code></td>
                      <td><span class={`chip ${TONES[state]}`}>{has(`admin.deliveries.${state}`) ? t(`admin.deliveries.${state}`) : state}</span></td>
                      <td class="n extra">{number(Number(row["attempts"] ?? 0))}</td>
                      <td class="extra"><Answer row={row} /></td>
                      <td class="n"><Button small icon="send" onClick={() => resend(row)}>{t("admin.deliveries.resend")}</Button></td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}
