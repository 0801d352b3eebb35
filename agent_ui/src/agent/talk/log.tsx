import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button, Empty } from "../../common/components/index.ts";
import { list, t, tx } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { clock, dayLine, duration, sameDay, serverNow } from "../../common/time.ts";
import type { Contact, Message } from "../../common/types.ts";
import { markRead } from "../actions/mark.ts";
import { MailLine, newestMail } from "../mail/thread.tsx";
import { customerName } from "../mine.ts";
import { outbox } from "../outbox.ts";
import { loadOlder, reload, type Thread, thread } from "../threads.ts";
import { typing } from "../typing.ts";
import { MessageLine, PendingLine, SystemLine } from "./message.tsx";

const NEAR_END = 60;
const NEAR_START = 200;
const MARGIN = 28;

/** Where one reads on: the end of the conversation; of one by mail where the newest mail begins, as mails are long. */
function newest(box: HTMLElement): number {
  const mails = box.querySelectorAll<HTMLElement>(".mail:not(.folded)");
  const last = mails[mails.length - 1];
  const end = box.scrollHeight - box.clientHeight;
  return last ? Math.min(end, last.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - MARGIN) : end;
}

/** Never back: who reads on in a long mail stays where he is. */
function toNewest(box: HTMLElement): void {
  box.scrollTop = Math.max(box.scrollTop, newest(box));
}

/** Where the conversation began: the channel's node, the page, the wait. */
function Beginning({ contact }: { contact: Contact }) {
  const from = contact.queued_at ?? contact.created_at;
  const waited = contact.connected_at ? duration(contact.connected_at - from) : null;
  const channel = <b>{t(`common.channel.${contact.channel}`)}</b>;
  return (
    <p class={`sys ${contact.channel}`}>
      <span class="node"><Icon name={channelIcon[contact.channel]} /></span>
      <span>
        {contact.queue
          ? tx("agent.log.began_queue", { channel, queue: contact.queue.name })
          : channel}
        {waited && t("agent.log.waited", { time: waited })}
      </span>
      <time>{clock(contact.created_at)}</time>
    </p>
  );
}

function TypingLine({ contact }: { contact: Contact }) {
  const names = (typing.value.get(contact.id) ?? []).map(({ name, kind }) => (kind === "visitor" ? customerName(contact, t("agent.unnamed")) : name));
  return (
    <p class="typing" role="status">
      {names.length > 0 && (
        <>
          <span aria-hidden="true"><i /><i /><i /></span>
          {t("agent.log.typing", { names: list(names), count: names.length })}
        </>
      )}
    </p>
  );
}

function lastOwn(messages: readonly Message[]): number {
  return messages.filter(({ author_kind, kind }) => author_kind === "agent" && kind !== "note").at(-1)?.n ?? 0;
}

function Lines({ contact, messages }: { contact: Contact; messages: readonly Message[] }) {
  const customer = customerName(contact, t("agent.unnamed"));
  const ownNewest = lastOwn(messages);
  const lastMail = newestMail(messages);
  return (
    <>
      {messages.flatMap((message, index) => { // one list of keys: older lines that come above leave those below as they are
        if (message.code === "queued" && message.n === 1) return []; // the beginning above says it
        const before = messages[index - 1];
        const newDay = !sameDay(before?.at ?? serverNow(), message.at);
        return [
          newDay && <p key={`day-${message.n}`} class="day-line"><span>{dayLine(message.at)}</span></p>,
          message.kind === "system" || (message.author_kind === "system" && message.kind === "text")
            ? <SystemLine key={message.n} message={message} contact={contact} customer={customer} />
            : message.kind === "mail"
              ? <MailLine key={message.n} message={message} contact={contact} last={message.n === lastMail} />
              : <MessageLine key={message.n} message={message} contact={contact} last={message.n === ownNewest} />,
        ];
      })}
    </>
  );
}

function Shapes() {
  return (
    <div class="log-shapes" aria-hidden="true">
      {["them", "us", "them"].map((side, index) => <span key={index} class={`skeleton ${side}`} />)}
    </div>
  );
}

/** Keeps the end in sight while it is in sight, and the place where one reads while older lines come above. */
function useScroll(contact: string, first: number, last: number, extra: number) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const seen = useRef({ contact: "", first: 0, height: 0, follow: true });

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const fresh = seen.current.contact !== contact;
    if (fresh) seen.current.follow = true;
    if (!fresh && seen.current.follow === false && first < seen.current.first) {
      element.scrollTop += element.scrollHeight - seen.current.height;
    } else if (seen.current.follow) {
      toNewest(element);
    }
    seen.current = { ...seen.current, contact, first, height: element.scrollHeight };
  }, [contact, first, last, extra]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const sized = new ResizeObserver(() => {
      if (seen.current.follow) toNewest(element);
    });
    sized.observe(element);
    if (element.firstElementChild) sized.observe(element.firstElementChild); // mails get their height later
    return () => sized.disconnect();
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const near = newest(element) - element.scrollTop < NEAR_END;
    seen.current.follow = near;
    seen.current.height = element.scrollHeight;
    setAtEnd(near);
    if (element.scrollTop < NEAR_START) void loadOlder(contact);
  };
  const toEnd = () => box.current?.scrollTo({ top: newest(box.current), behavior: "smooth" });
  return { box, atEnd, onScroll, toEnd };
}

/** Tells what was read: what is at hand while this window is looked at and the end is in sight. */
function useReading(contact: Contact, last: number, atEnd: boolean): void {
  useEffect(() => {
    const read = () => {
      if (document.visibilityState === "visible" && document.hasFocus() && atEnd && last > 0) markRead(contact, last);
    };
    read();
    addEventListener("focus", read);
    document.addEventListener("visibilitychange", read);
    return () => {
      removeEventListener("focus", read);
      document.removeEventListener("visibilitychange", read);
    };
  }, [contact.id, contact.phase, last, atEnd]);
}

function Failed({ contact }: { contact: string }) {
  return (
    <Empty icon="warn" title={t("agent.log.failed")}>
      <Button onClick={() => reload(contact)}>{t("agent.log.retry")}</Button>
    </Empty>
  );
}

/** The conversation itself. */
export function Log({ contact }: { contact: Contact }) {
  const { messages, state, complete }: Thread = thread(contact.id).value;
  const confirmed = new Set(messages.map(({ client_id }) => client_id));
  const pending = outbox.value.filter((entry) => entry.contact === contact.id && !confirmed.has(entry.client_id));
  const typers = typing.value.get(contact.id)?.length ?? 0;
  const last = messages.at(-1)?.n ?? 0;
  const { box, atEnd, onScroll, toEnd } = useScroll(contact.id, messages[0]?.n ?? 0, last, pending.length + typers);
  useReading(contact, last, atEnd);

  // The end that was left behind: lines that came while one reads above.
  const [left, setLeft] = useState(last);
  useEffect(() => {
    if (atEnd) setLeft(last);
  }, [atEnd, last]);
  const below = messages.filter(({ n, author_kind }) => n > left && author_kind === "visitor").length;

  return (
    <div class="log-wrap">
      <div
        ref={box}
        class="log"
        role="log"
        aria-label={t("agent.log")}
        aria-busy={state === "loading" || state === "older"}
        tabIndex={0}
        onScroll={onScroll}
      >
        <div class={`leg ${contact.channel}${complete ? "" : " cut-off"}`}>
          {complete && <Beginning contact={contact} />}
          {state === "older" && <p class="older"><span class="ring-busy" />{t("agent.log.older")}</p>}
          {state === "loading" && messages.length === 0 && <Shapes />}
          {state === "failed" && <Failed contact={contact.id} />}
          <Lines contact={contact} messages={messages} />
          {pending.map((entry) => <PendingLine key={entry.client_id} entry={entry} />)}
          {contact.phase !== "closed" && contact.phase !== "wrapping" && <TypingLine contact={contact} />}
        </div>
      </div>
      {!atEnd && (
        <button type="button" class="btn small to-end" onClick={toEnd}>
          <Icon name="down" small />
          {below > 0 ? t("agent.log.new", { count: below }) : t("agent.log.to_end")}
        </button>
      )}
    </div>
  );
}
