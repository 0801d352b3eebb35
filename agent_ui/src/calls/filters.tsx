import { useEffect, useId, useRef, useState } from "preact/hooks";
import { CAUSES, causeText } from "../agent/record/steps.ts";
import { Button, Combobox, type Option } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { directory } from "../common/store.ts";
import { conditions, type Filter, narrow, SPANS, view, widen } from "./filter.ts";

/** Typing in the number is waited for this long. */
const TYPING_MS = 300;
const ALL = "*";

/** One condition; its first choice is none. Whoever is in the address and not on the list stands there as he is. */
function Choice({ name, label, any, options }: { name: keyof Filter; label: string; any: string; options: Option[] }) {
  const chosen = view.value.filter[name];
  const known = chosen === "" || options.some(({ value }) => value === chosen);
  const all = [{ value: ALL, label: any }, ...options, ...(known ? [] : [{ value: chosen, label: chosen }])];
  return (
    <Combobox
      label={label}
      value={chosen || ALL}
      options={all}
      class={`select${chosen ? " set" : ""}`}
      onChange={(value) => narrow({ [name]: value === ALL ? "" : value })}
    />
  );
}

function NumberField() {
  const { number } = view.value.filter;
  const [text, setText] = useState(number);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(number), [number]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => narrow({ number: value.trim() }), TYPING_MS);
  };
  return (
    <span class="with-icon number-field">
      <Icon name="search" small />
      <input
        class="field"
        type="search"
        inputMode="tel"
        aria-label={t("records.number")}
        placeholder={t("records.number.hint")}
        value={text}
        maxLength={64}
        autocomplete="off"
        onInput={(event) => type(event.currentTarget.value)}
      />
    </span>
  );
}

function Days() {
  const { from, to } = view.value.filter;
  const id = useId();
  return (
    <span class="days">
      <label for={`${id}-from`}>{t("records.from")}</label>
      <input id={`${id}-from`} class="field" type="date" value={from} max={to || undefined} onChange={(event) => narrow({ from: event.currentTarget.value })} />
      <label for={`${id}-to`}>{t("records.to")}</label>
      <input id={`${id}-to`} class="field" type="date" value={to} min={from || undefined} onChange={(event) => narrow({ to: event.currentTarget.value })} />
    </span>
  );
}

function named(rows: readonly { id: string; name: string }[]): Option[] {
  return [...rows].sort((one, other) => one.name.localeCompare(other.name)).map(({ id, name }) => ({ value: id, label: name }));
}

/** What narrows the list. On a narrow window the less used wait behind a button. */
export function Filters() {
  const { filter } = view.value;
  const [shown, setShown] = useState(false);
  const count = conditions(filter);
  const { queues, agents, outcomes } = directory.value;
  return (
    <div class={`filters${shown ? " open" : ""}`} role="search" aria-label={t("records.filters")}>
      <Combobox
        label={t("records.span")}
        value={filter.span}
        options={SPANS.map((span) => ({ value: span, label: t(`records.span.${span}`) }))}
        class="select span"
        onChange={(span) => narrow({ span })}
      />
      {filter.span === "days" && <Days />}
      <NumberField />
      <button type="button" class="btn more-filters" aria-expanded={shown} onClick={() => setShown(!shown)}>
        <Icon name="filter" small />
        {t("records.filters")}
        {count > 0 && <span class="badge">{count}</span>}
      </button>
      <div class="rest">
        <Choice name="queue" label={t("records.queue")} any={t("records.queue.any")} options={named(queues)} />
        <Choice name="agent" label={t("records.agent")} any={t("records.agent.any")} options={named(agents)} />
        <Choice
          name="direction"
          label={t("records.direction")}
          any={t("records.direction.any")}
          options={["in", "out"].map((value) => ({ value, label: t(`records.direction.${value}`) }))}
        />
        <Choice
          name="result"
          label={t("records.result")}
          any={t("records.result.any")}
          options={["answered", "abandoned", "unanswered", "running"].map((value) => ({ value, label: t(`records.result.${value}`) }))}
        />
        <Choice
          name="cause"
          label={t("records.cause")}
          any={t("records.cause.any")}
          options={CAUSES.map((value) => ({ value, label: sentenceCase(causeText(value)) }))}
        />
        <Choice
          name="outcome"
          label={t("records.outcome")}
          any={t("records.outcome.any")}
          options={outcomes.map(({ id, label }) => ({ value: id, label }))}
        />
        <Choice
          name="recorded"
          label={t("records.recorded")}
          any={t("records.recorded.any")}
          options={["true", "false"].map((value) => ({ value, label: t(`records.recorded.${value}`) }))}
        />
        {count > 0 && <Button kind="quiet" icon="x" onClick={widen}>{t("records.clear")}</Button>}
      </div>
    </div>
  );
}

/** As the beginning of a line, in languages that have capitals. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
