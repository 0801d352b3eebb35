import { t } from "../../common/i18n.ts";
import { queues } from "../../common/store.ts";
import { duration, now } from "../../common/time.ts";
import { warnAfterMs } from "../mine.ts";

/** How many wait in the queues I serve, and how long the first of each. */
export function Waiting() {
  const rows = queues.value;
  if (rows.length === 0) return null;
  const total = rows.reduce((sum, { waiting }) => sum + waiting, 0);
  return (
    <div class="waiting">
      <div class="head">
        <h2>{t("agent.waiting")}</h2>
        <span class="count num">{total}</span>
      </div>
      <table aria-label={t("agent.waiting.table")}>
        <tbody>
          {[...rows].sort((a, b) => b.waiting - a.waiting || a.name.localeCompare(b.name)).map(({ id, name, waiting, longest_since }) => {
            const longest = waiting && longest_since ? now.value - longest_since : null;
            return (
              <tr key={id} class={waiting ? "" : "none"}>
                <th scope="row" class="cut">{name}</th>
                <td class="n">{waiting}</td>
                <td class={longest !== null && longest > warnAfterMs() ? "amber" : ""}>
                  {longest === null ? t("agent.waiting.nobody") : t("agent.waiting.longest", { time: duration(longest) })}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
