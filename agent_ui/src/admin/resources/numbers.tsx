// Numbers: which called numbers lead to which queue.
import type { Field } from "../../common/form/fields.ts";
import { LANGUAGES, t } from "../../common/i18n.ts";
import { languageLabel, nameIn, optionsOf, rowText } from "../data.ts";
import { field as fieldOf, idField, section, type Resource } from "../resource.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("numbers", name, rest);

const flowOf = (row: Parameters<typeof rowText>[0]): string => (row["flow"] ? nameIn("flows", rowText(row, "flow")) : "");

export const numbers: Resource = {
  path: "numbers",
  permission: "admin.config",
  icon: "phone",
  needs: ["queues", "sites", "flows"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  order: (one, other) => Number(one["order"] ?? 100) - Number(other["order"] ?? 100),
  columns: () => [
    { key: "pattern", label: t("admin.numbers.pattern"), text: (row) => rowText(row, "pattern"), cell: (row) => <code>{rowText(row, "pattern")}</code> },
    { key: "name", label: t("admin.numbers.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "queue", label: t("admin.numbers.queue"), text: (row) => nameIn("queues", rowText(row, "queue")), cell: (row) => nameIn("queues", rowText(row, "queue")) },
    { key: "flow", label: t("admin.numbers.flow"), extra: true, text: (row) => flowOf(row), cell: (row) => flowOf(row) || <span class="none">{t("admin.numbers.no_flow")}</span> },
    { key: "site", label: t("admin.numbers.site"), extra: true, text: (row) => nameIn("sites", rowText(row, "site")), cell: (row) => nameIn("sites", rowText(row, "site")) },
    { key: "language", label: t("admin.numbers.language"), extra: true, text: (row) => languageLabel(rowText(row, "language")), cell: (row) => languageLabel(rowText(row, "language")) },
    { key: "order", label: t("admin.numbers.order"), numeric: true, extra: true, sort: (row) => Number(row["order"] ?? 100), cell: (row) => String(row["order"] ?? 100) },
  ],
  fresh: () => ({ id: "", name: "", pattern: "", queue: "", site: "", language: "en", flow: null, order: 100 }),
  outgoing: (row) => ({ ...row, pattern: rowText(row, "pattern").trim(), order: row["order"] ?? 100 }),
  sections: (_row, isNew) => [
    section("numbers", "number", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("pattern", { kind: "text", required: true, max: 120, mono: true, half: true, placeholder: "+4930123*" }),
      field("order", { kind: "number", min: 0, max: 100000, half: true }),
      field("queue", { kind: "select", options: () => optionsOf("queues"), required: true, half: true }),
      field("flow", { kind: "select", options: () => optionsOf("flows"), empty: t("admin.numbers.no_flow"), half: true }),
      field("site", { kind: "select", options: () => optionsOf("sites"), required: true, half: true }),
      field("language", { kind: "select", options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })), required: true, half: true }),
    ]),
  ],
};
