// The dialog of a call that rings on this page: who it is, for how long it rings, "Answer" and "Not now".

import { Component } from "preact";
import { showSheet } from "../actions.ts";
import { t } from "../i18n.ts";
import { ringing } from "../ringing.ts";
import { state } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { Sheet } from "../views/parts.tsx";
import { answer, decline } from "./live.ts";

const TICK_MS = 500;
const EVERY_S = 3;
const TONES_HZ = [523, 659];
const TONE_S = 0.35;

/** A soft double tone again and again, where the visitor has pressed something before: browsers hold back the sound of
 * pages that nobody touched. Returns how it is ended. */
function bell(): () => void {
  if (!navigator.userActivation?.hasBeenActive) return () => {};
  let context: AudioContext;
  try {
    context = new AudioContext();
  } catch {
    return () => {}; // no sound device
  }
  const strike = () => {
    TONES_HZ.forEach((hertz, place) => {
      const from = context.currentTime + place * TONE_S;
      const tone = new OscillatorNode(context, { frequency: hertz });
      const loud = new GainNode(context, { gain: 0 });
      loud.gain.setTargetAtTime(0.12, from, 0.02);
      loud.gain.setTargetAtTime(0, from + TONE_S * 0.6, 0.08);
      tone.connect(loud).connect(context.destination);
      tone.start(from);
      tone.stop(from + TONE_S * 2);
    });
  };
  strike();
  const timer = window.setInterval(strike, EVERY_S * 1000);
  return () => {
    clearInterval(timer);
    if (context.state != "closed") void context.close();
  };
}

export class RingSheet extends Component<{ id: string }, { busy?: boolean }> {
  private timer = 0;
  private silence = () => {};

  override componentDidMount(): void {
    this.timer = window.setInterval(() => this.setState({}), TICK_MS);
    this.silence = bell();
  }

  override componentWillUnmount(): void {
    clearInterval(this.timer);
    this.silence();
  }

  private hide = () => {
    ringing.hidden = this.props.id;
    showSheet(null);
  };

  private answer = async () => {
    if (this.state.busy) return;
    this.silence();
    this.setState({ busy: true });
    await answer(this.props.id);
  };

  private decline = () => {
    this.silence();
    decline(this.props.id);
  };

  override render({ id }: { id: string }, { busy }: { busy?: boolean }) {
    const name = state.calls.get(id)?.agent;
    const left = Math.max(0, Math.ceil((ringing.until - Date.now()) / 1000));
    return (
      <Sheet title={name ? t("ring_by", { name }) : t("ring")} onClose={this.hide} calm>
        <p class="lede">
          {t("mic_why")} {t("mic_line")}
        </p>
        {!busy && (
          <p class="fine ring-left" role="timer">
            {t("ring_left", { n: left }, left)}
          </p>
        )}
        <div class="row">
          <button class="btn quiet" onClick={this.decline}>
            {t("not_now")}
          </button>
          <button class="btn" aria-disabled={!!busy} onClick={() => void this.answer()}>
            <Icon name="call" size={20} />
            {t(busy ? "starting" : "ring_answer")}
          </button>
        </div>
      </Sheet>
    );
  }
}
