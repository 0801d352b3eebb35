import { Dialog } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { shortcuts } from "./keys.ts";
import { sheetOpen } from "./sheet-open.ts";

const GROUPS = ["contacts", "conversation", "everywhere"] as const;

/** The "?" sheet: every shortcut, by what it is for. */
export function ShortcutSheet() {
  if (!sheetOpen.value) return null;
  const once = shortcuts.filter(({ label }, index) => shortcuts.findIndex((other) => other.label === label) === index);
  return (
    <Dialog title={t("agent.keys")} wide onClose={() => (sheetOpen.value = false)}>
      <div class="sheet">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3 class="over">{t(`agent.keys.${group}`)}</h3>
            <dl>
              {once.filter((shortcut) => shortcut.group === group).map(({ keys, label }) => (
                <div key={label}>
                  <dt>{t(label)}</dt>
                  <dd>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
