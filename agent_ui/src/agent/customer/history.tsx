import { useState } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { clockOrDay, dateTime } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import type { CustomerCard } from "../customers.ts";
import { contactHref } from "../route.ts";

const SHOWN = 5;

/** The customer's contacts, newest first; each opens for reading. */
export function History({ card, current }: { card: CustomerCard; current: Contact }) {
  const [all, setAll] = useState(false);
  const others = card.contacts.filter(({ id }) => id !== current.id);
  const rows = [current, ...others].sort((a, b) => b.created_at - a.created_at);
  return (
    <section>
      <h2>
        {t("agent.history")}
        <span class="aside">{t("agent.history.count", { count: rows.length })}</span>
      </h2>
      {card.state === "loading"
        ? <span class="skeleton history-shape" />
        : (
          <ol class="hist">
            {(all ? rows : rows.slice(0, SHOWN)).map((contact) => {
              const open = contact.id === current.id;
              const words = contact.subject || t(`common.channel.${contact.channel}`);
              return (
                <li key={contact.id} class={contact.channel}>
                  <span class="node"><Icon name={channelIcon[contact.channel]} label={t(`common.channel.${contact.channel}`)} /></span>
                  {open ? <b>{words}</b> : <a class="cut" href={contactHref(contact.id)} title={words}>{words}</a>}
                  <time title={dateTime(contact.created_at)}>{open ? t("agent.history.this") : clockOrDay(contact.created_at)}</time>
                </li>
              );
            })}
          </ol>
        )}
      {!all && rows.length > SHOWN && (
        <button type="button" class="btn quiet small" onClick={() => setAll(true)}>{t("agent.history.all", { count: rows.length - SHOWN })}</button>
      )}
    </section>
  );
}
