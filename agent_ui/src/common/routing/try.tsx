// Try routing: a contact as it might come, and who would get it now, without making one. For the administration's page
// and the wallboard's dialog.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api.ts";
import { boot } from "../boot.ts";
import { Button } from "../components/index.ts";
import { errorText, HubError } from "../errors.ts";
import type { Errors, Field, Section, Unsaid } from "../form/fields.ts";
import { focusFirstError, Form } from "../form/form.tsx";
import { normalise, type Row } from "../form/paths.ts";
import { validate } from "../form/validate.ts";
import { LANGUAGES, t } from "../i18n.ts";
import { Icon } from "../icons.tsx";
import type { Named } from "../types.ts";
import { Explanation, type RoutingView } from "./explanation.tsx";
import "./words.ts";

/** What a contact may name. */
interface Choices {
  queues: Named[];
  skills: Named[];
  sites: (Named & { topics: { id: string; label: Record<string, string> }[] })[];
}

const CHANNELS = ["chat", "voice", "email", "callback"];

const field = (name: string, rest: Unsaid<Field>): Field => ({ name, label: t(`routing.try.${name}`), ...rest });

/** What was tried last stays while one goes to change a rule and comes back. */
const tried = signal<Row>({
  channel: "chat", where: "queue", queue: null, site: null, topic: null, language: boot.locale, called: "", caller: "", page: "",
  customer: { name: "", email: "", phone: "" }, customer_fields: [], fields: [],
});

const pairs = (name: string): Field => field(name, {
  kind: "rows", add: t(`routing.try.${name}.add`), itemName: t(`routing.try.${name}.item`), fresh: () => ({ name: "", value: "" }),
  fields: [
    field("field_name", { kind: "text", required: true, max: 60, mono: true, half: true }),
    field("field_value", { kind: "text", required: true, max: 300, half: true }),
  ].map((inner, index) => ({ ...inner, name: index === 0 ? "name" : "value" })),
});

const byQueue = (row: Row) => row["where"] === "queue";
const bySite = (row: Row) => row["where"] === "site";

const text = (row: Row, key: string) => String(row[key] ?? "");
const optionsOf = (rows: readonly Named[] = []) => rows.map(({ id, name }) => ({ value: id, label: name || id }));
const nameIn = (rows: readonly Named[] | undefined, id: string) => rows?.find((row) => row.id === id)?.name ?? id;

function topicsOf(choices: Choices | null, site: string) {
  const topics = choices?.sites.find(({ id }) => id === site)?.topics ?? [];
  return topics.map(({ id, label }) => ({ value: id, label: label[boot.locale] || label["en"] || id }));
}

function sections(choices: Choices | null): Section[] {
  return [
    { title: t("routing.try.section.contact"), fields: [
      field("channel", { kind: "select", required: true, half: true, options: CHANNELS.map((value) => ({ value, label: t(`common.channel.${value}`) })) }),
      field("where", { kind: "select", required: true, half: true, options: ["queue", "site"].map((value) => ({ value, label: t(`routing.try.where.${value}`) })) }),
      { ...field("queue", { kind: "select", required: true, half: true, options: optionsOf(choices?.queues) }), when: byQueue },
      { ...field("site", { kind: "select", required: true, half: true, options: optionsOf(choices?.sites) }), when: bySite },
      { ...field("topic", { kind: "select", required: true, half: true, options: (row) => topicsOf(choices, text(row, "site")) }), when: bySite },
      field("language", { kind: "select", half: true, options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })) }),
      { ...field("called", { kind: "text", max: 40, half: true, placeholder: "+4930123456" }), when: (row) => row["channel"] === "voice" || row["channel"] === "callback" },
      { ...field("page", { kind: "text", max: 2000 }), when: (row) => row["channel"] === "chat" },
    ] },
    { title: t("routing.try.section.customer"), text: t("routing.try.section.customer.text"), fields: [
      field("customer.name", { kind: "text", max: 200, half: true }),
      field("customer.email", { kind: "text", format: "email", half: true }),
      field("customer.phone", { kind: "text", max: 40, half: true, placeholder: "+49171555123" }),
      pairs("customer_fields"),
      pairs("fields"),
    ] },
  ];
}

function named(row: Row, key: string): Record<string, string> {
  return Object.fromEntries(((row[key] ?? []) as Row[]).map((pair) => [text(pair, "name").trim(), text(pair, "value")]));
}

/** The form as the hub wants it. */
function wanted(row: Row): Row {
  const voice = row["channel"] === "voice" || row["channel"] === "callback";
  return {
    channel: row["channel"],
    ...(byQueue(row) ? { queue: row["queue"] } : { site: row["site"], topic: row["topic"] }),
    language: row["language"] || "en",
    called: voice ? row["called"] ?? "" : "",
    page: row["channel"] === "chat" ? row["page"] ?? "" : "",
    customer: { ...(row["customer"] as Row), fields: named(row, "customer_fields") },
    fields: named(row, "fields"),
  };
}

export function TryRouting() {
  const row = tried.value;
  const [choices, setChoices] = useState<Choices | null>(null);
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [view, setView] = useState<RoutingView | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const answer = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    api<Choices>("GET", "routing/choices").then(setChoices, (error: unknown) => setProblem(errorText(error)));
  }, []);
  const parts = sections(choices);

  const ask = async () => {
    const wrong = validate(parts, row);
    setErrors(wrong);
    setProblem(null);
    if (Object.keys(wrong).length) return void requestAnimationFrame(() => focusFirstError(form.current));
    setBusy(true);
    try {
      setView(await api<RoutingView>("POST", "routing/dry-run", wanted(row)));
      requestAnimationFrame(() => answer.current?.focus());
    } catch (error) {
      const path = error instanceof HubError && error.code === "input.invalid" ? String(error.details["path"] ?? "") : "";
      if (path && parts.some((part) => part.fields.some(({ name }) => name === normalise(path)))) setErrors({ [normalise(path)]: errorText(error) });
      else setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <div class="try">
      <p class="lead">{t("routing.try.lead")}</p>
      <form
        ref={form}
        class="try-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <Form
          sections={parts}
          row={row}
          errors={errors}
          onChange={(next) => {
            tried.value = next["site"] === row["site"] ? next : { ...next, topic: null };
            setErrors({});
            setView(null); // it would answer another question
          }}
        />
        {problem && <p class="form-problem" role="alert"><Icon name="warn" small />{problem}</p>}
        <div class="try-go"><Button type="submit" kind="primary" icon="branch" busy={busy}>{t("routing.try.go")}</Button></div>
      </form>
      {view && (
        <section class="try-answer" aria-labelledby="try-answer">
          <h2 id="try-answer" ref={answer} tabIndex={-1}>{t("routing.try.answer", { queue: view.queue ? nameIn(choices?.queues, view.queue) : "–" })}</h2>
          <Explanation view={view} waits queueName={(id) => nameIn(choices?.queues, id)} skillName={(id) => nameIn(choices?.skills, id)} />
        </section>
      )}
    </div>
  );
}
