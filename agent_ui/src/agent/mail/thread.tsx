// A mail in the conversation: one line while it is folded, else its head, what it says, its files and what can be done.

import { signal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { attempt, Avatar, IconButton, Menu, type MenuEntry, toast } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { me } from "../../common/store.ts";
import { clock, clockOrDay, dateTime, sameDay, serverNow } from "../../common/time.ts";
import type { Contact, Message } from "../../common/types.ts";
import { canWrite } from "../mine.ts";
import { Attachments } from "./attached.tsx";
import { Body, folded } from "./body.tsx";
import { answer } from "./compose/composing.ts";
import { Recipients } from "./head.tsx";
import { mailOf } from "./mails.ts";
import { nameOf } from "./people.ts";
import { split } from "./split.ts";
import { StateSign, Trouble } from "./state.tsx";
import type { Mail } from "./types.ts";
import { Warnings } from "./warnings.tsx";

/** Which mails were opened (true) or folded (false) by hand, in this window. */
const chosen = signal<ReadonlyMap<string, boolean>>(new Map());

function choose(message: string, open: boolean): void {
  chosen.value = new Map(chosen.value).set(message, open);
}

/** What was not read when it was first seen here stays open when it is. */
const unreadAtFirst = new Set<string>();

/** The newest that somebody wrote; what is automatic says little. */
export function newestMail(messages: readonly Message[]): number | undefined {
  const mails = messages.filter(({ kind }) => kind === "mail");
  const said = mails.filter((message) => {
    const mail = mailOf(message);
    return !mail?.automatic && mail?.state !== "cancelled";
  });
  return (said.at(-1) ?? mails.at(-1))?.n;
}

/** Writes a mail's text into the clipboard, or says that the browser did not let us. */
async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast(t("mail.copied"), "ok");
}

function more(mail: Mail, message: Message, writable: boolean): MenuEntry[] {
  const entries: MenuEntry[] = [];
  if (writable) {
    entries.push({ label: t("mail.reply_all"), icon: "replyall", onSelect: () => answer(mail.contact, "reply_all", mail.id) });
    entries.push({ label: t("mail.forward"), icon: "forward", onSelect: () => answer(mail.contact, "forward", mail.id) });
    entries.push("line");
  }
  entries.push({ label: t("mail.copy"), icon: "copy", onSelect: () => void attempt(() => copy(message.text)) });
  if (writable && mail.direction === "in") entries.push({ label: t("mail.split"), icon: "branch", onSelect: () => void attempt(() => split(mail)) });
  if (mail.raw) {
    entries.push({ label: t("mail.raw"), icon: "save", onSelect: () => location.assign(`/mails/${encodeURIComponent(mail.id)}/raw`) });
  }
  return entries;
}

function when(at: number): string {
  return sameDay(at, serverNow()) ? clock(at) : `${clockOrDay(at)}, ${clock(at)}`;
}

function snippet(mail: Mail | undefined, message: Message): string {
  const [own] = folded(message.text.slice(0, 600), mail?.fold_at ?? 0);
  return own.replace(/\s+/g, " ").trim();
}

/** A mail of which only the text is known yet. */
function Bare({ message }: { message: Message }) {
  return (
    <article class="mail" aria-busy="true">
      <header class="mail-head"><Avatar name={message.author_name ?? "?"} /><b class="cut">{message.author_name}</b><time>{when(message.at)}</time></header>
      <div class="skeleton mail-frame-wait" />
    </article>
  );
}

export function MailLine({ message, contact, last }: { message: Message; contact: Contact; last: boolean }) {
  const id = useId();
  // Who has been last here stays open: a mail must not fold under its reader when an answer goes out or another comes,
  // nor load its frame anew when the answer is taken back.
  const stays = useRef(last);
  if (last) stays.current = true;
  const mail = mailOf(message);
  if (!mail) return <Bare message={message} />;
  const out = mail.direction === "out";
  if (!out && message.n > contact.marks.agent_read) unreadAtFirst.add(message.id);
  const fails = mail.state === "failed" || mail.state === "bounced";
  const open = chosen.value.get(message.id) ?? ((stays.current && mail.state !== "cancelled") || unreadAtFirst.has(message.id) || fails);
  const writable = canWrite(contact);
  const who = out ? message.author_name || nameOf(mail.from) : nameOf(mail.from);
  const side = `mail${out ? " out" : ""}${mail.state === "cancelled" ? " gone" : ""}`;
  if (!open) {
    return (
      <article class={`${side} folded`} data-mail={mail.id}>
        <button type="button" aria-expanded={false} onClick={() => choose(message.id, true)}>
          <Avatar name={who} />
          <b class="cut">{who}</b>
          <span class="cut snippet" dir="auto">{snippet(mail, message) || t("mail.empty")}</span>
          {mail.attachments.length > 0 && <Icon name="clip" label={t("mail.attachments", { count: mail.attachments.length })} />}
          <StateSign mail={mail} />
          <time dateTime={new Date(mail.at).toISOString()} title={dateTime(mail.at)}>{when(mail.at)}</time>
        </button>
      </article>
    );
  }
  return (
    <article class={side} aria-labelledby={id} data-mail={mail.id}>
      <header class="mail-head">
        <Avatar name={who} />
        <div class="mail-who">
          <div class="line">
            <button type="button" id={id} class="mail-name" aria-expanded={true} title={t("mail.fold")} onClick={() => choose(message.id, false)}>
              <span class="vh">{t(out ? "mail.sent_by" : "mail.received_from")} </span><b class="cut">{who}</b>
            </button>
            {!out && mail.from.name && <bdi class="cut mail-address">{mail.from.address}</bdi>}
          </div>
          <Recipients mail={mail} />
        </div>
        <div class="mail-when">
          <span class="line"><StateSign mail={mail} /><time dateTime={new Date(mail.at).toISOString()} title={dateTime(mail.at)}>{when(mail.at)}</time></span>
        </div>
        <div class="mail-tools">
          {writable && <IconButton icon="reply" small label={t("mail.reply")} onClick={() => answer(contact.id, "reply", mail.id)} />}
          <Menu label={t("mail.more")} items={more(mail, message, writable)} class="btn quiet small icon"><Icon name="dots" small /></Menu>
        </div>
      </header>
      <Warnings mail={mail} />
      <Trouble mail={mail} mine={mail.author === me.value?.id || writable} />
      <div class="mail-body"><Body mail={mail} message={message} /></div>
      <Attachments files={mail.attachments} scans={mail.scans} />
    </article>
  );
}
