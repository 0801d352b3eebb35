import { Avatar, Empty } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { presence, ready } from "../../common/store.ts";
import { clockOrDay, duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { customerName, isOwner, mine, warnAfterMs } from "../mine.ts";
import { calling, calls } from "../phone/phone.ts";
import { contactHref, selectedId } from "../route.ts";

const RUNNING_MS = 3_600_000;

function preview(contact: Contact): string {
  const last = contact.last_message;
  if (!last) return contact.subject || t("agent.row.new");
  if (last.kind === "note") return t("agent.row.note", { text: last.text });
  return last.author_kind === "agent" ? t("agent.row.you", { text: last.text }) : last.text;
}

/** The time at the right of a row, and whether it warns. */
function time(contact: Contact): { text: string; warn: boolean; live?: boolean; title: string } {
  const call = calls.value.get(contact.id);
  if (call?.state === "held") {
    const text = duration(now.value - call.since);
    return { text, warn: true, title: t("phone.held_for", { time: text }) };
  }
  if (call && contact.connected_at) {
    return { text: duration(now.value - contact.connected_at), warn: false, live: true, title: t("agent.row.call") };
  }
  if (contact.phase === "wrapping" && contact.wrap_until) {
    return { text: duration(contact.wrap_until - now.value), warn: contact.wrap_until - now.value < 10_000, title: t("agent.row.wrap_left") };
  }
  if (contact.due && now.value >= contact.due.warn_at) {
    const left = contact.due.at - now.value;
    const text = duration(Math.abs(left));
    return { text, warn: true, title: t(left < 0 ? "agent.row.late" : "agent.row.due", { time: text }) };
  }
  if (contact.waiting_since) {
    const waited = now.value - contact.waiting_since;
    return { text: duration(waited), warn: waited > warnAfterMs(), title: t("agent.row.waiting") };
  }
  const at = contact.last_message?.at ?? contact.connected_at ?? contact.created_at;
  const ago = now.value - at;
  return { text: ago < RUNNING_MS ? duration(ago) : clockOrDay(at), warn: false, title: t("agent.row.last") };
}

function Sign({ contact }: { contact: Contact }) {
  const { last_message: last, marks, unread } = contact;
  if (calling.value.has(contact.id)) return <span class="chip ok"><Icon name="phone" />{t("phone.calls")}</span>;
  if (calls.value.get(contact.id)?.state === "held") return <span class="chip warn"><Icon name="pause" />{t("common.phase.held")}</span>;
  if (unread > 0) {
    return <span class="badge" role="img" aria-label={t("agent.row.unread", { count: unread })}>{unread > 99 ? "99+" : unread}</span>;
  }
  if (contact.phase === "wrapping") return <span class="chip email">{t("common.phase.wrapping")}</span>;
  if (contact.phase === "held") return <Icon name="pause" label={t("common.phase.held")} />;
  if (!isOwner(contact)) return <Icon name="team" label={t("agent.row.joined")} />;
  if (last?.author_kind !== "agent" || last.kind === "note") return <span />;
  if (last.n <= marks.visitor_read) return <span class="read"><Icon name="read" label={t("agent.mark.read")} /></span>;
  if (last.n <= marks.visitor_delivered) return <Icon name="read" label={t("agent.mark.delivered")} />;
  return <Icon name="sent" label={t("agent.mark.sent")} />;
}

function Row({ contact }: { contact: Contact }) {
  const { text, warn, live, title } = time(contact);
  const current = selectedId.value === contact.id;
  return (
    <li>
      <a
        class={`row ${contact.channel}${contact.unread ? " unread" : ""}`}
        href={contactHref(contact.id)}
        aria-current={current ? "true" : undefined}
      >
        <span class="face">
          <Avatar name={customerName(contact, "?")} />
          <span class="ch"><Icon name={channelIcon[contact.channel]} label={t(`common.channel.${contact.channel}`)} /></span>
          {contact.customer.online && <span class="vh">{t("agent.row.online")}</span>}
        </span>
        <span class="who">
          <b>{customerName(contact, t("agent.unnamed"))}</b>
          <span>{preview(contact)}</span>
        </span>
        <span class="meta">
          <span class={warn ? "amber" : live ? "live" : undefined} title={title}>{text}</span>
          <Sign contact={contact} />
        </span>
      </a>
    </li>
  );
}

/** Arrow keys go from row to row; Enter opens, as links do. */
function onKeyDown(event: KeyboardEvent): void {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const rows = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".row")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key] ?? 0;
  rows[Math.max(0, Math.min(rows.length - 1, to))]?.focus();
  event.preventDefault();
}

function Shapes() {
  return (
    <div class="shapes" aria-hidden="true">
      {[0, 1, 2].map((index) => <div key={index} class="row"><span class="skeleton avatar" /><span class="skeleton line-shape" /></div>)}
    </div>
  );
}

function None() {
  const state = presence.value?.state;
  const taking = state === "available" || state === "busy";
  return (
    <Empty icon="inbox" title={t("agent.list.empty")}>
      <p>{t(taking ? "agent.list.empty_available" : "agent.list.empty_away")}</p>
    </Empty>
  );
}

/** "My contacts". */
export function ContactList() {
  const contacts = mine.value;
  return (
    <>
      <div class="head">
        <h2 id="mine">{t("agent.list")}</h2>
        <span class="count num">{contacts.length}</span>
      </div>
      {ready.value ? contacts.length === 0 && <None /> : <Shapes />}
      <ul class="contacts" aria-labelledby="mine" onKeyDown={onKeyDown}>
        {contacts.map((contact) => <Row key={contact.id} contact={contact} />)}
      </ul>
    </>
  );
}
