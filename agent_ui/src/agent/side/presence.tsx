import { attempt, Combobox, type Option } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { capacity, directory, presence } from "../../common/store.ts";
import { duration, now } from "../../common/time.ts";
import type { Channel, Presence, PresenceState } from "../../common/types.ts";
import { setPresence } from "../actions/set-presence.ts";

const MOST_SLOTS = 12;

function words({ state, reason }: Presence): string {
  if (state !== "away" || !reason) return t(`common.state.${state}`);
  const known = directory.value.reasons.find(({ id }) => id === reason);
  return t("agent.presence.away_for", { reason: known?.label ?? reason });
}

function options(): Option[] {
  const choice = (value: string, state: PresenceState, label: string, group?: string): Option => ({
    value, label, group, before: <span class={`dot ${state}`} />,
  });
  return [
    choice("available", "available", t("common.state.available")),
    choice("away", "away", t("common.state.away")),
    ...directory.value.reasons.map(({ id, label }) => choice(`away:${id}`, "away", label, t("agent.presence.reasons"))),
    choice("offline", "offline", t("common.state.offline"), t("agent.presence.end")),
  ];
}

/** What the menu shows as chosen: busy and wrap-up come from the work, so the choice behind them is "available". */
function chosen({ state, reason }: Presence): string {
  if (state === "away") return reason ? `away:${reason}` : "away";
  return state === "offline" || state === "not_responding" ? state : "available";
}

function Status() {
  const current = presence.value;
  if (!current) return <div class="combo"><span class="skeleton combo-shape" /></div>;
  const choose = (value: string) => {
    const [state = "available", reason = null] = value.split(":");
    void attempt(() => setPresence(state as PresenceState, reason));
  };
  return (
    <Combobox label={t("agent.status")} value={chosen(current)} options={options()} onChange={choose} class="combo">
      <span class={`dot ${current.state}`} />
      <span class="cut">{words(current)}</span>
      <span class="num" title={t("agent.presence.since")}>{current.since > 0 && duration(now.value - current.since)}</span>
      <Icon name="down" small />
    </Combobox>
  );
}

function Slots() {
  const load = capacity.value;
  if (!load) return <div class="load" />;
  const channels = (Object.entries(load.channels) as [Channel, { max: number; used: number }][]).filter(([, { max }]) => max > 0);
  const used = channels.filter(([, slot]) => slot.used > 0).map(([channel, slot]) => t(`agent.capacity.${channel}`, { count: slot.used }));
  const inWords = used.length ? used.join(" + ") : t("agent.capacity.free");
  const total = channels.reduce((sum, [, { max }]) => sum + max, 0);
  const taken = channels.reduce((sum, [, slot]) => sum + slot.used, 0);
  return (
    <div
      class={`load${total > 6 ? " many" : ""}`}
      role="meter"
      aria-label={t("agent.capacity")}
      aria-valuemin={0}
      aria-valuemax={Math.max(total, taken)}
      aria-valuenow={taken}
      aria-valuetext={inWords}
      title={channels.map(([channel, { max, used: busy }]) => `${t(`common.channel.${channel}`)}: ${busy}/${max}`).join(" · ")}
    >
      <div class="slots">
        {channels.map(([channel, slot]) => (
          <span key={channel} class={`segs ${channel}`}>
            <Icon name={channelIcon[channel]} />
            {total > MOST_SLOTS
              ? <span class="num">{slot.used}/{slot.max}</span>
              : Array.from({ length: slot.max }, (_, index) => <i key={index} class={index < slot.used ? "on" : ""} />)}
          </span>
        ))}
      </div>
      <p class="cut">{inWords}</p>
    </div>
  );
}

function NotResponding() {
  return (
    <div class="missed" role="alert">
      <p>{t("agent.presence.missed")}</p>
      <button type="button" class="btn small" onClick={() => void attempt(() => setPresence("available", null))}>
        {t("agent.presence.back")}
      </button>
    </div>
  );
}

/** My status with the time in it, and what I hold of what I can. */
export function PresenceCard() {
  return (
    <div class="presence">
      <Status />
      <Slots />
      {presence.value?.state === "not_responding" && <NotResponding />}
    </div>
  );
}
