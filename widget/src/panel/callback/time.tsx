// When: as soon as possible, or at a time that the visitor chooses, by his own clock.

import { Component } from "preact";
import type { Callback } from "../../wire.ts";
import { go } from "../actions.ts";
import { learnt } from "../callback.ts";
import { clock, formatted, howLong, t, when } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { newId } from "../outbox.ts";
import { state } from "../state.ts";
import { Alert, Top } from "../views/parts.tsx";
import { type Offered, others, refusals, type Slot } from "./asking.ts";

const SHOWN_DAYS = 4;
const NEAR_MS = 60_000;

/** How long it takes, beside "As soon as possible". */
export function soon({ soon_at, wait_s }: Offered): string {
  if (soon_at != null && soon_at > Date.now() + NEAR_MS) return when(soon_at);
  return wait_s == null ? "" : howLong("wait", wait_s, "wait_soon", "wait_long");
}

/** The visitor's time zone as people call it. */
function zoneName(at: number): string {
  const parts = formatted(at, { timeZoneName: "long" }, true);
  return parts.find(({ type }) => type == "timeZoneName")?.value ?? "";
}

const dayOf = (at: number) => new Date(at).setHours(0, 0, 0, 0);

interface Props {
  slots: Slot[];
  /** The start of the slot that is chosen. */
  chosen: number | null;
  choose: (slot: number) => void;
}

export class Slots extends Component<Props, { day?: number; more?: boolean }> {
  override render({ slots, chosen, choose }: Props, { day, more }: { day?: number; more?: boolean }) {
    const days = [...new Set(slots.map(({ start }) => dayOf(start)))];
    if (!days.length) return <p class="lede">{t("cb_no_times")}</p>;
    const shown = day ?? (chosen ? dayOf(chosen) : days[0]!);
    const visible = more || days.indexOf(shown) >= SHOWN_DAYS ? days : days.slice(0, SHOWN_DAYS);
    const times = slots.filter(({ start }) => dayOf(start) == shown);
    return (
      <div class="f">
        <div class="days" role="group" aria-label={t("cb_day")}>
          {visible.map((one) => (
            <button type="button" key={one} aria-pressed={one == shown} onClick={() => this.setState({ day: one })}>
              {one == dayOf(Date.now()) ? t("today") : formatted(one, { weekday: "short" })}{" "}
              <small>{formatted(one, { day: "numeric", month: "short" })}</small>
            </button>
          ))}
        </div>
        {visible.length < days.length && (
          <button type="button" class="btn plain" onClick={() => this.setState({ more: true })}>
            {t("cb_more_days")}
          </button>
        )}
        <div class="slots" role="group" aria-label={t("cb_time")}>
          {times.map(({ start, left }) => (
            <button type="button" key={start} aria-pressed={start == chosen} disabled={!left} onClick={() => choose(start)}>
              {clock(start)}
              {!left && <span class="sr">{t("cb_slot_full")}</span>}
            </button>
          ))}
        </div>
        <p class="fine">
          {t("cb_zone", { zone: zoneName(chosen ?? shown) })}
          {times.some(({ left }) => !left) && ` ${t("cb_crossed")}`}
        </p>
      </div>
    );
  }
}

interface Moving {
  offers?: Offered;
  chosen?: number;
  busy?: boolean;
  trouble?: string;
}

/** Another time for one that was asked for. */
export class Move extends Component<object, Moving> {
  override componentDidMount(): void {
    others(state.callback!).then(
      (offers) => this.setState({ offers }),
      () => this.setState({ trouble: t("cannot_connect") }),
    );
  }

  private save = async () => {
    const { chosen, busy } = this.state;
    if (busy) return;
    if (!chosen) return this.setState({ trouble: t("cb_need_time") });
    const { reference, token } = state.callback!;
    this.setState({ busy: true, trouble: "" });
    try {
      const data = { reference, token, when: new Date(chosen).toISOString(), client_id: newId() };
      learnt((await ask<{ callback: Callback }>("callback:move", data)).callback);
      go({ name: "form", channel: "callback", step: "sent" });
    } catch (error) {
      const code = error instanceof Refused ? error.code : "";
      this.setState({ busy: false, trouble: t(refusals[code] ?? "refused") });
    }
  };

  override render(_: object, { offers, chosen, busy, trouble }: Moving) {
    return (
      <>
        <Top title={t("cb_move")} back={() => go({ name: "form", channel: "callback", step: "sent" })} />
        <div class="w-body scroll">{offers && <Slots slots={offers.slots} chosen={chosen ?? state.callback!.seen!.slot?.start ?? null} choose={(chosen) => this.setState({ chosen, trouble: "" })} />}</div>
        <footer class="w-foot">
          <Alert text={trouble || undefined} />
          <button class="btn" aria-disabled={!!busy} onClick={() => void this.save()}>
            {t(busy ? "starting" : "cb_save")}
          </button>
        </footer>
      </>
    );
  }
}
