import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { type Callback, calledAt, isOnTheLine, isOver, refusalText, resultText, shortTime, reasonText } from "../common/callbacks/data.ts";
import { Times, useSlots } from "../common/callbacks/times.tsx";
import { Button, Combobox, confirm, Dialog, toast } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { directory } from "../common/store.ts";
import { duration } from "../common/time.ts";
import { assign, callNow, cancel, move, moves, opened } from "./data.ts";
import { StateChip } from "./list.tsx";

const ANYBODY = "*";

/** Runs what the page may do with one; a refusal is said in words of callbacks. */
async function tried(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    toast(refusalText(error), "danger");
    return false;
  }
}

function Attempts({ callback }: { callback: Callback }) {
  if (callback.attempts.length === 0) return null;
  return (
    <table class="table" aria-label={t("callbacks.attempts")}>
      <thead>
        <tr>
          <th scope="col">{t("callbacks.attempt.at")}</th>
          <th scope="col">{t("callbacks.agent")}</th>
          <th scope="col">{t("callbacks.attempt.result")}</th>
          <th scope="col" class="n">{t("callbacks.attempt.talk")}</th>
        </tr>
      </thead>
      <tbody>
        {callback.attempts.map((attempt) => (
          <tr key={attempt.at}>
            <th scope="row" class="num">{shortTime(attempt.at)}</th>
            <td class="cut">{attempt.agent?.name ?? "–"}</td>
            <td>{resultText(attempt.result)}{attempt.status ? ` (${attempt.status})` : ""}</td>
            <td class="n num">{attempt.talk_ms > 0 ? duration(attempt.talk_ms) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Facts({ callback }: { callback: Callback }) {
  const { email, queue, topic, note, when, asked_at, next_at, consent, put_off, origin } = callback;
  const rows: [string, string][] = [
    ["callbacks.number", calledAt(callback)],
    ["callbacks.email", email],
    ["callbacks.queue", queue?.name ?? ""],
    ["callbacks.topic", topic],
    ["callbacks.asked", `${shortTime(asked_at)} · ${t(`callbacks.origin.${origin}`)}`],
    ["callbacks.wished", when ? shortTime(when) : t("callbacks.asap")],
    ["callbacks.next", next_at && !isOver(callback) ? shortTime(callback.due_at) : ""],
    ["callbacks.why", reasonText(callback)],
    ["callbacks.put_off", put_off],
    ["callbacks.note", note],
    ["callbacks.consent", consent],
  ];
  return (
    <dl class="callback-facts">
      {rows.filter(([, value]) => value).map(([key, value]) => [<dt key={`${key} name`}>{t(key)}</dt>, <dd key={key} class="wrap num">{value}</dd>])}
    </dl>
  );
}

function NewTime({ callback, onDone }: { callback: Callback; onDone: () => void }) {
  const [start, setStart] = useState<number | null>(null);
  const slots = useSlots(callback.queue?.id ?? "", callback.phone, true);
  const free = slots?.filter(({ left }) => left > 0) ?? [];
  const at = free.some((slot) => slot.start === start) ? start : free[0]?.start ?? null;
  return (
    <div class="inline-form">
      <Times slots={slots} start={at} onChange={setStart} />
      <Button kind="primary" disabled={at === null} onClick={async () => at !== null && (await tried(() => move(callback, at))) && onDone()}>{t("callbacks.move.do")}</Button>
    </div>
  );
}

function NewAgent({ callback, onDone }: { callback: Callback; onDone: () => void }) {
  const [agent, setAgent] = useState(callback.only_agent?.id ?? ANYBODY);
  const options = [{ value: ANYBODY, label: t("callbacks.anybody") }, ...directory.value.agents.map(({ id, name }) => ({ value: id, label: name }))];
  return (
    <div class="inline-form">
      <Combobox label={t("callbacks.agent")} value={agent} options={options} onChange={setAgent} />
      <Button kind="primary" onClick={async () => (await tried(() => assign(callback, agent === ANYBODY ? null : agent))) && onDone()}>{t("callbacks.assign.do")}</Button>
    </div>
  );
}

function Actions({ callback }: { callback: Callback }) {
  const [form, setForm] = useState<"time" | "agent" | null>(null);
  const waits = callback.state === "scheduled" || callback.state === "queued" || callback.state === "asked";
  const cancelled = async () => {
    const yes = await confirm({ title: t("callbacks.cancel.ask"), text: t("callbacks.cancel.text", { phone: calledAt(callback) }), action: t("callbacks.cancel"), danger: true });
    if (yes) await tried(() => cancel(callback));
  };
  if (isOver(callback) || callback.state === "talking") return null;
  const toggle = (name: "time" | "agent") => () => setForm(form === name ? null : name);
  return (
    <>
      <div class="detail-acts">
        {callback.state === "scheduled" && <Button kind="primary" icon="phone" onClick={() => tried(() => callNow(callback))}>{t("callbacks.call_now")}</Button>}
        {waits && <Button icon="clock" onClick={toggle("time")}>{t("callbacks.move")}</Button>}
        {waits && <Button icon="user" onClick={toggle("agent")}>{t("callbacks.assign")}</Button>}
        <Button kind="danger" icon="x" onClick={cancelled}>{t("callbacks.cancel")}</Button>
      </div>
      {isOnTheLine(callback) && <p class="help">{t("callbacks.on_the_line")}</p>}
      {waits && form === "time" && <NewTime callback={callback} onDone={() => setForm(null)} />}
      {waits && form === "agent" && <NewAgent callback={callback} onDone={() => setForm(null)} />}
    </>
  );
}

/** One callback: what is known of it, its attempts, and what can be done. */
export function Detail() {
  const callback = opened.value;
  const id = callback?.id;
  useEffect(() => {
    if (!id) return;
    const gone = new AbortController();
    api<Callback>("GET", `callbacks/${encodeURIComponent(id)}`, undefined, gone.signal).then(
      (found) => {
        if (opened.value?.id === found.id) opened.value = found;
      },
      () => undefined, // as it was known
    );
    return () => gone.abort();
  }, [id, moves.value]);
  if (!callback) return null;
  return (
    <Dialog
      key={callback.id}
      wide
      title={callback.name || calledAt(callback)}
      subtitle={<><StateChip callback={callback} /> <span class="num">{callback.reference}</span></>}
      onClose={() => (opened.value = null)}
      footer={callback.attempts.length > 0 || callback.state === "queued"
        ? <a class="btn" href={`/agent#/contact/${encodeURIComponent(callback.contact)}`}><Icon name="external" small />{t("callbacks.open_contact")}</a>
        : undefined}
    >
      <div class="callback-detail">
        <Facts callback={callback} />
        <Attempts callback={callback} />
        <Actions callback={callback} />
      </div>
    </Dialog>
  );
}
