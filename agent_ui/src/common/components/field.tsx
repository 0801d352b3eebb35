import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "../i18n.ts";
import { Icon } from "../icons.tsx";

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "email" | "tel" | "password" | "number" | "url" | "date" | "time" | "search" | undefined;
  lines?: number | undefined;
  optional?: boolean | undefined;
  required?: boolean | undefined;
  help?: ComponentChildren;
  error?: string | null | undefined;
  placeholder?: string | undefined;
  autocomplete?: string | undefined;
  maxLength?: number | undefined;
  disabled?: boolean | undefined;
  autofocus?: boolean | undefined;
  inputMode?: "text" | "numeric" | "tel" | "email" | "url" | undefined;
}

/** A labelled text field, with help and error tied to it; `lines` makes it a text area. */
export function Field(props: FieldProps) {
  const { label, value, onInput, type = "text", lines, optional, help, error } = props;
  const id = useId();
  const described = [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  const shared = {
    id,
    class: "field",
    value,
    placeholder: props.placeholder,
    required: props.required,
    disabled: props.disabled,
    autofocus: props.autofocus,
    maxLength: props.maxLength,
    "aria-invalid": error ? true : undefined,
    "aria-describedby": described || undefined,
  };
  return (
    <div>
      <label class="label" for={id}>
        {label}{optional && <span class="opt"> {t("common.optional")}</span>}
      </label>
      {lines
        ? <textarea {...shared} rows={lines} onInput={(event) => onInput(event.currentTarget.value)} />
        : (
          <input
            {...shared}
            type={type as "text"} // the typings tie each type to its own roles
            autocomplete={props.autocomplete ?? "off"}
            inputMode={props.inputMode}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        )}
      {help && <p id={`${id}-help`} class="help">{help}</p>}
      {error && <p id={`${id}-error`} class="error-text"><Icon name="failed" />{error}</p>}
    </div>
  );
}

/** A checkbox with its words. */
export function Check({ label, checked, onChange, disabled }: {
  label: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean | undefined;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}
