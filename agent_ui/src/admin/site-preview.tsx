// How the launcher and the first page of the panel will look with what the form holds now, saved or not.
import { useState } from "preact/hooks";
import { get, type Row } from "../common/form/paths.ts";
import { rowText } from "./data.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { shades } from "./palette.ts";

export function SitePreview({ row }: { row: Row }) {
  const [dark, setDark] = useState(false);
  const given = String(get(row, "theme.accent") ?? "");
  const accent = /^#[0-9a-f]{6}$/i.test(given) ? given : "#0b6e63";
  const scheme = String(get(row, "theme.scheme") ?? "auto");
  const shownDark = scheme === "dark" || (scheme === "auto" && dark);
  const locale = rowText(row, "locale") || "en";
  const shown = shades(accent, shownDark ? "dark" : "light");
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
        style={{ "--p-accent": shown.accent, "--p-on": shown.on }}
        role="img"
        aria-label={t("admin.preview.name", { launcher: text("theme.launcher", t("admin.preview.launcher")), colour: shown.accent })}
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
      <p class="contrast">
        <Icon name={shown.changed ? "info" : "check"} small />
        {shown.changed ? t("admin.preview.changed", { colour: shown.accent }) : t("admin.preview.good")}
      </p>
    </>
  );
}
