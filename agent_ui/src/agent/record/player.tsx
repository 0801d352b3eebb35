import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../common/api.ts";
import { attempt, Button, confirm, IconButton, Menu, type MenuEntry, toast } from "../../common/components/index.ts";
import { number, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { dateTime, duration } from "../../common/time.ts";
import { audioUrl, download, type Format, FORMATS, type Peaks, peaksOf, type Recording } from "./data.ts";
import { keep, KeepDialog } from "./keep.tsx";
import { toTheSecond } from "./spoken.ts";
import { Wave } from "./wave.tsx";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

async function remove(recording: Recording, onChange: () => void): Promise<void> {
  const sure = await confirm({
    title: t("calls.delete.title"), text: t("calls.delete.text", { time: dateTime(recording.started_at) }), action: t("common.delete"), danger: true,
  });
  if (!sure) return;
  await api("DELETE", `recordings/${encodeURIComponent(recording.id)}`);
  toast(t("calls.delete.done"), "ok");
  onChange();
}

function more(recording: Recording, onChange: () => void, onKeep: () => void): MenuEntry[] {
  const entries: MenuEntry[] = [];
  if (recording.may.includes("download")) {
    entries.push({ heading: t("calls.download") });
    for (const format of FORMATS) {
      entries.push({ label: t(`calls.format.${format}`), icon: "save", onSelect: () => void attempt(() => download(recording.id, format as Format)) });
    }
  }
  if (recording.may.includes("hold")) {
    if (entries.length) entries.push("line");
    entries.push({ label: t(recording.hold ? "calls.keep.change" : "calls.keep"), icon: "lock", onSelect: onKeep });
    if (recording.hold) entries.push({ label: t("calls.keep.release"), icon: "clock", onSelect: () => void attempt(() => keep(recording, "", onChange)) });
  }
  if (recording.may.includes("delete")) {
    if (entries.length) entries.push("line");
    entries.push({ label: t("calls.delete"), icon: "trash", danger: true, onSelect: () => void attempt(() => remove(recording, onChange)) });
  }
  return entries;
}

/** The waveform's figures; null while they come or when there are none. The sound can be heard without. */
function usePeaks(recording: Recording): Peaks | null {
  const [peaks, setPeaks] = useState<Peaks | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    peaksOf(recording.id, gone.signal).then(setPeaks, () => undefined);
    return () => gone.abort();
  }, [recording.id, recording.state]);
  return peaks;
}

/** Follows the sound from frame to frame while it plays; its own reports come four times a second only. */
function usePlace(sound: { current: HTMLAudioElement | null }, playing: boolean): [number, (ms: number) => void] {
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function look() {
      if (sound.current) setAt(sound.current.currentTime * 1000);
      frame = requestAnimationFrame(look);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);
  return [at, setAt];
}

/** Two voices at a time are understood, four are not. */
function hushOthers(playing: HTMLAudioElement): void {
  for (const other of document.querySelectorAll<HTMLAudioElement>(".recording audio")) if (other !== playing) other.pause();
}

function Player({ recording, onChange }: { recording: Recording; onChange: () => void }) {
  const sound = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [failed, setFailed] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [at, setAt] = usePlace(sound, playing);
  const peaks = usePeaks(recording);
  const ms = peaks?.ms ?? recording.ms;
  const [keeping, setKeeping] = useState(false);
  const entries = more(recording, onChange, () => setKeeping(true));

  const toggle = () => {
    const audio = sound.current;
    if (!audio) return;
    if (!audio.paused) return audio.pause();
    setFailed(false);
    audio.playbackRate = speed;
    audio.play().catch(() => setFailed(true));
  };
  const seek = (to: number) => {
    if (sound.current) sound.current.currentTime = to / 1000;
    setAt(to);
  };
  const choose = (rate: number) => {
    setSpeed(rate);
    if (sound.current) sound.current.playbackRate = rate;
  };

  return (
    <>
      <div class="player">
        <IconButton icon={playing ? "pause" : "play"} label={t(playing ? "calls.pause" : "calls.play")} class="go" onClick={toggle} />
        <Wave ms={ms} at={at} peaks={peaks} paused={recording.paused} onSeek={seek} />
        <span class="times">
          <time>{duration(at)}</time>
          <small>{duration(ms)}</small>
        </span>
        <span class="speed">
          <select class="field" aria-label={t("calls.speed")} value={String(speed)} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {SPEEDS.map((rate) => <option key={rate} value={String(rate)}>{`${number(rate)}×`}</option>)}
          </select>
          <Icon name="down" small />
        </span>
        {entries.length > 0 && <Menu label={t("calls.more")} items={entries}><Icon name="dots" /></Menu>}
        <audio
          ref={sound}
          src={audioUrl(recording.id)}
          preload="none"
          onPlay={(event) => {
            setPlaying(true);
            hushOthers(event.currentTarget);
          }}
          onPause={() => setPlaying(false)}
          onEnded={() => setPlaying(false)}
          onSeeked={(event) => setAt(event.currentTarget.currentTime * 1000)}
          onLoadedMetadata={(event) => (event.currentTarget.playbackRate = speed)}
          onError={() => setFailed(true)}
        />
      </div>
      {keeping && <KeepDialog recording={recording} onClose={() => setKeeping(false)} onChange={onChange} />}
      {failed && <p class="player-note" role="alert"><Icon name="warn" small />{t("calls.failed.play")}</p>}
    </>
  );
}

/** A shared page: how long, and what can be done with it. */
function PageLine({ recording, onChange, onWatch }: { recording: Recording; onChange: () => void; onWatch?: (() => void) | undefined }) {
  const [keeping, setKeeping] = useState(false);
  const entries = more(recording, onChange, () => setKeeping(true));
  return (
    <>
      <div class="player">
        <Icon name="cobrowse" />
        <p class="page-line">{t("calls.page.line")} <span class="quiet-text num">{duration(recording.ms)}</span></p>
        {onWatch && recording.may.includes("listen") && <Button icon="play" onClick={onWatch}>{t("calls.page.watch")}</Button>}
        {entries.length > 0 && <Menu label={t("calls.more")} items={entries}><Icon name="dots" /></Menu>}
      </div>
      {keeping && <KeepDialog recording={recording} onClose={() => setKeeping(false)} onChange={onChange} />}
    </>
  );
}

/** What there is to say of a recording that cannot be heard, or not all of it. */
function note(recording: Recording): string | null {
  switch (recording.state) {
    case "deleted":
      return recording.deleted_by && recording.deleted_by.id !== "system"
        ? t("calls.deleted.by", { time: dateTime(recording.deleted_at ?? 0), name: recording.deleted_by.name })
        : t("calls.deleted", { time: dateTime(recording.deleted_at ?? 0) });
    case "recording":
      return t("calls.running");
    case "failed":
      return t("calls.failed");
    case "interrupted":
      return t("calls.interrupted");
    default:
      return null;
  }
}

/** One recording of the contact; its time is shown where it is one of several. */
export function RecordingCard({ recording, several = false, onChange, onWatch }: {
  recording: Recording;
  several?: boolean;
  onChange: () => void;
  onWatch?: () => void;
}) {
  const words = note(recording);
  const page = recording.kind === "page";
  return (
    <section class="recording" aria-label={t(page ? "calls.page" : "calls.recording", { time: toTheSecond(recording.started_at) })}>
      {several && <p class="player-note"><Icon name="clock" small />{dateTime(recording.started_at)}</p>}
      {page && <PageLine recording={recording} onChange={onChange} onWatch={onWatch} />}
      {!page && recording.may.includes("listen") && <Player recording={recording} onChange={onChange} />}
      {recording.hold && recording.state !== "deleted" && (
        <p class="player-note"><Icon name="lock" small />{t("calls.held", { reason: recording.hold })}</p>
      )}
      {words && <p class="player-note"><Icon name={recording.state === "deleted" ? "trash" : "info"} small />{words}</p>}
    </section>
  );
}
