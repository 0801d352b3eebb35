import { type Callback, calledAt, counted, resultText, shortTime } from "../../common/callbacks/data.ts";
import { list, number, t } from "../../common/i18n.ts";
import { contactHref } from "../route.ts";

/** What a callback brings along: the number, when it was asked for and wished for, the topic, the note, the attempts. */
export function CallbackFacts({ callback, id }: { callback: Callback; id?: string }) {
  const { topic, note, when, asked_at, attempts, most_attempts, put_off, conversation } = callback;
  const tried = attempts.filter(({ result }) => result !== null);
  return (
    <dl class="callback-facts" id={id}>
      <dt>{t("callbacks.number")}</dt>
      <dd class="num">{calledAt(callback)}</dd>
      <dt>{t("callbacks.asked")}</dt>
      <dd class="num">{when ? t("callbacks.asked_for", { time: shortTime(asked_at), wish: shortTime(when) }) : t("callbacks.asked_asap", { time: shortTime(asked_at) })}</dd>
      {topic && (
        <>
          <dt>{t("callbacks.topic")}</dt>
          <dd>{topic}</dd>
        </>
      )}
      {note && (
        <>
          <dt>{t("callbacks.note")}</dt>
          <dd class="wrap" title={note}>{note}</dd>
        </>
      )}
      {tried.length > 0 && (
        <>
          <dt>{t("callbacks.attempts")}</dt>
          <dd class="wrap">
            {t("callbacks.attempts_of", { done: number(counted(callback)), most: number(most_attempts) })}
            {" · "}
            {list(tried.map(({ at, result }) => t("callbacks.attempt", { time: shortTime(at), result: resultText(result) })))}
          </dd>
        </>
      )}
      {conversation && (
        <>
          <dt>{t("callbacks.conversation")}</dt>
          <dd><a class="link" href={contactHref(conversation)}>{t("callbacks.open_contact")}</a></dd>
        </>
      )}
      {put_off && (
        <>
          <dt>{t("callbacks.put_off")}</dt>
          <dd class="wrap">{put_off}</dd>
        </>
      )}
    </dl>
  );
}
