// A conversation, read along in a drawer: the same log as at the agents' desks, without a reply. One may join it.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { customerName, isParticipant, isOwner } from "../agent/mine.ts";
import { Log } from "../agent/talk/log.tsx";
import { openForeign, reload, startThreads, unwatch } from "../agent/threads.ts";
import { startTyping } from "../agent/typing.ts";
import { may } from "../common/boot.ts";
import { Button, Empty } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { t } from "../common/i18n.ts";
import { channelIcon, Icon } from "../common/icons.tsx";
import { askWhy } from "../common/routing/why.tsx";
import { command } from "../common/socket.ts";
import { contacts } from "../common/store.ts";
import type { Contact } from "../common/types.ts";

const opened = signal<string | null>(null);
const failure = signal<string | null>(null);
/** Threads that were loaded before; while nobody looked, lines may have come. */
const known = new Set<string>();

export const conversationReaders = [startThreads, startTyping];

export function openConversation(id: string): void {
  opened.value = id;
  failure.value = null;
  openForeign(id).then(
    () => {
      if (known.has(id)) reload(id);
      known.add(id);
    },
    (error: unknown) => {
      if (opened.value === id) failure.value = errorText(error);
    },
  );
}

function close(): void {
  if (opened.value) unwatch(opened.value);
  opened.value = null;
}

function Foot({ contact }: { contact: Contact }) {
  const taking = isOwner(contact) || isParticipant(contact);
  const over = contact.phase === "closed" || contact.phase === "wrapping";
  const joinable = ["connecting", "active", "held"].includes(contact.phase) && may("contact.join");
  return (
    <div class="drawer-foot">
      <p>
        <Icon name={taking ? "join" : "eye"} small />
        {t(over ? "supervisor.drawer.closed" : taking ? "supervisor.drawer.joined" : "supervisor.drawer.unseen")}
      </p>
      {!taking && joinable && <Button icon="join" onClick={() => command("contact:join", { contact: contact.id })}>{t("supervisor.drawer.join")}</Button>}
      {!taking && !over && may("cobrowse.watch") && <a class="btn quiet" href={`/agent#/contact/${encodeURIComponent(contact.id)}`}>{t("supervisor.drawer.open_at_desk")}</a>}
      {taking && !over && <a class="btn primary" href={`/agent#/contact/${encodeURIComponent(contact.id)}`}>{t("supervisor.drawer.at_desk")}</a>}
    </div>
  );
}

function Content({ id }: { id: string }) {
  const contact = contacts.value.get(id);
  return (
    <>
      <div class="drawer-head">
        <div class="cut">
          <h2 class="cut">{contact ? customerName(contact, t("supervisor.unnamed")) : t("supervisor.drawer")}</h2>
          {contact && (
            <p>
              <span class={`chip ${contact.channel}`}><Icon name={channelIcon[contact.channel]} />{contact.queue?.name ?? t(`common.channel.${contact.channel}`)}</span>
              <span class="cut">{contact.agent ? t("supervisor.drawer.with", { agent: contact.agent.name }) : t("supervisor.drawer.nobody")}</span>
            </p>
          )}
        </div>
        {contact?.queue && <button type="button" class="btn quiet small" onClick={() => askWhy(id)}>{t("routing.why")}</button>}
        <button type="button" class="btn quiet icon" aria-label={t("common.close")} onClick={close}><Icon name="x" /></button>
      </div>
      {failure.value
        ? <Empty icon="warn" title={t("supervisor.drawer.failed")}><p>{failure.value}</p></Empty>
        : contact && <Log contact={contact} />}
      {contact && <Foot contact={contact} />}
    </>
  );
}

export function Drawer() {
  const element = useRef<HTMLDialogElement>(null);
  const id = opened.value;
  useLayoutEffect(() => {
    const dialog = element.current;
    if (!id || !dialog) return;
    const before = document.activeElement as HTMLElement | null;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before?.isConnected) before.focus();
    };
  }, [id]);
  if (!id) return null;
  return (
    <dialog
      ref={element}
      class="drawer"
      aria-label={t("supervisor.drawer")}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onPointerDown={(event) => event.target === element.current && close()}
    >
      <Content key={id} id={id} />
    </dialog>
  );
}
