// Beside a form of routing: what it says, in plain sentences.
import type { Row } from "../common/form/paths.ts";
import { t } from "../common/i18n.ts";
import { queueSentences, ruleSentence, type Names } from "../common/routing/sentences.ts";
import { nameIn } from "./data.ts";

/** Names of rows as the lists know them. */
export const names: Names = {
  queue: (id) => nameIn("queues", id),
  skill: (id) => nameIn("skills", id),
  group: (id) => nameIn("groups", id),
  calendar: (id) => nameIn("hours", id),
  site: (id) => nameIn("sites", id),
};

function Sentences({ lines }: { lines: readonly string[] }) {
  return (
    <>
      <div class="aside-head"><h2>{t("admin.in_words")}</h2></div>
      <ul class="sentences">{lines.map((line) => <li key={line}>{line}</li>)}</ul>
    </>
  );
}

export function QueueSummary({ row }: { row: Row }) {
  return <Sentences lines={queueSentences(row, names)} />;
}

export function RuleSummary({ row }: { row: Row }) {
  const order = t("routing.rule.order", { order: Number(row["order"] ?? 0) });
  return <Sentences lines={[ruleSentence(row, names), row["enabled"] === false ? t("routing.rule.off") : order]} />;
}
