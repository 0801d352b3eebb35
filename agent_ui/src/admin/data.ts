// The rows of the configuration: lists are loaded once and shared by every page that shows or chooses from them.
import { signal, type Signal } from "@preact/signals";
import { api } from "../common/api.ts";
import { LANGUAGES, languageName } from "../common/i18n.ts";
import type { Option } from "../common/form/fields.ts";
import type { Row } from "../common/form/paths.ts";

/** A list as it is known: null until it is loaded. */
export interface Known {
  rows: readonly Row[] | null;
  error: unknown;
}

const lists = new Map<string, Signal<Known>>();

function list(path: string): Signal<Known> {
  let known = lists.get(path);
  if (!known) lists.set(path, (known = signal({ rows: null, error: null })));
  return known;
}

interface Page {
  items: Row[];
  next: string | null;
}

/** Every row of a list, page by page. */
async function fetchAll(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let after: string | null = null;
  do {
    const page: Page = await api<Page>("GET", `${path}?limit=200${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    rows.push(...page.items);
    after = page.next;
  } while (after && rows.length < 10_000);
  return rows;
}

/** Loads a list again; what is shown stays until the answer is there. */
export async function reload(path: string): Promise<void> {
  const known = list(path);
  try {
    known.value = { rows: await fetchAll(path), error: null };
  } catch (error) {
    known.value = { rows: known.value.rows, error };
  }
}

/** The list as it is known now; a component that calls this is drawn again when it changes. */
export function rowsOf(path: string): Known {
  return list(path).value;
}

/** A language by its own name where we have it, else in the reader's language. */
export function languageLabel(tag: string): string {
  return LANGUAGES[tag] ?? languageName(tag);
}

export function rowText(row: Row, key: string): string {
  const value = row[key];
  return value === null || value === undefined ? "" : String(value);
}

/** The rows of a list as options of a field. */
export function optionsOf(path: string): Option[] {
  return (rowsOf(path).rows ?? []).map((row) => ({ value: rowText(row, "id"), label: rowText(row, "name") || rowText(row, "id") }));
}

/** The name of a row by its id, or the id when it is not known (any more). */
export function nameIn(path: string, id: string): string {
  const row = (rowsOf(path).rows ?? []).find((item) => item["id"] === id);
  return (row && rowText(row, "name")) || id;
}

export function fetchRow(path: string, id: string): Promise<Row> {
  return api<Row>("GET", `${path}/${encodeURIComponent(id)}`);
}

/** What the server says of a row and does not take back. */
const SAID = ["updated_at", "updated_by", "created_at"];

/** Makes the row, or replaces the one with this id at the row's version. */
export async function saveRow(path: string, id: string | null, row: Row): Promise<Row> {
  const body = Object.fromEntries(Object.entries(row).filter(([key, value]) => !SAID.includes(key) && (key !== "id" || value !== "")));
  const saved = id === null ? await api<Row>("POST", path, body) : await api<Row>("PUT", `${path}/${encodeURIComponent(id)}`, body);
  void reload(path);
  return saved;
}

/** Deletes the row if it is still at `version`; null whatever its version is. */
export async function removeRow(path: string, id: string, version: number | null = null): Promise<void> {
  await api("DELETE", `${path}/${encodeURIComponent(id)}${version === null ? "" : `?version=${version}`}`);
  void reload(path);
}
