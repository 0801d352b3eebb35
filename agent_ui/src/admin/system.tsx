// The system's own state: its readers of the log, the store, what failed, which version runs.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Button } from "../common/components/index.ts";
import type { Row, Value } from "../common/form/paths.ts";
import { has, number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { clock, dateTime, duration, serverNow } from "../common/time.ts";
import { rowText } from "./data.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { SectionChoice } from "./nav.tsx";
import { timeOf } from "./resources/tokens.tsx";

const AGAIN_MS = 10_000;

/** Readers come as a list of rows or as rows by name. */
function readersOf(status: Row): Row[] {
  const readers = status["readers"];
  if (Array.isArray(readers)) return readers as Row[];
  return Object.entries((readers ?? {}) as Record<string, Row>).map(([name, row]) => ({ name, ...row }));
}

function healthy(row: Row): boolean {
  if (typeof row["ok"] === "boolean") return row["ok"];
  return row["running"] !== false && !row["last_error"];
}

function plain(key: string, value: Value): string {
  if (value === null || value === undefined) return t("admin.value.none");
  if (typeof value === "boolean") return t(value ? "admin.value.yes" : "admin.value.no");
  const at = /_at$/.test(key) ? timeOf(value) : null;
  if (at !== null) return dateTime(at);
  if (typeof value === "number" && /bytes$/.test(key)) return number(value / 1e6, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });
  if (typeof value === "number" && /(^|_)ms$/.test(key)) return t("admin.system.ms", { ms: number(value, { maximumFractionDigits: 1 }) });
  if (typeof value === "number" && /(^|_)s$/.test(key)) return duration(value * 1000);
  return typeof value === "number" ? number(value, { maximumFractionDigits: 2 }) : String(value);
}

function words(key: string): string {
  return has(`admin.system.key.${key}`) ? t(`admin.system.key.${key}`) : key.replaceAll("_", " ");
}

function Facts({ title, row }: { title: string; row: Row }) {
  const facts = Object.entries(row).filter(([, value]) => value === null || typeof value !== "object");
  if (facts.length === 0) return null;
  return (
    <section class="facts card">
      <h2>{title}</h2>
      <dl>
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{words(key)}</dt>
            <dd class="num">{plain(key, value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function SystemPage() {
  const [status, setStatus] = useState<Row | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [at, setAt] = useState(0);
  const load = async () => {
    try {
      setStatus(await api<Row>("GET", "status"));
      setAt(serverNow());
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => document.hidden || void load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const readers = status ? readersOf(status) : [];
  const failing = readers.filter((row) => !healthy(row));
  const groups = Object.entries(status ?? {}).filter(([key, value]) => key !== "readers" && value !== null && typeof value === "object" && !Array.isArray(value)) as [string, Row][];
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.system.title")}</h1>
        <div class="right">
          {at > 0 && <span class="saved num">{t("admin.system.as_of", { time: clock(at) })}</span>}
          <Button icon="retry" onClick={load}>{t("admin.system.reload")}</Button>
        </div>
      </header>
      <div class="sheet-body">
        {error !== null && <LoadFailed error={error} again={load} />}
        {status === null && error === null && <ListSkeleton />}
        {status && (
          <>
            <p class={`verdict${failing.length ? " bad" : ""}`} role="status">
              <Icon name={failing.length ? "warn" : "check"} />
              {failing.length ? t("admin.system.failing", { count: failing.length }) : t("admin.system.well")}
            </p>
            <div class="fact-grid">
              <Facts title={t("admin.system.hub")} row={status} />
              {groups.map(([key, row]) => <Facts key={key} title={words(key)} row={row} />)}
            </div>
            {readers.length > 0 && (
              <section aria-labelledby="readers-title">
                <h2 class="sub" id="readers-title">{t("admin.system.readers")}</h2>
                <p class="lead">{t("admin.system.readers.text")}</p>
                <div class="table-box">
                  <table class="table" aria-labelledby="readers-title">
                    <thead>
                      <tr>
                        <th scope="col">{t("admin.system.reader")}</th>
                        <th scope="col">{t("admin.system.state")}</th>
                        <th scope="col" class="n">{t("admin.system.behind")}</th>
                        <th scope="col" class="n extra">{t("admin.system.failures")}</th>
                        <th scope="col" class="extra">{t("admin.system.last_error")}</th>
                      </tr>
                    </thead>
                    <tbody>
                      {readers.map((row) => (
                        <tr key={rowText(row, "name")}>
                          <th scope="row">{rowText(row, "name")}</th>
                          <td>{healthy(row) ? <span class="chip ok">{t("admin.system.ok")}</span> : <span class="chip danger">{t("admin.system.bad")}</span>}</td>
                          <td class="n">{number(Number(row["behind"] ?? row["lag"] ?? 0))}</td>
                          <td class="n extra">{number(Number(row["failures"] ?? 0))}</td>
                          <td class="extra">{rowText(row, "last_error")}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              </section>
            )}
          </>
        )}
      </div>
    </>
  );
}
