// Conversations that are over: to read, to keep, to begin anew.

import { go } from "../actions.ts";
import { t, when } from "../i18n.ts";
import { asksRating, isOpen, queueName, state, talks, type Talk } from "../state.ts";
import { saveCopy } from "./actions.ts";
import { ByMail } from "./by-mail.tsx";
import { Log } from "./log.tsx";
import { Icon } from "../views/icons.tsx";
import { Avatar, Top } from "../views/parts.tsx";
import { Rating } from "./rating.tsx";
import { Away } from "./talk.tsx";

export function OverView({ talk }: { talk: Talk }) {
  return asksRating(talk) ? <Rating talk={talk} /> : <Over talk={talk} />;
}

/** A conversation that has ended: to read, to keep, to begin anew. */
function Over({ talk }: { talk: Talk }) {
  const { contact } = talk;
  return (
    <>
      <Top title={contact.agent?.name ?? (contact.subject || queueName(contact))} line={t("ended_line")} back={() => go({ name: "home" })} />
      <Away />
      <Log talk={talk} />
      <footer class="w-foot">
        {contact.rating && <p class="fine center">{t("thanks", { score: t("score", {}, contact.rating.score) })}</p>}
        <ByMail talk={talk} centred />
        <div class="row">
          <button class="btn quiet" onClick={() => saveCopy(contact.id)}>
            {t("save_copy")}
          </button>
          <button class="btn" onClick={() => go(state.site.channels["chat"]?.open ? { name: "form", channel: "chat" } : { name: "home" })}>
            {t("new_chat")}
          </button>
        </div>
      </footer>
    </>
  );
}

/** Conversations that are over; each can be read, none written to. */
export function Earlier() {
  const over = talks().filter(({ contact }) => !isOpen(contact));
  return (
    <>
      <Top title={t("earlier")} back={() => go({ name: "home" })} />
      <ul class="scroll list">
        {over.map(({ contact }) => (
          <li key={contact.id}>
            <button class="resume" onClick={() => go({ name: "talk", id: contact.id })}>
              <Avatar name={contact.agent?.name ?? contact.participants[0]?.name ?? queueName(contact)} />
              <span>
                {contact.subject || contact.agent?.name || queueName(contact) || t(contact.channel)}
                <small>{when(contact.created_at)}</small>
              </span>
              <Icon name="forward" size={18} />
            </button>
          </li>
        ))}
        {!over.length && <li class="fine">{t("earlier_none")}</li>}
      </ul>
    </>
  );
}
