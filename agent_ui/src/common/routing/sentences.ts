// What queues and rules do, in plain sentences. Pure but for the language.
import type { Row, Value } from "../form/paths.ts";
import { has, list, number, t } from "../i18n.ts";
import "./words.ts";

/** How rows are called by their ids. */
export interface Names {
  queue: (id: string) => string;
  skill: (id: string) => string;
  group: (id: string) => string;
  calendar: (id: string) => string;
  site: (id: string) => string;
}

/** Seconds for people: "20 s", "2 min", "1 h"; in words "2 minutes". */
export function span(seconds: number, inWords = false): string {
  const whole = (unit: number) => seconds >= unit && seconds % unit === 0;
  const [unit, size] = whole(3600) ? (["hour", 3600] as const) : whole(60) ? (["minute", 60] as const) : (["second", 1] as const);
  const figure = seconds / size;
  return inWords ? number(figure, { style: "unit", unit, unitDisplay: "long" }) : t(`routing.span.${unit}`, { figure });
}

/** "support ≥ 3 and German ≥ 2", or "nothing". */
export function skillsText(skills: Value, names: Pick<Names, "skill">): string {
  const parts = Object.entries((skills ?? {}) as Record<string, number>).map(([id, level]) => t("routing.skill_level", { skill: names.skill(id), level }));
  return parts.length ? list(parts) : t("routing.nothing");
}

/** A priority in the time that it is worth: a step is a minute of waiting. */
export function priorityText(steps: number): string {
  if (steps === 0) return t("routing.priority.none");
  return t(steps > 0 ? "routing.rule.earlier" : "routing.rule.later", { time: span(Math.abs(steps) * 60, true) });
}

const isEmpty = (value: Value) => Object.keys((value ?? {}) as object).length === 0;

export function overflowText(rule: Row, most: Value, names: Pick<Names, "queue">): string | null {
  const { when, to, after_s: after, queue } = rule as Record<string, string & number>;
  if (!when || !to || (to === "queue" && !queue)) return null;
  const now = !after && (when === "unstaffed" || when === "closed") ? "_now" : "";
  return t("routing.overflow.line", {
    when: t(`routing.overflow.when.${when}${now}`, { time: span(Number(after ?? 0)), count: Number(most ?? 0) }),
    to: t(`routing.overflow.to.${to}`, { queue: queue ? names.queue(queue) : "" }),
  });
}

/** What the queue does with its contacts, a sentence each. */
export function queueSentences(row: Row, names: Names): string[] {
  const said = [isEmpty(row["skills"]) ? t("routing.queue.needs_none") : t("routing.queue.needs", { skills: skillsText(row["skills"], names) })];
  const groups = (row["groups"] ?? []) as string[];
  if (groups.length) said.push(t("routing.queue.groups", { groups: list(groups.map(names.group)) }));
  for (const step of (row["relax"] ?? []) as Row[]) {
    const time = span(Number(step["after_s"] ?? 0));
    said.push(isEmpty(step["skills"]) ? t("routing.queue.relax_any", { time }) : t("routing.queue.relax", { time, skills: skillsText(step["skills"], names) }));
  }
  const strategy = `admin.queues.strategy.${String(row["strategy"])}`;
  if (has(strategy)) said.push(t("routing.queue.strategy", { strategy: t(strategy).toLocaleLowerCase() }));
  const priority = Number(row["priority"] ?? 0);
  if (priority) said.push(t(priority > 0 ? "routing.queue.earlier" : "routing.queue.later", { time: span(Math.abs(priority) * 60, true) }));
  if (Number(row["sticky_s"] ?? 0)) said.push(t("routing.queue.sticky", { time: span(Number(row["sticky_s"])) }));
  for (const rule of (row["overflow"] ?? []) as Row[]) {
    const sentence = overflowText(rule, row["max_length"], names);
    if (sentence) said.push(sentence);
  }
  return said;
}

function factText(fact: string): string {
  return has(`routing.fact.${fact}`) ? t(`routing.fact.${fact}`) : fact;
}

function valueText(fact: string, value: string, names: Names): string {
  if (fact === "channel" && has(`common.channel.${value}`)) return t(`common.channel.${value}`);
  if (fact === "queue") return names.queue(value);
  if (fact === "site") return names.site(value);
  return value;
}

export function conditionText(condition: Row, names: Names): string {
  const [fact, op, value] = [String(condition["fact"] ?? ""), String(condition["op"] ?? "is"), String(condition["value"] ?? "")];
  if (fact === "hours") return t(op === "is" ? "routing.condition.open" : "routing.condition.closed", { calendar: names.calendar(value) });
  return t("routing.condition", { fact: factText(fact), op: t(`routing.op.${op}`), value: valueText(fact, value, names) });
}

export function effectsText(row: Row, names: Names): string {
  const effects: string[] = [];
  const priority = Number(row["priority"] ?? 0);
  if (priority) effects.push(priorityText(priority));
  if (row["queue"]) effects.push(t("routing.rule.queue", { queue: names.queue(String(row["queue"])) }));
  if (!isEmpty(row["skills"])) effects.push(t("routing.rule.skills", { skills: skillsText(row["skills"], names) }));
  if (row["stop"]) effects.push(t("routing.rule.stop"));
  return effects.length ? list(effects) : t("routing.nothing");
}

/** "VIP: customer.tier is gold → 10 minutes earlier". */
export function ruleSentence(row: Row, names: Names): string {
  const conditions = ((row["when"] ?? []) as Row[]).filter((condition) => condition["fact"] && condition["value"]);
  return t("routing.rule", {
    name: String(row["name"] || t("routing.rule.no_name")),
    conditions: conditions.length ? list(conditions.map((condition) => conditionText(condition, names))) : "…",
    effects: effectsText(row, names),
  });
}
