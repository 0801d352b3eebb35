import { useMemo, useRef } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { duration } from "../../common/time.ts";
import type { Peaks } from "./data.ts";
import { spoken } from "./spoken.ts";

const WIDTH = 1000;
const HALF = 50;
const STEP_MS = 5000;
const LEAP_MS = 30_000;
/** Bars are drawn, not every part: fewer can be told apart. */
const BARS = 250;

/** One side's bars as a path, upwards (-1) or downwards (1) from the middle. The square root lets quiet speech be seen. */
function bars(peaks: readonly number[], way: -1 | 1): string {
  const each = WIDTH / BARS;
  let path = "";
  for (let bar = 0; bar < BARS; bar++) {
    const [from, to] = [Math.floor((bar * peaks.length) / BARS), Math.max(1, Math.floor(((bar + 1) * peaks.length) / BARS))];
    const loudest = Math.max(0, ...peaks.slice(from, to));
    const height = Math.max(0.8, Math.sqrt(loudest / 255) * (HALF - 3));
    path += `M${(bar * each + 0.6).toFixed(1)} ${HALF + way}h${(each - 1.2).toFixed(1)}v${(way * height).toFixed(1)}h${(-(each - 1.2)).toFixed(1)}z`;
  }
  return path;
}

/** Both voices over time, the customer above and the agent below; a slider, by mouse, finger or keys. */
export function Wave({ ms, at, peaks, paused, onSeek }: {
  ms: number;
  /** Where it plays, in ms. */
  at: number;
  /** null while they are fetched, or when they cannot be had. */
  peaks: Peaks | null;
  paused: readonly [number, number][];
  onSeek: (ms: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [customer, agent] = useMemo(() => [bars(peaks?.customer ?? [], -1), bars(peaks?.agent ?? [], 1)], [peaks]);
  const x = (time: number) => (ms > 0 ? Math.min(WIDTH, (time / ms) * WIDTH) : 0);

  const seekTo = (event: PointerEvent) => {
    const area = box.current?.getBoundingClientRect();
    if (area) onSeek(Math.min(1, Math.max(0, (event.clientX - area.left) / area.width)) * ms);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowLeft: at - STEP_MS, ArrowDown: at - STEP_MS, ArrowRight: at + STEP_MS, ArrowUp: at + STEP_MS,
      PageDown: at - LEAP_MS, PageUp: at + LEAP_MS, Home: 0, End: ms,
    };
    const target = to[event.key];
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onSeek(Math.min(ms, Math.max(0, target)));
  };

  return (
    <div
      ref={box}
      class={`wave${peaks ? "" : " none"}`}
      role="slider"
      tabIndex={0}
      aria-label={t("calls.position")}
      aria-valuemin={0}
      aria-valuemax={Math.round(ms / 1000)}
      aria-valuenow={Math.round(at / 1000)}
      aria-valuetext={t("calls.position.of", { at: spoken(at), total: spoken(ms) })}
      title={t("calls.position.keys")}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seekTo(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
      }}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HALF * 2}`} preserveAspectRatio="none" aria-hidden="true">
        {paused.map(([from, to]) => <rect key={from} class="paused" x={x(from)} y={0} width={Math.max(1, x(to) - x(from))} height={HALF * 2} />)}
        <line class="middle" x1={0} x2={WIDTH} y1={HALF} y2={HALF} />
        <path class="customer" d={customer} />
        <path class="agent" d={agent} />
        <rect class="played" x={x(at)} y={0} width={WIDTH - x(at)} height={HALF * 2} />
        <line class="now" x1={x(at)} x2={x(at)} y1={0} y2={HALF * 2} />
      </svg>
      <span class="who above" aria-hidden="true">{t("calls.customer")}</span>
      <span class="who below" aria-hidden="true">{t("calls.agent")}</span>
      <span class="vh">{paused.map(([from, to]) => t("calls.paused.span", { from: duration(from), to: duration(to) })).join(" ")}</span>
    </div>
  );
}
