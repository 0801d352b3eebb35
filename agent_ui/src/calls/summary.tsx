import { number, t } from "../common/i18n.ts";
import { duration } from "../common/time.ts";
import { grade } from "../common/voice/figures.ts";
import type { Summary as Figures } from "./data.ts";

function Figure({ name, value, more, tone = "" }: { name: string; value: string; more?: string | undefined; tone?: string }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={`num ${tone}`}>{value}{more && <small>{more}</small>}</dd>
    </div>
  );
}

function share(part: number, whole: number): string {
  return whole > 0 ? number(part / whole, { style: "percent", maximumFractionDigits: 0 }) : "–";
}

/** Figures of all calls that fit, shown or not. */
export function Summary({ summary }: { summary: Figures }) {
  const { calls, answered, abandoned, unanswered, running, mean_wait_ms, mean_talk_ms, mean_mos } = summary;
  const over = calls - running;
  return (
    <dl class="summary">
      <Figure name={t("records.calls")} value={number(calls)} more={running > 0 ? t("records.running", { count: running }) : undefined} />
      <Figure name={t("records.result.answered")} value={share(answered, over)} more={number(answered)} />
      <Figure name={t("records.result.abandoned")} value={share(abandoned, over)} more={number(abandoned)} />
      <Figure name={t("records.result.unanswered")} value={share(unanswered, over)} more={number(unanswered)} />
      <Figure name={t("records.mean_wait")} value={mean_wait_ms === null ? "–" : duration(mean_wait_ms)} />
      <Figure name={t("records.mean_talk")} value={mean_talk_ms === null ? "–" : duration(mean_talk_ms)} />
      <Figure
        name={t("records.mean_mos")}
        value={mean_mos === null ? "–" : number(mean_mos, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}
        more={mean_mos === null ? undefined : t(`records.grade.${grade(mean_mos)}`)}
      />
    </dl>
  );
}
