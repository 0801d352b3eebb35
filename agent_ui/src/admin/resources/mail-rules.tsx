// Mail rules: what becomes of a new mail, by what is known of it.
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field, Option } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { LANGUAGES, list, number, t } from "../../common/i18n.ts";
import { priorityText, skillsText } from "../../common/routing/sentences.ts";
import { languageLabel, nameIn, optionsOf, rowText } from "../data.ts";
import { DryRun } from "../dry-run.tsx";
import { names } from "../summary.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("mail-rules", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("mail-rules", name, fields);

/** A header has a name of its own behind the dot: header.X-Priority. */
const FACTS = ["mailbox", "to", "plus", "from", "domain", "subject", "text", "language", "attachment", "kind", "vip", "header"];
const OPS = ["is", "is_not", "starts", "contains", "matches", "regex"];
const KINDS = ["normal", "auto_reply", "bounce", "feedback", "list"];
const options = (area: string, values: readonly string[]): Option[] => values.map((value) => ({ value, label: t(`admin.mail-rules.${area}.${value}`) }));
const languages = () => Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));

/** What a fact can be, when that is known. */
function valuesOf(fact: string): (() => Option[]) | null {
  switch (fact) {
    case "mailbox":
      return () => optionsOf("mailboxes");
    case "kind":
      return () => options("kind", KINDS);
    case "vip":
      return () => [{ value: "yes", label: t("admin.value.yes") }, { value: "no", label: t("admin.value.no") }];
    default:
      return null;
  }
}

const opsOf = (fact: string) => options("op", valuesOf(fact) ? ["is", "is_not"] : OPS);

/** Of another fact nothing is known yet: what was said of the old one would be wrong. */
function settle(condition: Row, changed: string): Row {
  if (changed !== "fact") return condition;
  const fact = rowText(condition, "fact");
  const op = rowText(condition, "op");
  const { header: _named, ...rest } = condition;
  return { ...rest, ...(fact === "header" ? { header: "" } : {}), op: opsOf(fact).some(({ value }) => value === op) ? op : "is", value: "" };
}

function conditionFields(condition: Row): Field[] {
  const fact = rowText(condition, "fact");
  const values = valuesOf(fact);
  return [
    field("fact", { kind: "select", options: options("fact", FACTS), required: true, half: true }),
    ...(fact === "header" ? [field("header", { kind: "text", required: true, max: 60, mono: true, half: true, placeholder: "X-Priority" })] : []),
    field("op", { kind: "select", options: opsOf(fact), required: true, half: true }),
    values
      ? field("value", { kind: "select", options: values, required: true, half: true })
      : field("value", { kind: "text", required: true, max: 500, half: true, mono: rowText(condition, "op") === "regex" }),
  ];
}

function splitFact(condition: Row): Row {
  const fact = rowText(condition, "fact");
  return fact.startsWith("header.") ? { ...condition, fact: "header", header: fact.slice(7) } : condition;
}

function joinFact({ header, ...condition }: Row): Row {
  return rowText(condition, "fact") === "header" ? { ...condition, fact: `header.${String(header ?? "").trim()}` } : condition;
}

const lines = (value: unknown) => ((value ?? []) as string[]).map((line) => line.trim()).filter((line) => line !== "");
const outgoing = (row: Row): Row => ({ ...row, when: ((row["when"] ?? []) as Row[]).map(joinFact), tags: lines(row["tags"]) });
const orderOf = (row: Row) => Number(row["order"] ?? 0);

function factWords(fact: string): string {
  return fact.startsWith("header.") ? t("admin.mail-rules.header_named", { name: fact.slice(7) }) : t(`admin.mail-rules.fact.${fact || "subject"}`);
}

function conditionWords(condition: Row): string {
  const fact = rowText(condition, "fact");
  const value = rowText(condition, "value");
  const known = valuesOf(fact)?.().find((option) => option.value === value)?.label ?? value;
  return t("admin.mail-rules.sentence", { fact: factWords(fact), op: t(`admin.mail-rules.op.${rowText(condition, "op") || "is"}`), value: known });
}

function conditions(row: Row): string {
  return list(((row["when"] ?? []) as Row[]).filter((condition) => condition["value"]).map(conditionWords));
}

function effects(row: Row): string {
  const found: string[] = [];
  if (row["queue"]) found.push(t("routing.rule.queue", { queue: nameIn("queues", rowText(row, "queue")) }));
  if (Object.keys((row["skills"] ?? {}) as object).length) found.push(t("routing.rule.skills", { skills: skillsText(row["skills"], names) }));
  if (Number(row["priority"] ?? 0)) found.push(priorityText(Number(row["priority"])));
  if (lines(row["tags"]).length) found.push(t("admin.mail-rules.does.tags", { tags: list(lines(row["tags"])) }));
  if (row["owner"]) found.push(t("admin.mail-rules.does.owner", { name: nameIn("users", rowText(row, "owner")) }));
  if (row["language"]) found.push(t("admin.mail-rules.does.language", { language: languageLabel(rowText(row, "language")) }));
  if (row["stop"]) found.push(t("routing.rule.stop"));
  return found.length ? list(found) : t("routing.nothing");
}

function Summary({ row }: { row: Row }) {
  return (
    <>
      <div class="aside-head"><h2>{t("admin.in_words")}</h2></div>
      <ul class="sentences">
        <li>{t("admin.mail-rules.when_then", { conditions: conditions(row) || "…", effects: effects(row) })}</li>
        {row["enabled"] === false && <li>{t("routing.rule.off")}</li>}
      </ul>
    </>
  );
}

export const mailRules: Resource = {
  path: "mail-rules",
  permission: "admin.config",
  icon: "filter",
  needs: ["queues", "skills", "mailboxes", "users"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  dim: (row) => row["enabled"] === false,
  order: (one, other) => orderOf(one) - orderOf(other) || (rowText(one, "id") < rowText(other, "id") ? -1 : 1),
  columns: () => [
    { key: "name", label: t("admin.mail-rules.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "order", label: t("admin.mail-rules.order"), numeric: true, sort: orderOf, cell: (row) => number(orderOf(row)) },
    { key: "when", label: t("admin.mail-rules.when"), extra: true, text: conditions, cell: conditions },
    { key: "then", label: t("admin.mail-rules.then"), text: effects, cell: effects },
    {
      key: "enabled", label: t("admin.mail-rules.state"), extra: true, sort: (row) => (row["enabled"] === false ? 1 : 0),
      cell: (row) => (row["enabled"] === false ? <span class="chip warn">{t("admin.mail-rules.off")}</span> : t("admin.mail-rules.on")),
    },
  ],
  fresh: () => ({ id: "", name: "", when: [{ fact: "subject", op: "contains", value: "" }], order: 100, enabled: true, queue: null, skills: {}, priority: 0, tags: [], owner: null, language: null, stop: false }),
  incoming: (row) => ({ ...row, when: ((row["when"] ?? []) as Row[]).map(splitFact) }),
  outgoing,
  asideLabel: "admin.in_words",
  aside: (row, isNew) => <><Summary row={outgoing(row)} /><DryRun row={outgoing(row)} isNew={isNew} /></>,
  sections: (_row, isNew) => [
    section("rule", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("order", { kind: "number", required: true, min: 0, max: 100_000, half: true }),
      field("enabled", { kind: "switch" }),
    ]),
    section("when", [
      field("when", {
        kind: "rows", required: true, add: t("admin.mail-rules.when.add"), itemName: t("admin.mail-rules.condition"),
        fresh: () => ({ fact: "subject", op: "contains", value: "" }), fields: conditionFields, settle,
      }),
    ]),
    section("then", [
      field("queue", { kind: "select", options: () => optionsOf("queues"), empty: t("admin.mail-rules.queue.stays"), half: true }),
      field("owner", { kind: "select", options: () => optionsOf("users"), empty: t("admin.mail-rules.owner.none"), half: true }),
      field("skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.queues.skills.add"), none: t("admin.mail-rules.skills.none") }),
      field("priority", { kind: "number", required: true, min: -100, max: 100, unit: t("admin.unit.minutes"), half: true }),
      field("language", { kind: "select", options: languages(), empty: t("admin.mail-rules.language.found"), half: true }),
      field("tags", { kind: "lines", add: t("admin.mail-rules.tags.add") }),
      field("stop", { kind: "switch" }),
    ]),
  ],
};
