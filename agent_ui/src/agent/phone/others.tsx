import { attempt } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { contacts } from "../../common/store.ts";
import { duration, now } from "../../common/time.ts";
import { switchCall } from "../actions/switch-call.ts";
import { customerName } from "../mine.ts";
import { type Call, calling, calls } from "./phone.ts";

function standing(call: Call): string {
  if (calling.value.has(call.contact)) return t("phone.calls");
  if (call.state === "held") return t("phone.held_for", { time: duration(now.value - call.since) });
  return t(`phone.state.${call.state}`, { number: call.number ?? "" });
}

/** My other calls, with the way to each: who talks in one has the others on hold. */
export function OtherCalls({ contact }: { contact: string }) {
  const others = [...calls.value.values()].filter((call) => call.contact !== contact && call.state !== "ended");
  if (others.length === 0) return null;
  return (
    <ul class="other-calls" aria-label={t("phone.others")}>
      {others.map((call) => {
        const found = contacts.value.get(call.contact);
        const name = found ? customerName(found, t("agent.unnamed")) : call.number ?? "";
        return (
          <li key={call.contact} class={call.state}>
            <Icon name={call.state === "held" ? "pause" : "phone"} small />
            <b>{name}</b>
            <span>{standing(call)}</span>
            <button type="button" class="btn small" aria-label={t("phone.switch_to", { name })} onClick={() => void attempt(() => switchCall(call.contact))}>
              {t("phone.switch")}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
