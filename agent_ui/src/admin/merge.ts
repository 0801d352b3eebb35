// Two people changed one row: what each of them changed, and one row with both. Pure.
import { differences, get, same, set, type Row, type Value } from "../common/form/paths.ts";

/** Changes of `mine` against `base`; lists count as one value, since their places shift. */
function changes(base: Value, mine: Value, path = ""): { path: string; after: Value }[] {
  if (same(base, mine)) return [];
  const isTree = (value: Value): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(base) || !isTree(mine)) return [{ path, after: mine }];
  const keys = [...new Set([...Object.keys(base), ...Object.keys(mine)])].filter((key) => !SAID.has(key) || path);
  return keys.flatMap((key) => changes(base[key], mine[key], path ? `${path}.${key}` : key));
}

/** What the server writes itself. */
const SAID = new Set(["version", "updated_at", "updated_by", "created_at"]);

/** The other's row with my changes on top, at the other's version. */
export function merge(base: Row, mine: Row, theirs: Row): Row {
  return changes(base, mine).reduce((row, change) => set(row, change.path, change.after), theirs);
}

export interface Clash {
  path: string;
  mine: Value;
  theirs: Value;
  /** Both changed it. */
  both: boolean;
}

/** Every place where my row and the other's differ, for a person to look at. */
export function clashes(base: Row, mine: Row, theirs: Row): Clash[] {
  const changedByMe = changes(base, mine).map((change) => change.path);
  const changedByThem = changes(base, theirs).map((change) => change.path);
  const within = (paths: string[], path: string) => paths.some((item) => path === item || path.startsWith(`${item}.`) || item.startsWith(`${path}.`));
  return differences(mine, theirs)
    .filter(({ path }) => !SAID.has(path))
    .map(({ path }) => ({
      path,
      mine: get(mine, path),
      theirs: get(theirs, path),
      both: within(changedByMe, path) && within(changedByThem, path),
    }));
}
