import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { api } from "../../common/api.ts";
import type { Theme } from "../../common/boot.ts";
import { attempt, Button, Combobox, Dialog } from "../../common/components/index.ts";
import { LANGUAGES, locale, t } from "../../common/i18n.ts";
import { setLanguage, setTheme, theme } from "../../common/prefs.ts";
import { settings } from "../../common/store.ts";
import { askForNotifications, notifications } from "../alerts.ts";
import { sample, setSound, soundOn, volume } from "../chime.ts";
import { dialog } from "../phone/dialogs.ts";
import { lines } from "../phone/phone.ts";
import { signatureOpen } from "./signature.tsx";
import { setSingleKeys, singleKeys } from "./single-keys.ts";

export const settingsOpen = signal(false);

function Line({ label, help, children }: { label: string; help?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="setting">
      <div>
        <b>{label}</b>
        {help && <p>{help}</p>}
      </div>
      {children}
    </div>
  );
}

function Sound() {
  const change = (on: boolean) => {
    setSound(on, volume.value);
    void attempt(() => api("PATCH", "me", { sound: on }));
  };
  return (
    <>
      <Line label={t("agent.settings.sound")} help={t("agent.settings.sound_help")}>
        <input type="checkbox" role="switch" class="switch" aria-label={t("agent.settings.sound")} checked={soundOn.value} onChange={(event) => change(event.currentTarget.checked)} />
      </Line>
      <Line label={t("agent.settings.volume")}>
        <span class="volume">
          <input
            type="range"
            class="range"
            aria-label={t("agent.settings.volume")}
            min={0}
            max={1}
            step={0.05}
            value={volume.value}
            disabled={!soundOn.value}
            onInput={(event) => setSound(soundOn.value, Number(event.currentTarget.value))}
          />
          <Button small icon="speaker" disabled={!soundOn.value} onClick={() => sample()}>{t("agent.settings.try")}</Button>
        </span>
      </Line>
    </>
  );
}

function Notifications() {
  const state = notifications.value;
  const change = (on: boolean) => {
    settings.value = { ...settings.value, notifications: on };
    void attempt(() => api("PATCH", "me", { notifications: on }));
  };
  return (
    <Line label={t("agent.settings.notifications")} help={t(`agent.settings.notifications_${state}`)}>
      {state === "granted" && (
        <input
          type="checkbox"
          role="switch"
          class="switch"
          aria-label={t("agent.settings.notifications")}
          checked={settings.value["notifications"] !== false}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      )}
      {state === "default" && <Button small onClick={askForNotifications}>{t("agent.settings.allow")}</Button>}
    </Line>
  );
}

/** What each agent sets for themselves. */
export function Settings() {
  if (!settingsOpen.value) return null;
  const themes = (["light", "dark", "auto"] as Theme[]).map((value) => ({ value, label: t(`common.theme.${value}`) }));
  const languages = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  return (
    <Dialog title={t("agent.settings")} onClose={() => (settingsOpen.value = false)}>
      <div class="settings">
        <Sound />
        <Notifications />
        <Line label={t("phone.setup")} help={t("phone.setup_help")}>
          <Button
            small
            icon="sliders"
            onClick={() => {
              settingsOpen.value = false;
              dialog.value = { name: "setup", contact: [...lines.value.keys()][0] ?? null };
            }}
          >
            {t("phone.setup_open")}
          </Button>
        </Line>
        <Line label={t("mail.signature.yours")} help={t("mail.signature.where")}>
          <Button
            small
            icon="edit"
            onClick={() => {
              settingsOpen.value = false;
              signatureOpen.value = true;
            }}
          >
            {t("mail.signature.edit")}
          </Button>
        </Line>
        <Line label={t("common.theme")}>
          <Combobox label={t("common.theme")} value={theme.value} options={themes} onChange={(value) => void attempt(() => setTheme(value as Theme))} />
        </Line>
        <Line label={t("common.language")}>
          <Combobox label={t("common.language")} value={locale} options={languages} onChange={(value) => void attempt(() => setLanguage(value))} />
        </Line>
        <Line label={t("agent.settings.single_keys")} help={t("agent.settings.single_keys_help")}>
          <input
            type="checkbox"
            role="switch"
            class="switch"
            aria-label={t("agent.settings.single_keys")}
            checked={singleKeys.value}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />
        </Line>
      </div>
    </Dialog>
  );
}
