import { useRef } from "preact/hooks";
import { attempt, Button } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { worse } from "../../common/voice/figures.ts";
import { answer } from "../actions/answer.ts";
import { hangUp } from "../actions/hang-up.ts";
import { holdCall } from "../actions/hold-call.ts";
import { toggleMute } from "../actions/mute.ts";
import { record } from "../actions/record.ts";
import { ringPhone } from "../actions/ring-phone.ts";
import { dialog } from "./dialogs.ts";
import { OtherCalls } from "./others.tsx";
import { type OwnCall, ownCalls, phoneRings } from "./own.ts";
import { type Call, calling, calls, lineOf, lines, type LineView, trouble } from "./phone.ts";
import { Quality } from "./quality.tsx";

function Tool({ icon, label, short, pressed, disabled, end, onClick }: {
  icon: IconName;
  label: string;
  /** What is shown, when the name is too long for the bar. */
  short?: string;
  pressed?: boolean;
  disabled?: boolean | undefined;
  end?: boolean;
  onClick: () => unknown;
}) {
  return (
    <button
      type="button"
      class={`call-tool${end ? " end" : ""}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={() => void attempt(async () => onClick())}
    >
      <Icon name={icon} />
      <span aria-hidden="true">{short ?? label}</span>
    </button>
  );
}

/** Arrow keys go from tool to tool, as in any toolbar. */
function onKeyDown(event: KeyboardEvent): void {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const tools = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button:not(:disabled)")];
  const at = tools.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tools.length - 1 }[event.key] ?? 0;
  tools[(to + tools.length) % tools.length]?.focus();
  event.preventDefault();
}

export type BarState = "own" | "calling" | "elsewhere" | "connecting" | "ringing" | "active" | "held" | "reconnecting" | "failed";

/** What the bar shows, from what the hub says of the call and what this window's line does. */
export function barState(call: Call, line: LineView | undefined, rings: boolean, own?: OwnCall): BarState {
  if (line?.state === "failed") return "failed";
  if (line?.state === "reconnecting") return "reconnecting";
  if (!line && own && own.state !== "failed") {
    if (own.state !== "up") return "own";
    return call.state === "ended" ? "connecting" : call.state;
  }
  if (!line) {
    if (own) return "calling";
    if (call.elsewhere) return "elsewhere";
    return rings || call.state === "reconnecting" || call.state === "active" || call.state === "held" ? "calling" : "connecting";
  }
  if (call.state === "ringing") return "ringing";
  if (line.state === "opening") return "connecting";
  return call.state === "held" || call.state === "active" ? call.state : "connecting";
}

function Clock({ contact, call, state }: { contact: Contact; call: Call; state: BarState }) {
  const since = state === "held" ? call.since : contact.connected_at ?? call.since;
  const time = duration(now.value - since);
  return <b role="timer" aria-live="off" aria-label={t(state === "held" ? "phone.held_for" : "phone.since", { time })}>{time}</b>;
}

function Recording({ call }: { call: Call }) {
  if (call.recording === "off") return null;
  const paused = call.recording === "paused";
  return (
    <span class={`rec${paused ? " amber" : ""}`}>
      <i class={paused ? "paused" : ""} aria-hidden="true" />
      <em>{t(paused ? "phone.recording_paused" : "phone.recording")}</em>
    </span>
  );
}

/** What can be done with a call; without `line` its audio is at the agent's telephone, with a microphone of its own. */
function Tools({ call, line, state }: { call: Call; line: LineView | undefined; state: BarState }) {
  const id = call.contact;
  const talking = state === "active" || state === "held";
  return (
    <>
      {line && <Tool icon={line.muted ? "micoff" : "mic"} label={t("phone.mute")} pressed={line.muted} onClick={() => toggleMute(id)} />}
      <Tool
        icon={state === "held" ? "play" : "pause"}
        label={t(state === "held" ? "phone.resume" : "phone.hold")}
        disabled={!talking}
        onClick={() => holdCall(id, state !== "held")}
      />
      <Tool icon="keypad" label={t("phone.keypad")} disabled={!talking} onClick={() => (dialog.value = { name: "keypad", contact: id })} />
      <i class="sep" aria-hidden="true" />
      {(call.recording !== "off" || call.may_record) && (
        <Tool
          icon={call.recording === "on" ? "recpause" : "recon"}
          label={t(`phone.record.${call.recording}`)}
          disabled={!talking}
          onClick={() => record(id, call.recording === "on" ? "paused" : "on")}
        />
      )}
      {line && <Tool icon="sliders" label={t("phone.devices")} short={t("phone.devices_short")} onClick={() => (dialog.value = { name: "setup", contact: id })} />}
      {line
        ? phoneRings() && <Tool icon="phone" label={t("phone.own.to_phone")} short={t("phone.own.to_phone_short")} onClick={() => ringPhone(id)} />
        : <Tool icon="ear" label={t("phone.own.to_browser")} short={t("phone.own.to_browser_short")} onClick={() => answer(id, true)} />}
    </>
  );
}

/** What is wrong with the sound of a call that goes on, and what to do. */
function Warning({ contact, line, state }: { contact: string; line: LineView; state: BarState }) {
  if (state === "failed") {
    return (
      <p class="call-warning" role="alert">
        <Icon name="warn" small />
        <span>{t("phone.trouble.network")}</span>
        <Button small onClick={() => lineOf(contact)?.again()}>{t("phone.try_again")}</Button>
      </p>
    );
  }
  if (!line.trouble || line.trouble === "network") return null;
  const blocked = line.trouble === "blocked";
  return (
    <p class="call-warning" role="alert">
      <Icon name="warn" small />
      <span>{t(`phone.trouble.${line.trouble}`)}</span>
      {blocked
        ? <Button small icon="speaker" onClick={() => lineOf(contact)?.play()}>{t("phone.play")}</Button>
        : <Button small icon="sliders" onClick={() => (dialog.value = { name: "setup", contact })}>{t("phone.devices")}</Button>}
    </p>
  );
}

/** The call of a contact: how long, recorded or not, how good; and what can be done with it. */
export function CallBar({ contact }: { contact: Contact }) {
  const call = calls.value.get(contact.id);
  const line = lines.value.get(contact.id);
  const said = useRef("");
  if (!call) return null;
  const rings = calling.value.has(contact.id);
  const own = ownCalls.value.get(contact.id);
  const atOwn = !line && own !== undefined && own.state !== "failed";
  const state = barState(call, line, rings, own);
  const words = t(`phone.state.${state}`, { number: call.number ?? "" });
  const talking = state === "active" || state === "held";
  if (state !== "active") said.current = words;
  else if (said.current) said.current = t("phone.state.active");
  return (
    <div class={`call ${state}`}>
      <div class="call-bar voice" role="toolbar" aria-label={t("phone.bar")} onKeyDown={onKeyDown}>
        <div class="state">
          <div class="first">
            {state === "active" && <span class="onair" aria-hidden="true"><i /><i /><i /></span>}
            {state === "held" && <Icon name="pause" small />}
            {["own", "connecting", "ringing", "reconnecting"].includes(state) && <span class="ring-busy" aria-hidden="true" />}
            {talking ? <Clock contact={contact} call={call} state={state} /> : <b>{words}</b>}
          </div>
          {(line || (atOwn && state !== "own")) && (
            <div class="second">
              {state === "held" && <span>{words}</span>}
              {line?.muted && <span class="amber">{t("phone.muted")}</span>}
              {!line && <span class="own-at"><Icon name="phone" small />{t("phone.own.at")}</span>}
              <Recording call={call} />
              <Quality figures={state === "reconnecting" || state === "failed" ? null : worse(call.quality ?? null, line?.figures ?? null)} />
            </div>
          )}
        </div>
        <div class="call-tools">
          {line || atOwn ? <Tools call={call} line={line} state={state} /> : (
            (state === "calling" || state === "elsewhere") && (
              <Button kind={state === "calling" ? "primary" : undefined} icon="phone" onClick={() => answer(contact.id, true)}>
                {t(own ? "phone.own.to_browser" : state === "elsewhere" ? "phone.take_here" : rings ? "phone.answer" : "phone.rejoin")}
              </Button>
            )
          )}
          <Tool icon="hang" label={t("phone.hang_up")} end onClick={() => hangUp(contact.id)} />
        </div>
      </div>
      <p class="vh" role="status">{said.current}</p>
      <OtherCalls contact={contact.id} />
      {own?.state === "failed" && !line && (
        <p class="call-warning" role="alert">
          <Icon name="warn" small />
          <span>{t(`phone.own.problem.${own.problem}`)}</span>
          {phoneRings() && <Button small icon="retry" onClick={() => ringPhone(contact.id)}>{t("phone.own.again")}</Button>}
        </p>
      )}
      {line && !trouble.value && <Warning contact={contact.id} line={line} state={state} />}
    </div>
  );
}
