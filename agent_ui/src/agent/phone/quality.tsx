import { useRef, useState } from "preact/hooks";
import { Pop } from "../../common/components/index.ts";
import { number, t } from "../../common/i18n.ts";
import { bars, type Figures, grade } from "../../common/voice/figures.ts";

function milliseconds(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : number(Math.round(value), { style: "unit", unit: "millisecond", unitDisplay: "short" });
}

/** How good the line is: four bars with a word; pressed, the figures behind it. */
export function Quality({ figures }: { figures: Figures | null }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  if (!figures) return <span class="qual" aria-hidden="true">{[0, 1, 2, 3].map((bar) => <i key={bar} class="off" />)}</span>;
  const full = bars(figures.mos);
  const word = t(`phone.quality.${grade(figures.mos)}`);
  const rows: [string, string][] = [
    [t("phone.quality.mos"), number(figures.mos, { minimumFractionDigits: 1, maximumFractionDigits: 1 })],
    [t("phone.quality.loss"), number(figures.loss, { style: "percent", maximumFractionDigits: 1 })],
    [t("phone.quality.jitter"), milliseconds(figures.jitter_ms)],
    [t("phone.quality.round_trip"), milliseconds(figures.round_trip_ms)],
  ];
  return (
    <>
      <button
        ref={button}
        type="button"
        class={`qual-button ${grade(figures.mos)}`}
        aria-label={t("phone.quality", { word })}
        aria-expanded={open}
        title={rows.map(([name, value]) => `${name} ${value}`).join(" · ")}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
      >
        <span class="qual">{[0, 1, 2, 3].map((bar) => <i key={bar} class={bar < full ? "" : "off"} />)}</span>
      </button>
      {open && (
        <Pop anchor={button} onClose={() => setOpen(false)} class="figures">
          <p><b>{t("phone.quality", { word })}</b></p>
          <dl>{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="num">{value}</dd></div>)}</dl>
        </Pop>
      )}
    </>
  );
}
