// How the triage of e-mails did in a time: for the administration's page and the wallboard's dialog.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api.ts";
import { may } from "../boot.ts";
import { Button, Combobox, Empty } from "../components/index.ts";
import { number, t } from "../i18n.ts";
import { serverNow } from "../time.ts";
import { Classifier } from "./classifier.tsx";
import { percent, type QueueFigures, type Report, type RuleFigures, span } from "./figures.ts";
import { Failed, Shapes } from "./states.tsx";
import "./words.ts";

const SPANS = ["7", "30", "90"];
const DAY_MS = 86_400_000;

/** The days that were chosen last stay while one looks elsewhere. */
const days = signal("30");

interface Shown {
  report: Report | null;
  error: unknown;
  load: () => Promise<void>;
}

/** The report of the chosen time; an answer that was overtaken by another choice is dropped. */
function useReport(): Shown {
  const [report, setReport] = useState<Report | null>(null);
  const [error, setError] = useState<unknown>(null);
  const asked = useRef(0);
  const chosen = days.value;
  const load = async () => {
    const turn = (asked.current += 1);
    try {
      const found = await api<Report>("GET", `triage/report?since=${serverNow() - Number(chosen) * DAY_MS}`);
      if (turn === asked.current) [setReport(found), setError(null)];
    } catch (failure) {
      if (turn === asked.current) [setReport(null), setError(failure)];
    }
  };
  useEffect(() => void load(), [chosen]);
  return { report, error, load };
}

function Figure({ name, value, below, tone = "" }: { name: string; value: number; below?: string; tone?: string }) {
  return (
    <div>
      <dt>{t(`triage.${name}`)}</dt>
      <dd class={`num ${tone}`}>{number(value)}{below && <span>{below}</span>}</dd>
    </div>
  );
}

function Figures({ report }: { report: Report }) {
  const { contacts, sorted, corrected, queues } = report;
  const sum = (key: "first_late" | "late") => queues.reduce((total, queue) => total + queue[key], 0);
  const share = (count: number) => t("triage.of", { share: percent(count / contacts) });
  return (
    <dl class="triage-figures">
      <Figure name="mails" value={contacts} />
      <Figure name="sorted" value={sorted} below={share(sorted)} />
      <Figure name="corrected" value={corrected} below={t("triage.corrected.of", { share: percent(corrected / contacts) })} />
      <Figure name="first_late" value={sum("first_late")} tone={sum("first_late") > 0 ? "bad" : ""} />
      <Figure name="late" value={sum("late")} tone={sum("late") > 0 ? "bad" : ""} />
    </dl>
  );
}

function Part({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <section class="triage-part" aria-labelledby={`triage-${name}`}>
      <h2 class="sub" id={`triage-${name}`}>{t(`triage.${name}`)}</h2>
      <p class="lead">{t(`triage.${name}.text`)}</p>
      <div class="table-box"><table class="table" aria-labelledby={`triage-${name}`}>{children}</table></div>
    </section>
  );
}

/** `extra` columns go first when the window is narrow. */
function Head({ names, numeric, extra = [] }: { names: readonly string[]; numeric: readonly string[]; extra?: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => <th key={name} scope="col">{t(`triage.${name}`)}</th>)}
        {numeric.map((name) => <th key={name} scope="col" class={`n${extra.includes(name) ? " extra" : ""}`}>{t(`triage.${name}`)}</th>)}
      </tr>
    </thead>
  );
}

/** An administrator goes from a rule to where it is edited. */
function RuleName({ rule, name }: RuleFigures) {
  if (rule === "" || rule === "guess") return <>{t(rule === "" ? "triage.rule.none" : "triage.rule.guess")}</>;
  return may("admin.config") ? <a href={`/admin#/mail-rules/${encodeURIComponent(rule)}`}>{name}</a> : <>{name}</>;
}

function Rules({ rules }: { rules: Report["rules"] }) {
  return (
    <Part name="rules">
      <Head names={["rule"]} numeric={["mails", "share", "corrected", "transferred"]} extra={["share", "transferred"]} />
      <tbody>
        {rules.map((each) => (
          <tr key={each.rule}>
            <th scope="row"><RuleName {...each} /></th>
            <td class="n">{number(each.contacts)}</td>
            <td class="n extra">{percent(each.share)}</td>
            <td class="n">{number(each.corrected)}</td>
            <td class="n extra">{number(each.transferred)}</td>
          </tr>
        ))}
      </tbody>
    </Part>
  );
}

function late(count: number) {
  return count > 0 ? <span class="chip danger">{number(count)}</span> : number(count);
}

function QueueRow({ queue }: { queue: QueueFigures }) {
  const { promised_minutes: promised, first_answer_ms: first } = queue;
  return (
    <tr>
      <th scope="row">{queue.name}</th>
      <td class="n">{number(queue.placed)}</td>
      <td class="n extra">{number(queue.corrected)}</td>
      <td class="n extra">{number(queue.contacts)}</td>
      <td class="n extra">{number(queue.answered)}</td>
      <td class="n" title={t("triage.first_answer.hint")}>{first === null ? "–" : span(first)}</td>
      <td class="n extra" title={promised === null ? undefined : t("triage.promised.hint")}>{promised === null ? t("triage.promised.none") : span(promised * 60_000)}</td>
      <td class="n">{late(queue.first_late)}</td>
      <td class="n">{late(queue.late)}</td>
    </tr>
  );
}

function Queues({ queues }: { queues: Report["queues"] }) {
  return (
    <Part name="queues">
      <Head
        names={["queue"]}
        numeric={["placed", "corrected", "here", "answered", "first_answer", "promised", "first_late", "late"]}
        extra={["corrected", "here", "answered", "promised"]}
      />
      <tbody>{queues.map((queue) => <QueueRow key={queue.queue} queue={queue} />)}</tbody>
    </Part>
  );
}

function Moves({ report, nameOf }: { report: Report; nameOf: (queue: string) => string }) {
  return (
    <Part name="moves">
      <Head names={["move.from", "move.to"]} numeric={["mails"]} />
      <tbody>
        {report.moves.map(({ placed, queue, contacts }) => (
          <tr key={`${placed} ${queue}`}>
            <th scope="row">{nameOf(placed)}</th>
            <td>{nameOf(queue)}</td>
            <td class="n">{number(contacts)}</td>
          </tr>
        ))}
      </tbody>
    </Part>
  );
}

export function TriageReport() {
  const { report, error, load } = useReport();
  const nameOf = (id: string) => report?.queues.find(({ queue }) => queue === id)?.name ?? id;
  return (
    <div class="triage">
      <p class="lead">{t("triage.lead")}</p>
      <div class="triage-choice">
        <Combobox
          label={t("triage.span")}
          value={days.value}
          options={SPANS.map((value) => ({ value, label: t(`triage.span.${value}`) }))}
          class="select"
          onChange={(value) => (days.value = value)}
        />
        <Button icon="retry" onClick={load}>{t("triage.reload")}</Button>
      </div>
      {error !== null && <Failed error={error} again={load} />}
      {report === null && error === null && <Shapes />}
      {report?.contacts === 0 && <Empty icon="mail" title={t("triage.none")}><p>{t("triage.none.text")}</p></Empty>}
      {report && report.contacts > 0 && (
        <>
          <Figures report={report} />
          {!report.whole && <p class="lead">{t("triage.not_whole", { count: report.contacts })}</p>}
          <Rules rules={report.rules} />
          <Queues queues={report.queues} />
          {report.moves.length > 0 && <Moves report={report} nameOf={nameOf} />}
        </>
      )}
      {may("admin.config") && <Classifier />}
    </div>
  );
}
