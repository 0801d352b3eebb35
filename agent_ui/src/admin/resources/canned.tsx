// Canned replies: texts that agents call up with "/" and a few letters.
import { field as fieldOf, idField, section, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import { LANGUAGES, t } from "../../common/i18n.ts";
import { languageLabel, optionsOf, rowText } from "../data.ts";
import { allWhenNone, queueNames } from "./outcomes.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("canned", name, rest);

export const canned: Resource = {
  path: "canned",
  permission: "admin.config",
  icon: "book",
  needs: ["queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "shortcut", label: t("admin.canned.shortcut"), text: (row) => rowText(row, "shortcut"), cell: (row) => <code>/{rowText(row, "shortcut")}</code> },
    {
      key: "name", label: t("admin.canned.name"), text: (row) => `${rowText(row, "name")} ${rowText(row, "text")}`,
      cell: (row) => <span class="two-lines"><b>{rowText(row, "name")}</b><span class="cut" lang={rowText(row, "language")}>{rowText(row, "text")}</span></span>,
    },
    { key: "language", label: t("admin.canned.language"), extra: true, text: (row) => languageLabel(rowText(row, "language")), cell: (row) => languageLabel(rowText(row, "language")) },
    { key: "queues", label: t("admin.canned.queues"), extra: true, text: queueNames, cell: queueNames },
  ],
  fresh: () => ({ id: "", name: "", shortcut: "", text: "", language: "en", queues: null }),
  outgoing: allWhenNone,
  sections: (_row, isNew) => [
    section("canned", "reply", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("shortcut", { kind: "text", required: true, max: 40, mono: true, half: true }),
      field("language", { kind: "select", options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })), required: true, half: true }),
      field("text", { kind: "textarea", required: true, rows: 6, max: 8000 }),
      field("queues", { kind: "choices", options: () => optionsOf("queues") }),
    ]),
  ],
};
