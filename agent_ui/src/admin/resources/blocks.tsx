// Blocks: who is not served, and until when.
import { field as fieldOf, idField, section, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { t } from "../../common/i18n.ts";
import { rowText } from "../data.ts";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("blocks", name, rest);
const WHAT = ["email", "domain", "phone", "visitor", "address"];
const EXAMPLES: Record<string, string> = {
  email: "person@example.com", domain: "example.com", phone: "+4930123456", visitor: "vi_…", address: "203.0.113.0/24",
};
const what = (row: Row) => t(`admin.blocks.what.${rowText(row, "what")}`);

export const blocks: Resource = {
  path: "blocks",
  permission: "admin.config",
  icon: "lock",
  needs: [],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.blocks.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "what", label: t("admin.blocks.what"), text: what, cell: what },
    { key: "value", label: t("admin.blocks.value"), text: (row) => rowText(row, "value"), cell: (row) => <code>{rowText(row, "value")}</code> },
    { key: "until", label: t("admin.blocks.until"), extra: true, text: (row) => rowText(row, "until"), cell: (row) => rowText(row, "until") || <span class="none">{t("admin.blocks.for_ever")}</span> },
  ],
  fresh: () => ({ id: "", name: "", what: "email", value: "", until: null }),
  outgoing: (row) => ({ ...row, value: rowText(row, "value").trim(), until: row["until"] || null }),
  sections: (row, isNew) => [
    section("blocks", "block", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("what", { kind: "select", options: WHAT.map((value) => ({ value, label: t(`admin.blocks.what.${value}`) })), required: true, half: true }),
      field("value", { kind: "text", required: true, max: 254, mono: true, half: true, placeholder: EXAMPLES[rowText(row, "what")] ?? "" }),
      field("until", { kind: "text", type: "date", format: "date", half: true }),
    ]),
  ],
};
