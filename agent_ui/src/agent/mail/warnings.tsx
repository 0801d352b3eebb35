// What an agent has to know before believing a mail: who really wrote it, and what could not be read of it.

import { has, t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { whole } from "./people.ts";
import type { Mail } from "./types.ts";

/** Of these the mail was cut, or could not be read at all. */
const CUT = ["long_headers", "long_text", "long_html", "many_parts", "deep", "too_big", "time", "memory", "crashed"];
/** Nothing that a reader would notice. */
const SILENT = ["charset", "headers", "structure", "encoding", "nul", "empty"];

interface Warning {
  icon: IconName;
  tone: "warn" | "plain";
  words: string;
}

function warnings(mail: Mail): Warning[] {
  const found: Warning[] = [];
  if (mail.problems.includes("other_sender")) {
    found.push({ icon: "warn", tone: "warn", words: t("mail.problem.other_sender", { address: mail.from.address || t("mail.nobody") }) });
  }
  if (mail.direction === "in" && mail.forwarded_from) {
    found.push({ icon: "right", tone: "plain", words: t("mail.forwarded_from", { name: whole(mail.forwarded_from) }) });
  }
  const answers = mail.reply_to.filter(({ address }) => address.toLowerCase() !== mail.from.address.toLowerCase());
  if (mail.direction === "in" && answers[0] && mail.kind === "normal") {
    found.push({ icon: "info", tone: "plain", words: t("mail.answers_to", { address: answers[0].address }) });
  }
  if (["auto_reply", "bounce", "feedback", "list"].includes(mail.kind)) found.push({ icon: "auto", tone: "plain", words: t(`mail.kind.${mail.kind}`) });
  if (mail.automatic) found.push({ icon: "auto", tone: "plain", words: t("mail.kind.automatic") });
  const cut = mail.problems.find((problem) => CUT.includes(problem));
  if (cut) found.push({ icon: "warn", tone: "warn", words: t(cut === "crashed" || cut === "time" || cut === "memory" || cut === "too_big" ? "mail.problem.unread" : "mail.problem.cut") });
  for (const problem of mail.problems) {
    if (problem === "other_sender" || CUT.includes(problem) || SILENT.includes(problem)) continue;
    const key = `mail.problem.${problem}`;
    found.push({ icon: "warn", tone: "warn", words: has(key) ? t(key) : t("mail.problem.unknown", { code: problem }) });
  }
  return found;
}

/** Problems in words, with the way to the mail as it came. */
export function Warnings({ mail }: { mail: Mail }) {
  const found = warnings(mail);
  const worse = found.some(({ tone }) => tone === "warn") && mail.problems.some((problem) => problem !== "other_sender");
  return (
    <>
      {found.map(({ icon, tone, words }, index) => (
        <div key={words} class={`mail-notice ${tone}`}>
          <Icon name={icon} small />
          <p dir="auto">{words}</p>
          {worse && index === found.length - 1 && mail.raw && (
            <a class="btn small" href={`/mails/${encodeURIComponent(mail.id)}/raw`} download><Icon name="save" small />{t("mail.raw")}</a>
          )}
        </div>
      ))}
    </>
  );
}
