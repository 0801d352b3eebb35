// Status reasons: what an agent who is away says it is for.
import { field, idField, section, type Resource } from "../resource.tsx";
import { t } from "../../common/i18n.ts";
import { rowText } from "../data.ts";

export const reasons: Resource = {
  path: "reasons",
  permission: "admin.config",
  icon: "status",
  needs: [],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.reasons.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "id", label: t("admin.id"), text: (row) => rowText(row, "id"), cell: (row) => <code>{rowText(row, "id")}</code> },
  ],
  fresh: () => ({ id: "", name: "" }),
  sections: (_row, isNew) => [
    section("reasons", "reason", [field("reasons", "name", { kind: "text", required: true, max: 120, half: true }), idField(isNew)]),
  ],
};
