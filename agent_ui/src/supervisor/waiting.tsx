// Who waits in a queue: the first first, each with the reasons why, and the conversation to read along.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { customerName } from "../agent/mine.ts";
import { api } from "../common/api.ts";
import { Dialog, Empty } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { t } from "../common/i18n.ts";
import { channelIcon, Icon } from "../common/icons.tsx";
import { askWhy } from "../common/routing/why.tsx";
import { duration, now } from "../common/time.ts";
import type { Contact, Named } from "../common/types.ts";
import { openConversation } from "./drawer.tsx";

const AGAIN_MS = 5_000;
const MOST = 100;

const opened = signal<Named | null>(null);

export function showWaiting(queue: Named): void {
  opened.value = queue;
}

async function load(queue: string): Promise<Contact[]> {
  const page = (phase: string) => api<{ items: Contact[] }>("GET", `contacts?phase=${phase}&queue=${encodeURIComponent(queue)}&limit=${MOST}`);
  const pages = await Promise.all([page("queued"), page("offered")]);
  const since = (contact: Contact) => contact.queued_at ?? contact.created_at;
  return pages.flatMap(({ items }) => items).sort((a, b) => since(a) - since(b));
}

function Line({ contact }: { contact: Contact }) {
  const name = customerName(contact, t("supervisor.unnamed"));
  return (
    <tr>
      <th scope="row">
        <span class={`chip ${contact.channel}`}><Icon name={channelIcon[contact.channel]} label={t(`common.channel.${contact.channel}`)} /></span>{" "}
        <button type="button" class="link" onClick={() => openConversation(contact.id)}>{name}</button>
      </th>
      <td>{t(`common.phase.${contact.phase}`)}</td>
      <td class="n num">{duration(now.value - (contact.queued_at ?? contact.created_at))}</td>
      <td class="n">
        <button type="button" class="btn small" aria-label={t("supervisor.waiting.why", { name })} onClick={() => askWhy(contact.id, contact)}>{t("routing.why")}</button>
      </td>
    </tr>
  );
}

function Content({ queue }: { queue: string }) {
  const [rows, setRows] = useState<Contact[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const look = () => load(queue).then(setRows, setError);
    void look();
    const timer = setInterval(look, AGAIN_MS);
    return () => clearInterval(timer);
  }, [queue]);
  if (rows === null) return error === null ? <div class="skeleton why-shape" role="status" aria-label={t("common.loading")} /> : <Empty icon="warn" title={errorText(error)} />;
  if (rows.length === 0) return <Empty icon="check" title={t("supervisor.waiting.nobody")} />;
  return (
    <table class="table" aria-label={t("supervisor.waiting.table")}>
      <thead>
        <tr>
          <th scope="col">{t("supervisor.waiting.customer")}</th>
          <th scope="col">{t("supervisor.waiting.state")}</th>
          <th scope="col" class="n">{t("supervisor.waiting.since")}</th>
          <th scope="col" class="n"><span class="vh">{t("routing.why")}</span></th>
        </tr>
      </thead>
      <tbody>{rows.map((contact) => <Line key={contact.id} contact={contact} />)}</tbody>
    </table>
  );
}

export function WaitingList() {
  const queue = opened.value;
  return queue && (
    <Dialog key={queue.id} wide title={t("supervisor.waiting.in", { queue: queue.name })} onClose={() => (opened.value = null)}>
      <Content queue={queue.id} />
    </Dialog>
  );
}
