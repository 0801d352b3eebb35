import { boot, may } from "../../common/boot.ts";
import { Avatar, IconButton } from "../../common/components/index.ts";
import { formatLocale, languageName, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { now } from "../../common/time.ts";
import type { Contact, Customer } from "../../common/types.ts";
import { customerName } from "../mine.ts";
import { asking } from "../talk/asking.ts";
import { ownerName } from "./owner.tsx";

function localTime(timezone: string): string | null {
  try {
    const time = new Intl.DateTimeFormat(formatLocale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: timezone }).format(now.value);
    const place = timezone.split("/").at(-1)?.replaceAll("_", " ") ?? timezone;
    return t("agent.customer.time_in", { time, place });
  } catch {
    return null; // not a time zone that this browser knows
  }
}

function Fact({ name, value, class: extra }: { name: string; value: string | null | undefined; class?: string }) {
  if (!value) return null;
  return (
    <>
      <dt class={extra}>{name}</dt>
      <dd class={`num ${extra ?? ""}`} title={value}>{value}</dd>
    </>
  );
}

/** What a call brings along has words of ours; the rest is called as the site calls it. */
const CALL_FIELDS: Record<string, string> = { called: "phone.called", caller: "phone.caller", callback: "callbacks.reference", topic: "callbacks.topic" };

const HIDDEN = "direction"; // the rest of the page says who called whom

function fieldName(field: string): string {
  const key = CALL_FIELDS[field];
  return key ? t(key) : field;
}

/** Who the customer is, how well that is known, and how to reach them. */
export function Identity({ contact, customer, onEdit }: { contact: Contact; customer: Customer | null; onEdit: () => void }) {
  const name = customer?.name || customerName(contact, t("agent.unnamed"));
  const verified = customer?.verified ?? contact.customer.verified;
  const language = customer?.language ?? contact.language;
  return (
    <header>
      <div class="id">
        <Avatar name={name} />
        <div>
          <b class="cut" title={name}>{name}</b>
          {verified
            ? <span class="ver"><Icon name="shield" />{t("agent.customer.verified")}</span>
            : <span class="ver not">{t("agent.customer.not_verified")}</span>}
        </div>
        {boot.callbacks && may("callback.ask") && <IconButton icon="callback" small label={t("callbacks.ask")} onClick={() => (asking.value = "callback")} />}
        <IconButton icon="edit" small label={t("agent.customer.edit")} disabled={!customer} onClick={onEdit} />
      </div>
      <dl class="facts">
        <Fact name={t("agent.customer.email")} value={customer?.email ?? contact.customer.email} />
        <Fact name={t("agent.customer.phone")} value={customer?.phone ?? contact.customer.phone} />
        <Fact name={t("agent.customer.language")} value={language && languageName(language)} />
        <Fact name={t("agent.customer.owner")} value={ownerName(customer?.owner ?? null)} />
        <Fact name={t("agent.customer.local_time")} value={customer?.timezone && localTime(customer.timezone)} class="opt" />
        <Fact name={t("agent.customer.account")} value={customer?.external_id} class="opt" />
        {Object.entries({ ...contact.fields, ...customer?.fields }).filter(([field]) => field !== HIDDEN).map(([field, value]) => <Fact key={field} name={fieldName(field)} value={String(value)} />)}
      </dl>
      {customer?.note && <p class="customer-note"><Icon name="note" small />{customer.note}</p>}
    </header>
  );
}
