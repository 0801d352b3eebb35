// The log: what was said, in order, with days, the "New" line, files, and how far one's own words have come.

import { Component, Fragment } from "preact";
import type { HubFile, Message } from "../../wire.ts";
import { showSheet } from "../actions.ts";
import { download, picture } from "./files.ts";
import { bytes, clock, day, t } from "../i18n.ts";
import { drop, pending, progressOf, resend, type Entry } from "../outbox.ts";
import { state, type Talk } from "../state.ts";
import { scrolled } from "../sync.ts";
import { authorOf, systemLine } from "./words.ts";
import { Icon } from "../views/icons.tsx";
import { Outside } from "../views/parts.tsx";

export class Log extends Component<{ talk: Talk }> {
  private box!: HTMLElement;
  private atEnd = true;
  private began = false;
  private own = "";
  private height = 0;
  private sized = new ResizeObserver(() => this.look());

  /** Sees whether the end is in view; when the log itself has become shorter (a keyboard came up), keeps it there. */
  private look = () => {
    const { box } = this;
    if (box.clientHeight != this.height) {
      this.height = box.clientHeight;
      if (this.atEnd) box.scrollTop = box.scrollHeight;
    }
    scrolled((this.atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24));
  };

  /** What is new from its beginning, else the end; who has scrolled up to read is left there until he writes himself. */
  private settle(): void {
    const { box } = this;
    const { messages, contact } = this.props.talk;
    const own = pending(contact.id).pop()?.id ?? "";
    const line = !this.began && box.querySelector<HTMLElement>(".newline");
    if (line) box.scrollTop = line.offsetTop - 40;
    else if (!this.began || this.atEnd || (own && own != this.own)) box.scrollTop = box.scrollHeight;
    this.began = messages.length > 0;
    this.own = own;
    this.look();
  }

  override componentDidMount(): void {
    this.sized.observe(this.box);
    this.settle();
  }

  override componentDidUpdate(): void {
    this.settle();
  }

  override componentWillUnmount(): void {
    this.sized.disconnect();
  }

  override render({ talk }: { talk: Talk }) {
    const { messages, contact } = talk;
    const lastOwn = messages.filter(({ author_kind }) => author_kind == "visitor").pop();
    let today = "";
    return (
      <div class="log scroll" role="log" aria-label={t("conversation")} tabIndex={0} ref={(box) => void (this.box = box!)} onScroll={this.look}>
        <div class="push" />
        {messages.map((message, i) => {
          const { id, at, kind, n } = message;
          const words = kind == "system" ? systemLine(message) : kind;
          if (kind == "note" || !words) return null;
          const told = message.author_kind == "system" && kind == "text"; // the hub's own words, not an agent's
          const newDay = day(at);
          const turned = newDay != today;
          today = newDay;
          const next = messages[i + 1];
          return (
            <Fragment key={id}>
              {talk.newFrom == n && (
                <div class="newline" role="separator">
                  {t("new")}
                </div>
              )}
              {kind == "system" ? (
                <p class="day">{t(turned ? "line_day" : "line", { day: newDay, time: clock(at), what: words })}</p>
              ) : (
                turned && <p class="day">{newDay}</p>
              )}
              {told && (
                <p class="told">
                  <Linked text={message.text ?? ""} />
                </p>
              )}
              {kind != "system" && !told && <Bubble message={message} talk={talk} last={message == lastOwn} time={!next || next.at - at > 300_000} />}
            </Fragment>
          );
        })}
        {pending(contact.id).map((entry) => entry.event == "message:send" && <Unsent key={entry.id} entry={entry} />)}
        {talk.typing && (
          <p class="typing" aria-live="off">
            <i aria-hidden="true">
              <span />
              <span />
              <span />
            </i>
            {t("typing", { name: talk.typing })}
          </p>
        )}
      </div>
    );
  }
}

function Bubble({ message, talk, last, time }: { message: Message; talk: Talk; last: boolean; time: boolean }) {
  const mine = message.author_kind == "visitor";
  const side = mine ? "u" : "t";
  return (
    <>
      <div class={message.file ? `part ${side}` : `m ${side}`} title={clock(message.at)}>
        <span class="sr">{mine ? t("you_said") : t("said", { name: authorOf(message, talk.contact) })}</span>
        {message.file ? <FileCard file={message.file} /> : <Linked text={message.text ?? ""} />}
      </div>
      {mine && last && <Mark message={message} talk={talk} />}
      {!mine && time && <p class="meta">{clock(message.at)}</p>}
    </>
  );
}

function Mark({ message: { n, at }, talk }: { message: Message; talk: Talk }) {
  const { agent_read, agent_delivered } = talk.contact.marks;
  const mark = n <= agent_read ? "read" : n <= agent_delivered ? "delivered" : "sent";
  return (
    <p class={`meta u ${mark}`}>
      <Icon name={mark == "sent" ? "check" : "checks"} size={15} />
      {t(mark)} {clock(mark == "read" && talk.readAt ? talk.readAt : at)}
    </p>
  );
}

/** Something of the visitor's that the hub has not confirmed. */
function Unsent({ entry }: { entry: Entry }) {
  const { why: own, failed, uploaded } = progressOf(entry.id);
  // what stands behind another one waits for the same reason
  const ahead = pending(entry.contact).find(({ id }) => !progressOf(id).failed);
  const why = own ?? (ahead && progressOf(ahead.id).why);
  const held = state.link != "online" || why == "held";
  const line = failed
    ? t("not_sent")
    : held
      ? t("held")
      : why
        ? t(why == "rate.limited" ? "limited" : "not_sent_yet")
        : uploaded !== undefined && uploaded < 1
          ? t("uploading", { n: Math.round(uploaded * 100) })
          : t("sending");
  return (
    <>
      {entry.file ? (
        <div class="part u">
          <div class="filec">
            <span class="disc">
              <Icon name="file" size={20} />
            </span>
            <div>
              <b dir="auto">{entry.file.name}</b>
              <small>{bytes(entry.file.size)}</small>
              {!failed && <progress value={uploaded ?? 0} max={1} aria-label={line} />}
            </div>
          </div>
        </div>
      ) : (
        <div class="m u">
          <span class="sr">{t("you_said")}</span>
          {entry.text}
        </div>
      )}
      <p class={failed || (why && !held) ? "meta u bad" : "meta u wait"}>
        <Icon name={failed || (why && !held) ? "alert" : "clock"} size={14} />
        {line}
        {failed && (
          <>
            <button onClick={() => resend(entry.id)}>{t("resend")}</button>
            <button onClick={() => drop(entry.id)}>{t("discard")}</button>
          </>
        )}
      </p>
    </>
  );
}

/** Text as text; only what is plainly a web address becomes a link. */
function Linked({ text }: { text: string }) {
  const parts = text.split(/(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}’”。，、；：？！）】》])/gi);
  return (
    <span dir="auto">
      {parts.map((part, i) =>
        i % 2 ? (
          <Outside href={part}>{part}</Outside>
        ) : (
          part
        ),
      )}
    </span>
  );
}

const kind = ({ name, type }: HubFile) => (/\.(\w{1,5})$/.exec(name)?.[1] ?? type.split("/")[1] ?? "").toUpperCase();

function FileCard({ file }: { file: HubFile }) {
  const url = file.thumb ? picture(file, "/thumb") : null;
  if (file.thumb && url != "") {
    const scale = Math.min(1, 240 / (file.width || 240), 200 / (file.height || 160));
    const size = { width: Math.max(48, Math.round((file.width || 240) * scale)), height: Math.max(48, Math.round((file.height || 160) * scale)) };
    return (
      <button class="pic" aria-label={t("open_picture", { name: file.name })} onClick={() => showSheet({ name: "picture", file })}>
        {url ? <img src={url} alt={file.name} {...size} /> : <span class="blank" style={{ width: `${size.width}px`, height: `${size.height}px` }} />}
      </button>
    );
  }
  return (
    <div class="filec">
      <span class="disc">
        <Icon name="file" size={20} />
      </span>
      <div>
        <b dir="auto">{file.name}</b>
        <small>{t("file_kind", { kind: kind(file), size: bytes(file.size) })}</small>
      </div>
      <button class="w-ib" aria-label={t("download", { name: file.name })} onClick={() => void download(file)}>
        <Icon name="save" size={20} />
      </button>
    </div>
  );
}
