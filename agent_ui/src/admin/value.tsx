// A value of a row in words, for differences and conflicts.
import { list, t } from "../common/i18n.ts";
import type { Value } from "../common/form/paths.ts";

export function valueText(value: Value): string {
  if (value === null || value === undefined || value === "") return t("admin.value.none");
  if (typeof value === "boolean") return t(value ? "admin.value.yes" : "admin.value.no");
  if (Array.isArray(value)) {
    if (value.length === 0) return t("admin.value.none");
    return value.every((item) => item === null || typeof item !== "object") ? list(value.map(String)) : JSON.stringify(value);
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was, struck out, and what is; for readers of the screen the words say which is which. */
export function Change({ before, after }: { before: Value; after: Value }) {
  return (
    <span class="change">
      <del><span class="vh">{t("admin.value.before")} </span>{valueText(before)}</del>{" "}
      <ins><span class="vh">{t("admin.value.after")} </span>{valueText(after)}</ins>
    </span>
  );
}
