// How a callback stands, and what can be done about it: another time, none at all, the code that confirms it.

import { Component } from "preact";
import type { Callback } from "../../wire.ts";
import { go, showSheet } from "../actions.ts";
import { hold, learnt, look, over } from "../callback.ts";
import { clock, daysFrom, formatted, howLong, t, when } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { newId } from "../outbox.ts";
import { ringing, rings } from "../ringing.ts";
import { state } from "../state.ts";
import { refusals } from "./asking.ts";
import { save } from "../talk/files.ts";
import { Seal } from "../talk/talk.tsx";
import { Icon } from "../views/icons.tsx";
import { Alert, Sheet, Top } from "../views/parts.tsx";

const LOOK_MS = 10_000;
const ON_THE_LINE = ["dialling", "ringing"];

/** A day as it stands inside a sentence: "today", "tomorrow", "on Monday". */
function dayIn(at: number): string {
  const days = daysFrom(at, Date.now());
  if (days == 0 || days == 1) return t(days ? "cb_tomorrow" : "cb_today");
  return t("cb_on_day", { day: formatted(at, days > 1 && days < 7 ? { weekday: "long" } : { day: "numeric", month: "long" }) });
}

/** The fact, in one sentence. */
export function headline(callback: Callback): string {
  const { state: stands, slot, due_at, attempts, position } = callback;
  if (stands == "scheduled" || stands == "asked") {
    if (stands == "asked") return t("cb_asked");
    if (attempts && due_at) return t("cb_again", { time: when(due_at) });
    if (slot && due_at == slot.start) return t("cb_slot", { day: dayIn(slot.start), from: clock(slot.start), to: clock(slot.end) });
    return due_at && due_at > Date.now() + 60_000 ? t("cb_at", { time: when(due_at) }) : t("cb_soon");
  }
  if (stands == "queued") return position ? t("place", { n: position }, position) : t("cb_soon");
  // The agent reads first what it is about.
  if (stands == "connecting") return t("cb_taken");
  if (ON_THE_LINE.includes(stands)) return t("cb_calling");
  return t("cb_stands", {}, stands);
}

function line(callback: Callback): string {
  const { state: stands, wait_s, attempts } = callback;
  const close = callback.page ? t(callback.phone ? "cb_stay_phone" : "cb_stay") : t("cb_close");
  if (stands == "asked") return t("cb_asked_line", { email: state.callback?.email ?? "" });
  if (stands == "queued" && wait_s != null) return `${howLong("about", wait_s, "about_soon", "about_long")} ${close}`;
  if (stands == "scheduled" && attempts) return t("cb_tried");
  if (stands == "connecting" && callback.page) return close;
  if (stands == "scheduled" || stands == "queued") return state.callback?.email && !callback.page ? t("cb_mailed", { email: state.callback.email }) : close;
  if (stands == "closed") return t("cb_closed_line");
  return "";
}

export class Standing extends Component<object, { trouble?: string; busy?: boolean; code?: string }> {
  private timer = 0;

  override componentDidMount(): void {
    void look();
    this.timer = window.setInterval(() => state.open && !document.hidden && void look(), LOOK_MS);
  }

  override componentWillUnmount(): void {
    clearInterval(this.timer);
  }

  private confirm = async (event: Event) => {
    event.preventDefault();
    const { code = "", busy } = this.state;
    if (busy) return;
    const { reference, token } = state.callback!;
    this.setState({ busy: true, trouble: "" });
    try {
      learnt((await ask<{ callback: Callback }>("callback:confirm", { reference, token, code })).callback);
      this.setState({ busy: false });
    } catch (error) {
      const why = error instanceof Refused ? error.code : "";
      this.setState({ busy: false, trouble: t(refusals[why] ?? "refused") });
    }
  };

  override render(_: object, { trouble, code }: { trouble?: string; code?: string }) {
    const seen = state.callback?.seen;
    const home = () => go({ name: "home" });
    if (!seen) return <Top title={t("callback")} line={state.link == "online" ? "" : t("connecting")} back={home} />;
    const ended = over(seen);
    const bad = ended && seen.state != "reached";
    const asked = seen.state == "asked";
    const ring = rings();
    return (
      <>
        <Top title={t("callback")} back={home} />
        <div class="done scroll">
          <div role="status">
            <Seal icon={bad ? "close" : ended ? "check" : asked ? "email" : "call"} tone={bad || asked ? "warn" : "ok"} />
            <h3>{headline(seen)}</h3>
            <p class="lede">{line(seen)}</p>
          </div>
          {asked && (
            <form class="f code" onSubmit={this.confirm}>
              <label for="cb-code">{t("cb_code")}</label>
              <input class="in" id="cb-code" inputMode="numeric" autocomplete="one-time-code" maxLength={12} dir="ltr" value={code ?? ""} onInput={({ currentTarget }) => this.setState({ code: currentTarget.value })} />
              <button class="btn">{t("cb_confirm")}</button>
            </form>
          )}
          <dl class="facts">
            {seen.phone && (
              <div>
                <dt>{t("cb_your_number")}</dt>
                <dd dir="ltr">{seen.phone}</dd>
              </div>
            )}
            {seen.from && (
              <div>
                <dt>{t("cb_from")}</dt>
                <dd dir="ltr">{seen.from}</dd>
              </div>
            )}
            <div>
              <dt>{t("cb_reference")}</dt>
              <dd class="ref" dir="ltr">
                {seen.reference}
              </dd>
            </div>
          </dl>
          {seen.slot && !ended && !asked && (
            <button class="btn plain" onClick={() => toCalendar(seen)}>
              <Icon name="calendar" size={20} />
              {t("cb_calendar")}
            </button>
          )}
        </div>
        <footer class="w-foot">
          <Alert text={trouble || (state.trouble?.where == "ring" ? state.trouble.text : undefined)} />
          {ring ? (
            <div class="row">
              <button class="btn" onClick={() => ((ringing.hidden = null), showSheet({ name: "ring", id: ring }))}>
                {t("ring_answer")}
              </button>
            </div>
          ) : ended ? (
            <div class="row">
              <button class="btn quiet" onClick={() => (hold(null), go({ name: "form", channel: "callback", step: "again" }))}>
                {t("cb_another")}
              </button>
              <button class="btn" onClick={() => (hold(null), home())}>
                {t("done")}
              </button>
            </div>
          ) : (
            <div class="row">
              {seen.can_cancel && (
                <button class="btn quiet" onClick={() => showSheet({ name: "callback_cancel" })}>
                  {t("cb_cancel")}
                </button>
              )}
              {seen.can_move && (
                <button class="btn quiet" onClick={() => go({ name: "form", channel: "callback", step: "move" })}>
                  {t("cb_move")}
                </button>
              )}
            </div>
          )}
        </footer>
      </>
    );
  }
}

export class CancelSheet extends Component<object, { busy?: boolean; trouble?: string }> {
  private cancel = async () => {
    if (this.state.busy) return;
    const { reference, token } = state.callback!;
    this.setState({ busy: true, trouble: "" });
    try {
      learnt((await ask<{ callback: Callback }>("callback:cancel", { reference, token, client_id: newId() })).callback);
      showSheet(null);
    } catch (error) {
      const why = error instanceof Refused ? error.code : "";
      this.setState({ busy: false, trouble: t(refusals[why] ?? "refused") });
    }
  };

  override render(_: object, { busy, trouble }: { busy?: boolean; trouble?: string }) {
    return (
      <Sheet title={t("cb_cancel_sure")}>
        <Alert text={trouble || undefined} />
        <div class="row">
          <button class="btn quiet" onClick={() => showSheet(null)}>
            {t("cb_keep")}
          </button>
          <button class="btn" aria-disabled={!!busy} onClick={() => void this.cancel()}>
            {t(busy ? "starting" : "cb_cancel")}
          </button>
        </div>
      </Sheet>
    );
  }
}

/** As a file for the visitor's calendar (RFC 5545). */
function toCalendar({ reference, version, slot, phone }: Callback): void {
  const time = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const escaped = (text: string) => text.replace(/[\\;,]/g, "\\$&").replace(/\s+/g, " ");
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Contact Hub//Callbacks//EN",
    "BEGIN:VEVENT",
    `UID:${reference}@${location.host}`,
    `SEQUENCE:${version}`,
    `DTSTAMP:${time(Date.now())}`,
    `DTSTART:${time(slot!.start)}`,
    `DTEND:${time(slot!.end)}`,
    `SUMMARY:${escaped(t("cb_calendar_title", { site: state.site.name }))}`,
    `DESCRIPTION:${escaped(`${phone} ${reference}`)}`,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ];
  save(new Blob([lines.join("\r\n")], { type: "text/calendar" }), "callback.ics");
}
