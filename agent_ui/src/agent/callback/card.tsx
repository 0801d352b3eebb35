import { useState } from "preact/hooks";
import { Button } from "../../common/components/index.ts";
import { type Callback, isOnTheLine, isOver, reasonText, resultText, shortTime } from "../../common/callbacks/data.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { callNow } from "../actions/call-now.ts";
import { heard } from "../actions/heard.ts";
import { customerName, isOwner } from "../mine.ts";
import { CallbackFacts } from "./facts.tsx";
import { useCallbackOf } from "./known.ts";
import { NotNowDialog } from "./not-now.tsx";

/** What became of the last attempt, and what happens next. */
function standing(callback: Callback): string {
  const last = callback.attempts.at(-1)?.result ?? null;
  if (callback.state === "reached") return t("callbacks.next.reached");
  if (isOver(callback)) {
    return last && last !== "reached" ? t("callbacks.next.over", { result: resultText(last), why: reasonText(callback) || t(`callbacks.state.${callback.state}`) }) : t(`callbacks.state.${callback.state}`);
  }
  if (callback.state === "scheduled" && callback.next_at) {
    const why = reasonText(callback);
    return t(why ? "callbacks.next.why" : "callbacks.next.at", { why, time: shortTime(callback.next_at) });
  }
  return t(`callbacks.state.${callback.state}`);
}

function Preview({ callback, onNotNow }: { callback: Callback; onNotNow: () => void }) {
  const left = Math.max(0, (callback.preview_until ?? 0) - now.value);
  return (
    <>
      <span class="num left" role="timer" aria-live="off">{t("callbacks.preview.left", { time: duration(left) })}</span>
      <span class="acts">
        <Button onClick={onNotNow}>{t("callbacks.not_now")}</Button>
        <Button kind="primary" icon="phone" onClick={() => callNow(callback)}>{t("callbacks.call_now")}</Button>
      </span>
    </>
  );
}

/** While it is on the line: who hears a machine or a stranger says so, and by that it is tried again or not. */
function Heard({ callback }: { callback: Callback }) {
  if (callback.told) return <span class="chip warn">{t("callbacks.told", { result: resultText(callback.told) })}</span>;
  return (
    <span class="acts">
      {(["machine", "wrong_number"] as const).map((result) => (
        <Button key={result} small onClick={() => heard(callback, result)}>{t(`callbacks.heard.${result}`)}</Button>
      ))}
    </span>
  );
}

/** The callback that a contact is: read before it is dialled, and how it stands afterwards. */
export function CallbackCard({ contact }: { contact: Contact }) {
  const callback = useCallbackOf(contact);
  const [putsOff, setPutsOff] = useState(false);
  if (!callback) return null;
  const mine = isOwner(contact);
  const previewed = mine && callback.state === "connecting" && callback.preview_until !== null && contact.phase === "connecting";
  const name = callback.name || customerName(contact, t("agent.unnamed"));
  return (
    <section class={`callback-card callback${previewed ? " preview" : ""}`} aria-label={t("callbacks.card", { name })}>
      <header>
        <Icon name="callback" />
        <b role="status">{previewed ? t("callbacks.preview") : standing(callback)}</b>
        {previewed && <Preview callback={callback} onNotNow={() => setPutsOff(true)} />}
        {mine && isOnTheLine(callback) && !callback.at_page && <Heard callback={callback} />}
      </header>
      <CallbackFacts callback={callback} />
      {putsOff && previewed && <NotNowDialog callback={callback} onClose={() => setPutsOff(false)} />}
    </section>
  );
}
