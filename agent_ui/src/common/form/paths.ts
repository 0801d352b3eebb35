// A row of the configuration is plain JSON; a field of a form names its place by a path such as "target.percent" or
// "relax.0.after_s". Rows are never changed in place, so that "is it changed?" is a comparison.

export type Value = string | number | boolean | null | undefined | Value[] | { [key: string]: Value };
export type Row = { [key: string]: Value };

/** The server writes "relax[0].after_s", forms write "relax.0.after_s"; a leading "$." or "body." says nothing. */
export function normalise(path: string): string {
  return path
    .replace(/\[["']?([^\]"']+)["']?\]/g, ".$1")
    .replace(/^\$?\.?(body\.)?/, "")
    .replace(/^\./, "");
}

export function get(value: Value, path: string): Value {
  let here: Value = value;
  for (const key of path.split(".")) {
    if (here === null || typeof here !== "object") return undefined;
    here = (here as { [key: string]: Value })[key];
  }
  return here;
}

/** The same value with `next` at `path`; what lies on the way is copied, the rest shared. */
export function set<T extends Value>(value: T, path: string, next: Value): T {
  const [key, ...rest] = path.split(".") as [string, ...string[]];
  const inner = rest.length ? set(get(value, key) ?? (/^\d+$/.test(rest[0]!) ? [] : {}), rest.join("."), next) : next;
  if (Array.isArray(value)) {
    const copy = value.slice();
    copy[Number(key)] = inner;
    return copy as T;
  }
  const copy = { ...(value as Row) };
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy as T;
}

/** Equal as JSON, whatever the order of the keys. */
export function same(one: Value, other: Value): boolean {
  if (one === other) return true;
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return (one ?? null) === (other ?? null);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const left = one as Row;
  const right = other as Row;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => same(left[key], right[key]));
}

export interface Difference {
  path: string;
  before: Value;
  after: Value;
}

/** Where two rows differ, leaf by leaf (lists of plain values count as leaves). */
export function differences(before: Value, after: Value, path = ""): Difference[] {
  if (same(before, after)) return [];
  const isTree = (value: Value): value is Row | Value[] =>
    value !== null && typeof value === "object" && !(Array.isArray(value) && value.every((item) => item === null || typeof item !== "object"));
  const empty = (value: Value) => value === null || value === undefined;
  if (!(isTree(before) || empty(before)) || !(isTree(after) || empty(after)) || (empty(before) && empty(after))) {
    return [{ path, before, after }];
  }
  const left = (before ?? {}) as Row;
  const right = (after ?? {}) as Row;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.flatMap((key) => differences(left[key], right[key], path ? `${path}.${key}` : key));
}
