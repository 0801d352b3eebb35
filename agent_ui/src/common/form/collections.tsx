// Controls that hold several values: lines, texts by language, levels by name, rows of a small form.
import { useState } from "preact/hooks";
import { LANGUAGES, languageName, t } from "../i18n.ts";
import { Icon } from "../icons.tsx";
import { fieldsOf, resolve, type ControlProps, type Field } from "./fields.ts";
import { FieldView } from "./form.tsx";
import { set, type Row, type Value } from "./paths.ts";
import { hasErrorBelow, isEmpty } from "./validate.ts";

type Of<K extends Field["kind"]> = ControlProps & { field: Extract<Field, { kind: K }> };

/** Moves the focus to where the reader goes on after a row is gone: the adding button of the same group. */
function focusAdd(group: string): void {
  requestAnimationFrame(() => document.getElementById(`${group}-add`)?.focus());
}

function focusLast(group: string): void {
  requestAnimationFrame(() => {
    const items = document.getElementById(group)?.querySelectorAll<HTMLElement>(":scope > .item");
    items?.[items.length - 1]?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  });
}

function Add({ id, label, disabled, onClick }: { id: string; label: string; disabled: boolean; onClick: () => void }) {
  return (
    <button id={`${id}-add`} type="button" class="btn quiet small add" disabled={disabled} onClick={onClick}>
      <Icon name="plus" small />
      {label}
    </button>
  );
}

function Remove({ label, disabled, onClick }: { label: string; disabled: boolean; onClick: () => void }) {
  return (
    <button type="button" class="btn quiet small icon" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon name="x" small />
    </button>
  );
}

export function LinesControl({ field, id, value, errors, describedBy, disabled, onChange }: Of<"lines">) {
  const lines = (Array.isArray(value) ? value : []) as string[];
  const put = (index: number, text: string) => onChange(lines.map((line, at) => (at === index ? text : line)));
  return (
    <div id={id} class="stack" role="group" aria-label={field.label} aria-describedby={describedBy}>
      {lines.map((line, index) => {
        const problem = errors[`${field.name}.${index}`];
        return (
          <div class="item" key={index}>
            <div class="line">
              <input
                class="field mono"
                value={line}
                placeholder={field.placeholder}
                disabled={disabled}
                spellcheck={false}
                autocomplete="off"
                aria-label={t("form.nth", { name: field.label, n: index + 1 })}
                aria-invalid={problem ? true : undefined}
                aria-describedby={problem ? `${id}-${index}-e` : undefined}
                onInput={(event) => put(index, event.currentTarget.value)}
              />
              <Remove
                label={t("form.remove", { name: line || t("form.nth", { name: field.label, n: index + 1 }) })}
                disabled={disabled}
                onClick={() => {
                  onChange(lines.filter((_, at) => at !== index));
                  focusAdd(id);
                }}
              />
            </div>
            {problem && <p class="error-text" id={`${id}-${index}-e`}>{problem}</p>}
          </div>
        );
      })}
      <Add
        id={id}
        label={field.add}
        disabled={disabled}
        onClick={() => {
          onChange([...lines, ""]);
          focusLast(id);
        }}
      />
    </div>
  );
}

/** One text in several languages: a tab each; a dot says which have words, a mark which have a problem. */
export function TextsControl(props: Of<"texts">) {
  const { field, id, value, row, errors, disabled, onChange } = props;
  const texts = (value && typeof value === "object" ? value : {}) as Record<string, string>;
  const locales = [...new Set([...field.locales(row), ...Object.keys(texts)])];
  const [chosen, choose] = useState(locales[0] ?? "en");
  const current = locales.includes(chosen) ? chosen : (locales[0] ?? "en");
  const problem = errors[`${field.name}.${current}`];
  const describedBy = problem ? `${id}-e` : props.describedBy;
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = locales[(locales.indexOf(current) + step + locales.length) % locales.length]!;
    choose(next);
    requestAnimationFrame(() => document.getElementById(`${id}-tab-${next}`)?.focus());
  };
  const shared = {
    id,
    lang: current,
    value: texts[current] ?? "",
    placeholder: field.placeholder,
    disabled,
    "aria-label": t("form.in_language", { name: field.label, language: LANGUAGES[current] ?? languageName(current) }),
    "aria-describedby": describedBy,
    "aria-invalid": problem ? (true as const) : undefined,
    onInput: (event: { currentTarget: { value: string } }) =>
      onChange(set(texts as Row, current.replaceAll(".", ""), event.currentTarget.value || undefined)),
  };
  return (
    <div class="texts">
      {locales.length > 1 && (
        <div class="segmented tabs" role="tablist" aria-label={t("form.language_of", { name: field.label })} onKeyDown={move}>
          {locales.map((locale) => (
            <button
              key={locale}
              id={`${id}-tab-${locale}`}
              type="button"
              role="tab"
              aria-selected={locale === current}
              tabIndex={locale === current ? 0 : -1}
              onClick={() => choose(locale)}
            >
              {LANGUAGES[locale] ?? languageName(locale)}
              {hasErrorBelow(errors, `${field.name}.${locale}`) ? (
                <Icon name="warn" small />
              ) : (
                isEmpty(texts[locale]) && <span class="missing" title={t("form.no_text")}><span class="vh">{t("form.no_text")}</span></span>
              )}
            </button>
          ))}
        </div>
      )}
      {field.multiline ? <textarea class="field area" rows={3} {...shared} /> : <input class="field" autocomplete="off" {...shared} />}
      {problem && <p class="error-text" id={`${id}-e`}>{problem}</p>}
    </div>
  );
}

/** Names with a level each, such as an agent's skills: {"sales": 5}. Levels are pressed, not typed. */
export function LevelsControl({ field, id, value, row, describedBy, disabled, onChange }: Of<"levels">) {
  const levels = (value && typeof value === "object" ? value : {}) as Record<string, number>;
  const options = resolve(field.options, row);
  const free = options.filter((option) => !(option.value in levels));
  const label = (key: string) => options.find((option) => option.value === key)?.label ?? key;
  const steps = Array.from({ length: field.max - field.min + 1 }, (_, index) => field.min + index);
  return (
    <div id={id} class="stack" role="group" aria-label={field.label} aria-describedby={describedBy}>
      {Object.keys(levels).length === 0 && field.none && <p class="none">{field.none}</p>}
      {Object.entries(levels).map(([key, level]) => (
        <div class="item level" key={key}>
          <span class="name">{label(key)}</span>
          <div class="levels" role="radiogroup" aria-label={t("form.level_of", { name: label(key) })}>
            {steps.map((step) => (
              <label key={step} class={step === level ? "on" : ""}>
                <input
                  type="radio"
                  class="vh"
                  name={`${id}-${key}`}
                  checked={step === level}
                  disabled={disabled}
                  onChange={() => onChange({ ...levels, [key]: step } as Row)}
                />
                {step}
              </label>
            ))}
          </div>
          <Remove
            label={t("form.remove", { name: label(key) })}
            disabled={disabled}
            onClick={() => {
              const { [key]: _gone, ...rest } = levels;
              onChange(rest as Row);
              focusAdd(id);
            }}
          />
        </div>
      ))}
      {free.length > 0 && (
        <span class="select-box">
          <select
            id={`${id}-add`}
            class="field add-select"
            value=""
            disabled={disabled}
            aria-label={field.add}
            onChange={(event) => {
              const key = event.currentTarget.value;
              event.currentTarget.value = "";
              if (key) onChange({ ...levels, [key]: Math.ceil((field.min + field.max) / 2) } as Row);
            }}
          >
            <option value="">{field.add}</option>
            {free.map((option) => (
              <option key={option.value} value={option.value}>{option.label}</option>
            ))}
          </select>
          <Icon name="down" small />
        </span>
      )}
    </div>
  );
}

/** A list of small forms, such as topics or relaxation steps; they can be moved up and down. */
export function RowsControl({ field, id, value, row, errors, describedBy, disabled, onChange }: Of<"rows">) {
  const rows = (Array.isArray(value) ? value : []) as Row[];
  const swap = (index: number, other: number) => {
    const next = rows.slice();
    [next[index], next[other]] = [next[other]!, next[index]!];
    onChange(next as Value[]);
  };
  return (
    <div id={id} class="stack" role="group" aria-label={field.label} aria-describedby={describedBy}>
      {rows.length === 0 && field.none && <p class="none">{field.none}</p>}
      {rows.map((item, index) => {
        const name = t("form.nth", { name: field.itemName, n: index + 1 });
        return (
          <fieldset class="item card-item" key={index}>
            <legend class="vh">{name}</legend>
            <div class="item-head">
              <span aria-hidden="true">{name}</span>
              <button type="button" class="btn quiet small icon" disabled={disabled || index === 0} aria-label={t("form.up", { name })} title={t("form.up", { name })} onClick={() => swap(index, index - 1)}>
                <Icon name="up" small />
              </button>
              <button type="button" class="btn quiet small icon" disabled={disabled || index === rows.length - 1} aria-label={t("form.down", { name })} title={t("form.down", { name })} onClick={() => swap(index, index + 1)}>
                <Icon name="down" small />
              </button>
              <Remove
                label={t("form.remove", { name })}
                disabled={disabled}
                onClick={() => {
                  onChange(rows.filter((_, at) => at !== index) as Value[]);
                  focusAdd(id);
                }}
              />
            </div>
            <div class="fields">
              {fieldsOf(field.fields, item).map((inner) => (
                <FieldView
                  key={inner.name}
                  field={{ ...inner, name: `${field.name}.${index}.${inner.name}` }}
                  scope={item}
                  row={row}
                  errors={errors}
                  disabled={disabled}
                  onChange={(path, next) => {
                    const changed = set(rows as Value[], path.slice(field.name.length + 1), next);
                    onChange(field.settle ? set(changed, String(index), field.settle(changed[index] as Row, inner.name)) : changed);
                  }}
                />
              ))}
            </div>
          </fieldset>
        );
      })}
      <Add
        id={id}
        label={field.add}
        disabled={disabled}
        onClick={() => {
          onChange([...rows, field.fresh()] as Value[]);
          focusLast(id);
        }}
      />
    </div>
  );
}
