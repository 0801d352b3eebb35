// What a form is made of: sections of fields, as plain data. A page describes its form so; form.tsx draws it.
import type { ComponentChildren } from "preact";
import type { Row, Value } from "./paths.ts";

export interface Option {
  value: string;
  label: string;
}
export type Options = readonly Option[] | ((row: Row) => readonly Option[]);
export type Format = "email" | "url" | "link" | "origin" | "id" | "username" | "time" | "date";

/** `name` is the path in the row; `label` is said as it is (already in the reader's language). */
interface Base {
  name: string;
  label: string;
  hint?: string;
  required?: boolean;
  /** Left out while this is false. */
  when?: (row: Row) => boolean;
  /** Shown, but fixed (an id after it was made). */
  fixed?: (row: Row) => boolean;
  /** Stands beside the next such field where there is room. */
  half?: boolean;
}

export interface ControlProps {
  id: string;
  /** The field's path from the row's root. */
  path: string;
  value: Value;
  row: Row;
  describedBy: string | undefined;
  invalid: boolean;
  disabled: boolean;
  /** Problems below this field, by path from the row's root. */
  errors: Errors;
  onChange: (next: Value) => void;
}

export type Field = Base &
  (
    | { kind: "text"; format?: Format; max?: number; placeholder?: string; mono?: boolean; type?: "text" | "date" | "password" }
    | { kind: "textarea"; rows?: number; max?: number; placeholder?: string }
    | { kind: "number"; min?: number; max?: number; unit?: string; nullable?: boolean; placeholder?: string }
    | { kind: "select"; options: Options; empty?: string }
    | { kind: "choices"; options: Options; none?: string }
    | { kind: "switch" }
    | { kind: "colour"; presets?: readonly string[] }
    | { kind: "lines"; add: string; format?: Format; placeholder?: string }
    | { kind: "texts"; locales: (row: Row) => readonly string[]; multiline?: boolean; max?: number; placeholder?: string }
    | { kind: "levels"; options: Options; add: string; min: number; max: number; none?: string }
    | { kind: "rows"; fields: Fields; add: string; fresh: () => Row; none?: string; itemName: string; settle?: Settle }
    | { kind: "custom"; render: (props: ControlProps) => ComponentChildren; check?: (value: Value, path: string) => Errors }
  );

/** Each kind of field without its name and label, which a page's own field() adds. */
export type Unsaid<F> = F extends Field ? Omit<F, "name" | "label"> : never;

/** What becomes of a list's item after its field of this name has changed: others may fit no more. */
export type Settle = (item: Row, name: string) => Row;

/** The fields of a list's item; they may depend on what the item says. */
export type Fields = readonly Field[] | ((item: Row) => readonly Field[]);

export function fieldsOf(fields: Fields, item: Row): readonly Field[] {
  return typeof fields === "function" ? fields(item) : fields;
}

export interface Section {
  title: string;
  text?: string;
  fields: readonly Field[];
}

/** Sentences by path of the field. */
export type Errors = Record<string, string>;

export function resolve(options: Options, row: Row): readonly Option[] {
  return typeof options === "function" ? options(row) : options;
}
