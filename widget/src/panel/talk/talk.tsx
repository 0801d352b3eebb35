// A running conversation: head, what there is to say about its state, the log, and the way to write.

import { Component } from "preact";
import { go, showSheet } from "../actions.ts";
import { fetchCalling } from "../calling.ts";
import { howLong, t } from "../i18n.ts";
import { tryNow } from "../link.ts";
import { anything } from "../outbox.ts";
import { channel, isCall, queueName, state, type Talk } from "../state.ts";
import { end, sendFiles } from "./actions.ts";
import { Composer } from "./composer.tsx";
import { Log } from "./log.tsx";
import { Icon } from "../views/icons.tsx";
import { Avatar, Minimise, Sheet, Top } from "../views/parts.tsx";

export class TalkView extends Component<{ talk: Talk }, { over?: boolean }> {
  private drag = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.setState({ over: event.type == "dragover" });
    if (event.type == "drop") sendFiles(this.props.talk.contact.id, event.dataTransfer.files);
  };

  override render({ talk }: { talk: Talk }, { over }: { over?: boolean }) {
    const { contact } = talk;
    const queue = queueName(contact);
    const waiting = contact.phase == "waiting";
    const online = state.link == "online";
    const calling = isCall(contact);
    const names = [contact.agent, ...contact.participants].filter((one) => one != null).map(({ name }) => name);
    return (
      <div class="view" onDragOver={this.drag} onDrop={this.drag} onDragLeave={this.drag}>
        <Top
          title={waiting || !names.length ? (queue ? t("waiting_for", { name: queue }) : t("waiting")) : [...new Set(names)].join(", ")}
          line={waiting ? t("waiting_line") : online && queue ? t("online", { queue }) : online ? t("here_now") : queue}
          avatar={waiting ? undefined : <Avatar name={names[0] ?? ""} online={online} />}
        >
          {!calling && channel("call") && (
            <button class="w-ib" aria-label={t("call")} onClick={() => showSheet({ name: "by_voice", id: contact.id })}>
              <Icon name="call" size={20} />
            </button>
          )}
          <button class="w-tb" hidden={state.sheet?.name == "end"} onClick={() => (calling ? hangUp(contact.id) : showSheet({ name: "end", id: contact.id }))}>
            {t(calling ? "hang_up" : "end")}
          </button>
        </Top>
        <Away />
        {calling && <Calling id={contact.id} />}
        {waiting && !calling && <Place talk={talk} />}
        <Log talk={talk} />
        <Composer talk={talk} />
        {over && (
          <div class="drop" aria-hidden="true">
            <Icon name="clip" size={32} />
            {t("drop")}
          </div>
        )}
      </div>
    );
  }
}

/** Amber, after two seconds without a link; nothing is disabled meanwhile. */
export function Away() {
  return (
    <div aria-live="polite" class="bar-at">
      {state.away && state.link != "online" && (
        <div class="bar">
          <Icon name="away" />
          <div>
            <b>{t("reconnecting")}</b>
            {t("reconnecting_line")}
          </div>
          <button onClick={tryNow}>{t("try_now")}</button>
        </div>
      )}
    </div>
  );
}

const hangUp = (id: string) => void fetchCalling().then((part) => part.hangUp(id), () => {});

/** The call beside the writing: back to it, or into this window when its sound is in none. */
function Calling({ id }: { id: string }) {
  const here = state.call == id;
  return (
    <div class="bar on-call">
      <Icon name="call" size={20} />
      <div>{t(here ? "on_call" : "call_elsewhere")}</div>
      <button onClick={() => (here ? go({ name: "call" }) : void fetchCalling().then(({ takeUp }) => takeUp(id, true)))}>{t(here ? "to_call" : "take_call")}</button>
    </div>
  );
}

/** Place and wait, read out when they change. */
function Place({ talk }: { talk: Talk }) {
  const { place } = talk;
  const ahead = place ? place.position - 1 : 0;
  // at most three stand before the visitor in the picture: the next, those between, the one before
  const people = ahead <= 3 ? Array.from({ length: ahead }, (_, i) => `${i + 1}`) : ["1", "…", `${ahead}`];
  return (
    <div class="place" role="status">
      <div class="line-of" aria-hidden="true" key={ahead}>
        <i class="ag">
          <Icon name="person" size={18} />
        </i>
        {people.map((one) => (
          <>
            <u />
            <i>{one}</i>
          </>
        ))}
        <u />
        <i class="you">{t("you")}</i>
      </div>
      <h3>{place ? t("place", { n: place.position }, place.position) : t("place_none")}</h3>
      <p class="lede">
        {place?.wait_s != null && howLong("about", place.wait_s, "about_soon", "about_long")} {t("keep_place")}
      </p>
      {channel("callback") && (
        <button class="btn plain middle" onClick={() => go({ name: "form", channel: "callback", contact: talk.contact.id })}>
          {t("callback_instead")}
        </button>
      )}
    </div>
  );
}

export function EndSheet({ id }: { id: string }) {
  return (
    <Sheet title={t("end_sure")}>
      <p class="lede">{t("end_sure_line")}</p>
      <div class="row">
        <button class="btn quiet" data-first onClick={() => showSheet(null)}>
          {t("keep_talking")}
        </button>
        <button class="btn" onClick={() => end(id)}>
          {t("end")}
        </button>
      </div>
    </Sheet>
  );
}

/** No link since the panel was loaded, and a conversation to show: says what is safe and goes on trying. */
export function Unreachable() {
  return (
    <>
      <header class="w-top">
        <div class="t">
          <h2 tabIndex={-1}>{state.site.name}</h2>
        </div>
        <Minimise />
      </header>
      <div class="done scroll" role="alert">
        <Seal icon="away" tone="warn" />
        <h3>{t("cannot_connect")}</h3>
        <p class="lede">{t(anything() ? "cannot_kept" : "cannot_line")}</p>
      </div>
      <footer class="w-foot">
        <button class="btn" onClick={tryNow}>
          <Icon name="again" size={20} />
          {t("retry")}
        </button>
      </footer>
    </>
  );
}

/** A seal with a picture of how things are. */
export const Seal = ({ icon, tone }: { icon: string; tone: "ok" | "warn" }) => (
  <span class={`seal ${tone}`}>
    <Icon name={icon} size={32} />
  </span>
);
