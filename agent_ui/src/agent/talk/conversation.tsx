import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button, Empty } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { me } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";
import { join } from "../actions/join.ts";
import { canWrite, customerName, isOwner } from "../mine.ts";
import { canWriteAgain, writeAgain } from "../mail/again.ts";
import { addFiles } from "../mail/compose/files.tsx";
import { MailDock } from "../mail/dock.tsx";
import { CallbackCard } from "../callback/card.tsx";
import { CallBar } from "../phone/bar.tsx";
import { Recordings } from "../record/recordings.tsx";
import { showList } from "../route.ts";
import { Composer, sendFiles } from "./composer.tsx";
import { Header } from "./header.tsx";
import { Log } from "./log.tsx";
import { WrapUp } from "./wrapup.tsx";

/** Why nothing can be written here, in place of the reply. */
function ReadOnly({ contact }: { contact: Contact }) {
  const invited = contact.invited.some(({ id }) => id === me.value?.id);
  let words = t("agent.readonly.closed");
  if (contact.phase === "queued" || contact.phase === "offered" || contact.phase === "created") words = t("agent.readonly.waiting");
  else if (contact.phase !== "closed" && contact.phase !== "wrapping") words = t("agent.readonly.other", { name: contact.agent?.name ?? "" });
  return (
    <div class="read-only">
      <Icon name={contact.phase === "closed" ? "check" : "eye"} small />
      <p>{words}</p>
      {canWriteAgain(contact) && <Button icon="reply" onClick={() => writeAgain(contact.id)}>{t("mail.again")}</Button>}
      {invited && <Button kind="primary" icon="join" onClick={() => join(contact.id)}>{t("agent.invite.join")}</Button>}
    </div>
  );
}

/** Files that are dragged over the conversation are taken by it. */
function useDrop(contact: Contact) {
  const [over, setOver] = useState(false);
  const depth = useRef(0); // enter and leave come for each element within
  const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") && canWrite(contact);
  return {
    over,
    handlers: {
      onDragEnter: (event: DragEvent) => {
        if (!files(event)) return;
        depth.current += 1;
        setOver(true);
      },
      onDragOver: (event: DragEvent) => {
        if (files(event)) event.preventDefault();
      },
      onDragLeave: () => {
        depth.current = Math.max(0, depth.current - 1);
        if (depth.current === 0) setOver(false);
      },
      onDrop: (event: DragEvent) => {
        depth.current = 0;
        setOver(false);
        if (!files(event)) return;
        event.preventDefault();
        const dropped = event.dataTransfer?.files ?? [];
        if (contact.channel === "email") void addFiles(contact.id, dropped);
        else sendFiles(contact, dropped, false);
      },
    },
  };
}

/** One contact: who, what was said, and what comes next. */
export function Conversation({ contact }: { contact: Contact }) {
  const { over, handlers } = useDrop(contact);
  const wrapping = contact.phase === "wrapping" && isOwner(contact);

  const writable = canWrite(contact);
  // Before the next key, so that who types at once types into the reply.
  useLayoutEffect(() => {
    if (writable && matchMedia("(min-width: 721px)").matches) document.getElementById("reply")?.focus();
  }, [contact.id, writable]);

  return (
    <section class="talk" aria-label={t("agent.talk", { name: customerName(contact, t("agent.unnamed")) })} {...handlers}>
      <Header contact={contact} />
      <CallbackCard key={`callback ${contact.id}`} contact={contact} />
      <CallBar key={`call ${contact.id}`} contact={contact} />
      <Recordings key={`recordings ${contact.id}`} contact={contact} />
      <Log key={contact.id} contact={contact} />
      {wrapping
        ? <WrapUp key={contact.id} contact={contact} />
        : writable
          ? contact.channel === "email" ? <MailDock key={contact.id} contact={contact} /> : <Composer key={contact.id} contact={contact} />
          : <ReadOnly contact={contact} />}
      {over && <div class="drop" aria-hidden="true"><Icon name="clip" />{t("agent.composer.drop")}</div>}
    </section>
  );
}

/** Nothing is open. */
export function NoConversation({ missing }: { missing: boolean }) {
  return (
    <section class="talk none" aria-label={t("agent.talk.none")}>
      <h1 class="vh">{t("common.nav.inbox")}</h1>
      {missing
        ? <Empty icon="eye" title={t("agent.talk.missing")}><Button onClick={showList}>{t("agent.talk.to_list")}</Button></Empty>
        : <Empty icon="chat" title={t("agent.talk.none")}><p>{t("agent.talk.none_hint")}</p></Empty>}
    </section>
  );
}
