// The list of one kind of rows: what there is, a search, and the way to a new one.
import { useEffect, useState } from "preact/hooks";
import { Button } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { DataTable, SearchField } from "../common/table.tsx";
import { reload, rowsOf, rowText } from "./data.ts";
import { SectionChoice } from "./nav.tsx";
import type { Resource } from "./resource.tsx";
import { href } from "./router.ts";

export function ListSkeleton() {
  return (
    <div class="list-skeleton" role="status" aria-label={t("common.loading")}>
      {Array.from({ length: 6 }, (_, index) => <div key={index} class="skeleton" />)}
    </div>
  );
}

export function LoadFailed({ error, again }: { error: unknown; again: () => Promise<void> }) {
  return (
    <div class="empty" role="alert">
      <Icon name="failed" />
      <b>{t("admin.load_failed")}</b>
      <p>{errorText(error)}</p>
      <Button icon="retry" onClick={again}>{t("admin.try_again")}</Button>
    </div>
  );
}

export function ResourceList({ resource }: { resource: Resource }) {
  const { path } = resource;
  const [query, setQuery] = useState("");
  useEffect(() => {
    for (const name of new Set([path, ...resource.needs])) void reload(name);
  }, [path]);
  const { rows, error } = rowsOf(path);
  const title = t(`admin.${path}.title`);
  const columns = resource.columns();
  const add = (
    <a class="btn primary" href={href(path, "new")}>
      <Icon name="plus" small />
      {t(`admin.${path}.new`)}
    </a>
  );
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1>{title}</h1>
        {rows && rows.length > 0 && <span class="count num">{rows.length}</span>}
        <div class="right">
          {rows && rows.length > 0 && <SearchField label={t("table.search_in", { name: title })} value={query} onInput={setQuery} />}
          {rows && rows.length > 0 && add}
        </div>
      </header>
      <div class="sheet-body">
        <p class="lead">{t(`admin.${path}.lead`)}</p>
        {rows === null && (error ? <LoadFailed error={error} again={() => reload(path)} /> : <ListSkeleton />)}
        {rows && (
          <DataTable
            label={title}
            rows={resource.order ? [...rows].sort(resource.order) : rows}
            columns={columns}
            rowKey={(row) => rowText(row, "id")}
            href={resource.editable === false ? undefined : (row) => href(path, rowText(row, "id"))}
            dim={resource.dim}
            query={query}
            onClearQuery={() => setQuery("")}
            empty={{ icon: resource.icon, title: t(`admin.${path}.empty`), text: t(`admin.${path}.empty.text`), action: add }}
          />
        )}
      </div>
    </>
  );
}
