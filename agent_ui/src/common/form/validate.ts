// Checks what can be known without the server, in the reader's words. The server checks everything again.
import { t } from "../i18n.ts";
import { fieldsOf, type Errors, type Field, type Format, type Section } from "./fields.ts";
import { get, type Row, type Value } from "./paths.ts";

/** An origin as browsers send it: scheme, host and port, nothing behind; one leading "*." stands for subdomains. */
const ORIGIN = /^https?:\/\/(\*\.)?[a-z0-9.-]+(:\d{1,5})?$/i;

const formats: Record<Format, (text: string) => boolean> = {
  email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text),
  url: (text) => /^https?:\/\/[^\s/]+/.test(text) && URL.canParse(text),
  link: (text) => /^\/[^/\\]/.test(text) || formats.url(text),
  origin: (text) => ORIGIN.test(text),
  id: (text) => /^[a-z0-9][a-z0-9_-]{0,63}$/.test(text),
  username: (text) => /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(text),
  time: (text) => /^([01]\d|2[0-4]):[0-5]\d$/.test(text),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text),
};

export function isEmpty(value: Value): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

function textProblem(text: string, format: Format | undefined, max: number | undefined): string | null {
  if (max && text.length > max) return t("form.too_long", { max, count: text.length });
  if (format && text.trim() !== "" && !formats[format](text.trim())) return t(`form.format.${format}`);
  return null;
}

function numberProblem(value: Value, min: number | undefined, max: number | undefined): string | null {
  if (typeof value !== "number" || Number.isNaN(value)) return t("form.not_number");
  if (min !== undefined && max !== undefined && (value < min || value > max)) return t("form.range", { min, max });
  if (min !== undefined && value < min) return t("form.at_least", { min });
  if (max !== undefined && value > max) return t("form.at_most", { max });
  return null;
}

function check(field: Field, row: Row, path: string): Errors {
  const value = get(row, path);
  if (isEmpty(value)) return field.required ? { [path]: t("form.required") } : {};
  const one = (problem: string | null): Errors => (problem ? { [path]: problem } : {});
  switch (field.kind) {
    case "text":
      return one(textProblem(String(value), field.format, field.max));
    case "textarea":
      return one(textProblem(String(value), undefined, field.max));
    case "number":
      return one(numberProblem(value, field.min, field.max));
    case "lines":
      return Object.assign({}, ...(value as Value[]).map((line, index) => {
        const problem = isEmpty(line) ? t("form.required") : textProblem(String(line), field.format, undefined);
        return problem ? { [`${path}.${index}`]: problem } : {};
      })) as Errors;
    case "texts":
      return Object.assign({}, ...Object.entries(value as Row).map(([locale, text]) => {
        const problem = textProblem(String(text ?? ""), undefined, field.max);
        return problem ? { [`${path}.${locale}`]: problem } : {};
      })) as Errors;
    case "levels":
      return Object.assign({}, ...Object.entries(value as Row).map(([key, level]) => {
        const problem = numberProblem(level, field.min, field.max);
        return problem ? { [`${path}.${key}`]: problem } : {};
      })) as Errors;
    case "rows":
      return Object.assign({}, ...(value as Row[]).map((item, index) => checkFields(fieldsOf(field.fields, item), row, `${path}.${index}.`))) as Errors;
    case "custom":
      return field.check?.(value, path) ?? {};
    default:
      return {};
  }
}

function checkFields(fields: readonly Field[], row: Row, prefix: string): Errors {
  const scope = prefix ? ((get(row, prefix.slice(0, -1)) as Row | undefined) ?? {}) : row;
  const shown = fields.filter((field) => !field.when || field.when(scope));
  return Object.assign({}, ...shown.map((field) => check(field, row, prefix + field.name))) as Errors;
}

/** Everything wrong with the row as far as the form can tell, as sentences by path. */
export function validate(sections: readonly Section[], row: Row): Errors {
  return checkFields(sections.flatMap((section) => section.fields), row, "");
}


export function hasErrorBelow(errors: Errors, path: string): boolean {
  return Object.keys(errors).some((key) => key === path || key.startsWith(`${path}.`));
}
