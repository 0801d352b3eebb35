// Rules: who comes first, who goes where, and what is asked for, by what is known of a new contact.
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field, Option } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { number, t } from "../../common/i18n.ts";
import { conditionText, effectsText } from "../../common/routing/sentences.ts";
import { list } from "../../common/i18n.ts";
import { optionsOf, rowsOf, rowText } from "../data.ts";
import { names, RuleSummary } from "../summary.tsx";
import { CHANNELS } from "./users.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("rules", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("rules", name, fields);

/** Facts with a name of their own behind the dot: customer.tier, field.order. */
const NAMED = ["customer", "field"];
const FACTS = ["channel", "queue", "site", "topic", "language", "page", "called", "caller", "email", "name", "verified", "hours", ...NAMED];
const OPS = ["is", "is_not", "starts", "contains", "matches"];
const options = (area: string, values: readonly string[]): Option[] => values.map((value) => ({ value, label: t(`routing.${area}.${value}`) }));

function topics(): Option[] {
  const rows = (rowsOf("sites").rows ?? []).flatMap((site) => (site["topics"] ?? []) as Row[]);
  return [...new Set(rows.map((topic) => rowText(topic, "id")))].map((id) => ({ value: id, label: id }));
}

/** What a fact can be, when that is known. */
function valuesOf(fact: string): (() => Option[]) | null {
  switch (fact) {
    case "channel":
      return () => CHANNELS.map((value) => ({ value, label: t(`common.channel.${value}`) }));
    case "queue":
      return () => optionsOf("queues");
    case "site":
      return () => optionsOf("sites");
    case "hours":
      return () => optionsOf("hours");
    case "topic":
      return topics;
    case "verified":
      return () => [{ value: "yes", label: t("admin.value.yes") }, { value: "no", label: t("admin.value.no") }];
    default:
      return null;
  }
}

/** How a fact can be compared. */
function opsOf(fact: string): Option[] {
  if (fact === "hours") return [{ value: "is", label: t("routing.op.open") }, { value: "is_not", label: t("routing.op.closed") }];
  return options("op", valuesOf(fact) ? ["is", "is_not"] : OPS);
}

/** Of another fact nothing is known yet: what was said of the old one would be wrong, and might not even be seen. */
function settle(condition: Row, changed: string): Row {
  if (changed !== "fact") return condition;
  const fact = rowText(condition, "fact");
  const op = rowText(condition, "op");
  const { field: _named, ...rest } = condition;
  return {
    ...rest,
    ...(NAMED.includes(fact) ? { field: "" } : {}),
    op: opsOf(fact).some(({ value }) => value === op) ? op : "is",
    value: "",
  };
}

function conditionFields(condition: Row): Field[] {
  const fact = rowText(condition, "fact");
  const values = valuesOf(fact);
  const ops = opsOf(fact);
  return [
    field("fact", { kind: "select", options: options("fact", FACTS), required: true, half: true }),
    ...(NAMED.includes(fact) ? [field("field", { kind: "text", required: true, max: 40, mono: true, half: true, placeholder: "tier" })] : []),
    field("op", { kind: "select", options: ops, required: true, half: true }),
    values
      ? field("value", { kind: "select", options: values, required: true, half: true })
      : field("value", { kind: "text", required: true, max: 300, half: true }),
  ];
}

/** "customer.tier" is two fields here. */
function splitFact(condition: Row): Row {
  const [fact = "", ...rest] = rowText(condition, "fact").split(".");
  return NAMED.includes(fact) ? { ...condition, fact, field: rest.join(".") } : condition;
}

function joinFact({ field: name, ...condition }: Row): Row {
  const fact = rowText(condition, "fact");
  return NAMED.includes(fact) ? { ...condition, fact: `${fact}.${String(name ?? "").trim()}` } : condition;
}

const outgoing = (row: Row): Row => ({ ...row, when: ((row["when"] ?? []) as Row[]).map(joinFact) });
const conditions = (row: Row) => list(((row["when"] ?? []) as Row[]).map((condition) => conditionText(condition, names)));
const orderOf = (row: Row) => Number(row["order"] ?? 0);

export const rules: Resource = {
  path: "rules",
  permission: "admin.config",
  icon: "filter",
  needs: ["queues", "skills", "hours", "sites"],
  idFromName: true,
  check: "rule",
  nameOf: (row) => rowText(row, "name"),
  dim: (row) => row["enabled"] === false,
  // The hub asks rules in this order; equal ones by their ids.
  order: (one, other) => orderOf(one) - orderOf(other) || (rowText(one, "id") < rowText(other, "id") ? -1 : 1),
  columns: () => [
    { key: "name", label: t("admin.rules.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "order", label: t("admin.rules.order"), numeric: true, sort: orderOf, cell: (row) => number(orderOf(row)) },
    { key: "when", label: t("admin.rules.when"), extra: true, text: conditions, cell: conditions },
    { key: "then", label: t("admin.rules.then"), text: (row) => effectsText(row, names), cell: (row) => effectsText(row, names) },
    {
      key: "enabled", label: t("admin.rules.state"), extra: true, sort: (row) => (row["enabled"] === false ? 1 : 0),
      cell: (row) => (row["enabled"] === false ? <span class="chip warn">{t("admin.rules.off")}</span> : t("admin.rules.on")),
    },
  ],
  fresh: () => ({
    id: "", name: "", when: [{ fact: "customer", field: "", op: "is", value: "" }], order: 100, enabled: true, priority: 0, queue: null, skills: {}, stop: false,
  }),
  incoming: (row) => ({ ...row, when: ((row["when"] ?? []) as Row[]).map(splitFact) }),
  outgoing,
  asideLabel: "admin.in_words",
  aside: (row) => <RuleSummary row={outgoing(row)} />,
  sections: (_row, isNew) => [
    section("rule", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("order", { kind: "number", required: true, min: 0, max: 100_000, half: true }),
      field("enabled", { kind: "switch" }),
    ]),
    section("when", [
      field("when", {
        kind: "rows", required: true, add: t("admin.rules.when.add"), itemName: t("admin.rules.condition"),
        fresh: () => ({ fact: "channel", op: "is", value: "" }), fields: conditionFields, settle,
      }),
    ]),
    section("then", [
      field("priority", { kind: "number", required: true, min: -100, max: 100, unit: t("admin.unit.minutes"), half: true }),
      field("queue", { kind: "select", options: () => optionsOf("queues"), empty: t("admin.rules.queue.stays"), half: true }),
      field("skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.queues.skills.add"), none: t("admin.rules.skills.none") }),
      field("stop", { kind: "switch" }),
    ]),
  ],
};
