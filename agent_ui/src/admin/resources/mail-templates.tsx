// Mail templates: answers to begin with, with blanks that the hub fills in.
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { LANGUAGES, list, t } from "../../common/i18n.ts";
import { languageLabel, optionsOf, rowText } from "../data.ts";
import { allWhenNone, queueNames } from "./outcomes.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("mail-templates", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("mail-templates", name, fields);
const VARIABLES = [
  "customer.name", "customer.first_name", "customer.email", "agent.name", "agent.first_name",
  "contact.reference", "contact.subject", "queue.name", "mailbox.name", "mailbox.address",
];

const spoken = (row: Row) => {
  const tags = (row["languages"] ?? []) as string[];
  return tags.length ? list(tags.map(languageLabel)) : t("admin.mail-templates.languages.all");
};

/** What can stand in a template. */
function Variables() {
  return (
    <>
      <div class="aside-head"><h2>{t("admin.mail-templates.variables")}</h2></div>
      <p class="help">{t("admin.mail-templates.variables.help")}</p>
      <dl class="variables">
        {VARIABLES.map((name) => [<dt key={name}><code>{`{{ ${name} }}`}</code></dt>, <dd key={`${name} words`}>{t(`admin.mail-templates.variable.${name}`)}</dd>])}
      </dl>
    </>
  );
}

export const mailTemplates: Resource = {
  path: "mail-templates",
  permission: "admin.config",
  icon: "book",
  needs: ["queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    {
      key: "name", label: t("admin.mail-templates.name"), text: (row) => `${rowText(row, "name")} ${rowText(row, "text")}`,
      cell: (row) => <span class="two-lines"><b>{rowText(row, "name")}</b><span class="cut">{rowText(row, "subject") || rowText(row, "text")}</span></span>,
    },
    { key: "languages", label: t("admin.mail-templates.languages"), extra: true, text: spoken, cell: spoken },
    { key: "queues", label: t("admin.mail-templates.queues"), extra: true, text: queueNames, cell: queueNames },
  ],
  fresh: () => ({ id: "", name: "", subject: "", text: "", html: "", languages: [], queues: null }),
  outgoing: allWhenNone,
  asideLabel: "admin.mail-templates.variables",
  aside: () => <Variables />,
  sections: (_row, isNew) => [
    section("template", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("subject", { kind: "text", max: 300 }),
      field("text", { kind: "textarea", required: true, rows: 10, max: 100_000 }),
      field("languages", { kind: "choices", options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })) }),
      field("queues", { kind: "choices", options: () => optionsOf("queues") }),
    ]),
    section("html", [field("html", { kind: "textarea", rows: 8, max: 200_000 })]),
  ],
};
