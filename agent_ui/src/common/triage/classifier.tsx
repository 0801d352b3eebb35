// The classifier: how it does, from what it learned, and which words speak for each queue.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api.ts";
import { Button } from "../components/index.ts";
import { number, t } from "../i18n.ts";
import { dateTime } from "../time.ts";
import { type Learning, percent } from "./figures.ts";
import { Failed, Shapes } from "./states.tsx";

const AGAIN_MS = 2_000;
const TONES = { off: "", waiting: "info", learning: "info", ready: "ok", trouble: "danger" };

function Facts({ learning }: { learning: Learning }) {
  const facts: [string, string][] = [["mails", t("triage.classifier.mails.count", { count: learning.mails })]];
  if (learning.learned_at !== null) facts.push(["at", dateTime(learning.learned_at)]);
  if (learning.accuracy !== null) facts.push(["accuracy", percent(learning.accuracy)]);
  facts.push(["threshold", t("triage.classifier.sure", { percent: percent(learning.threshold) })]);
  return (
    <dl class="triage-facts">
      {facts.map(([key, value]) => <div key={key}><dt>{t(`triage.classifier.${key}`)}</dt><dd class="num">{value}</dd></div>)}
    </dl>
  );
}

function Queues({ learning }: { learning: Learning }) {
  return (
    <div class="table-box">
      <table class="table two" aria-labelledby="triage-classifier">
        <thead>
          <tr>
            <th scope="col">{t("triage.queue")}</th>
            <th scope="col" class="n extra">{t("triage.mails")}</th>
            <th scope="col" class="n">{t("triage.classifier.share")}</th>
            <th scope="col">{t("triage.classifier.words")}</th>
          </tr>
        </thead>
        <tbody>
          {learning.queues.map(({ queue, name, mails, share, words }) => (
            <tr key={queue}>
              <th scope="row">{name}</th>
              <td class="n extra">{number(mails)}</td>
              <td class="n">{share === null ? "–" : percent(share)}</td>
              <td><span class="chips">{words.map((word) => <span class="chip" key={word}>{word}</span>)}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function About({ learning }: { learning: Learning }) {
  const { state, problem, mails } = learning;
  if (state === "off") return <p class="lead">{t("triage.classifier.off")}</p>;
  if (state === "waiting") return <p class="lead">{t("triage.classifier.waiting", { count: mails })}</p>;
  return problem ? <p class="form-problem">{problem}</p> : null;
}

export function Classifier() {
  const [learning, setLearning] = useState<Learning | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    try {
      setLearning(await api<Learning>("GET", "triage/classifier"));
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => void load(), []);
  // While it learns the page follows it by itself.
  const busy = learning?.state === "learning";
  useEffect(() => {
    if (!busy) return;
    const timer = setInterval(() => document.hidden || void load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [busy]);
  const learn = async () => {
    await api("POST", "triage/classifier/learn", {});
    setLearning((known) => known && { ...known, state: "learning" });
  };
  return (
    <section class="triage-part" aria-labelledby="triage-classifier">
      <header>
        <h2 class="sub" id="triage-classifier">{t("triage.classifier")}</h2>
        {learning && <span class={`chip ${TONES[learning.state]}`} role="status">{t(`triage.classifier.state.${learning.state}`)}</span>}
        {learning && <Button small icon="retry" busy={busy} disabled={learning.state === "off"} onClick={learn}>{t("triage.classifier.learn")}</Button>}
      </header>
      <p class="lead">{t("triage.classifier.text")}</p>
      {error !== null && <Failed error={error} again={load} />}
      {learning === null && error === null && <Shapes />}
      {learning && <About learning={learning} />}
      {learning && learning.state !== "off" && <Facts learning={learning} />}
      {learning && learning.queues.length > 0 && <Queues learning={learning} />}
    </section>
  );
}
