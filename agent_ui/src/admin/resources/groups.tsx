// Groups: agents by name; a queue may be open to some groups only.
import { field as fieldOf, idField, section, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import type { Row, Value } from "../../common/form/paths.ts";
import { list, t } from "../../common/i18n.ts";
import { nameIn, optionsOf, rowsOf, rowText } from "../data.ts";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("groups", name, rest);
const members = (row: Row) => ((row["agents"] ?? []) as string[]).map((id) => nameIn("users", id));

function queuesOf(id: string): string[] {
  return (rowsOf("queues").rows ?? []).filter((row) => ((row["groups"] ?? []) as Value[]).includes(id)).map((row) => rowText(row, "name"));
}

export const groups: Resource = {
  path: "groups",
  permission: "admin.config",
  icon: "team",
  needs: ["users", "queues"],
  idFromName: true,
  check: "group",
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.groups.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    {
      key: "agents", label: t("admin.groups.agents"), text: (row) => members(row).join(" "),
      cell: (row) => (members(row).length ? list(members(row)) : <span class="none">{t("admin.groups.nobody")}</span>),
    },
    { key: "queues", label: t("admin.groups.queues"), extra: true, text: (row) => queuesOf(rowText(row, "id")).join(" "), cell: (row) => list(queuesOf(rowText(row, "id"))) },
  ],
  fresh: () => ({ id: "", name: "", agents: [] }),
  sections: (_row, isNew) => [
    section("groups", "group", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("agents", { kind: "choices", options: () => optionsOf("users") }),
    ]),
  ],
};
