// The simple controls: one value each.
import { useId, useState } from "preact/hooks";
import { t } from "../i18n.ts";
import { Icon } from "../icons.tsx";
import { resolve, type ControlProps, type Field } from "./fields.ts";
import type { Value } from "./paths.ts";

type Of<K extends Field["kind"]> = ControlProps & { field: Extract<Field, { kind: K }> };

const aria = ({ describedBy, invalid }: ControlProps) => ({
  "aria-describedby": describedBy,
  "aria-invalid": invalid || undefined,
});

export function TextControl(props: Of<"text">) {
  const { field, id, value, disabled, onChange } = props;
  const secret = field.type === "password";
  // Preact's types want each input type in an element of its own.
  const type = { type: field.type ?? "text" } as { type: "text" };
  return (
    <input
      id={id}
      class={`field${field.mono ? " mono" : ""}`}
      {...type}
      inputMode={field.format === "email" ? "email" : field.format === "url" || field.format === "origin" ? "url" : undefined}
      value={String(value ?? "")}
      placeholder={field.placeholder}
      required={field.required}
      disabled={disabled}
      autocomplete={secret ? "new-password" : "off"}
      autocapitalize={field.format ? "none" : undefined}
      spellcheck={field.format || field.mono ? false : undefined}
      onInput={(event) => onChange(event.currentTarget.value)}
      {...aria(props)}
    />
  );
}

export function AreaControl(props: Of<"textarea">) {
  const { field, id, value, disabled, onChange } = props;
  return (
    <textarea
      id={id}
      class="field area"
      rows={field.rows ?? 3}
      value={String(value ?? "")}
      placeholder={field.placeholder}
      required={field.required}
      disabled={disabled}
      onInput={(event) => onChange(event.currentTarget.value)}
      {...aria(props)}
    />
  );
}

/** Keeps what is typed as text, so that "1" on the way to "12", or a slip, is shown as typed and judged as a number. */
export function NumberControl(props: Of<"number">) {
  const { field, id, value, disabled, onChange } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const shown = typed ?? (typeof value === "number" && !Number.isNaN(value) ? String(value) : "");
  const take = (text: string) => {
    setTyped(text);
    if (text.trim() === "") onChange(null);
    else onChange(/^-?\d+([.,]\d+)?$/.test(text.trim()) ? Number(text.trim().replace(",", ".")) : Number.NaN);
  };
  return (
    <span class={`field with-unit${disabled ? " disabled" : ""}`}>
      <input
        id={id}
        class="num"
        inputMode="numeric"
        value={shown}
        placeholder={field.placeholder}
        required={field.required}
        disabled={disabled}
        autocomplete="off"
        onInput={(event) => take(event.currentTarget.value)}
        onBlur={() => setTyped(null)}
        {...aria(props)}
      />
      {field.unit && <span class="unit">{field.unit}</span>}
    </span>
  );
}

export function SelectControl(props: Of<"select">) {
  const { field, id, value, row, disabled, onChange } = props;
  const options = resolve(field.options, row);
  const current = String(value ?? "");
  const known = current === "" || options.some((option) => option.value === current);
  return (
    <span class="select-box">
      <select
        id={id}
        class="field"
        value={current}
        disabled={disabled}
        required={field.required}
        onChange={(event) => onChange(event.currentTarget.value === "" ? null : event.currentTarget.value)}
        {...aria(props)}
      >
        {(field.empty !== undefined || current === "") && <option value="">{field.empty ?? t("form.choose")}</option>}
        {!known && <option value={current}>{current}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Icon name="down" small />
    </span>
  );
}

export function SwitchControl(props: Of<"switch">) {
  const { id, value, disabled, onChange } = props;
  return (
    <input
      id={id}
      type="checkbox"
      role="switch"
      class="switch"
      checked={value === true}
      disabled={disabled}
      onChange={(event) => onChange(event.currentTarget.checked)}
      {...aria(props)}
    />
  );
}

/** Several of a set. The value is the list of the chosen ones, in the order of the set. */
export function ChoicesControl(props: Of<"choices">) {
  const { field, id, value, row, disabled, onChange } = props;
  const options = resolve(field.options, row);
  const chosen = new Set((Array.isArray(value) ? value : []) as string[]);
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    const list = options.map((option) => option.value).filter((item) => next.has(item));
    onChange(list as Value[]);
  };
  return (
    <div id={id} class="choices" role="group" aria-label={field.label} aria-describedby={props.describedBy}>
      {options.length === 0 && <p class="none">{field.none ?? t("form.no_options")}</p>}
      {options.map((option) => (
        <label key={option.value} class="check">
          <input
            type="checkbox"
            checked={chosen.has(option.value)}
            disabled={disabled}
            onChange={() => toggle(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}

const HEX = /^#[0-9a-f]{6}$/i;

/** A colour as #rrggbb: ready ones to press, the browser's picker, and a field for those who know it by heart. */
export function ColourControl(props: Of<"colour">) {
  const { field, id, value, disabled, onChange } = props;
  const picker = useId();
  const colour = typeof value === "string" && HEX.test(value) ? value : "#0b6e63";
  return (
    <div class="colour">
      <span class="swatch">
        <input
          id={picker}
          type="color"
          value={colour}
          disabled={disabled}
          aria-label={t("form.pick_colour", { name: field.label })}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      </span>
      <input
        id={id}
        class="field mono"
        value={String(value ?? "")}
        maxLength={7}
        disabled={disabled}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => onChange(event.currentTarget.value.trim())}
        {...aria(props)}
      />
      {field.presets?.map((preset) => (
        <button
          key={preset}
          type="button"
          class="preset"
          style={{ "--preset": preset }}
          disabled={disabled}
          aria-label={preset}
          aria-pressed={preset.toLowerCase() === colour.toLowerCase()}
          title={preset}
          onClick={() => onChange(preset)}
        />
      ))}
    </div>
  );
}
