// What stands below a conversation by mail: an answer, or a note, and the mail that can still be taken back.

import { useEffect } from "preact/hooks";
import { Button, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { connection } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { Composer } from "../talk/composer.tsx";
import { begin, composeOf, hasWords, note, noting, writing } from "./compose/composing.ts";
import { MailComposer } from "./compose/composer.tsx";
import { gone, takeBack } from "./compose/sending.ts";
import { Lookers, useLooking } from "./looking.tsx";
import { mailsOf } from "./mails.ts";
import { nameOf } from "./people.ts";
import { undoLeft } from "./state.tsx";
import type { How } from "./types.ts";

/** Ten seconds in which a mail can be taken back. */
function UndoBar({ contact }: { contact: string }) {
  const last = gone.value;
  if (!last || last.mail.contact !== contact) return null;
  const mail = mailsOf(contact).value.mails.get(last.mail.id) ?? last.mail;
  const left = undoLeft(mail);
  if (left <= 0 || left > 60) return null;
  const to = mail.to[0] ?? mail.cc[0] ?? mail.bcc[0];
  return (
    <div class="undo-bar" role="status">
      <Icon name="send" small />
      <p>{t("mail.undo.going", { name: to ? nameOf(to) : "" })} <span class="num" role="timer" aria-live="off">{t("mail.undo.left", { count: left })}</span></p>
      <Button small icon="undo" onClick={() => takeBack(last).catch(toastError)}>{t("mail.undo")}</Button>
    </div>
  );
}

const WAYS: { how: How; icon: IconName }[] = [{ how: "reply", icon: "reply" }, { how: "reply_all", icon: "replyall" }, { how: "forward", icon: "forward" }];

function Ways({ contact }: { contact: Contact }) {
  const noted = noting.value.has(contact.id);
  const compose = composeOf(contact.id);
  const choose = (how: How) => {
    note(contact.id, false);
    if (compose?.how !== how) void begin(contact.id, { contact: contact.id, how, mail: compose?.about ?? null });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + (event.key === "ArrowRight" ? 1 : -1) + all.length) % all.length]?.focus();
    event.preventDefault();
  };
  return (
    <div class="ways" role="radiogroup" aria-label={t("mail.ways")} onKeyDown={onKeyDown}>
      {WAYS.map(({ how, icon }) => {
        const on = !noted && (compose?.how ?? "reply") === how;
        return (
          <button key={how} type="button" role="radio" aria-checked={on} tabIndex={on ? 0 : -1} onClick={() => choose(how)}>
            <Icon name={icon} /><span class="tool-label">{t(`mail.${how}`)}</span>
          </button>
        );
      })}
      <button type="button" role="radio" class="as-note" aria-checked={noted} tabIndex={noted ? 0 : -1} onClick={() => note(contact.id, true)}>
        <Icon name="note" /><span class="tool-label">{t("agent.composer.note")}</span>
      </button>
    </div>
  );
}

export function MailDock({ contact }: { contact: Contact }) {
  const key = contact.id;
  const state = writing.value.get(key);
  const compose = composeOf(key);
  const online = connection.value === "online";
  useEffect(() => {
    if (online && !writing.value.has(key)) void begin(key, { contact: key, how: "reply" });
  }, [key, online, state === undefined]);
  useLooking(contact.id, compose !== null && hasWords(compose));
  return (
    <div class="mail-dock">
      <UndoBar contact={key} />
      <Lookers contact={key} />
      <Ways contact={contact} />
      {noting.value.has(key)
        ? <Composer key={`note ${key}`} contact={contact} only="note" />
        : compose
          ? <MailComposer key={key} compose={compose} composeKey={key} />
          : state?.state === "refused"
            ? <div class="read-only"><Icon name="warn" small /><p>{state.reason}</p></div>
            : <div class="composer mail-composer wait" aria-busy="true"><div class="editor-wait skeleton" /></div>}
    </div>
  );
}
