// What was sent to a webhook lately, how the other side answered, and a way to send it again.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Button, Empty, toast } from "../common/components/index.ts";
import { number, t } from "../common/i18n.ts";
import { dateTime } from "../common/time.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";

const AGAIN_MS = 3_000;

interface Delivery {
  id: string;
  type: string;
  state: "pending" | "delivered" | "failed";
  attempts: number;
  /** Of the last answer; null when there was none. */
  status: number | null;
  error: string | null;
  created_at: number;
}

const TONES = { delivered: "ok", pending: "info", retrying: "warn", failed: "danger" };

/** One that waits after an attempt is being repeated. */
function stateOf({ state, attempts }: Delivery): keyof typeof TONES {
  return state === "pending" && attempts > 0 ? "retrying" : state;
}

function answerOf({ status, error }: Delivery): string {
  return status ? `HTTP ${status}` : error ?? "";
}

export function Deliveries({ id }: { id: string }) {
  const [rows, setRows] = useState<Delivery[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    try {
      setRows((await api<{ items: Delivery[] }>("GET", `webhooks/${encodeURIComponent(id)}/deliveries?limit=50`)).items);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => void load(), [id]);
  // While something is on its way the list follows it by itself.
  const waiting = rows?.some((row) => row.state === "pending") ?? false;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => document.hidden || void load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [waiting, id]);
  const resend = async (row: Delivery) => {
    await api("POST", `webhooks/deliveries/${encodeURIComponent(row.id)}/resend`, {});
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
                  return (
                    <tr key={row.id}>
                      <td class="num">{dateTime(row.created_at)}</td>
                      <td><code>{row.type}</code></td>
                      <td><span class={`chip ${TONES[state]}`}>{t(`admin.deliveries.${state}`)}</span></td>
                      <td class="n extra">{number(row.attempts)}</td>
                      <td class="extra">{answerOf(row)}</td>
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
