// The audit log: who changed what, when, from what to what. Newest first, page by page.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Avatar, Button, Empty } from "../common/components/index.ts";
import type { Section } from "../common/form/fields.ts";
import { differences, type Row, type Value } from "../common/form/paths.ts";
import { has, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { SearchField } from "../common/table.tsx";
import { dateTime } from "../common/time.ts";
import { nameIn, reload, rowText } from "./data.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { SectionChoice } from "./nav.tsx";
import { PAGES } from "./kinds.ts";
import { labelOf, type Resource } from "./resource.tsx";
import { timeOf } from "./resources/tokens.tsx";
import { Change } from "./value.tsx";

const HIDDEN = /^(version|updated_at|updated_by|created_at|password_hash|secret_hash)$/;

function actorOf(row: Row): string {
  const actor = rowText(row, "actor");
  return !actor || actor === "system" ? t("admin.audit.system") : rowText(row, "actor_name") || actor;
}

function pageOf(row: Row): string {
  const kind = rowText(row, "kind");
  return PAGES[kind] ?? kind;
}

/** What was done, in words: "create" takes an object; "auth.signed_in" is a sentence of its own. */
function sentenceOf(row: Row): { verb: string; alone: boolean } {
  const action = rowText(row, "action");
  if (has(`admin.audit.did.${action}`)) return { verb: t(`admin.audit.did.${action}`), alone: true };
  return { verb: has(`admin.audit.${action}`) ? t(`admin.audit.${action}`) : action, alone: false };
}

function nameOf(row: Row): string {
  const shown = (row["after"] ?? row["before"] ?? {}) as Row;
  if (rowText(row, "kind") === "user" && !rowText(shown, "name")) return nameIn("users", rowText(row, "row"));
  return rowText(shown, "name") || rowText(row, "row");
}

function fieldName(sections: readonly Section[], path: string): string {
  return has(`admin.audit.field.${path}`) ? t(`admin.audit.field.${path}`) : labelOf(sections, path);
}

function Entry({ row, resources }: { row: Row; resources: Record<string, Resource> }) {
  const page = pageOf(row);
  const { verb, alone } = sentenceOf(row);
  const at = timeOf(row["at"]);
  const resource = resources[page];
  const before = (row["before"] ?? null) as Value;
  const after = (row["after"] ?? null) as Value;
  const sections = resource?.sections(((after ?? before) ?? {}) as Row, false) ?? [];
  const changes = differences(before, after).filter(({ path }) => !HIDDEN.test(path));
  const actor = actorOf(row);
  return (
    <li class="audit-entry">
      <details>
        <summary>
          <Avatar name={actor} small />
          <span class="what">
            <b>{actor}</b> {verb}
            {!alone && <> {has(`admin.audit.kind.${page}`) ? t(`admin.audit.kind.${page}`) : page} <b>{nameOf(row)}</b></>}
          </span>
          {before !== null && after !== null && changes.length > 0 && (
            <span class="which cut">{changes.map(({ path }) => fieldName(sections, path)).slice(0, 4).join(", ")}</span>
          )}
          <time class="num">{at === null ? "" : dateTime(at)}</time>
          <Icon name="down" small />
        </summary>
        {changes.length === 0 ? <p class="none">{t("admin.audit.nothing")}</p> : (
          <dl class="diff">
            {changes.map(({ path, before: was, after: is }) => (
              <div key={path}>
                <dt>{fieldName(sections, path)}</dt>
                <dd><Change before={was} after={is} /></dd>
              </div>
            ))}
          </dl>
        )}
      </details>
    </li>
  );
}

export function AuditLog({ resources }: { resources: Record<string, Resource> }) {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [query, setQuery] = useState("");
  const load = async (after: string | null) => {
    try {
      const page = await api<{ items: Row[]; next: string | null }>("GET", `audit?limit=100${after ? `&after=${encodeURIComponent(after)}` : ""}`);
      setRows((known) => [...(after && known ? known : []), ...page.items]);
      setNext(page.next);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => {
    void load(null);
    for (const name of ["users", "skills", "queues", "hours"]) void reload(name);
  }, []);
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const shown = (rows ?? []).filter((row) => {
    const text = `${actorOf(row)} ${rowText(row, "action")} ${pageOf(row)} ${rowText(row, "row")} ${nameOf(row)}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.audit.title")}</h1>
        <div class="right">
          <SearchField label={t("table.search_in", { name: t("admin.audit.title") })} value={query} onInput={setQuery} />
        </div>
      </header>
      <div class="sheet-body">
        <p class="lead">{t("admin.audit.lead")}</p>
        {error !== null && <LoadFailed error={error} again={() => load(null)} />}
        {rows === null && error === null && <ListSkeleton />}
        {rows?.length === 0 && <Empty icon="file" title={t("admin.audit.empty")}><p>{t("admin.audit.empty.text")}</p></Empty>}
        {rows && rows.length > 0 && shown.length === 0 && <Empty icon="search" title={t("table.none_found", { query })}><p>{t("table.none_found_more")}</p></Empty>}
        {shown.length > 0 && (
          <ol class="audit" aria-label={t("admin.audit.title")}>
            {shown.map((row) => <Entry key={rowText(row, "id")} row={row} resources={resources} />)}
          </ol>
        )}
        {next && <div class="more"><Button onClick={() => load(next)}>{t("table.more")}</Button></div>}
      </div>
    </>
  );
}
