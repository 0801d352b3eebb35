// The table of agents, those who may need help first, with what each of them has open.
import { signal } from "@preact/signals";
import { Avatar, Empty, Menu } from "../common/components/index.ts";
import { number, t } from "../common/i18n.ts";
import { channelIcon, Icon } from "../common/icons.tsx";
import { duration, now } from "../common/time.ts";
import { directory } from "../common/store.ts";
import type { AgentRow } from "../common/types.ts";
import { LogOut, SetStatus } from "./agent-actions.tsx";
import { openConversation } from "./drawer.tsx";
import { byNeed } from "./figures.ts";
import { agents, queueName } from "./live.ts";

const withOffline = signal(false);
/** More contacts than these go into a menu, so that the row keeps its height. */
const SHOWN = 4;

type Held = AgentRow["contacts"][number];

function timeOf(contact: Held): string {
  return contact.phase === "wrapping" ? t("supervisor.contact.wrapping") : duration(now.value - contact.since);
}

function Chip({ contact }: { contact: Held }) {
  const name = contact.customer || t("supervisor.unnamed");
  const label = t("supervisor.contact.open", { channel: t(`common.channel.${contact.channel}`), name, time: timeOf(contact) });
  return (
    <button type="button" class={`chip ${contact.channel}`} aria-label={label} title={label} onClick={() => openConversation(contact.id)}>
      <Icon name={channelIcon[contact.channel]} />
      <span class="cut who">{contact.customer}</span>{" "}
      <span class="num">{timeOf(contact)}</span>
    </button>
  );
}

function Contacts({ row }: { row: AgentRow }) {
  if (row.contacts.length === 0) return <span class="dim">{t("supervisor.no_contacts")}</span>;
  const rest = row.contacts.slice(SHOWN);
  return (
    <span class={`chips${row.contacts.length > 2 ? " tight" : ""}`}>
      {row.contacts.slice(0, SHOWN).map((contact) => <Chip key={contact.id} contact={contact} />)}
      {rest.length > 0 && (
        <Menu
          label={t("supervisor.contact.more", { count: rest.length })}
          class="chip"
          items={rest.map((contact) => ({
            label: contact.customer || t("supervisor.unnamed"),
            icon: channelIcon[contact.channel],
            end: timeOf(contact),
            onSelect: () => openConversation(contact.id),
          }))}
        >
          +{rest.length}
        </Menu>
      )}
    </span>
  );
}

function State({ row }: { row: AgentRow }) {
  const reason = row.state === "away" && row.reason ? directory.value.reasons.find(({ id }) => id === row.reason)?.label ?? row.reason : null;
  return (
    <span class={`st ${row.state}`}>
      <i />
      <span class="cut">{t(`common.state.${row.state}`)}{reason && <>, {reason}</>}</span>
    </span>
  );
}

function Load({ row }: { row: AgentRow }) {
  const share = row.units > 0 ? Math.min(1, row.used / row.units) : 0;
  return (
    <span class="load" title={t("supervisor.load", { used: row.used, units: row.units })}>
      <span class="gauge" aria-hidden="true"><i style={{ width: `${share * 100}%` }} /></span>
      <span class="num">{number(share, { style: "percent" })}</span>
    </span>
  );
}

function Row({ row }: { row: AgentRow }) {
  return (
    <tr class={row.state === "offline" ? "offline" : undefined}>
      <th scope="row">
        <Avatar name={row.name} small />
        <span class="nm">
          <b class="cut">{row.name}</b>
          <span class="cut">{row.queues.map(queueName).join(", ") || t("supervisor.no_queues")}</span>
        </span>
      </th>
      <td><State row={row} /></td>
      <td class="r num">{row.state === "offline" || row.since === 0 ? <span class="dim">–</span> : duration(now.value - row.since)}</td>
      <td class="cn"><Contacts row={row} /></td>
      <td class="r opt-col"><Load row={row} /></td>
      <td class="acts">
        <SetStatus agent={row} />
        <LogOut agent={row} />
      </td>
    </tr>
  );
}

export function Agents() {
  const rows = [...agents.value].sort(byNeed);
  const present = rows.filter((row) => row.state !== "offline" || row.contacts.length > 0);
  const offline = rows.length - present.length;
  const shown = withOffline.value ? rows : present;
  return (
    <section class="card agents" aria-labelledby="agents-title">
      <header>
        <h2 id="agents-title">{t("supervisor.agents")}</h2>
        <span class="dim num">{number(present.length)}</span>
        <span class="aside">{t("supervisor.agents.sorted")}</span>
      </header>
      {shown.length === 0
        ? <Empty icon="team" title={t("supervisor.agents.empty")}><p>{t("supervisor.agents.empty.text")}</p></Empty>
        : (
          <div class="scroll-x">
            <table aria-label={t("supervisor.agents")}>
              <thead>
                <tr>
                  <th scope="col">{t("supervisor.col.agent")}</th>
                  <th scope="col">{t("supervisor.col.state")}</th>
                  <th scope="col" class="r">{t("supervisor.col.since")}</th>
                  <th scope="col" class="cn">{t("supervisor.col.contacts")}</th>
                  <th scope="col" class="r opt-col">{t("supervisor.col.load")}</th>
                  <th scope="col" class="r">{t("supervisor.col.actions")}</th>
                </tr>
              </thead>
              <tbody>{shown.map((row) => <Row key={row.id} row={row} />)}</tbody>
            </table>
          </div>
        )}
      {offline > 0 && (
        <p class="offline-more">
          <button type="button" class="btn quiet small" aria-expanded={withOffline.value} onClick={() => (withOffline.value = !withOffline.value)}>
            {withOffline.value ? t("supervisor.agents.hide") : t("supervisor.agents.offline", { count: offline })}
          </button>
        </p>
      )}
    </section>
  );
}
