// API tokens: for programs; the secret is shown once.
import { field, section, type Resource } from "../resource.tsx";
import { t } from "../../common/i18n.ts";
import { dateTime } from "../../common/time.ts";
import { nameIn, optionsOf, rowText } from "../data.ts";
import type { Value } from "../../common/form/paths.ts";
import { RevokeButton } from "../revoke.tsx";

/** Times come as milliseconds or as RFC 3339. */
export function timeOf(value: Value): number | null {
  if (typeof value === "number") return value;
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function when(value: Value, none: string) {
  const at = timeOf(value);
  return at === null ? <span class="none">{none}</span> : <span class="num">{dateTime(at)}</span>;
}

export const tokens: Resource = {
  path: "tokens",
  permission: "admin.tokens",
  icon: "key",
  needs: ["users"],
  editable: false,
  removal: "none",
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.tokens.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "user", label: t("admin.tokens.user"), text: (row) => nameIn("users", rowText(row, "user")), cell: (row) => nameIn("users", rowText(row, "user")) },
    { key: "created_at", label: t("admin.tokens.created"), extra: true, sort: (row) => timeOf(row["created_at"]) ?? 0, cell: (row) => when(row["created_at"], "") },
    { key: "used_at", label: t("admin.tokens.used"), extra: true, sort: (row) => timeOf(row["used_at"]) ?? 0, cell: (row) => when(row["used_at"], t("admin.tokens.never")) },
    { key: "expires_at", label: t("admin.tokens.expires"), extra: true, sort: (row) => timeOf(row["expires_at"]) ?? 0, cell: (row) => when(row["expires_at"], t("admin.tokens.no_end")) },
    { key: "revoke", label: t("admin.tokens.actions"), numeric: true, cell: (row) => <RevokeButton id={rowText(row, "id")} name={rowText(row, "name")} /> },
  ],
  fresh: () => ({ name: "", user: null, expires_at: null }),
  outgoing: (row) => ({
    ...row,
    expires_at: row["expires_at"] ? new Date(`${rowText(row, "expires_at")}T23:59:59`).toISOString() : null,
  }),
  sections: () => [
    section("tokens", "token", [
      field("tokens", "name", { kind: "text", required: true, max: 120, half: true }),
      field("tokens", "user", { kind: "select", options: () => optionsOf("users"), required: true, half: true }),
      field("tokens", "expires_at", { kind: "text", type: "date", half: true }),
    ]),
  ],
  reveal: (saved) => ({ title: t("admin.tokens.made"), text: t("admin.tokens.made.text"), secret: rowText(saved, "token") }),
};
