// Draws a form from its description: sections with a title at the left, fields at the right, words under what is wrong.
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import { t } from "../i18n.ts";
import { LevelsControl, LinesControl, RowsControl, TextsControl } from "./collections.tsx";
import { AreaControl, ChoicesControl, ColourControl, NumberControl, SelectControl, SwitchControl, TextControl } from "./controls.tsx";
import type { ControlProps, Errors, Field, Section } from "./fields.ts";
import { get, set, type Row, type Value } from "./paths.ts";
import "./words.ts";

export function fieldId(path: string): string {
  return `f-${path.replace(/[^\w-]+/g, "-")}`;
}

function control(field: Field, props: ControlProps): ComponentChildren {
  switch (field.kind) {
    case "text":
      return <TextControl {...props} field={field} />;
    case "textarea":
      return <AreaControl {...props} field={field} />;
    case "number":
      return <NumberControl {...props} field={field} />;
    case "select":
      return <SelectControl {...props} field={field} />;
    case "switch":
      return <SwitchControl {...props} field={field} />;
    case "choices":
      return <ChoicesControl {...props} field={field} />;
    case "colour":
      return <ColourControl {...props} field={field} />;
    case "lines":
      return <LinesControl {...props} field={field} />;
    case "texts":
      return <TextsControl {...props} field={field} />;
    case "levels":
      return <LevelsControl {...props} field={field} />;
    case "rows":
      return <RowsControl {...props} field={field} />;
    case "custom":
      return field.render(props);
  }
}

/** Kinds that are one focusable element with the field's id, so that a <label for> reaches them. */
const SINGLE = new Set<Field["kind"]>(["text", "textarea", "number", "select", "colour"]);

/** Kinds whose parts have no place for words of their own. */
const SHOWN_HERE = new Set<Field["kind"]>(["choices", "levels", "select", "colour"]);

function below(errors: Errors, path: string): string | undefined {
  const key = Object.keys(errors).find((candidate) => candidate.startsWith(`${path}.`));
  return key && errors[key];
}

interface FieldProps {
  field: Field;
  /** What `when` and `fixed` look at: the row, or the item of a list. */
  scope: Row;
  row: Row;
  errors: Errors;
  disabled: boolean;
  onChange: (path: string, next: Value) => void;
}

export function FieldView({ field, scope, row, errors, disabled, onChange }: FieldProps) {
  if (field.when && !field.when(scope)) return null;
  const id = fieldId(field.name);
  const problem = errors[field.name] ?? (SHOWN_HERE.has(field.kind) ? below(errors, field.name) : undefined);
  const described = [field.hint && `${id}-h`, problem && `${id}-e`].filter(Boolean).join(" ") || undefined;
  const props: ControlProps = {
    id,
    path: field.name,
    value: get(row, field.name),
    row,
    errors,
    describedBy: described,
    invalid: problem !== undefined,
    disabled: disabled || (field.fixed?.(scope) ?? false),
    onChange: (next) => onChange(field.name, next),
  };
  const hint = field.hint && <p class="help" id={`${id}-h`}>{field.hint}</p>;
  const error = problem && (
    <p class="error-text" id={`${id}-e`}>
      <Icon name="warn" small />
      {problem}
    </p>
  );
  if (field.kind === "switch") {
    return (
      <div class={`form-field switch-field${field.half ? " half" : ""}`}>
        <label class="label" for={id}>{field.label}</label>
        {control(field, props)}
        {error}
        {hint}
      </div>
    );
  }
  const label = (
    <>
      {field.label}
      {!field.required && !props.disabled && (field.kind === "text" || field.kind === "textarea") && <span class="opt">{t("form.optional")}</span>}
    </>
  );
  return (
    <div class={`form-field k-${field.kind}${field.half ? " half" : ""}`}>
      {SINGLE.has(field.kind) ? <label class="label" for={id}>{label}</label> : <p class="label">{label}</p>}
      {control(field, props)}
      {error}
      {hint}
    </div>
  );
}

interface FormProps {
  sections: readonly Section[];
  row: Row;
  errors: Errors;
  disabled?: boolean;
  onChange: (row: Row) => void;
}

export function Form({ sections, row, errors, disabled = false, onChange }: FormProps) {
  return (
    <>
      {sections.map((section, index) => (
        <section class="form-section" key={section.title} aria-labelledby={`form-section-${index}`}>
          <header>
            <h2 id={`form-section-${index}`}>{section.title}</h2>
            {section.text && <p>{section.text}</p>}
          </header>
          <div class="fields">
            {section.fields.map((field) => (
              <FieldView
                key={field.name}
                field={field}
                scope={row}
                row={row}
                errors={errors}
                disabled={disabled}
                onChange={(path, next) => onChange(set(row, path, next))}
              />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

/** Moves the focus to the first field with a problem; false when none of the problems has a field here. */
export function focusFirstError(root: HTMLElement | null): boolean {
  const first = root?.querySelector<HTMLElement>("[aria-invalid=true]") ?? root?.querySelector<HTMLElement>(".error-text");
  const target = first?.matches("input, select, textarea, button")
    ? first
    : first?.closest(".form-field")?.querySelector<HTMLElement>("input, select, textarea, button");
  target?.focus();
  first?.scrollIntoView({ block: "center" });
  return first !== undefined && first !== null;
}
