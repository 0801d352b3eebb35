// Which country a number is of. Only those that are called can be chosen; their names come from the browser.

import { Component } from "preact";
import { go, showSheet } from "../actions.ts";
import { locale, t } from "../i18n.ts";
import { changed, channel, state } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { Sheet } from "../views/parts.tsx";
import { offers } from "./asking.ts";

const SEARCHED = 6;

export function countryName(id: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: "region" }).of(id) ?? id;
  } catch {
    return id;
  }
}

export class CountrySheet extends Component<object, { sought?: string }> {
  override render(_: object, { sought = "" }: { sought?: string }) {
    const wanted = sought.trim().toLocaleLowerCase(locale).replace(/^\+|^00/, "");
    const all = offers.countries.map(({ id, code }) => ({ id, code, name: countryName(id) }));
    const found = all.filter(({ id, code, name }) => name.toLocaleLowerCase(locale).includes(wanted) || `${code}`.startsWith(wanted) || id.toLowerCase() == wanted);
    found.sort((a, b) => a.name.localeCompare(b.name, locale));
    return (
      <Sheet title={t("cb_country")}>
        {all.length > SEARCHED && (
          <div class="find">
            <Icon name="search" size={20} />
            <input class="in" aria-label={t("cb_search")} placeholder={t("cb_search")} value={sought} onInput={({ currentTarget }) => this.setState({ sought: currentTarget.value })} />
          </div>
        )}
        <ul class="choices">
          {found.map(({ id, code, name }) => (
            <li key={id}>
              <button aria-current={id == state.form["country"]} onClick={() => choose(id)}>
                <span>{name}</span>
                <bdi dir="ltr">+{code}</bdi>
                {id == state.form["country"] && <Icon name="check" size={20} />}
              </button>
            </li>
          ))}
        </ul>
        <p class="fine">
          {t("cb_countries")}{" "}
          {channel("email") && (
            <button class="link" onClick={() => (showSheet(null), go({ name: "form", channel: "email" }))}>
              {t("email")}
            </button>
          )}
        </p>
      </Sheet>
    );
  }
}

function choose(id: string): void {
  state.form["country"] = id;
  showSheet(null);
  changed();
}
