// Skills: the names that queues ask for and agents have.
import { field, idField, section, type Resource } from "../resource.tsx";
import { t } from "../../common/i18n.ts";
import { rowsOf, rowText } from "../data.ts";

/** How many rows of a list have this skill. */
function having(path: string, id: string): number {
  return (rowsOf(path).rows ?? []).filter((row) => id in ((row["skills"] ?? {}) as object)).length;
}

export const skills: Resource = {
  path: "skills",
  permission: "admin.config",
  icon: "star",
  needs: ["users", "queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.skills.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "id", label: t("admin.id"), extra: true, text: (row) => rowText(row, "id"), cell: (row) => <code>{rowText(row, "id")}</code> },
    { key: "agents", label: t("admin.skills.agents"), numeric: true, sort: (row) => having("users", rowText(row, "id")), cell: (row) => having("users", rowText(row, "id")) },
    { key: "queues", label: t("admin.skills.queues"), numeric: true, sort: (row) => having("queues", rowText(row, "id")), cell: (row) => having("queues", rowText(row, "id")) },
  ],
  fresh: () => ({ id: "", name: "" }),
  sections: (_row, isNew) => [
    section("skills", "skill", [field("skills", "name", { kind: "text", required: true, max: 120, half: true }), idField(isNew)]),
  ],
};
