// Queues: what a contact needs, who is asked and when, and what is promised.
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import type { Row, Value } from "../../common/form/paths.ts";
import { LANGUAGES, t } from "../../common/i18n.ts";
import { nameIn, optionsOf, rowText } from "../data.ts";
import { QueueSummary } from "../summary.tsx";
import { CHANNELS } from "./users.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("queues", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("queues", name, fields);

const STRATEGIES = ["longest_idle", "least_loaded", "round_robin", "most_skilled", "least_skilled", "fixed_order", "fewest_today", "random"];

/** The languages of every site together: what a queue says may be read on any of them. */
export function siteLocales(): string[] {
  return Object.keys(LANGUAGES);
}

function levels(value: unknown): string {
  return Object.entries((value ?? {}) as Record<string, number>)
    .map(([id, level]) => `${nameIn("skills", id)} ${level}`)
    .join(", ");
}

/** As a queue has it that promises nothing. */
const ANSWER: Row = { first: null, next: null, warn_percent: 75, raise_by: 30 };
const WHEN = ["wait", "unstaffed", "full", "closed"];
const RECORDED = ["never", "always", "on_demand", "percentage"];
const recorded = (row: Row, ...modes: string[]) => modes.includes(String((row["recording"] as Row | undefined)?.["mode"] ?? "never"));
const TO = ["queue", "callback", "voicemail", "message"];
const timed = (rule: Row) => rule["when"] !== "full";
const customerFirst = (row: Row) => row["dial"] === "customer_first";
const moves = (rule: Row) => rule["to"] === "queue";

/** Figures by channel without those that were left empty. */
export function filled(value: Value): Row {
  return Object.fromEntries(Object.entries((value ?? {}) as Row).filter(([, figure]) => figure !== null));
}

/** An overflow rule without what its kind does not have. */
function tidyOverflow(rule: Row): Row {
  return { ...rule, after_s: timed(rule) ? (rule["after_s"] ?? 0) : 0, queue: moves(rule) ? (rule["queue"] ?? null) : null, text: moves(rule) ? {} : (rule["text"] ?? {}) };
}

export const queues: Resource = {
  path: "queues",
  permission: "admin.config",
  icon: "queue",
  needs: ["queues", "skills", "hours", "groups"],
  idFromName: true,
  check: "queue",
  asideLabel: "admin.in_words",
  aside: (row) => <QueueSummary row={row} />,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.queues.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "skills", label: t("admin.queues.skills"), text: (row) => levels(row["skills"]), cell: (row) => levels(row["skills"]) || <span class="none">{t("admin.queues.any_agent")}</span> },
    { key: "strategy", label: t("admin.queues.strategy"), extra: true, text: (row) => t(`admin.queues.strategy.${rowText(row, "strategy") || "longest_idle"}`), cell: (row) => t(`admin.queues.strategy.${rowText(row, "strategy") || "longest_idle"}`) },
    { key: "hours", label: t("admin.queues.hours"), extra: true, text: (row) => (row["hours"] ? nameIn("hours", rowText(row, "hours")) : ""), cell: (row) => (row["hours"] ? nameIn("hours", rowText(row, "hours")) : <span class="none">{t("admin.queues.always")}</span>) },
    {
      key: "target", label: t("admin.queues.target"), numeric: true,
      sort: (row) => Number((row["target"] as { percent?: number } | undefined)?.percent ?? 0),
      cell: (row) => {
        const target = (row["target"] ?? {}) as { percent?: number; seconds?: number };
        return t("admin.queues.target_short", { percent: target.percent ?? 80, seconds: target.seconds ?? 20 });
      },
    },
  ],
  fresh: () => ({
    id: "", name: "", skills: {}, relax: [], strategy: "longest_idle", priority: 0, offer_s: { chat: 30 }, wrap_up_s: 60, retry_s: 60,
    max_length: null, overflow: [], groups: [], costs: {}, sticky_s: 20, hours: null, target: { percent: 80, seconds: 20 }, closed_message: {},
    recording: { mode: "never", percent: 100, announce: true, keep_days: 90 }, caller_id: "", answer: ANSWER, preview_s: 10,
    dial: "agent_first", answered_wait_s: 15, abandoned_percent: 3,
  }),
  incoming: (row) => ({ preview_s: 10, dial: "agent_first", answered_wait_s: 15, abandoned_percent: 3, ...row, answer: { ...ANSWER, ...((row["answer"] ?? {}) as Row) } }),
  outgoing: (row) => ({
    ...row, caller_id: rowText(row, "caller_id").trim(), offer_s: filled(row["offer_s"]), costs: filled(row["costs"]), overflow: ((row["overflow"] ?? []) as Row[]).map(tidyOverflow),
  }),
  sections: (row, isNew) => [
    section("queue", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.queues.skills.add"), none: t("admin.queues.skills.none") }),
      field("relax", {
        kind: "rows", add: t("admin.queues.relax.add"), none: t("admin.queues.relax.none"), itemName: t("admin.queues.relax.item"),
        fresh: () => ({ after_s: 60, skills: {} }),
        fields: [
          field("after_s", { kind: "number", required: true, min: 1, max: 86_400, unit: t("admin.unit.seconds") }),
          { ...field("skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.queues.skills.add"), none: t("admin.queues.skills.none") }), label: t("admin.queues.relax.skills"), hint: "" },
        ],
      }),
    ]),
    section("agents", [
      field("groups", { kind: "choices", options: () => optionsOf("groups"), none: t("admin.queues.groups.none") }),
      field("sticky_s", { kind: "number", required: true, min: 0, max: 3600, unit: t("admin.unit.seconds"), half: true }),
    ]),
    section("offers", [
      field("strategy", { kind: "select", required: true, options: STRATEGIES.map((value) => ({ value, label: t(`admin.queues.strategy.${value}`) })) }),
      ...CHANNELS.map((channel) => ({
        kind: "number" as const, name: `offer_s.${channel}`, label: t("admin.queues.offer", { channel: t(`common.channel.${channel}`) }), min: 5, max: 3600,
        unit: t("admin.unit.seconds"), half: true, placeholder: t("admin.queues.offer.default"),
      })),
      field("wrap_up_s", { kind: "number", required: true, min: 0, max: 3600, unit: t("admin.unit.seconds"), half: true }),
      field("retry_s", { kind: "number", required: true, min: 0, max: 3600, unit: t("admin.unit.seconds"), half: true }),
      field("priority", { kind: "number", required: true, min: -100, max: 100, half: true }),
      field("max_length", { kind: "number", min: 1, max: 1_000_000, half: true, placeholder: t("admin.queues.unlimited") }),
    ]),
    section("overflow", [
      field("overflow", {
        kind: "rows", add: t("admin.queues.overflow.add"), none: t("admin.queues.overflow.none"), itemName: t("admin.queues.overflow.item"),
        fresh: () => ({ when: "wait", to: "queue", after_s: 120, queue: null, text: {} }),
        fields: [
          field("when", { kind: "select", required: true, half: true, options: WHEN.map((value) => ({ value, label: t(`admin.queues.when.${value}`) })) }),
          { ...field("overflow.after_s", { kind: "number", required: true, min: 0, max: 86_400, unit: t("admin.unit.seconds"), half: true }), name: "after_s", when: timed },
          field("to", { kind: "select", required: true, half: true, options: TO.map((value) => ({ value, label: t(`admin.queues.to.${value}`) })) }),
          { ...field("overflow.queue", { kind: "select", required: true, half: true, options: () => optionsOf("queues").filter(({ value }) => value !== row["id"]) }), name: "queue", when: moves },
          { ...field("overflow.text", { kind: "texts", locales: siteLocales, max: 500 }), name: "text", when: (rule) => !moves(rule) },
        ],
      }),
    ]),
    section("costs", CHANNELS.map((channel) => ({
      kind: "number" as const, name: `costs.${channel}`, label: t("admin.queues.cost", { channel: t(`common.channel.${channel}`) }), min: 1, max: 10_000,
      unit: t("admin.unit.units"), half: true, placeholder: t("admin.queues.offer.default"),
    }))),
    section("recording", [
      field("recording.mode", { kind: "select", required: true, half: true, options: RECORDED.map((value) => ({ value, label: t(`admin.queues.recording.${value}`) })) }),
      { ...field("recording.percent", { kind: "number", required: true, min: 0, max: 100, unit: "%", half: true }), when: (row) => recorded(row, "percentage") },
      { ...field("recording.keep_days", { kind: "number", required: true, min: 1, max: 36_500, unit: t("admin.unit.days"), half: true }), when: (row) => !recorded(row, "never") },
      { ...field("recording.announce", { kind: "switch" }), when: (row) => !recorded(row, "never") },
    ]),
    section("calls", [
      field("caller_id", { kind: "text", max: 21, mono: true, half: true, placeholder: "+4930123456" }),
      field("preview_s", { kind: "number", required: true, min: 0, max: 600, unit: t("admin.unit.seconds"), half: true }),
      field("dial", { kind: "select", required: true, half: true, options: ["agent_first", "customer_first"].map((value) => ({ value, label: t(`admin.queues.dial.${value}`) })) }),
      { ...field("answered_wait_s", { kind: "number", required: true, min: 2, max: 60, unit: t("admin.unit.seconds"), half: true }), when: customerFirst },
      { ...field("abandoned_percent", { kind: "number", required: true, min: 1, max: 20, unit: "%", half: true }), when: customerFirst },
    ]),
    section("promise", [
      field("target.percent", { kind: "number", required: true, min: 1, max: 100, unit: "%", half: true }),
      field("target.seconds", { kind: "number", required: true, min: 1, max: 86_400, unit: t("admin.unit.seconds"), half: true }),
    ]),
    section("answers", [
      field("answer.first", { kind: "number", min: 1, max: 60_000, unit: t("admin.unit.minutes"), half: true, placeholder: t("admin.queues.answer.none") }),
      field("answer.next", { kind: "number", min: 1, max: 60_000, unit: t("admin.unit.minutes"), half: true, placeholder: t("admin.queues.answer.none") }),
      field("answer.warn_percent", { kind: "number", required: true, min: 1, max: 99, unit: "%", half: true }),
      field("answer.raise_by", { kind: "number", required: true, min: 0, max: 500, unit: t("admin.unit.minutes"), half: true }),
    ]),
    section("hours", [
      field("hours", { kind: "select", options: () => optionsOf("hours"), empty: t("admin.queues.always") }),
      field("closed_message", { kind: "texts", locales: siteLocales, multiline: true, max: 500 }),
    ]),
  ],
};
