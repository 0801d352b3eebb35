// A contact's shared pages and its calls on one time line: the picture in the viewer on its own origin, the sound beside it.

import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog, IconButton } from "../../common/components/index.ts";
import { errorText } from "../../common/errors.ts";
import { number, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { dateTime, duration } from "../../common/time.ts";
import { Meeting } from "../cobrowse/meeting.ts";
import { viewer } from "../cobrowse/sharing.ts";
import { audioUrl, filmOf, type Recording } from "./data.ts";
import { type Entry, entriesOf, Reel } from "./film.ts";
import { spoken } from "./spoken.ts";

const SPEEDS = [0.5, 1, 1.5, 2, 4, 8];
/** A sound that is further from its place than this is put there. */
const DRIFT_MS = 300;
/** Of the slider; its last step reaches the end. */
const STEP_MS = 100;

const end = (recording: Recording) => recording.started_at + recording.ms;

/** The page's picture at a time: `show` is called with where to play to. */
function useScreen(pages: readonly Recording[]) {
  const frame = useRef<HTMLIFrameElement>(null);
  const meeting = useRef<Meeting | null>(null);
  const reel = useRef<Reel | null>(null);
  const [state, setState] = useState<{ there: boolean; failed: string }>({ there: false, failed: "" });
  const [href, setHref] = useState("");
  useEffect(() => {
    const gone = new AbortController();
    const films = Promise.all(pages.map(async (one) => entriesOf(await filmOf(one.id, gone.signal), one.started_at)));
    const met = new Promise<void>((resolve) => {
      meeting.current = new Meeting(frame.current!, viewer!, { t: "words", picture: t("cobrowse.picture_not_recorded"), pictures: false }, (data) => data.t === "page" && setHref(data.href), resolve);
      frame.current!.src = `${viewer}/`;
    });
    Promise.all([films, met]).then(
      ([entries]) => {
        if (gone.signal.aborted) return;
        reel.current = new Reel(entries.flat());
        setState({ there: true, failed: "" });
      },
      (error: unknown) => !gone.signal.aborted && setState({ there: false, failed: errorText(error) }),
    );
    return () => {
      gone.abort();
      meeting.current?.end();
    };
  }, []);
  const send = (entries: readonly Entry[]) => {
    const last = entries.filter(({ cursor }) => cursor).at(-1);
    for (const { frame } of entries) if (frame) meeting.current?.tell({ t: "frame", frame });
    if (last?.cursor) meeting.current?.tell({ t: "cursor", at: last.cursor });
  };
  const show = (to: number, jumped: boolean) => reel.current && send(jumped ? reel.current.seek(to) : reel.current.advance(to));
  return { frame, show, href, ...state };
}

export function Replay({ pages, sounds, onClose }: { pages: readonly Recording[]; sounds: readonly Recording[]; onClose: () => void }) {
  const from = Math.min(...[...pages, ...sounds].map(({ started_at }) => started_at));
  const ms = Math.max(...[...pages, ...sounds].map(end)) - from;
  const screen = useScreen(pages);
  const voices = useRef(new Map<string, HTMLAudioElement>());
  const place = useRef(pages[0]!.started_at - from);
  const [at, setAt] = useState(place.current);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);

  /** Every sound where it belongs at this time, and playing only if it is under way then. */
  const voice = (to: number, runs: boolean) => {
    for (const sound of sounds) {
      const audio = voices.current.get(sound.id);
      if (!audio) continue;
      const inside = to - (sound.started_at - from);
      const on = inside >= 0 && inside < sound.ms;
      audio.playbackRate = speed;
      if (on && Math.abs(audio.currentTime * 1000 - inside) > DRIFT_MS * Math.max(1, speed)) audio.currentTime = inside / 1000;
      if (on && runs && audio.paused) void audio.play().catch(() => undefined);
      else if (!(on && runs) && !audio.paused) audio.pause();
    }
  };
  const seek = (to: number) => {
    place.current = Math.min(ms, Math.max(0, to));
    setAt(place.current);
    screen.show(from + place.current, true);
    voice(place.current, playing);
  };
  useEffect(() => {
    if (screen.there) seek(place.current);
  }, [screen.there]);
  useEffect(() => {
    if (!playing) return voice(place.current, false);
    let before = performance.now();
    let request = requestAnimationFrame(function step(now) {
      place.current = Math.min(ms, place.current + (now - before) * speed);
      before = now;
      screen.show(from + place.current, false);
      voice(place.current, place.current < ms);
      setAt(place.current);
      if (place.current >= ms) setPlaying(false);
      else request = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(request);
  }, [playing, speed]);
  const toggle = () => {
    if (!playing && place.current >= ms) seek(0);
    setPlaying(!playing);
  };
  const shown = pages.some((page) => from + at >= page.started_at && from + at <= end(page));
  const spans = (kind: "page" | "sound", list: readonly Recording[]) => list.map((one) => (
    <i key={one.id} class={kind} style={{ left: `${((one.started_at - from) / ms) * 100}%`, width: `${Math.max(0.5, (one.ms / ms) * 100)}%` }} />
  ));
  return (
    <Dialog title={t("calls.page.title")} subtitle={dateTime(from)} onClose={onClose} whole>
      <div class="replay">
        <p class="replay-url cut"><Icon name="lock" small />{screen.href.replace(/^https?:\/\//, "") || "…"}</p>
        <div class="replay-screen">
          <iframe ref={screen.frame} title={t("calls.page.frame")} sandbox="allow-scripts allow-same-origin" referrerpolicy="origin" tabIndex={-1} />
          {(screen.failed || !screen.there || !shown) && (
            <p class={screen.failed || !screen.there ? "replay-note over" : "replay-note"} role={screen.failed ? "alert" : "status"}>
              {screen.failed || t(screen.there ? "calls.page.not_then" : "calls.page.coming")}
            </p>
          )}
        </div>
        <div class="replay-line" aria-hidden="true">
          <div>{spans("page", pages)}</div>
          {sounds.length > 0 && <div>{spans("sound", sounds)}</div>}
        </div>
        <div class="player">
          <IconButton icon={playing ? "pause" : "play"} label={t(playing ? "calls.pause" : "calls.play")} class="go" disabled={!screen.there} onClick={toggle} />
          <input
            type="range"
            aria-label={t("calls.page.place")}
            aria-valuetext={spoken(at)}
            min={0}
            max={Math.ceil(ms / STEP_MS) * STEP_MS}
            step={STEP_MS}
            value={at}
            disabled={!screen.there}
            onInput={(event) => seek(Number(event.currentTarget.value))}
          />
          <span class="times"><time>{duration(at)}</time><small>{duration(ms)}</small></span>
          <span class="speed">
            <select class="field" aria-label={t("calls.speed")} value={String(speed)} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
              {SPEEDS.map((rate) => <option key={rate} value={String(rate)}>{`${number(rate)}×`}</option>)}
            </select>
            <Icon name="down" small />
          </span>
        </div>
        {sounds.map((sound) => (
          <audio
            key={sound.id}
            src={audioUrl(sound.id)}
            preload="auto"
            ref={(audio) => {
              if (audio) voices.current.set(sound.id, audio);
              else voices.current.delete(sound.id);
            }}
          />
        ))}
      </div>
    </Dialog>
  );
}
