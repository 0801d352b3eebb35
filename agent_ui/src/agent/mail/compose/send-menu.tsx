// When a mail goes, and what becomes of the contact: now, later, or closed until the customer answers.

import { useState } from "preact/hooks";
import { Dialog, Menu, type MenuEntry } from "../../../common/components/index.ts";
import { t } from "../../../common/i18n.ts";
import { Icon } from "../../../common/icons.tsx";
import { clock, day, serverNow } from "../../../common/time.ts";
import type { When } from "./sending.ts";

const HOUR = 3_600_000;
const SOONEST = 60_000;

function at(days: number, hour: number): number {
  const date = new Date(serverNow());
  date.setDate(date.getDate() + days);
  date.setHours(hour, 0, 0, 0);
  return date.getTime();
}

/** Times that are often wanted: in two hours, tomorrow morning, Monday morning. */
export function laterTimes(): { label: string; at: number }[] {
  const now = new Date(serverNow());
  const monday = ((8 - now.getDay()) % 7) || 7;
  const times = [{ label: t("mail.later.hours"), at: serverNow() + 2 * HOUR }];
  if (now.getHours() < 17) times.push({ label: t("mail.later.evening"), at: at(0, 18) });
  times.push({ label: t("mail.later.tomorrow"), at: at(1, 9) });
  if (monday > 1) times.push({ label: t("mail.later.monday"), at: at(monday, 9) });
  return times;
}

function words(time: number): string {
  return `${day(time)} ${clock(time)}`;
}

/** "2026-11-23T09:00" in this desk's time zone, as the field wants it. */
function local(time: number): string {
  const date = new Date(time);
  return new Date(time - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function TimeDialog({ title, action, onTake, onClose }: { title: string; action: string; onTake: (at: number) => void; onClose: () => void }) {
  const [value, setValue] = useState(local(at(1, 9)));
  const time = new Date(value).getTime();
  const early = Number.isNaN(time) || time < serverNow() + SOONEST;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => {
        if (!early) onTake(time);
      }}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <button type="submit" class="btn primary" disabled={early}>{action}</button>
        </>
      }
    >
      <label class="label" for="mail-time">{t("mail.later.time")}</label>
      <input id="mail-time" class="field" type="datetime-local" min={local(serverNow())} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
      {early && <p class="help">{t("mail.later.past")}</p>}
    </Dialog>
  );
}

type Asking = "later" | "remind";

/** What stands in the menu beside "Send". A new mail has no customer to wait for yet. */
export function SendMenu({ disabled, waits, onSend }: { disabled: boolean; waits: boolean; onSend: (when: When) => void }) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const items: MenuEntry[] = [];
  if (waits) {
    items.push({ heading: t("mail.send.and") });
    items.push({ label: t("mail.send.waiting"), icon: "check", onSelect: () => onSend({ waiting: true }) });
    items.push({ label: t("mail.send.remind_days", { count: 3 }), icon: "bell", onSelect: () => onSend({ waiting: true, remind_at: at(3, 9) }) });
    items.push({ label: t("mail.send.remind"), icon: "bell", onSelect: () => setAsking("remind") });
    items.push("line");
  }
  items.push({ heading: t("mail.later") });
  for (const time of laterTimes()) items.push({ label: time.label, icon: "clock", end: words(time.at), onSelect: () => onSend({ send_at: time.at }) });
  items.push({ label: t("mail.later.choose"), icon: "cal", onSelect: () => setAsking("later") });
  return (
    <>
      <Menu label={t("mail.send.more")} items={items} disabled={disabled} class="btn primary icon send-more"><Icon name="down" small /></Menu>
      {asking && (
        <TimeDialog
          title={t(asking === "later" ? "mail.later.title" : "mail.send.remind_title")}
          action={t(asking === "later" ? "mail.later.do" : "mail.send.remind_do")}
          onClose={() => setAsking(null)}
          onTake={(time) => {
            setAsking(null);
            onSend(asking === "later" ? { send_at: time } : { waiting: true, remind_at: time });
          }}
        />
      )}
    </>
  );
}
