// A table of rows that lead somewhere: search, sorting by a press on a head, arrow keys between the rows.
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { Empty } from "./components/index.ts";
import "./form/words.ts";
import { locale, t } from "./i18n.ts";
import { Icon, type IconName } from "./icons.tsx";

export interface Column<R> {
  key: string;
  label: string;
  cell: (row: R) => ComponentChildren;
  /** What search looks at and, unless `sort` says otherwise, sorting. */
  text?: ((row: R) => string) | undefined;
  sort?: ((row: R) => string | number) | undefined;
  numeric?: boolean | undefined;
  /** Goes first when the window is narrow. */
  extra?: boolean | undefined;
}

interface TableProps<R> {
  label: string;
  rows: readonly R[];
  columns: readonly Column<R>[];
  rowKey: (row: R) => string;
  /** Where the row's name leads; without it rows are not links. */
  href?: ((row: R) => string) | undefined;
  dim?: ((row: R) => boolean) | undefined;
  query?: string | undefined;
  onClearQuery?: (() => void) | undefined;
  empty: { icon: IconName; title: string; text?: string; action?: ComponentChildren };
}

/** Whether every word of the query is somewhere in the row. */
export function matches<R>(row: R, columns: readonly Column<R>[], query: string): boolean {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = columns.map((column) => column.text?.(row) ?? "").join("\n").toLocaleLowerCase();
  return words.every((word) => haystack.includes(word));
}

function sorted<R>(rows: readonly R[], column: Column<R> | undefined, down: boolean): readonly R[] {
  const value = column?.sort ?? column?.text;
  if (!value) return rows;
  const collator = new Intl.Collator(locale, { numeric: true });
  const order = (one: R, other: R) => {
    const [left, right] = [value(one), value(other)];
    return typeof left === "number" && typeof right === "number" ? left - right : collator.compare(String(left), String(right));
  };
  return [...rows].sort((one, other) => (down ? order(other, one) : order(one, other)));
}

export function DataTable<R>(props: TableProps<R>) {
  const { label, rows, columns, rowKey, href, dim, query = "", onClearQuery, empty } = props;
  const [order, setOrder] = useState<{ key: string; down: boolean } | null>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = useMemo(() => {
    const found = rows.filter((row) => matches(row, columns, query));
    return sorted(found, columns.find((column) => column.key === order?.key), order?.down ?? false);
  }, [rows, columns, query, order]);

  if (rows.length === 0) {
    return (
      <Empty icon={empty.icon} title={empty.title}>
        {empty.text && <p>{empty.text}</p>}
        {empty.action}
      </Empty>
    );
  }
  if (shown.length === 0) {
    return (
      <Empty icon="search" title={t("table.none_found", { query })}>
        <p>{t("table.none_found_more")}</p>
        {onClearQuery && <button type="button" class="btn" onClick={onClearQuery}>{t("table.clear")}</button>}
      </Empty>
    );
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (at < 0 || next === undefined || !links[next]) return;
    event.preventDefault();
    links[next].focus();
  };
  const press = (key: string) => setOrder(order?.key !== key ? { key, down: false } : order.down ? null : { key, down: true });

  return (
    <div class="table-box">
      <table class="table data-table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => {
              const on = order?.key === column.key;
              return (
                <th
                  key={column.key}
                  scope="col"
                  class={`${column.numeric ? "n" : ""}${column.extra ? " extra" : ""}`}
                  aria-sort={on ? (order.down ? "descending" : "ascending") : undefined}
                >
                  {column.sort || column.text ? (
                    <button type="button" class="sort" title={t("table.sort", { name: column.label })} onClick={() => press(column.key)}>
                      {column.label}
                      {on && <Icon name={order.down ? "down" : "up"} small />}
                    </button>
                  ) : column.label}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {shown.map((row) => (
            <tr key={rowKey(row)} class={dim?.(row) ? "dim" : undefined}>
              {columns.map((column, index) => {
                const classes = `${column.numeric ? "n" : ""}${column.extra ? " extra" : ""}`;
                if (index > 0) return <td key={column.key} class={classes}>{column.cell(row)}</td>;
                return (
                  <th key={column.key} scope="row" class={classes}>
                    {href ? <a class="row-link" href={href(row)}>{column.cell(row)}</a> : column.cell(row)}
                  </th>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The search field above a table; "/" anywhere on the page goes to it. */
export function SearchField({ label, value, onInput }: { label: string; value: string; onInput: (value: string) => void }) {
  return (
    <span class="with-icon search-field">
      <Icon name="search" small />
      <input
        class="field"
        type="search"
        aria-label={label}
        placeholder={t("table.search")}
        value={value}
        autocomplete="off"
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !value) return;
          event.preventDefault();
          onInput("");
        }}
      />
    </span>
  );
}
