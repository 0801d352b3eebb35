// The question whether the page may be seen, and what may be done there: one by one, in the customer's words. The focus
// begins on "no", and what changes something in the page is off until it is chosen.

import { Component } from "preact";
import type { Capability } from "../../wire.ts";
import { showSheet } from "../actions.ts";
import { t } from "../i18n.ts";
import { state } from "../state.ts";
import { Sheet } from "../views/parts.tsx";
import { answer } from "./sharing.ts";

const ALL: Capability[] = ["point", "draw", "scroll", "type", "click", "navigate", "record"];
const HARMLESS: Capability[] = ["point", "draw", "scroll"];

interface Props {
  id: string;
  offer: boolean;
}

export class ShareSheet extends Component<Props, { chosen: Capability[] }> {
  override state = { chosen: HARMLESS };
  private no: HTMLButtonElement | null = null;

  override componentDidMount(): void {
    this.no?.focus();
  }

  override render({ id, offer }: Props, { chosen }: { chosen: Capability[] }) {
    const { sharing } = state;
    const name = (offer ? state.talks.get(id)?.contact.agent?.name : sharing?.agent?.name) ?? t("agent");
    const more = !offer && sharing?.stage != "asked"; // it is shared already, and the agent asks for more
    const asked = offer ? ALL.filter((one) => one != "record" || state.site.cobrowse_record) : ALL.filter((one) => sharing?.asked.includes(one));
    const give = () => {
      const wanted = asked.filter((one) => (more && asked.length == 1) || chosen.includes(one));
      void answer(id, offer, more ? wanted : ["view", ...wanted]);
    };
    const refuse = () => (offer ? showSheet(null) : void answer(id, false, []));
    const toggle = (one: Capability) => this.setState({ chosen: chosen.includes(one) ? chosen.filter((other) => other != one) : [...chosen, one] });
    return (
      <Sheet title={t(more ? "share_more" : "share_title")} onClose={refuse}>
        <p class="lede">{t(offer ? "share_offer_line" : more ? "share_more_line" : "share_line", { name })}</p>
        <ul class="may">
          {!more && (
            <li>
              <label class="tick">
                <input class="cb" type="checkbox" checked disabled />
                <span>{t("share_may", {}, "view")}</span>
              </label>
            </li>
          )}
          {asked.map((one) => (
            <li key={one}>
              <label class="tick">
                <input class="cb" type="checkbox" checked={chosen.includes(one) || (more && asked.length == 1)} disabled={more && asked.length == 1} onChange={() => toggle(one)} />
                <span>{t("share_may", {}, one)}</span>
              </label>
            </li>
          ))}
        </ul>
        <p class="fine">{t("share_hidden")}</p>
        <div class="row">
          <button class="btn quiet" ref={(button) => void (this.no = button)} onClick={refuse}>
            {t(more ? "share_no" : "share_refuse")}
          </button>
          <button class="btn" onClick={give}>
            {t(more ? "share_allow" : "share_give")}
          </button>
        </div>
        <p class="fine">{t("share_stop_line")}</p>
      </Sheet>
    );
  }
}
