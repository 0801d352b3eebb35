// Try routing: a contact as it might come, and who would get it now, without making one.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { boot } from "../common/boot.ts";
import { Button } from "../common/components/index.ts";
import { errorText, HubError } from "../common/errors.ts";
import type { Errors, Field, Section } from "../common/form/fields.ts";
import { focusFirstError, Form } from "../common/form/form.tsx";
import { normalise, type Row } from "../common/form/paths.ts";
import { validate } from "../common/form/validate.ts";
import { LANGUAGES, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { Explanation, type RoutingView } from "../common/routing/explanation.tsx";
import { nameIn, optionsOf, reload, rowsOf, rowText } from "./data.ts";
import { SectionChoice } from "./nav.tsx";
import { field as fieldOf, section } from "./resource.tsx";
import { CHANNELS } from "./resources/users.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("try", name, rest);

/** What was tried last stays while one goes to change a rule and comes back. */
const tried = signal<Row>({
  channel: "chat", where: "queue", queue: null, site: null, topic: null, language: boot.locale, called: "", caller: "", page: "",
  customer: { name: "", email: "", phone: "" }, customer_fields: [], fields: [],
});

const pairs = (name: string): Field => field(name, {
  kind: "rows", add: t(`admin.try.${name}.add`), itemName: t(`admin.try.${name}.item`), fresh: () => ({ name: "", value: "" }),
  fields: [
    field("field_name", { kind: "text", required: true, max: 60, mono: true, half: true }),
    field("field_value", { kind: "text", required: true, max: 300, half: true }),
  ].map((inner, index) => ({ ...inner, name: index === 0 ? "name" : "value" })),
});

const byQueue = (row: Row) => row["where"] === "queue";
const bySite = (row: Row) => row["where"] === "site";

function topicsOf(row: Row) {
  const site = (rowsOf("sites").rows ?? []).find((item) => item["id"] === row["site"]);
  return ((site?.["topics"] ?? []) as Row[]).map((topic) => {
    const labels = (topic["label"] ?? {}) as Record<string, string>;
    return { value: rowText(topic, "id"), label: labels[boot.locale] || labels["en"] || rowText(topic, "id") };
  });
}

function sections(): Section[] {
  return [
    section("try", "contact", [
      field("channel", { kind: "select", required: true, half: true, options: CHANNELS.map((value) => ({ value, label: t(`common.channel.${value}`) })) }),
      field("where", { kind: "select", required: true, half: true, options: ["queue", "site"].map((value) => ({ value, label: t(`admin.try.where.${value}`) })) }),
      { ...field("queue", { kind: "select", required: true, half: true, options: () => optionsOf("queues") }), when: byQueue },
      { ...field("site", { kind: "select", required: true, half: true, options: () => optionsOf("sites") }), when: bySite },
      { ...field("topic", { kind: "select", required: true, half: true, options: topicsOf }), when: bySite },
      field("language", { kind: "select", half: true, options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })) }),
      { ...field("called", { kind: "text", max: 40, half: true, placeholder: "+4930123456" }), when: (row) => row["channel"] === "voice" || row["channel"] === "callback" },
      { ...field("page", { kind: "text", max: 2000 }), when: (row) => row["channel"] === "chat" },
    ]),
    section("try", "customer", [
      field("customer.name", { kind: "text", max: 200, half: true }),
      field("customer.email", { kind: "text", format: "email", half: true }),
      field("customer.phone", { kind: "text", max: 40, half: true, placeholder: "+49171555123" }),
      pairs("customer_fields"),
      pairs("fields"),
    ]),
  ];
}

function named(row: Row, key: string): Record<string, string> {
  return Object.fromEntries(((row[key] ?? []) as Row[]).map((pair) => [rowText(pair, "name").trim(), rowText(pair, "value")]));
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

export function TryPage() {
  const row = tried.value;
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [view, setView] = useState<RoutingView | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const answer = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    for (const path of ["queues", "sites", "skills"]) void reload(path);
  }, []);

  const ask = async () => {
    const wrong = validate(sections(), row);
    setErrors(wrong);
    setProblem(null);
    if (Object.keys(wrong).length) return void requestAnimationFrame(() => focusFirstError(form.current));
    setBusy(true);
    try {
      setView(await api<RoutingView>("POST", "routing/dry-run", wanted(row)));
      requestAnimationFrame(() => answer.current?.focus());
    } catch (error) {
      const path = error instanceof HubError && error.code === "input.invalid" ? String(error.details["path"] ?? "") : "";
      if (path && sections().some((part) => part.fields.some(({ name }) => name === normalise(path)))) setErrors({ [normalise(path)]: errorText(error) });
      else setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.try.title")}</h1>
      </header>
      <div class="sheet-body">
        <p class="lead">{t("admin.try.lead")}</p>
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
            sections={sections()}
            row={row}
            errors={errors}
            onChange={(next) => {
              tried.value = next["site"] === row["site"] ? next : { ...next, topic: null };
              setErrors({});
              setView(null); // it would answer another question
            }}
          />
          {problem && <p class="form-problem" role="alert"><Icon name="warn" small />{problem}</p>}
          <div class="try-go"><Button type="submit" kind="primary" icon="branch" busy={busy}>{t("admin.try.go")}</Button></div>
        </form>
        {view && (
          <section class="try-answer" aria-labelledby="try-answer">
            <h2 id="try-answer" ref={answer} tabIndex={-1}>{t("admin.try.answer", { queue: view.queue ? nameIn("queues", view.queue) : "–" })}</h2>
            <Explanation view={view} waits queueName={(id) => nameIn("queues", id)} skillName={(id) => nameIn("skills", id)} />
          </section>
        )}
      </div>
    </>
  );
}
