// Which contacts an agent may have when another comes on top: by offered channel, as usual or chosen one by one.
import { t } from "../common/i18n.ts";
import type { ControlProps, Option } from "../common/form/fields.ts";
import type { Row } from "../common/form/paths.ts";

/** The hub's own: a call comes on top of e-mails. */
const USUAL: Record<string, string[]> = { voice: ["email"], callback: ["email"] };

export function Interrupts({ id, value, disabled, describedBy, channels, onChange }: ControlProps & { channels: readonly Option[] }) {
  const own = (value ?? null) as Record<string, string[]> | null;
  const toggle = (offered: string, held: string) => {
    const chosen = new Set((own ?? USUAL)[offered] ?? []);
    if (!chosen.delete(held)) chosen.add(held);
    onChange({ ...(own ?? USUAL), [offered]: channels.map((channel) => channel.value).filter((channel) => chosen.has(channel)) } as Row);
  };
  return (
    <div id={id} role="group" aria-label={t("admin.users.interrupts")} aria-describedby={describedBy}>
      <label class="check">
        <input type="checkbox" checked={own === null} disabled={disabled} onChange={() => onChange(own === null ? (USUAL as unknown as Row) : null)} />
        {t("admin.users.interrupts.usual")}
      </label>
      {own !== null && (
        <table class="table interrupts" aria-label={t("admin.users.interrupts")}>
          <thead>
            <tr>
              <th scope="col">{t("admin.users.interrupts.offered")}</th>
              {channels.map(({ value: held, label }) => <th key={held} scope="col" class="c">{t("admin.users.interrupts.held", { channel: label })}</th>)}
            </tr>
          </thead>
          <tbody>
            {channels.map(({ value: offered, label }) => (
              <tr key={offered}>
                <th scope="row">{label}</th>
                {channels.map(({ value: held, label: other }) => (
                  <td key={held} class="c">
                    <label class="check">
                      <input
                        type="checkbox"
                        checked={own[offered]?.includes(held) ?? false}
                        disabled={disabled}
                        aria-label={t("admin.users.interrupts.pair", { offered: label, held: other })}
                        onChange={() => toggle(offered, held)}
                      />
                    </label>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
