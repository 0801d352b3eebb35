// How the launcher and the first page of the panel will look with what the form holds now, saved or not.
import { useState } from "preact/hooks";
import { get, type Row } from "../common/form/paths.ts";
import { rowText } from "./data.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";

/** Relative luminance after WCAG 2. */
function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** White or near-black, whichever reads better, and how well. */
export function textOn(accent: string): { colour: string; ratio: number } {
  const light = luminance(accent);
  const onWhite = 1.05 / (light + 0.05);
  const onDark = (light + 0.05) / (luminance("#101820") + 0.05);
  return onWhite >= onDark ? { colour: "#ffffff", ratio: onWhite } : { colour: "#101820", ratio: onDark };
}

export function SitePreview({ row }: { row: Row }) {
  const [dark, setDark] = useState(false);
  const given = String(get(row, "theme.accent") ?? "");
  const accent = /^#[0-9a-f]{6}$/i.test(given) ? given : "#0b6e63";
  const scheme = String(get(row, "theme.scheme") ?? "auto");
  const shownDark = scheme === "dark" || (scheme === "auto" && dark);
  const locale = rowText(row, "locale") || "en";
  const { colour, ratio } = textOn(accent);
  const text = (path: string, fallback: string) => String(get(row, `${path}.${locale}`) || fallback);
  return (
    <>
      <header class="aside-head">
        <h2>{t("admin.preview")}</h2>
        {scheme === "auto" && (
          <div class="segmented" role="group" aria-label={t("admin.preview.scheme")}>
            {[false, true].map((value) => (
              <button key={String(value)} type="button" aria-pressed={dark === value} onClick={() => setDark(value)}>
                {t(value ? "admin.sites.scheme.dark" : "admin.sites.scheme.light")}
              </button>
            ))}
          </div>
        )}
      </header>
      <div
        class={`preview${shownDark ? " dark" : ""} at-${rowText((row["theme"] ?? {}) as Row, "position") || "end"}`}
        style={{ "--p-accent": accent, "--p-on": colour }}
        role="img"
        aria-label={t("admin.preview.name", { launcher: text("theme.launcher", t("admin.preview.launcher")), colour: accent })}
      >
        <div class="p-page" aria-hidden="true"><i /><i /><i /></div>
        <div class="p-panel" aria-hidden="true" lang={locale}>
          <div class="p-head">
            <b>{rowText(row, "name") || t("admin.sites.name")}</b>
            <p>{text("theme.greeting", t("admin.preview.greeting"))}</p>
          </div>
          <div class="p-card"><Icon name="chat" small /><span>{t("common.channel.chat")}</span><Icon name="right" small /></div>
          <div class="p-card"><Icon name="mail" small /><span>{t("common.channel.email")}</span><Icon name="right" small /></div>
        </div>
        <div class="p-launcher" aria-hidden="true" lang={locale}>
          <Icon name="chat" small />
          {text("theme.launcher", t("admin.preview.launcher"))}
        </div>
      </div>
      <p class={`contrast${ratio < 4.5 ? " low" : ""}`}>
        <Icon name={ratio < 4.5 ? "warn" : "check"} small />
        {t(ratio < 4.5 ? "admin.preview.low" : "admin.preview.good", { ratio: ratio.toFixed(1) })}
      </p>
    </>
  );
}
