// From whom a mail is, to whom, and when; who else it went to is a press away.

import { useId, useState } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { dateTime } from "../../common/time.ts";
import { names, whole } from "./people.ts";
import type { Address, Mail } from "./types.ts";

function People({ label, people }: { label: string; people: readonly Address[] }) {
  if (people.length === 0) return null;
  return (
    <>
      <dt>{label}</dt>
      <dd>{people.map((person) => <bdi key={person.address}>{whole(person)}</bdi>)}</dd>
    </>
  );
}

export function Recipients({ mail }: { mail: Mail }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const all = [...mail.to, ...mail.cc, ...mail.bcc];
  return (
    <>
      <button type="button" class="mail-to" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <span class="cut">{all.length ? t("mail.to_people", { names: names(all) }) : t("mail.to_nobody")}</span>
        <Icon name={open ? "up" : "down"} />
      </button>
      {open && (
        <dl id={id} class="mail-people">
          <People label={t("mail.from")} people={[mail.from]} />
          <People label={t("mail.reply_to")} people={mail.direction === "in" ? mail.reply_to : []} />
          <People label={t("mail.to")} people={mail.to} />
          <People label={t("mail.cc")} people={mail.cc} />
          <People label={t("mail.bcc")} people={mail.bcc} />
          <dt>{t("mail.date")}</dt>
          <dd>
            {dateTime(mail.at)}
            {mail.date !== null && Math.abs(mail.date - mail.at) > 3_600_000 && <span>{t("mail.date.claimed", { time: dateTime(mail.date) })}</span>}
          </dd>
          <dt>{t("mail.subject")}</dt>
          <dd dir="auto">{mail.subject || t("mail.no_subject")}</dd>
        </dl>
      )}
    </>
  );
}
