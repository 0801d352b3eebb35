import { useEffect, useState } from "preact/hooks";
import { type Callback, calledAt, isOver, reasonText, shortTime, type State, STATES, counted } from "../common/callbacks/data.ts";
import { Button, Combobox, Empty, type Option } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { directory } from "../common/store.ts";
import { ANY, type Filter, filter, moves, opened, pageOf, queryOf } from "./data.ts";

const TONES: Partial<Record<State, string>> = { reached: "ok", talking: "voice", ringing: "voice", dialling: "voice", connecting: "info", queued: "info", closed: "danger" };
const TYPING_MS = 300;
const ALL = "*";

export function StateChip({ callback }: { callback: Callback }) {
  const held = !isOver(callback) && (callback.reason === "trunk" || callback.reason.startsWith("breaker."));
  return <span class={`chip ${held ? "warn" : TONES[callback.state] ?? ""}`}>{t(`callbacks.state.${callback.state}`)}</span>;
}

/** Rows of callbacks, each of which opens. */
export function Rows({ callbacks, label }: { callbacks: readonly Callback[]; label: string }) {
  return (
    <div class="table-box">
      <table class="table data-table callbacks-table" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{t("callbacks.customer")}</th>
            <th scope="col">{t("callbacks.due")}</th>
            <th scope="col">{t("callbacks.state")}</th>
            <th scope="col" class="p2">{t("callbacks.queue")}</th>
            <th scope="col" class="p1">{t("callbacks.agent")}</th>
            <th scope="col" class="n p2">{t("callbacks.attempts")}</th>
            <th scope="col" class="p2">{t("callbacks.reference")}</th>
          </tr>
        </thead>
        <tbody>
          {callbacks.map((callback) => {
            const why = reasonText(callback);
            return (
              <tr key={callback.id}>
                <th scope="row">
                  <button type="button" class="row-link" onClick={() => (opened.value = callback)}>
                    <span class="two-lines"><b class="cut">{callback.name || calledAt(callback)}</b>{callback.name && <span class="num cut">{calledAt(callback)}</span>}</span>
                  </button>
                </th>
                <td class="num">{shortTime(callback.ended_at ?? callback.due_at)}</td>
                <td><span class="two-lines"><span><StateChip callback={callback} /></span>{why && <span class="cut" title={why}>{why}</span>}</span></td>
                <td class="p2 cut">{callback.queue?.name ?? <span class="none">–</span>}</td>
                <td class="p1 cut">{(callback.agent ?? callback.only_agent)?.name ?? <span class="none">{t("callbacks.anybody")}</span>}</td>
                <td class="n p2 num">{t("callbacks.attempts_of", { done: number(counted(callback)), most: number(callback.most_attempts) })}</td>
                <td class="p2"><code>{callback.reference}</code></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function narrow(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
}

function Choice({ name, label, any, options }: { name: "state" | "queue" | "agent"; label: string; any: string; options: Option[] }) {
  const chosen = filter.value[name];
  return (
    <Combobox
      label={label}
      value={chosen || ALL}
      options={[{ value: ALL, label: any }, ...options]}
      class={`select${chosen && chosen !== ANY[name] ? " set" : ""}`}
      onChange={(value) => narrow({ [name]: value === ALL ? "" : value })}
    />
  );
}

function Search() {
  const [text, setText] = useState(filter.value.q);
  useEffect(() => {
    const timer = setTimeout(() => text.trim() !== filter.value.q && narrow({ q: text.trim() }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <span class="with-icon number-field">
      <Icon name="search" small />
      <input class="field" type="search" aria-label={t("callbacks.search")} placeholder={t("callbacks.search")} value={text} maxLength={40} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
    </span>
  );
}

function Filters() {
  const { queues, agents } = directory.value;
  const named = (rows: readonly { id: string; name: string }[]) => rows.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div class="filters" role="search" aria-label={t("callbacks.filters")}>
      <Choice
        name="state"
        label={t("callbacks.state")}
        any={t("callbacks.state.any")}
        options={[{ value: "open", label: t("callbacks.state.open") }, ...STATES.map((value) => ({ value, label: t(`callbacks.state.${value}`) }))]}
      />
      <Choice name="queue" label={t("callbacks.queue")} any={t("callbacks.queue.any")} options={named(queues)} />
      <Choice name="agent" label={t("callbacks.agent")} any={t("callbacks.agent.any")} options={named(agents)} />
      <input class="field day-field" type="date" aria-label={t("callbacks.day")} title={t("callbacks.day")} value={filter.value.day} onChange={(event) => narrow({ day: event.currentTarget.value })} />
      <Search />
    </div>
  );
}

/** Callbacks, last asked for first, as they are narrowed. */
export function List() {
  const [rows, setRows] = useState<Callback[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const wanted = queryOf(filter.value).toString();
  useEffect(() => {
    const gone = new AbortController();
    pageOf(new URLSearchParams(wanted), gone.signal).then(
      (page) => {
        setRows(page.items);
        setNext(page.next);
        setError(null);
      },
      (failure: unknown) => gone.signal.aborted || setError(failure),
    );
    return () => gone.abort();
  }, [wanted, moves.value]);
  const more = async () => {
    const query = new URLSearchParams(wanted);
    query.set("after", next ?? "");
    const page = await pageOf(query, new AbortController().signal);
    setRows([...(rows ?? []), ...page.items]);
    setNext(page.next);
  };
  const narrowed = wanted !== queryOf(ANY).toString();
  return (
    <>
      <Filters />
      {error !== null
        ? <div role="alert"><Empty icon="failed" title={t("callbacks.failed")}><p>{errorText(error)}</p></Empty></div>
        : rows === null
          ? <div class="skeleton list-shape" role="status" aria-label={t("common.loading")} />
          : rows.length === 0
            ? <Empty icon={narrowed ? "search" : "callback"} title={t(narrowed ? "callbacks.none_fit" : "callbacks.none")}>{narrowed && <Button onClick={() => (filter.value = ANY)}>{t("callbacks.clear")}</Button>}</Empty>
            : <Rows callbacks={rows} label={t("callbacks.title")} />}
      {next && <div class="list-foot"><Button onClick={more}>{t("callbacks.more")}</Button></div>}
    </>
  );
}
