import type { ComponentChildren } from "preact";
import { fileSize, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { me } from "../../common/store.ts";
import { Text } from "../../common/text.tsx";
import { clock, dateTime } from "../../common/time.ts";
import type { Contact, Message } from "../../common/types.ts";
import { discard, type Pending, retry } from "../outbox.ts";
import { FileCard, kindOf, Picture } from "./file.tsx";
import { systemWords } from "./words.tsx";

type Mark = "sent" | "delivered" | "read";

function markOf(message: Message, contact: Contact): Mark {
  if (message.n <= contact.marks.visitor_read) return "read";
  return message.n <= contact.marks.visitor_delivered ? "delivered" : "sent";
}

function MarkSign({ mark, inWords }: { mark: Mark; inWords: boolean }) {
  return (
    <span class={`mark ${mark}`} title={t(`agent.mark.${mark}`)}>
      <Icon name={mark === "sent" ? "sent" : "read"} />
      <span class={inWords ? "" : "vh"}>{t(`agent.mark.${mark}`)}</span>
    </span>
  );
}

function Time({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()} title={dateTime(at)}>{clock(at)}</time>;
}

/** A line of the hub's own: a node on the strand, words, the time. */
export function SystemLine({ message, contact, customer }: { message: Message; contact: Contact; customer: string }) {
  return (
    <p class={`sys ${contact.channel}`}>
      <span class="node small" />
      <span>{systemWords(message, customer)}</span>
      <Time at={message.at} />
    </p>
  );
}

function Note({ name, at, children }: { name: string; at: number; children: ComponentChildren }) {
  return (
    <div class="inote" role="note">
      <header>
        <Icon name="lock" />
        {t("agent.note.by", { name })}
        <Time at={at} />
      </header>
      {children}
    </div>
  );
}

function Content({ message }: { message: Pick<Message, "text" | "file"> }) {
  if (message.file) return message.file.thumb ? <Picture file={message.file} /> : <FileCard file={message.file} />;
  return <p class="bub"><Text>{message.text}</Text></p>;
}

/** A bubble, a file or a note, with its time and mark. `last` says the newest mark in words too. */
export function MessageLine({ message, contact, last }: { message: Message; contact: Contact; last: boolean }) {
  const { author_kind: side, author, author_name: name } = message;
  if (message.kind === "note") {
    return (
      <Note name={name ?? ""} at={message.at}>
        {message.file ? <Content message={message} /> : <p><Text>{message.text}</Text></p>}
      </Note>
    );
  }
  const out = side === "agent";
  const colleague = out && author !== me.value?.id;
  return (
    <div class={`msg${out ? " out" : ""}`}>
      <span class="vh">{t("agent.message.from", { name: name || t("agent.unnamed") })}</span>
      <Content message={message} />
      <p class="under">
        {colleague && <span>{name}</span>}
        <Time at={message.at} />
        {out && <MarkSign mark={markOf(message, contact)} inWords={last} />}
      </p>
    </div>
  );
}

function PendingState({ entry }: { entry: Pending }) {
  if (entry.state === "failed") {
    return (
      <p class="under failed" role="alert">
        <Icon name="failed" />
        <span>{t("agent.message.failed", { reason: entry.error ?? "" })}</span>
        <button type="button" class="link" onClick={() => retry(entry.client_id)}>{t("agent.message.again")}</button>
        <button type="button" class="link" onClick={() => discard(entry.client_id)}>{t("agent.message.discard")}</button>
      </p>
    );
  }
  if (entry.state === "waiting") {
    return <p class="under waiting"><Icon name="clock" />{t("agent.message.waiting")}</p>;
  }
  return <p class="under"><Icon name="clock" /><span class="vh">{t("agent.message.sending")}</span></p>;
}

/** A message of mine that the hub has not confirmed. */
export function PendingLine({ entry }: { entry: Pending }) {
  const { blob, text } = entry;
  const content = blob
    ? (
      <div class="file">
        <span class={`doc ${kindOf(blob.name, blob.type).tone}`}><Icon name={kindOf(blob.name, blob.type).icon} /></span>
        <span class="what">
          <b class="cut">{blob.name}</b>
          {entry.state === "failed"
            ? <span>{fileSize(blob.size)}</span>
            : <progress max={1} value={entry.progress} aria-label={t("agent.file.uploading", { name: blob.name })} />}
        </span>
      </div>
    )
    : null;
  if (entry.kind === "note") {
    return (
      <div class="pending">
        <Note name={me.value?.name ?? ""} at={entry.at}>{content ?? <p>{text}</p>}</Note>
        <PendingState entry={entry} />
      </div>
    );
  }
  return (
    <div class="msg out pending">
      {content ?? <p class="bub">{text}</p>}
      <PendingState entry={entry} />
    </div>
  );
}
