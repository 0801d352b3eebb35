// A call as the visitor sees it: who, how long, how good, the own level; mute, sound, hang up.

import { Component } from "preact";
import { canChooseSpeaker, type Device } from "../../../../agent_ui/src/common/voice/devices.ts";
import { bars, grade, worse } from "../../../../agent_ui/src/common/voice/figures.ts";
import { go, showSheet, startCall } from "../actions.ts";
import { howLong, span, t } from "../i18n.ts";
import { changed, queueName, state } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { initials, Alert, Instead, Sheet, Top } from "../views/parts.tsx";
import { chooseMicrophone, chooseSpeaker, hangUp, sound, toggleMute, troubleWords } from "./live.ts";

const TICK_MS = 100;
const STEPS = 16;

/** How loud the visitor is, drawn by itself so that nothing else is drawn ten times a second. */
class Level extends Component<object, { steps: number }> {
  private timer = 0;

  override componentDidMount(): void {
    this.timer = window.setInterval(() => this.setState({ steps: Math.round((sound.line?.level() ?? 0) * STEPS) }), TICK_MS);
  }

  override componentWillUnmount(): void {
    clearInterval(this.timer);
  }

  override render(_: object, { steps = 0 }: { steps: number }) {
    return (
      <div class="lev" role="meter" aria-label={t("level")} aria-valuemin={0} aria-valuemax={STEPS} aria-valuenow={steps}>
        {Array.from({ length: STEPS }, (_, step) => (
          <i class={step < steps ? "on" : ""} />
        ))}
      </div>
    );
  }
}

/** In words: reconnecting, place and wait, ringing, or nothing while the two talk. */
function standing(): string {
  const { call, line } = { call: state.calls.get(state.call!), line: sound.line };
  if (line?.state == "reconnecting") return t("reconnecting");
  if (line?.state == "failed") return t("mic_trouble", {}, "network");
  if (line?.state == "opening") return t("connecting");
  switch (call?.state) {
    case "active":
      return "";
    case "held":
      return t("call_held");
    case "ringing":
      return t("call_ringing");
    default: {
      const place = state.talks.get(state.call!)?.place;
      const position = place?.position ?? call?.position;
      const wait = place?.wait_s ?? call?.wait_s;
      const words = position ? t("place", { n: position }, position) : t("place_none");
      return wait == null ? words : `${words}. ${howLong("about", wait, "about_soon", "about_long")}`;
    }
  }
}

function Quality() {
  const told = state.calls.get(state.call!)?.quality;
  const figures = sound.line?.state == "up" ? worse(told ?? null, sound.line.figures) : null;
  if (!figures) return null;
  const full = bars(figures.mos);
  return (
    <span class={`q ${grade(figures.mos)}`}>
      <span class="bars" aria-hidden="true">
        {[1, 2, 3, 4].map((bar) => (
          <i class={bar > full ? "off" : ""} />
        ))}
      </span>
      {t("line_is", {}, grade(figures.mos))}
    </span>
  );
}

export class CallView extends Component {
  private timer = 0;

  override componentDidMount(): void {
    this.timer = window.setInterval(changed, 1000);
  }

  override componentWillUnmount(): void {
    clearInterval(this.timer);
  }

  override render() {
    const id = state.call;
    const { line } = sound;
    if (!id || !line) return <Top title={t("call")} back={() => go({ name: "home" })} />;
    const contact = state.talks.get(id)?.contact;
    const name = contact?.agent?.name ?? "";
    const active = state.calls.get(id)?.state == "active";
    const words = standing();
    const trouble = line.trouble && line.state != "failed" ? line.trouble.code : null;
    return (
      <>
        <Top title={t("call")} line={t("call_how")} back={() => go({ name: "home" })} />
        <div class="callc scroll">
          <span class={active && !words ? "big on" : "big"} aria-hidden="true">
            {initials(name) || <Icon name="call" size={44} />}
          </span>
          <h3>{name || (contact && queueName(contact)) || state.site.name}</h3>
          {active && sound.since > 0 && (
            <p class="time" role="timer">
              {span(Date.now() - sound.since)}
            </p>
          )}
          <p class="lede" role="status">
            {words}
          </p>
          <div class="chips">
            <Quality />
            {state.calls.get(id)?.recorded && <span class="q">{t("recorded")}</span>}
            {line.muted && <span class="q poor">{t("muted")}</span>}
          </div>
          {trouble && (
            <div class="call-trouble">
              <Alert text={troubleWords(trouble)} />
              {trouble == "blocked" && (
                <button class="btn quiet" onClick={() => void line.play()}>
                  {t("play")}
                </button>
              )}
            </div>
          )}
          {line.state == "failed" && (
            <button class="btn quiet again" onClick={() => line.again()}>
              {t("retry")}
            </button>
          )}
          <div class="meter">
            <Icon name={line.muted ? "micoff" : "mic"} />
            <div>
              <p class="nm">{line.microphoneName || t("microphone")}</p>
              <Level />
            </div>
            <button class="w-ib" aria-label={t("sound")} onClick={() => showSheet({ name: "sound" })}>
              <Icon name="sliders" />
            </button>
          </div>
        </div>
        <footer class="w-foot">
          <div class="ctl">
            <button aria-pressed={line.muted} onClick={toggleMute}>
              <span class="o">
                <Icon name={line.muted ? "micoff" : "mic"} size={24} />
              </span>
              {t("mute")}
            </button>
            <button aria-haspopup="dialog" disabled={line.state != "up"} onClick={() => showSheet({ name: "keypad" })}>
              <span class="o">
                <Icon name="keypad" size={24} />
              </span>
              {t("keypad")}
            </button>
            <button onClick={() => hangUp()}>
              <span class="o red">
                <Icon name="hang" size={28} />
              </span>
              {t("hang_up")}
            </button>
          </div>
          {contact?.channel != "callback" && (
            <button class="btn plain write" onClick={() => go({ name: "talk", id })}>
              <Icon name="chat" size={20} />
              {t("write_too")}
            </button>
          )}
        </footer>
      </>
    );
  }
}

/** Microphone and loudspeaker of this call. */
export function SoundSheet() {
  const { microphones, speakers } = sound.devices;
  const choose = (label: string, id: string, found: Device[], chosen: string, set: (id: string) => void) => (
    <div class="f">
      <label for={id}>{label}</label>
      <span class="sel">
        <select class="in" id={id} value={chosen} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">{t("usual")}</option>
          {found.filter((device) => device.id && device.id != "default").map((device) => (
            <option value={device.id}>{device.label}</option>
          ))}
        </select>
        <Icon name="down" size={20} />
      </span>
    </div>
  );
  return (
    <Sheet title={t("sound")}>
      <div class="sound">
        {choose(t("microphone"), "s-microphone", microphones, sound.microphone, (id) => void chooseMicrophone(id))}
        <Level />
        {canChooseSpeaker && choose(t("speaker"), "s-speaker", speakers, sound.speaker, chooseSpeaker)}
      </div>
    </Sheet>
  );
}

/** Before a conversation goes on by voice: why the browser asks for the microphone. */
export class ByVoiceSheet extends Component<{ id: string }, { busy?: boolean }> {
  private go = async () => {
    const { id } = this.props;
    if (this.state.busy) return;
    this.setState({ busy: true });
    await startCall({}, id);
    this.setState({ busy: false });
    if (state.call) showSheet(null);
  };

  override render({ id }: { id: string }, { busy }: { busy?: boolean }) {
    const name = state.talks.get(id)?.contact.agent?.name;
    return (
      <Sheet title={name ? t("by_voice_with", { name }) : t("by_voice")}>
        <p class="lede">
          {t("mic_why")} {t("mic_line")}
        </p>
        <Alert text={state.trouble?.where == id ? state.trouble.text : undefined} />
        <Instead where={id} contact={id} />
        <div class="row">
          <button class="btn quiet" onClick={() => showSheet(null)}>
            {t("not_now")}
          </button>
          <button class="btn" aria-disabled={!!busy} onClick={() => void this.go()}>
            {t(busy ? "starting" : "start_call")}
          </button>
        </div>
      </Sheet>
    );
  }
}
