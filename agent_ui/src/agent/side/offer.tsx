import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../common/components/index.ts";
import { askWhy } from "../../common/routing/why.tsx";
import { counted, shortTime } from "../../common/callbacks/data.ts";
import { number, t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { duration, serverNow } from "../../common/time.ts";
import type { Offer } from "../../common/types.ts";
import { accept } from "../actions/accept.ts";
import { decline } from "../actions/decline.ts";
import { useCallbackOf } from "../callback/known.ts";
import { customerName, isCall } from "../mine.ts";
import { currentOffer, offers } from "../offers.ts";
import { ownCalls, ownLine } from "../phone/own.ts";

const AROUND = 138; // the ring's circumference: r = 22
const LATE_S = 5;

/** The seconds left, as a ring that empties; without motion the figure alone tells. */
function Ring({ offer }: { offer: Offer }) {
  const whole = useRef(Math.max(1_000, offer.deadline - serverNow()));
  const [left, setLeft] = useState(offer.deadline - serverNow());
  useEffect(() => {
    const timer = setInterval(() => setLeft(offer.deadline - serverNow()), 200);
    return () => clearInterval(timer);
  }, [offer.fence]);
  const seconds = Math.max(0, Math.ceil(left / 1000));
  const share = Math.max(0, Math.min(1, left / whole.current));
  return (
    <span class={`ring${seconds <= LATE_S ? " late" : ""}`} role="timer" aria-live="off" aria-label={t("agent.offer.seconds", { count: seconds })}>
      <svg class="r" viewBox="0 0 48 48" aria-hidden="true">
        <circle class="t" cx="24" cy="24" r="22" />
        <circle class="v" cx="24" cy="24" r="22" stroke-dashoffset={AROUND * (1 - share)} />
      </svg>
      <b aria-hidden="true">{seconds}</b>
    </span>
  );
}

function Facts({ offer }: { offer: Offer }) {
  const callback = useCallbackOf(offer.contact);
  const page = offer.page ?? offer.contact.page;
  const waited = duration(offer.waited_ms);
  return (
    <dl id="offer-facts">
      <dt>{t("agent.offer.queue")}</dt>
      <dd>{offer.queue ? t("agent.offer.waited", { queue: offer.queue.name, time: waited }) : waited}</dd>
      {offer.skill && (
        <>
          <dt class="skill">{t("agent.offer.skill")}</dt>
          <dd class="skill">{t("agent.offer.level", { skill: offer.skill.name, level: offer.skill.level })}</dd>
        </>
      )}
      {offer.contact.channel === "voice" && offer.contact.fields["called"] && (
        <>
          <dt>{t("phone.called")}</dt>
          <dd class="num">{offer.contact.fields["called"]}</dd>
        </>
      )}
      {callback && (
        <>
          <dt>{t("callbacks.number")}</dt>
          <dd class="num">{callback.phone}</dd>
          <dt>{t("callbacks.asked")}</dt>
          <dd class="num">{shortTime(callback.asked_at)}</dd>
          {callback.topic && (
            <>
              <dt>{t("callbacks.topic")}</dt>
              <dd>{callback.topic}</dd>
            </>
          )}
          {counted(callback) > 0 && (
            <>
              <dt>{t("callbacks.attempts")}</dt>
              <dd>{t("callbacks.attempts_of", { done: number(counted(callback)), most: number(callback.most_attempts) })}</dd>
            </>
          )}
          {(callback.put_off || callback.note) && (
            <>
              <dt>{t("callbacks.note")}</dt>
              <dd title={callback.note}>{callback.put_off || callback.note}</dd>
            </>
          )}
        </>
      )}
      {!callback && offer.contact.subject && (
        <>
          <dt>{t("agent.offer.subject")}</dt>
          <dd title={offer.contact.subject}>{offer.contact.subject}</dd>
        </>
      )}
      {page && (
        <>
          <dt>{t("agent.offer.page")}</dt>
          <dd title={page.url}>{page.title || page.url}</dd>
        </>
      )}
    </dl>
  );
}

/** How a call is answered that is offered to somebody with a telephone of their own. */
function OwnPhone({ contact }: { contact: string }) {
  const own = ownCalls.value.get(contact);
  if (ownLine.value.line !== "phone" || !own) return null;
  return (
    <p class="own-ring" role="status">
      <Icon name={own.state === "failed" ? "warn" : "phone"} small />
      {own.state === "failed" ? t(`phone.own.problem.${own.problem}`) : t("phone.own.offer")}
    </p>
  );
}

/** What is offered now: announced once, without taking the focus from what is being typed. */
export function OfferCard() {
  const offer = currentOffer.value;
  if (!offer) return null;
  const { contact } = offer;
  const name = customerName(contact, t("agent.unnamed"));
  const more = offers.value.length - 1;
  return (
    <section
      key={`${contact.id} ${offer.fence}`}
      class={`offer ${contact.channel}`}
      role="alertdialog"
      aria-label={t(`agent.offer.title.${contact.channel}`, { name })}
      aria-describedby="offer-facts"
    >
      <div class="vh" role="alert">{t(`agent.offer.title.${contact.channel}`, { name })}</div>
      <header>
        <Ring offer={offer} />
        <div>
          <p class="kind"><Icon name={channelIcon[contact.channel]} />{t(`agent.offer.kind.${contact.channel}`)}</p>
          <h2>
            <span class="cut">{name}</span>
            {contact.customer.verified && <Icon name="shield" label={t("agent.customer.verified")} />}
          </h2>
        </div>
        <button type="button" class="btn quiet small why" onClick={() => askWhy(contact.id)}>{t("routing.why")}</button>
        {more > 0 && <span class="chip more">{t("agent.offer.more", { count: more })}</span>}
      </header>
      <Facts offer={offer} />
      {isCall(contact) && <OwnPhone contact={contact.id} />}
      {offer.auto
        ? <p class="hint">{t("agent.offer.auto")}</p>
        : (
          <div class="acts">
            <Button onClick={() => decline(offer)}>{t("agent.offer.decline")}</Button>
            <Button kind="primary" icon={channelIcon[contact.channel]} onClick={() => accept(offer)}>{t("agent.offer.accept")}</Button>
          </div>
        )}
      <p class="hint keys"><kbd>Alt</kbd> <kbd>A</kbd> {t("agent.offer.accept_key")} · <kbd>Alt</kbd> <kbd>D</kbd> {t("agent.offer.decline_key")}</p>
    </section>
  );
}
