// The system's own state: its readers of the log, the store, what failed, which version runs.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Button } from "../common/components/index.ts";
import { has, number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { clock, serverNow } from "../common/time.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { SectionChoice } from "./nav.tsx";

const AGAIN_MS = 10_000;

interface Reader {
  name: string;
  cursor: number;
  lag: number;
  failures: number;
  last_error: string | null;
}

interface Status {
  version: string;
  stopping: boolean;
  /** The number of the log's last event. */
  head: number;
  /** By name: "ok" or a word for what is wrong. */
  checks: Record<string, string>;
  readers: Reader[];
}

/** A reader that failed before and has caught up since works again. */
function works(reader: Reader): boolean {
  return reader.last_error === null || reader.lag === 0;
}

function words(key: string): string {
  return has(`admin.system.check.${key}`) ? t(`admin.system.check.${key}`) : key;
}

function State({ ok }: { ok: boolean }) {
  return <span class={`chip ${ok ? "ok" : "danger"}`}>{t(ok ? "admin.system.ok" : "admin.system.bad")}</span>;
}

function Hub({ status }: { status: Status }) {
  const facts: [string, string][] = [
    ["version", status.version],
    ["head", number(status.head)],
    ["stopping", t(status.stopping ? "admin.value.yes" : "admin.value.no")],
  ];
  return (
    <section class="facts card" aria-labelledby="hub-title">
      <h2 id="hub-title">{t("admin.system.hub")}</h2>
      <dl>{facts.map(([key, value]) => <div key={key}><dt>{t(`admin.system.${key}`)}</dt><dd class="num">{value}</dd></div>)}</dl>
    </section>
  );
}

function Checks({ checks }: { checks: Record<string, string> }) {
  return (
    <section class="facts card" aria-labelledby="checks-title">
      <h2 id="checks-title">{t("admin.system.checks")}</h2>
      <dl>
        {Object.entries(checks).map(([key, state]) => (
          <div key={key}>
            <dt>{words(key)}</dt>
            <dd>{state === "ok" || <>{state} </>}<State ok={state === "ok"} /></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Readers({ readers }: { readers: Reader[] }) {
  return (
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
            {readers.map((reader) => (
              <tr key={reader.name}>
                <th scope="row">{reader.name}</th>
                <td><State ok={works(reader)} /></td>
                <td class="n">{number(reader.lag)}</td>
                <td class="n extra">{number(reader.failures)}</td>
                <td class="extra">{reader.last_error ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function SystemPage() {
  const [status, setStatus] = useState<Status | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [at, setAt] = useState(0);
  const load = async () => {
    try {
      setStatus(await api<Status>("GET", "status"));
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
  const failing = status ? status.readers.filter((reader) => !works(reader)).length + Object.values(status.checks).filter((state) => state !== "ok").length : 0;
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
            <p class={`verdict${failing ? " bad" : ""}`} role="status">
              <Icon name={failing ? "warn" : "check"} />
              {failing ? t("admin.system.failing", { count: failing }) : t("admin.system.well")}
            </p>
            <div class="fact-grid">
              <Hub status={status} />
              <Checks checks={status.checks} />
            </div>
            <Readers readers={status.readers} />
          </>
        )}
      </div>
    </>
  );
}
