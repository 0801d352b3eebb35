import { go, open, showSheet } from "../actions.ts";
import { back, clock, howLong, locale, pick, t, when } from "../i18n.ts";
import { canShare } from "../sharing.ts";
import { channel, isCall, isOpen, state, talks, unreadIn, type Talk } from "../state.ts";
import { joinedByCode } from "../storage.ts";
import type { Way } from "../../bridge.ts";
import type { Channel, HeldCallback } from "../../wire.ts";
import { Icon } from "./icons.tsx";
import { Alert, Avatar, Minimise, Outside } from "./parts.tsx";

interface WayCard {
  way: Way;
  /** The first line's end: how long it takes. */
  wait: (channel: Channel) => string;
  /** The second line: how, and until when. */
  how: (channel: Channel) => string;
}

/** The ways to reach us, in their order. One that a site does not offer now is absent. */
const ways: WayCard[] = [
  {
    way: "chat",
    wait: ({ wait_s }) => (wait_s == null ? "" : howLong("wait", wait_s, "wait_soon", "wait_long")),
    how: ({ until }) => (until ? t("chat_until", { time: when(until) }) : t("chat_how")),
  },
  {
    way: "call",
    wait: ({ wait_s }) => (wait_s == null ? "" : howLong("wait", wait_s, "wait_soon", "wait_long")),
    how: ({ until }) => (until ? t("call_until", { time: when(until) }) : t("call_how")),
  },
  {
    way: "callback",
    wait: ({ soon, wait_s }) => (!soon || wait_s == null ? "" : howLong("wait", wait_s, "wait_soon", "wait_long")),
    how: () => t("callback_how"),
  },
  { way: "email", wait: () => "", how: () => t("email_how") },
];

export function Home() {
  const { site } = state;
  const chat = site.channels["chat"];
  const opensAt = chat && !chat.open ? chat.opens_at : null;
  const here = chat?.open ? site.agents.slice(0, 3) : [];
  const earlier = talks().filter(({ contact }) => !isOpen(contact));
  return (
    <div class="home">
      <header class="hero">
        <div class="brand">
          {site.theme.logo ? <img src={site.theme.logo} alt="" width="32" height="32" /> : null}
          <b>{site.name}</b>
          <Minimise />
        </div>
        <h2 tabIndex={-1}>{t("title")}</h2>
        <p class="lede">{pick(site.theme.greeting) || t("greeting")}</p>
        {here.length > 0 && (
          <div class="here">
            <span class="stack" aria-hidden="true">
              {here.map(({ name }) => (
                <Avatar name={name} />
              ))}
            </span>
            {chat?.until ? t("here_until", { time: when(chat.until) }, here.length) : t("here", {}, here.length)}
          </div>
        )}
        {opensAt && (
          <p class="here">
            <Icon name="moon" size={18} />
            {t("closed_until", { time: back(opensAt) })}
          </p>
        )}
      </header>
      <div class="scroll">
        {/* Who joined by a code has no conversation where it would stand. */}
        <Alert text={state.trouble && state.trouble.where == joinedByCode() ? state.trouble.text : undefined} />
        <ul class="ways">
          {talks()
            .filter(({ contact }) => isOpen(contact))
            .map((talk) => (
              <li key={talk.contact.id}>
                <Resume talk={talk} />
              </li>
            ))}
          {state.callback && (
            <li>
              <CallingBack callback={state.callback} />
            </li>
          )}
          {ways.map((card) => (
            <WayButton key={card.way} {...card} />
          ))}
        </ul>
        {earlier.length > 0 && (
          <button class="resume plain" onClick={() => go({ name: "earlier" })}>
            <Icon name="clock" size={20} />
            <span>{t("earlier")}</span>
            <Icon name="forward" size={18} />
          </button>
        )}
      </div>
      <footer class="home-foot">
        {site.privacy_url ? (
          <Outside href={site.privacy_url}>
            {t("privacy")}
          </Outside>
        ) : (
          <span />
        )}
        {canShare() && !joinedByCode() && <button onClick={() => go({ name: "code" })}>{t("given_code")}</button>}
        <LanguageButton />
      </footer>
    </div>
  );
}

function WayButton({ way, wait, how }: WayCard) {
  const offered = channel(way);
  if (!offered) return null;
  const takes = wait(offered);
  return (
    <li class="way">
      <span class="disc">
        <Icon name={way} />
      </span>
      <button aria-describedby={`wait-${way} how-${way}`} onClick={() => (way == "call" ? open(way) : go({ name: "form", channel: way }))}>
        {t(way)}
      </button>
      <span class="wait" id={`wait-${way}`}>
        {takes}
      </span>
      <small id={`how-${way}`}>{how(offered)}</small>
    </li>
  );
}

function Resume({ talk }: { talk: Talk }) {
  const { contact } = talk;
  const name = contact.agent?.name;
  const count = unreadIn(talk);
  return (
    <button class="resume" onClick={() => go(state.call == contact.id ? { name: "call" } : { name: "talk", id: contact.id })}>
      <Avatar name={name ?? ""} />
      <span>
        {name ? t("go_on", { name }) : t("go_on_waiting")}
        <small>{t(isCall(contact) ? "call_from" : "chat_from", { time: clock(contact.created_at) })}</small>
      </span>
      {count > 0 && <em class="count">{count}</em>}
      <Icon name="forward" size={18} />
    </button>
  );
}

/** The callback that is to come, with a few words on when. */
function CallingBack({ callback: { reference, seen } }: { callback: HeldCallback }) {
  const at = seen?.state == "scheduled" ? (seen.slot?.start ?? (seen.due_at && seen.due_at > Date.now() ? seen.due_at : null)) : null;
  const words = at ? when(at) : seen?.ended_at ? "" : t("callback_asap");
  return (
    <button class="resume" onClick={() => go(state.call ? { name: "call" } : { name: "form", channel: "callback", step: "sent" })}>
      <Icon name="callback" />
      <span>
        {t("callback_yours")}
        <small>{words || reference}</small>
      </span>
      <Icon name="forward" size={18} />
    </button>
  );
}

function LanguageButton() {
  const { languages } = state.boot;
  if (languages.length < 2) return null;
  return (
    <button onClick={() => showSheet({ name: "language" })}>
      <Icon name="globe" size={16} />
      {languages.find((one) => one.locale == locale)?.name ?? t("language")}
    </button>
  );
}

