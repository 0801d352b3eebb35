// Where a mail of ours stands: waiting to go, with the way to take it back; sent; refused, and why.

import { Button, toast } from "../../common/components/index.ts";
import { list, t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { request } from "../../common/socket.ts";
import { clock, dateTime, day, now, sameDay, serverNow } from "../../common/time.ts";
import { putMail } from "./mails.ts";
import type { Mail } from "./types.ts";

type Tone = "plain" | "ok" | "warn" | "danger";

interface Standing {
  icon: IconName;
  tone: Tone;
  words: string;
}

export function atTime(at: number): string {
  return sameDay(at, serverNow()) ? clock(at) : `${day(at)}, ${clock(at)}`;
}

/** Seconds left in which it can be taken back. */
export function undoLeft(mail: Mail): number {
  return mail.undo_until === null || mail.state !== "queued" ? 0 : Math.max(0, Math.ceil((mail.undo_until - now.value) / 1000));
}

const SOON_S = 60;

export function standing(mail: Mail): Standing {
  const left = undoLeft(mail);
  switch (mail.state) {
    case "queued":
      if (left > SOON_S && mail.send_at) return { icon: "clock", tone: "plain", words: t("mail.state.scheduled", { time: atTime(mail.send_at) }) };
      if (left > 0) return { icon: "clock", tone: "plain", words: t("mail.state.undo", { count: left }) };
      if (mail.attempts > 0) return { icon: "retry", tone: "warn", words: mail.next_at ? t("mail.state.retry", { time: atTime(mail.next_at) }) : t("mail.state.queued") };
      return { icon: "clock", tone: "plain", words: t("mail.state.queued") };
    case "sending":
      return { icon: "clock", tone: "plain", words: t("mail.state.sending") };
    case "sent": {
      const refused = Object.keys(mail.refused);
      if (refused.length) return { icon: "warn", tone: "warn", words: t("mail.state.sent_but", { names: list(refused) }) };
      return { icon: "sent", tone: "ok", words: t("mail.state.sent") };
    }
    case "failed":
      return { icon: "failed", tone: "danger", words: t("mail.state.failed") };
    case "bounced":
      return { icon: "failed", tone: "danger", words: t("mail.state.bounced") };
    case "cancelled":
      return { icon: "undo", tone: "plain", words: t("mail.state.cancelled") };
    default:
      return { icon: "mail", tone: "plain", words: "" };
  }
}

/** Why, in the words of the other server. */
function reasons(mail: Mail): string[] {
  const each = Object.entries(mail.refused).map(([address, why]) => `${address}: ${why}`);
  return mail.error && !each.some((line) => line.includes(mail.error)) ? [mail.error, ...each] : each;
}

export async function undo(mail: Mail): Promise<void> {
  const answer = await request<{ mail: Mail }>("mail:undo", { mail: mail.id });
  putMail(answer.mail);
}

async function resend(mail: Mail): Promise<void> {
  const answer = await request<{ mail: Mail }>("mail:resend", { mail: mail.id });
  putMail(answer.mail);
  toast(t("mail.resend.done"), "ok");
}

/** A word and a sign in the line of a folded mail. */
export function StateSign({ mail }: { mail: Mail }) {
  if (mail.direction === "in") return null;
  const { icon, tone, words } = standing(mail);
  return <span class={`mail-sign ${tone}`} title={mail.state === "sent" ? dateTime(mail.at) : undefined}><Icon name={icon} />{words}</span>;
}

/** What went wrong with a mail, in a box of its own, with what can be done. */
export function Trouble({ mail, mine }: { mail: Mail; mine: boolean }) {
  const why = reasons(mail);
  const waits = mail.state === "queued" && mail.attempts > 0;
  const partly = mail.state === "sent" && why.length > 0;
  if (mail.direction === "in" || (!waits && !partly && mail.state !== "failed" && mail.state !== "bounced")) return null;
  const { icon, tone, words } = standing(mail);
  return (
    <div class={`mail-trouble ${tone}`} role={mail.state === "queued" ? undefined : "alert"}>
      <Icon name={icon} small />
      <div>
        <b>{words}</b>
        {why.map((line) => <p key={line} dir="auto">{line}</p>)}
      </div>
      {mine && (mail.state === "failed" || mail.state === "bounced") && <Button small icon="retry" onClick={() => resend(mail)}>{t("mail.resend")}</Button>}
    </div>
  );
}
