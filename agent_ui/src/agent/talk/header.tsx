import { useState } from "preact/hooks";
import { attempt, Button, Menu, type MenuEntry, toast } from "../../common/components/index.ts";
import { list, t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { askWhy } from "../../common/routing/why.tsx";
import { boot, may } from "../../common/boot.ts";
import { me } from "../../common/store.ts";
import { clock } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { closeContact } from "../actions/close.ts";
import { toggleHold } from "../actions/hold.ts";
import { InviteDialog } from "../actions/invite.tsx";
import { join } from "../actions/join.ts";
import { leave } from "../actions/leave.ts";
import { SubjectDialog } from "../actions/set-subject.tsx";
import { TransferDialog } from "../actions/transfer.tsx";
import { AskCallbackDialog } from "../callback/ask.tsx";
import { canCobrowse } from "../cobrowse/panel.tsx";
import { looksOn, shown } from "../cobrowse/sharing.ts";
import { canMove, canWriteAgain, writeAgain } from "../mail/again.ts";
import { MergeDialog } from "../mail/merge.tsx";
import { customerName, isOwner, isParticipant } from "../mine.ts";
import { calls } from "../phone/phone.ts";
import { contactHref, showContact, showList } from "../route.ts";
import { asking } from "./asking.ts";

/** Words on a wide desk, a drawing with the same name on a narrow one. */
function Tool({ icon, label, disabled, title, onClick }: {
  icon: IconName;
  label: string;
  disabled?: boolean | undefined;
  title?: string | undefined;
  onClick: () => unknown;
}) {
  return (
    <Button icon={icon} class="tool" disabled={disabled} title={title ?? label} onClick={onClick}>
      <span class="tool-label">{label}</span>
    </Button>
  );
}

function subtitle(contact: Contact): string {
  const others = contact.participants.filter(({ id }) => id !== me.value?.id).map(({ name }) => name);
  const began = t("agent.header.began", { channel: t(`agent.header.as.${contact.channel}`), time: clock(contact.created_at) });
  const parts = [contact.subject || began];
  if (contact.agent && !isOwner(contact)) parts.push(t("agent.header.agent", { name: contact.agent.name }));
  if (others.length) parts.push(t("agent.header.with", { names: list(others) }));
  return parts.join(" · ");
}

async function copyLink(contact: Contact): Promise<void> {
  const address = location.origin + location.pathname + contactHref(contact.id);
  await navigator.clipboard.writeText(address);
  toast(t("agent.header.copied"), "ok");
}

function more(contact: Contact): MenuEntry[] {
  const entries: MenuEntry[] = [{ label: t("agent.header.copy"), icon: "copy", onSelect: () => void attempt(() => copyLink(contact)) }];
  if (contact.queue) entries.push({ label: t("routing.why"), icon: "branch", onSelect: () => askWhy(contact.id) });
  if (isOwner(contact) && contact.phase !== "closed") {
    entries.push({ label: t("agent.subject.edit"), icon: "edit", onSelect: () => (asking.value = "subject") });
  }
  if (canWriteAgain(contact)) entries.push({ label: t("mail.again"), icon: "reply", onSelect: () => void attempt(() => writeAgain(contact.id)) });
  if (canMove(contact)) entries.push({ label: t("mail.merge"), icon: "merge", onSelect: () => (asking.value = "merge") });
  if (isParticipant(contact) && !isOwner(contact)) {
    entries.push({ label: t("agent.header.leave"), icon: "out", onSelect: () => void attempt(() => leave(contact.id)) });
  }
  return entries;
}

function Tools({ contact }: { contact: Contact }) {
  const open = ["connecting", "active", "held"].includes(contact.phase);
  const owner = isOwner(contact);
  const part = owner || isParticipant(contact);
  const calling = calls.value.has(contact.id); // the call has a bar of its own
  if (!open) return null;
  if (!part) {
    const invited = contact.invited.some(({ id }) => id === me.value?.id);
    const allowed = invited || may("contact.read_all");
    return (
      <>
        {looksOn(contact.id) && <Tool icon="eye" label={t("cobrowse.watch")} onClick={() => (shown.value = shown.value === contact.id ? null : contact.id)} />}
        {allowed && <Tool icon="join" label={t("agent.header.join")} onClick={() => join(contact.id)} />}
      </>
    );
  }
  return (
    <>
      {contact.channel === "voice" && owner && !calling && (
        <Tool icon="pause" label={t(contact.phase === "held" ? "agent.header.resume" : "agent.header.hold")} onClick={() => toggleHold(contact)} />
      )}
      {canCobrowse(contact) && (
        <Tool icon="cobrowse" label={t("cobrowse.button")} onClick={() => (shown.value = shown.value === contact.id ? null : contact.id)} />
      )}
      {owner && boot.callbacks && may("callback.ask") && contact.channel !== "callback" && (
        <Tool icon="callback" label={t("callbacks.back")} onClick={() => (asking.value = "callback")} />
      )}
      {owner && <Tool icon="transfer" label={t("agent.header.transfer")} onClick={() => (asking.value = "transfer")} />}
      {owner && <Tool icon="adduser" label={t("agent.header.invite")} onClick={() => (asking.value = "invite")} />}
      {!owner && <Tool icon="out" label={t("agent.header.leave_short")} onClick={() => leave(contact.id)} />}
      {owner && !(contact.channel === "callback" && contact.phase === "connecting") && (
        <Button icon="check" class="close" disabled={calling} title={calling ? t("phone.close_later") : undefined} onClick={() => closeContact(contact)}>{t("agent.header.close")}</Button>
      )}
    </>
  );
}

/** Who one talks with, and what can be done with the contact. */
export function Header({ contact }: { contact: Contact }) {
  const [shown, setShown] = useState(contact.id);
  if (shown !== contact.id) {
    setShown(contact.id);
    asking.value = null; // a dialog of another contact must not stay
  }
  const name = customerName(contact, t("agent.unnamed"));
  return (
    <header class="top">
      <button type="button" class="btn quiet icon only-narrow" aria-label={t("common.back")} onClick={showList}><Icon name="back" /></button>
      <div class="title">
        <div class="line">
          <h1 class="cut">{name}</h1>
          {contact.queue && <span class="chip">{contact.queue.name}</span>}
          {!["active", "connecting"].includes(contact.phase) && <span class="chip info">{t(`common.phase.${contact.phase}`)}</span>}
        </div>
        <p class="sub cut" title={subtitle(contact)}>{subtitle(contact)}</p>
      </div>
      <div class="right">
        <Tools contact={contact} />
        <button
          type="button"
          class="btn quiet icon show-customer"
          aria-label={t("agent.header.customer")}
          title={t("agent.header.customer")}
          onClick={() => showContact(contact.id, { pane: "customer" })}
        >
          <Icon name="user" />
        </button>
        <Menu label={t("common.more")} items={more(contact)}><Icon name="dots" /></Menu>
      </div>
      {asking.value === "transfer" && <TransferDialog contact={contact} onClose={() => (asking.value = null)} />}
      {asking.value === "subject" && <SubjectDialog contact={contact} onClose={() => (asking.value = null)} />}
      {asking.value === "callback" && <AskCallbackDialog contact={contact} onClose={() => (asking.value = null)} />}
      {asking.value === "merge" && <MergeDialog contact={contact} onClose={() => (asking.value = null)} />}
      {asking.value === "invite" && <InviteDialog contact={contact} onClose={() => (asking.value = null)} />}
    </header>
  );
}
