// What a kind of row is, for the pages that list and edit it. Each kind is one file in resources/.
import type { ComponentChildren } from "preact";
import type { Field, Section, Unsaid } from "../common/form/fields.ts";
import type { Row } from "../common/form/paths.ts";
import { has, t } from "../common/i18n.ts";
import type { IconName } from "../common/icons.tsx";
import type { Column } from "../common/table.tsx";

export interface Resource {
  /** In the address, and below /api/v1. */
  path: string;
  permission: string;
  icon: IconName;
  /** Lists that the form or the table takes names from. */
  needs: readonly string[];
  nameOf: (row: Row) => string;
  columns: () => Column<Row>[];
  dim?: (row: Row) => boolean;
  /** A new row as the form begins with it. */
  fresh: () => Row;
  sections: (row: Row, isNew: boolean) => Section[];
  /** New rows get an id made of their name until one is typed. */
  idFromName?: boolean;
  /** Changes what is sent: leaves out what was not filled in. */
  outgoing?: (row: Row, isNew: boolean) => Row;
  /** Makes the row fit the form after loading. */
  incoming?: (row: Row) => Row;
  /** Beside the form; `asideLabel` is the key of its name, "Preview" unless given. */
  aside?: (row: Row, isNew: boolean) => ComponentChildren;
  asideLabel?: string;
  /** The kind under which the hub is asked what would be wrong with the routing if the row were saved. */
  check?: "queue" | "rule" | "group";
  /** The order of the list until a head is pressed. */
  order?: (one: Row, other: Row) => number;
  /** Below the form, about the saved row only. */
  below?: (row: Row) => ComponentChildren;
  /** In the head, about the saved row only. */
  actions?: (row: Row, reload: () => void) => ComponentChildren;
  /** "delete" unless rows of this kind are kept and only switched off. */
  /** False when a row can be made and removed, but not changed. */
  editable?: boolean;
  removal?: "delete" | "disable" | "none";
  /** Shown once after the row was made: a secret that nobody can read later. */
  reveal?: (saved: Row) => { title: string; text: string; secret: string } | null;
}

/** A field that says itself by the words of its path: "admin.queues.wrap_up_s", and ".hint" when there is one. */
export function field(area: string, name: string, rest: Unsaid<Field>): Field {
  const key = `admin.${area}.${name}`;
  const hint = has(`${key}.hint`) ? { hint: t(`${key}.hint`) } : {};
  return { name, label: t(key), ...hint, ...rest };
}

export function section(area: string, name: string, fields: readonly Field[]): Section {
  const key = `admin.${area}.section.${name}`;
  return { title: t(key), fields, ...(has(`${key}.text`) ? { text: t(`${key}.text`) } : {}) };
}

/** The id field that nearly every kind has: fixed once the row exists. */
export function idField(isNew: boolean): Field {
  return {
    kind: "text", name: "id", label: t("admin.id"), hint: t(isNew ? "admin.id.hint" : "admin.id.fixed"),
    format: "id", mono: true, half: true, fixed: () => !isNew,
  };
}

/** "Spare parts & lamps" becomes "spare-parts-lamps". */
export function slug(name: string): string {
  return name.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
}

/** The words of the field that a path belongs to, for differences; the path itself when no field has it. */
export function labelOf(sections: readonly Section[], path: string): string {
  let best: Field | undefined;
  for (const candidate of sections.flatMap((part) => part.fields)) {
    const fits = path === candidate.name || path.startsWith(`${candidate.name}.`);
    if (fits && (!best || candidate.name.length > best.name.length)) best = candidate;
  }
  if (!best) return path;
  const rest = path.slice(best.name.length + 1);
  return rest ? `${best.label} › ${rest}` : best.label;
}
