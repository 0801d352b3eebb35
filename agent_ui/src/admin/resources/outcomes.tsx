// Outcomes: how a conversation ended, chosen by the agent at wrap-up.
import { field, idField, section, type Resource } from "../resource.tsx";
import { list, t } from "../../common/i18n.ts";
import { nameIn, optionsOf, rowText } from "../data.ts";
import type { Row } from "../../common/form/paths.ts";

/** The queues that a row belongs to, in words; none named means all. */
export function queueNames(row: Row): string {
  const ids = row["queues"] as string[] | null | undefined;
  return ids?.length ? list(ids.map((id) => nameIn("queues", id))) : t("admin.all_queues");
}

/** "No queue chosen" is "all queues", which the server writes as null. */
export function allWhenNone(row: Row): Row {
  const ids = row["queues"] as string[] | null | undefined;
  return { ...row, queues: ids?.length ? ids : null };
}

export const outcomes: Resource = {
  path: "outcomes",
  permission: "admin.config",
  icon: "tag",
  needs: ["queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.outcomes.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "queues", label: t("admin.outcomes.queues"), text: queueNames, cell: queueNames },
  ],
  fresh: () => ({ id: "", name: "", queues: null }),
  outgoing: allWhenNone,
  sections: (_row, isNew) => [
    section("outcomes", "outcome", [
      field("outcomes", "name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("outcomes", "queues", { kind: "choices", options: () => optionsOf("queues") }),
    ]),
  ],
};
