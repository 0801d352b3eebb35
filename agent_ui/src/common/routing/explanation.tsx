// Why a contact waits where it waits, and who would get it: the same words for administrators, supervisors and agents.
import type { ComponentChildren } from "preact";
import { list, number, t } from "../i18n.ts";
import { Icon } from "../icons.tsx";
import { priorityText, skillsText, span } from "./sentences.ts";

export interface AgentVerdict {
  agent: { id: string; name: string };
  eligible: boolean;
  /** Empty exactly when the agent could be asked. */
  reasons: string[];
  /** From 1 in the order of asking; null for whom it is not offered. */
  rank: number | null;
}

/** The hub's answer to "why?", for a contact that is there or one that might come. */
export interface RoutingView {
  queue: string | null;
  requirements: Record<string, number>;
  priority: number;
  /** How many steps of relaxation the contact has reached. */
  step: number;
  rules: { id: string; name: string }[];
  position: number | null;
  wait_s: number | null;
  agents: AgentVerdict[];
}

interface Props {
  view: RoutingView;
  /** Whether it waits, or would: then place, wait and agents belong to the answer. */
  waits: boolean;
  queueName: (id: string) => string;
  skillName: (id: string) => string;
}

function waitText(seconds: number | null): string {
  if (seconds === null) return t("routing.wait.unknown");
  if (seconds < 1) return t("routing.wait.soon");
  return t("routing.wait.about", { time: span(seconds < 90 ? Math.max(5, Math.round(seconds / 5) * 5) : Math.round(seconds / 60) * 60) });
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What speaks against an agent. Who is being asked has no room for it any more because of that, which need not be said. */
function against(reasons: readonly string[]): string {
  const plain = reasons.includes("has_it") ? ["has_it"] : reasons.length > 1 ? reasons.filter((reason) => reason !== "offered_to_another") : reasons;
  return plain.map((reason) => t(`routing.reason.${reason}`)).join(t("routing.reason.and"));
}

function Agents({ agents }: { agents: readonly AgentVerdict[] }) {
  if (agents.length === 0) return <p class="none">{t("routing.agents.none")}</p>;
  const place = ({ rank, reasons }: AgentVerdict) => rank ?? (reasons.includes("has_it") ? 0 : Number.MAX_SAFE_INTEGER);
  const order = [...agents].sort((a, b) => place(a) - place(b) || a.agent.name.localeCompare(b.agent.name));
  return (
    <div class="verdict-box" role="region" aria-label={t("routing.agents")} tabIndex={0}>
      <table class="table verdicts" aria-label={t("routing.agents")}>
        <thead>
          <tr>
            <th scope="col" class="n">{t("routing.rank")}</th>
            <th scope="col">{t("routing.agent")}</th>
            <th scope="col">{t("routing.reason")}</th>
          </tr>
        </thead>
        <tbody>
          {order.map(({ agent, rank, reasons }) => (
            <tr key={agent.id} class={rank === null ? "dim" : ""}>
              <td class="n">{rank === null ? <><span aria-hidden="true">–</span><span class="vh">{t("routing.no_rank")}</span></> : number(rank)}</td>
              <th scope="row">{agent.name}</th>
              <td>
                {reasons.length === 0
                  ? <span class="could"><Icon name="check" small />{t(rank === 1 ? "routing.rank.first" : "routing.rank.nth")}</span>
                  : against(reasons)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Explanation({ view, waits, queueName, skillName }: Props) {
  const holder = view.agents.find(({ reasons }) => reasons.includes("has_it"));
  const able = view.agents.filter(({ eligible }) => eligible).length;
  return (
    <div class="explanation">
      <dl>
        <Fact name={t("routing.queue")}>{view.queue ? queueName(view.queue) : "–"}</Fact>
        <Fact name={t("routing.asks")}>
          {skillsText(view.requirements, { skill: skillName })}
          {view.step > 0 && <small>{t("routing.step", { count: view.step })}</small>}
        </Fact>
        <Fact name={t("routing.rules")}>{view.rules.length ? list(view.rules.map(({ name }) => name)) : t("routing.rules.none")}</Fact>
        <Fact name={t("routing.priority")}>{priorityText(view.priority)}</Fact>
        {view.position !== null && <Fact name={t("routing.position")}>{t("routing.position.nth", { position: view.position })}</Fact>}
        {waits && <Fact name={t("routing.wait")}>{waitText(view.wait_s)}</Fact>}
      </dl>
      {waits && (
        <section>
          <h3>{t("routing.agents")}</h3>
          {view.agents.length > 0 && <p>{holder ? t("routing.agents.offered", { name: holder.agent.name }) : able ? t("routing.agents.few", { count: able }) : t("routing.agents.nobody")}</p>}
          <Agents agents={view.agents} />
        </section>
      )}
    </div>
  );
}
