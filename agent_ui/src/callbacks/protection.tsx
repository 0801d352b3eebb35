// Against calls that nobody wants: what has stopped all callbacks, and the numbers that are never called.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { may } from "../common/boot.ts";
import { refusalText, shortTime } from "../common/callbacks/data.ts";
import { attempt, Button, confirm, Empty, IconButton, toast } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { saveFile } from "../common/save.ts";
import { directory } from "../common/store.ts";
import { type Blocked, type Breaker, type Dialling, moves, type Page } from "./data.ts";
import { ImportNumbers } from "./import.tsx";

const A_PAGE = 100;

async function reset(breaker: Breaker): Promise<void> {
  const name = t(`callbacks.breaker.${breaker.name}`);
  if (!(await confirm({ title: t("callbacks.breaker.ask", { name }), text: t("callbacks.breaker.text"), action: t("callbacks.breaker.reset") }))) return;
  await attempt(() => api("POST", `breakers/${breaker.name}/reset`, {}));
  moves.value += 1;
}

export function useBreakers(): Breaker[] | null {
  const [breakers, setBreakers] = useState<Breaker[] | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    api<{ items: Breaker[] }>("GET", "breakers", undefined, gone.signal).then(({ items }) => setBreakers(items), () => undefined);
    return () => gone.abort();
  }, [moves.value]);
  return breakers;
}

/** Above everything, while all callbacks wait. */
export function Stopped() {
  const open = useBreakers()?.filter(({ open_at }) => open_at !== null) ?? [];
  if (open.length === 0) return null;
  return (
    <div class="stopped" role="alert">
      <Icon name="warn" />
      {open.map((breaker) => (
        <p key={breaker.name}>
          <b>{t("callbacks.stopped", { name: t(`callbacks.breaker.${breaker.name}`) })}</b>
          <span>{t(may("admin.config") ? "callbacks.stopped.admin" : "callbacks.stopped.lead", { time: shortTime(breaker.open_at ?? 0) })}</span>
          {may("admin.config") && <Button small onClick={() => reset(breaker)}>{t("callbacks.breaker.reset")}</Button>}
        </p>
      ))}
    </div>
  );
}

function Breakers() {
  const breakers = useBreakers();
  return (
    <section class="breakers">
      <h2>{t("callbacks.breakers")}</h2>
      <p class="help">{t("callbacks.breakers.help")}</p>
      {breakers && (
        <ul>
          {breakers.map((breaker) => (
            <li key={breaker.name}>
              <span class={`chip ${breaker.open_at === null ? "ok" : "danger"}`}>{t(breaker.open_at === null ? "callbacks.breaker.closed" : "callbacks.breaker.open")}</span>
              <b>{t(`callbacks.breaker.${breaker.name}`)}</b>
              <span class="dim">{breaker.open_at !== null ? shortTime(breaker.open_at) : breaker.reset_at ? t("callbacks.breaker.since", { time: shortTime(breaker.reset_at) }) : ""}</span>
              {breaker.open_at !== null && may("admin.config") && <Button small onClick={() => reset(breaker)}>{t("callbacks.breaker.reset")}</Button>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Queues that call customers first, while there are any. */
function CustomerFirst() {
  const [rows, setRows] = useState<Dialling[]>([]);
  useEffect(() => {
    const gone = new AbortController();
    api<{ items: Dialling[] }>("GET", "callback-dialling", undefined, gone.signal).then(({ items }) => setRows(items), () => undefined);
    return () => gone.abort();
  }, [moves.value]);
  if (rows.length === 0) return null;
  return (
    <section class="breakers" aria-label={t("callbacks.first")}>
      <h2>{t("callbacks.first")}</h2>
      <p class="help">{t("callbacks.first.help")}</p>
      <ul>
        {rows.map((row) => (
          <li key={row.queue.id}>
            <span class={`chip ${row.why ? "warn" : "ok"}`}>{t(`callbacks.first.${row.now}`)}</span>
            <b>{row.queue.name}</b>
            <span class="dim">
              {t(row.why ? "callbacks.first.limit" : "callbacks.first.share", { abandoned: number(row.abandoned), answered: number(row.answered), limit: number(row.limit_percent) })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function userName(id: string): string {
  return directory.value.agents.find((agent) => agent.id === id)?.name ?? id;
}

function NeverCall() {
  const [rows, setRows] = useState<Blocked[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  const [phone, setPhone] = useState("");
  const [importing, setImporting] = useState(false);
  const page = (after: string | null) => api<Page<Blocked>>("GET", `do-not-call?limit=${A_PAGE}${after ? `&after=${encodeURIComponent(after)}` : ""}`);
  useEffect(() => {
    let gone = false;
    page(null).then(
      (found) => {
        if (gone) return;
        setRows(found.items);
        setNext(found.next);
      },
      (failure: unknown) => gone || setError(failure),
    );
    return () => {
      gone = true;
    };
  }, [asked]);
  const again = () => setAsked(asked + 1);
  const add = async (event: Event) => {
    event.preventDefault();
    try {
      const { number: taken } = await api<{ number: string }>("POST", "do-not-call", { phone });
      toast(t("callbacks.never.added", { number: taken }), "ok");
      setPhone("");
      again();
    } catch (failure) {
      toast(refusalText(failure), "danger");
    }
  };
  const remove = async (row: Blocked) => {
    if (!(await confirm({ title: t("callbacks.never.ask", { number: row.number }), text: t("callbacks.never.text"), action: t("callbacks.never.remove") }))) return;
    await attempt(() => api("DELETE", `do-not-call/${encodeURIComponent(row.number)}`));
    again();
  };
  return (
    <section class="never">
      <h2>{t("callbacks.never")}</h2>
      <p class="help">{t("callbacks.never.help")}</p>
      <form class="inline-form" onSubmit={(event) => void add(event)}>
        <input class="field" type="tel" aria-label={t("callbacks.phone")} placeholder="+49 30 123456" maxLength={40} required value={phone} onInput={(event) => setPhone(event.currentTarget.value)} />
        <Button type="submit" icon="plus">{t("callbacks.never.add")}</Button>
        <span class="push" />
        <Button icon="file" onClick={() => setImporting(true)}>{t("callbacks.import.do_numbers")}</Button>
        <Button icon="save" onClick={() => saveFile("/api/v1/do-not-call.csv", "do-not-call.csv")}>{t("callbacks.never.export")}</Button>
      </form>
      {error !== null && <p class="error-text" role="alert">{errorText(error)}</p>}
      {rows && rows.length === 0 && <Empty icon="check" title={t("callbacks.never.none")} />}
      {rows && rows.length > 0 && (
        <div class="table-box">
          <table class="table data-table" aria-label={t("callbacks.never")}>
            <thead>
              <tr>
                <th scope="col">{t("callbacks.number")}</th>
                <th scope="col">{t("callbacks.never.since")}</th>
                <th scope="col" class="p1">{t("callbacks.never.source")}</th>
                <th scope="col" class="p1">{t("callbacks.never.by")}</th>
                {may("admin.config") && <th scope="col" class="n"><span class="vh">{t("callbacks.never.remove")}</span></th>}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.number}>
                  <th scope="row" class="num">{row.number}</th>
                  <td class="num">{shortTime(row.at)}</td>
                  <td class="p1">{t(`callbacks.never.source.${row.source}`)}</td>
                  <td class="p1 cut">{userName(row.by)}</td>
                  {may("admin.config") && <td class="n"><IconButton icon="trash" small label={t("callbacks.never.remove_one", { number: row.number })} onClick={() => void remove(row)} /></td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <div class="list-foot">
          <Button
            onClick={async () => {
              const found = await page(next);
              setRows([...(rows ?? []), ...found.items]);
              setNext(found.next);
            }}
          >
            {t("callbacks.more")}
          </Button>
        </div>
      )}
      {importing && (
        <ImportNumbers
          onClose={() => {
            setImporting(false);
            again();
          }}
        />
      )}
    </section>
  );
}

export function Protection() {
  return (
    <>
      <Breakers />
      <CustomerFirst />
      <NeverCall />
    </>
  );
}
