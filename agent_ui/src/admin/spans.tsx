// Hours of a day: any number of spans, such as 09:00 to 12:30 and 13:30 to 18:00.
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import type { ControlProps, Errors } from "../common/form/fields.ts";
import type { Row, Value } from "../common/form/paths.ts";

export type Span = [string, string];
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const TIME = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

/** "9", "930" and "9:30" are times too; what cannot be read stays as it was typed. */
function tidy(text: string): string {
  const match = /^(\d{1,2})(?:[:.]?(\d{2}))?$/.exec(text.trim());
  return match ? `${match[1]!.padStart(2, "0")}:${match[2] ?? "00"}` : text.trim();
}

export function tidySpan([from, to]: Span): Span {
  return [tidy(from), tidy(to)];
}

/** What is wrong with the spans of one day, by path. */
export function checkSpans(spans: readonly Span[], path: string): Errors {
  const errors: Errors = {};
  let end = "";
  spans.map(tidySpan).forEach(([from, to], index) => {
    const at = `${path}.${index}`;
    if (!TIME.test(from) || from === "24:00" || !TIME.test(to)) errors[at] = t("form.format.time");
    else if (from >= to) errors[at] = t("admin.hours.end_first");
    else if (from < end) errors[at] = t("admin.hours.overlap");
    end = to;
  });
  return errors;
}

interface SpansProps {
  id: string;
  name: string;
  path: string;
  spans: readonly Span[];
  errors: Errors;
  disabled: boolean;
  onChange: (spans: Span[]) => void;
}

export function Spans({ id, name, path, spans, errors, disabled, onChange }: SpansProps) {
  const put = (index: number, side: 0 | 1, text: string) =>
    onChange(spans.map((span, at) => (at === index ? (side === 0 ? [text, span[1]] : [span[0], text]) : span)));
  const add = () => {
    const last = spans.at(-1)?.[1];
    onChange([...spans, last && last < "23:00" ? [last, "24:00"] : ["09:00", "18:00"]]);
  };
  return (
    <div class="spans" role="group" aria-label={name}>
      {spans.length === 0 && <span class="none">{t("admin.hours.closed")}</span>}
      {spans.map((span, index) => {
        const problem = errors[`${path}.${index}`];
        return (
          <span class="span" key={index}>
            {([0, 1] as const).map((side) => (
              <>
                {side === 1 && <span aria-hidden="true">–</span>}
                <input
                  class="field num"
                  value={span[side]}
                  size={5}
                  maxLength={5}
                  disabled={disabled}
                  autocomplete="off"
                  aria-label={t(side === 0 ? "admin.hours.from" : "admin.hours.to", { name })}
                  aria-invalid={problem ? true : undefined}
                  aria-describedby={problem ? `${id}-${index}-e` : undefined}
                  onInput={(event) => put(index, side, event.currentTarget.value)}
                  onBlur={(event) => put(index, side, tidy(event.currentTarget.value))}
                />
              </>
            ))}
            <button
              type="button"
              class="btn quiet small icon"
              disabled={disabled}
              aria-label={t("admin.hours.remove", { name, from: span[0], to: span[1] })}
              title={t("admin.hours.remove", { name, from: span[0], to: span[1] })}
              onClick={() => onChange(spans.filter((_, at) => at !== index))}
            >
              <Icon name="x" small />
            </button>
            {problem && <span class="error-text" id={`${id}-${index}-e`}>{problem}</span>}
          </span>
        );
      })}
      <button type="button" class="btn quiet small icon add-span" disabled={disabled} aria-label={t("admin.hours.add", { name })} title={t("admin.hours.add", { name })} onClick={add}>
        <Icon name="plus" small />
      </button>
    </div>
  );
}

/** A week, a row a day; one press copies Monday to the other working days. */
export function WeekControl({ id, value, errors, describedBy, disabled, onChange }: ControlProps) {
  const week = (value ?? {}) as Record<string, Span[]>;
  return (
    <div id={id} class="week" role="group" aria-label={t("admin.hours.week")} aria-describedby={describedBy}>
      {DAYS.map((day) => (
        <div class="day" key={day}>
          <span class="day-name">{t(`admin.day.${day}`)}</span>
          <Spans
            id={`${id}-${day}`}
            name={t(`admin.day.${day}`)}
            path={`week.${day}`}
            spans={week[day] ?? []}
            errors={errors}
            disabled={disabled}
            onChange={(spans) => onChange({ ...week, [day]: spans } as unknown as Row)}
          />
        </div>
      ))}
      <button
        type="button"
        class="btn quiet small copy-day"
        disabled={disabled || !week["mon"]?.length}
        onClick={() => {
          const monday = week["mon"] ?? [];
          onChange({ ...week, ...Object.fromEntries(["tue", "wed", "thu", "fri"].map((day) => [day, monday])) } as unknown as Row);
        }}
      >
        <Icon name="copy" small />
        {t("admin.hours.copy")}
      </button>
    </div>
  );
}

export function checkWeek(value: Value, path: string): Errors {
  const week = (value ?? {}) as unknown as Record<string, Span[]>;
  return Object.assign({}, ...Object.entries(week).map(([day, spans]) => checkSpans(spans, `${path}.${day}`))) as Errors;
}
