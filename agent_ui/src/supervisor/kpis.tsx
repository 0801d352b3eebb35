// The strip of figures: each with what to compare it with.
import { number, t } from "../common/i18n.ts";
import { channelIcon, Icon } from "../common/icons.tsx";
import { duration, now } from "../common/time.ts";
import { countStates, lateness, STATES, totals } from "./figures.ts";
import { agents, queues } from "./live.ts";

function percent(share: number): string {
  return `${number(share * 100, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}%`;
}

function Level() {
  const { level, target, inTarget, decided, missing } = totals(queues.value);
  const below = level !== null && target !== null && level * 100 < target.percent;
  const width = Math.round((level ?? 0) * 1000) / 10;
  return (
    <div class="kpi">
      <h2>{t("supervisor.level")}</h2>
      <p class={`big${below ? " warn" : ""}`}>
        {level === null ? "–" : percent(level)}
        <small>{target ? t("supervisor.level.target", target) : t("supervisor.level.targets")}</small>
      </p>
      <div class={`target${below ? " below" : ""}`} role="meter" aria-label={t("supervisor.level")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={width}>
        <i style={{ width: `${width}%` }} />
        {target && <u style={{ left: `${target.percent}%` }} />}
      </div>
      <p class="foot num">
        {level === null ? t("supervisor.level.none") : t("supervisor.level.count", { in_time: inTarget, all: decided })}
        {missing > 0 && <span class="opt">{t("supervisor.level.more", { count: missing })}</span>}
      </p>
    </div>
  );
}

function Waiting() {
  const { waiting, byChannel } = totals(queues.value);
  return (
    <div class="kpi">
      <h2>{t("supervisor.waiting")}</h2>
      <p class="big">{number(waiting)}</p>
      <p class="foot num low">
        {waiting === 0 && t("supervisor.waiting.none")}
        {byChannel.map(([channel, count]) => (
          <span key={channel} class={`chip ${channel}`}>
            <Icon name={channelIcon[channel]} label={t(`common.channel.${channel}`)} />
            {number(count)}
          </span>
        ))}
      </p>
    </div>
  );
}

function Longest() {
  const { longest } = totals(queues.value);
  const tone = longest ? lateness(longest.queue, now.value) : "";
  return (
    <div class="kpi">
      <h2>{t("supervisor.longest")}</h2>
      <p class={`big ${tone}`}>{longest ? duration(now.value - longest.since) : "0:00"}</p>
      <p class="foot low">{longest ? longest.queue.name : t("supervisor.longest.none")}</p>
    </div>
  );
}

function Abandoned() {
  const { abandoned, offered } = totals(queues.value);
  return (
    <div class="kpi">
      <h2>{t("supervisor.abandoned")}</h2>
      <p class="big">{offered === 0 ? "–" : percent(abandoned / offered)}</p>
      <p class="foot num low">{offered === 0 ? t("supervisor.abandoned.none") : t("supervisor.abandoned.count", { count: abandoned, all: offered })}</p>
    </div>
  );
}

function SignedIn() {
  const rows = agents.value;
  const counts = countStates(rows);
  const present = rows.length - (counts.get("offline") ?? 0);
  const shown = STATES.filter((state) => counts.get(state)).map((state) => ({ state, count: counts.get(state) ?? 0 }));
  const words = shown.map(({ state, count }) => t(`supervisor.key.${state}`, { count }));
  return (
    <div class="kpi">
      <h2>{t("supervisor.agents_in")}</h2>
      <p class="big">{number(present)}<small>{t("supervisor.agents_in.of", { count: rows.length })}</small></p>
      <div class="states" role="img" aria-label={words.join(", ") || t("supervisor.agents_in.none")}>
        {shown.map(({ state, count }) => <i key={state} class={`k-${state}`} style={{ flex: count }} />)}
      </div>
      <p class="foot num" aria-hidden="true">
        {shown.length === 0 && t("supervisor.agents_in.none")}
        {shown.map(({ state, count }, index) => <span key={state} class={`key k-${state}`} title={words[index]}>{state === "not_responding" ? number(count) : words[index]}</span>)}
      </p>
    </div>
  );
}

export function Kpis() {
  return (
    <section class="kpis card" aria-label={t("supervisor.figures")}>
      <Level />
      <Waiting />
      <Longest />
      <Abandoned />
      <SignedIn />
    </section>
  );
}
