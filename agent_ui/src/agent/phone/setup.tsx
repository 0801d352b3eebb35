import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { attempt, Button, Combobox, Dialog } from "../../common/components/index.ts";
import { HubError } from "../../common/errors.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { request } from "../../common/socket.ts";
import { duration } from "../../common/time.ts";
import { canChooseSpeaker, type Device, Trouble, type TroubleCode } from "../../common/voice/devices.ts";
import { Line, type LineState } from "../../common/voice/line.ts";
import { Meter } from "../../common/voice/meter.ts";
import { canChooseRing, ringDevice, sample, setRingDevice, soundOn } from "../chime.ts";
import { chooseMicrophone, chooseSpeaker, devices, microphone, openChosen, refreshDevices, speaker } from "./devices.ts";
import { lineOf } from "./phone.ts";
import { WhereToTalk } from "./where.tsx";

const LOOK_MS = 80;
const TEST_S = 60;
const STEPS = 20;

/** How loud the microphone is, in steps. */
export function LevelMeter({ level, label }: { level: () => number; label: string }) {
  const [shown, setShown] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setShown(Math.round(level() * STEPS)), LOOK_MS);
    return () => clearInterval(timer);
  }, [level]);
  return (
    <div class="level" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={STEPS} aria-valuenow={shown}>
      {Array.from({ length: STEPS }, (_, step) => <i key={step} class={step < shown ? "on" : ""} />)}
    </div>
  );
}

function options(found: Device[], chosen: string): { value: string; label: string }[] {
  const named = found
    .filter(({ id }) => id !== "default" && id !== "")
    .map(({ id, label }, index) => ({ value: id, label: label || t("phone.device_n", { count: index + 1 }) }));
  const gone = chosen && !named.some(({ value }) => value === chosen);
  return [{ value: "", label: t("phone.device_usual") }, ...named, ...(gone ? [{ value: chosen, label: t("phone.device_gone") }] : [])];
}

/** The chosen microphone, open while the dialog is, for its meter; of a call that goes on, the call's own. */
class Ear {
  readonly meter = new Meter();
  readonly trouble = signal<TroubleCode | null>(null);
  #stream: MediaStream | null = null;
  #closed = false;

  readonly level = () => this.meter.level();

  async open(): Promise<void> {
    this.#stop();
    this.trouble.value = null;
    try {
      const stream = await openChosen();
      if (this.#closed) return stream.getTracks().forEach((track) => track.stop());
      this.#stream = stream;
      this.meter.follow(stream);
    } catch (error) {
      this.trouble.value = error instanceof Trouble ? error.code : "none";
    }
    await refreshDevices();
  }

  #stop(): void {
    this.meter.follow(null);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.meter.close();
  }
}

/** A call to oneself: what is said comes back. */
function TestCall({ disabled }: { disabled: boolean }) {
  const [state, setState] = useState<LineState | null>(null);
  const [left, setLeft] = useState(TEST_S);
  const [line, setLine] = useState<Line | null>(null);

  useEffect(() => () => line?.close(), [line]);
  useEffect(() => {
    if (state !== "up") return;
    const begun = performance.now();
    const timer = setInterval(() => {
      const rest = TEST_S - (performance.now() - begun) / 1000;
      setLeft(Math.ceil(rest));
      if (rest <= 0) stop();
    }, 500);
    return () => clearInterval(timer);
  }, [state]);

  const stop = () => {
    line?.close();
    setLine(null);
    setState(null);
  };
  const start = async () => {
    const stream = await openChosen();
    const made: Line = new Line(
      stream,
      speaker.value,
      {
        iceServers: async () => (await request<{ ice_servers: RTCIceServer[] }>("phone_ice", {})).ice_servers,
        exchange: async (offer) => (await request<{ answer: string }>("phone_test", { offer })).answer,
        passing: (error) => error instanceof HubError && error.retryable,
      },
      () => setState(made.state === "closed" ? null : made.state),
    );
    setLine(made);
    setLeft(TEST_S);
    setState("opening");
    try {
      await made.open();
    } catch (error) {
      stop();
      throw error;
    }
  };
  const words = state === "up" ? t("phone.test.up", { time: duration(left * 1000) }) : state === null ? t("phone.test.help") : t("phone.test.connecting");
  return (
    <div class="setting">
      <div>
        <b>{t("phone.test")}</b>
        <p role="status">{words}</p>
      </div>
      {state === null
        ? <Button icon="phone" disabled={disabled} onClick={start}>{t("phone.test.start")}</Button>
        : <Button icon="hang" onClick={stop}>{t("phone.test.stop")}</Button>}
    </div>
  );
}

/** Microphone, loudspeaker and ring; changes hold at once, also for the call that goes on. */
export function SetupDialog({ contact, onClose }: { contact: string | null; onClose: () => void }) {
  const line = contact ? lineOf(contact) : undefined;
  const [ear] = useState(() => new Ear());
  useEffect(() => {
    if (!line) void ear.open();
    else void refreshDevices();
    return () => ear.close();
  }, []);

  const changeMicrophone = (id: string) => {
    chooseMicrophone(id);
    void attempt(() => (line ? line.setMicrophone(id) : ear.open()));
  };
  const changeSpeaker = (id: string) => {
    chooseSpeaker(id);
    void line?.setSpeaker(id);
  };
  const { microphones, speakers } = devices.value;
  return (
    <Dialog title={t("phone.setup")} onClose={onClose} footer={<button type="button" class="btn primary" onClick={onClose}>{t("phone.done")}</button>}>
      <div class="settings phone-setup">
        {!line && <WhereToTalk />}
        <div class="setting">
          <div><b>{t("phone.microphone")}</b></div>
          <Combobox label={t("phone.microphone")} value={microphone.value} options={options(microphones, microphone.value)} onChange={changeMicrophone} />
          <LevelMeter level={line ? () => line.level() : ear.level} label={t("phone.level")} />
          {ear.trouble.value && (
            <p class="error-text" role="alert"><Icon name="failed" />{t(`phone.trouble.${ear.trouble.value}`)} {t(`phone.trouble.${ear.trouble.value}.steps`).split("\n")[0]}</p>
          )}
        </div>
        <div class="setting">
          <div><b>{t("phone.speaker")}</b>{!canChooseSpeaker && <p>{t("phone.speaker_fixed")}</p>}</div>
          {canChooseSpeaker && <Combobox label={t("phone.speaker")} value={speaker.value} options={options(speakers, speaker.value)} onChange={changeSpeaker} />}
        </div>
        <div class="setting">
          <div><b>{t("phone.ring")}</b><p>{t(soundOn.value ? "phone.ring_help" : "phone.ring_off")}</p></div>
          <span class="ring-choice">
            {canChooseRing && <Combobox label={t("phone.ring")} value={ringDevice.value} options={options(speakers, ringDevice.value)} onChange={setRingDevice} />}
            <Button small icon="bell" disabled={!soundOn.value} onClick={() => sample(true)}>{t("phone.ring_try")}</Button>
          </span>
        </div>
        {!line && <TestCall disabled={ear.trouble.value !== null} />}
      </div>
    </Dialog>
  );
}
