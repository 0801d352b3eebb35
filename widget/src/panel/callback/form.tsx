// The form "Call me back": number, when, and what helps whoever calls.

import { Component } from "preact";
import type { Field } from "../../wire.ts";
import { go, showSheet, startOf } from "../actions.ts";
import { t } from "../i18n.ts";
import { progressOf } from "../outbox.ts";
import { changed, state } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { Alert, Input, Outside, problem, Top, value } from "../views/parts.tsx";
import { Seal } from "../talk/talk.tsx";
import { check, type Checked, type Offered, offered, offers, prepare, send, wrong } from "./asking.ts";
import { countryName } from "./country.tsx";
import { Slots, soon } from "./time.tsx";

const PAUSE_MS = 350;
const LEAST_DIGITS = 5;

interface Now {
  /** What the hub said of the number `of`. */
  checked?: (Checked & { of: string }) | undefined;
  offers?: Offered;
  slot?: number;
  later?: boolean;
  /** On this page, not at a telephone. */
  here?: boolean;
  left?: boolean;
  tried?: boolean;
}

const contactOf = () => (state.view.name == "form" ? (state.view.contact ?? "") : "");
const typed = () => `${state.form["country"] ?? ""} ${value("phone").trim()}`;

function fields(): Field[] {
  const own = (name: string, type: Field["type"]): Field => ({ ...state.site.prechat.find((field) => field.name == name), name, type, required: false });
  return [
    own("name", "text"),
    ...(state.site.topics.length > 1 && !contactOf() ? [own("topic", "select")] : []),
    ...(offers.mails ? [own("email", "email")] : []),
    own("question", "textarea"),
  ];
}

export class CallbackForm extends Component<object, Now> {
  private form: HTMLFormElement | null = null;
  private timer = 0;
  private asked = "";
  private listed = "";

  override componentDidMount(): void {
    this.begin();
  }

  override componentDidUpdate(): void {
    this.begin();
  }

  override componentWillUnmount(): void {
    clearTimeout(this.timer);
  }

  /** As soon as the hub is there: the puzzle, the countries, the times; then whatever was changed since. */
  private begin(): void {
    if (state.link != "online") return;
    prepare();
    if (!offers.countries.length) return;
    const { checked } = this.state;
    const number = checked && !checked.reason && checked.of == typed() ? checked.number : "";
    const about = `${number} ${value("topic")}`;
    if (about != this.listed) {
      this.listed = about;
      offered(number, value("topic"), contactOf()).then(
        (offers) => this.listed == about && this.setState({ offers }),
        () => {}, // the hub says so when it is asked for the call
      );
    }
    const now = typed();
    if (now == this.asked) return;
    this.asked = now;
    clearTimeout(this.timer);
    if (value("phone").replace(/\D/g, "").length < LEAST_DIGITS) return this.setState({ checked: undefined });
    this.timer = window.setTimeout(() => {
      check(value("phone")).then(
        (checked) => {
          if (typed() != now) return;
          // A number with another country's code says itself where it is.
          if (checked.country && value("phone").trim().startsWith("+") && offers.countries.some(({ id }) => id == checked.country)) state.form["country"] = checked.country;
          this.asked = typed();
          this.setState({ checked: { ...checked, of: this.asked } });
          changed();
        },
        () => {},
      );
    }, PAUSE_MS);
  }

  /** Whether a call on this page is enough: at a later time nobody knows whether it is open. */
  private numberless(): boolean {
    const { here, later } = this.state;
    return !!here && offers.page && !later;
  }

  /** What is wrong with the number, in words; while it is typed only what no further digit can make right. */
  private wrongNumber(): string {
    const { checked, left, tried } = this.state;
    const text = value("phone").trim();
    if (!text) return tried && !this.numberless() ? t("cb_need_phone") : "";
    if (!checked || checked.of != typed() || !checked.reason) return "";
    const unfinished = checked.reason == "malformed" || (checked.reason == "unknown" && checked.short >= 0);
    return unfinished && !left && !tried ? "" : wrong(checked);
  }

  private submit = (event: Event) => {
    event.preventDefault();
    if (startOf("callback:ask")) return;
    const { later, slot, here } = this.state;
    this.setState({ tried: true, left: true }, () => {
      const bad = fields().find((field) => problem(field, value(field.name)));
      if ((!value("phone").trim() && !this.numberless()) || this.wrongNumber()) return this.focus("phone");
      if (later && !slot) {
        state.trouble = { where: "callback", text: t("cb_need_time") };
        return changed();
      }
      if (bad) return this.focus(bad.name);
      const text = (name: string) => value(name).trim();
      const when = later ? new Date(slot!).toISOString() : "asap";
      send({ phone: text("phone"), name: text("name"), email: offers.mails ? text("email") : "", topic: contactOf() ? "" : value("topic") || this.state.offers?.topic || "", note: text("question"), when, contact: contactOf(), page: !!here && offers.page });
    });
  };

  private focus(name: string): void {
    this.form?.querySelector<HTMLElement>(`#f-${name}`)?.focus();
  }

  private back = () => {
    const contact = contactOf();
    go(contact && state.talks.has(contact) ? { name: "talk", id: contact } : { name: "home" });
  };

  override render(_: object, { checked, offers: found, slot, later, here, tried }: Now) {
    const pending = startOf("callback:ask");
    const held = pending && progressOf(pending.id).why;
    const country = offers.countries.find(({ id }) => id == state.form["country"]);
    const error = this.wrongNumber();
    const good = checked && !checked.reason && checked.of == typed() ? checked.number : "";
    return (
      <>
        <Top title={t("callback")} line={t("cb_free")} back={this.back} />
        <form class="w-form" noValidate onSubmit={this.submit} ref={(form) => void (this.form = form)}>
          <div class="w-body scroll">
            {offers.page && (
              <fieldset class="f">
                <legend>{t("cb_where")}</legend>
                {[false, true].map((one) => (
                  <label key={`${one}`} class={one == !!here ? "opt on" : "opt"}>
                    <input class="rd" type="radio" name="where" checked={one == !!here} onChange={() => this.setState({ here: one })} />
                    <span>{t(one ? "cb_where_page" : "cb_where_phone")}</span>
                  </label>
                ))}
                {here && <p class="fine">{t("cb_where_line")}</p>}
              </fieldset>
            )}
            <div class="f">
              <div>
                <label for="f-phone">{t("phone")}</label> {this.numberless() && <span class="op">{t("optional")}</span>}
              </div>
              <div class={error ? "tel bad" : "tel"} dir="ltr">
                <button
                  type="button"
                  aria-haspopup="dialog"
                  aria-label={country ? t("cb_country_is", { country: countryName(country.id), code: `+${country.code}` }) : t("cb_country")}
                  disabled={!country}
                  onClick={() => showSheet({ name: "country" })}
                >
                  {country ? `+${country.code}` : "+"}
                  <Icon name="down" size={18} />
                </button>
                <input
                  id="f-phone"
                  name="phone"
                  type="tel"
                  required={!this.numberless()}
                  maxLength={40}
                  autocomplete="tel"
                  aria-invalid={!!error}
                  aria-describedby="f-phone-error f-phone-good"
                  value={value("phone")}
                  onInput={({ currentTarget }) => {
                    state.form["phone"] = currentTarget.value;
                    if (state.trouble?.where == "callback") state.trouble = null;
                    this.setState({ left: false });
                    changed();
                  }}
                  onBlur={() => this.setState({ left: true })}
                />
              </div>
              <p class="trouble" id="f-phone-error" hidden={!error}>
                {error && <Icon name="alert" size={16} />}
                {error}
              </p>
              <p class="good" id="f-phone-good" role="status">
                {good && <Icon name="check" size={16} />}
                <bdi dir="ltr">{good}</bdi>
              </p>
            </div>
            <fieldset class="f">
              <legend>{t("cb_when")}</legend>
              <label class={later ? "opt" : "opt on"}>
                <input class="rd" type="radio" name="when" aria-label={t("callback_asap")} aria-describedby="soon" checked={!later} onChange={() => this.setState({ later: false })} />
                <span>{t("callback_asap")}</span>
                <small id="soon">{found && soon(found)}</small>
              </label>
              <label class={later ? "opt on" : "opt"}>
                <input class="rd" type="radio" name="when" checked={!!later} onChange={() => this.setState({ later: true })} />
                <span>{t("cb_choose")}</span>
              </label>
            </fieldset>
            {later && found && <Slots slots={found.slots} chosen={slot ?? null} choose={(slot) => ((state.trouble = null), this.setState({ slot }))} />}
            {fields().map((field) => (
              <Input key={field.name} field={field} error={tried ? problem(field, value(field.name)) : ""} leave={() => {}} />
            ))}
            {/* A trap for machines that fill in everything: nobody sees it, hears of it or gets into it. */}
            <input
              class="sr"
              name="website"
              aria-hidden="true"
              tabIndex={-1}
              autocomplete="off"
              value={value("website")}
              onInput={({ currentTarget }) => void (state.form["website"] = currentTarget.value)}
            />
          </div>
          <footer class="w-foot">
            <Alert text={state.trouble?.where == "callback" ? state.trouble.text : held ? t(held == "held" ? "offline_start" : "busy_line") : undefined} />
            <button class="btn" aria-disabled={!!pending}>
              {t(pending ? "starting" : "cb_request")}
            </button>
            <p class="fine">
              {t(here && offers.page ? "cb_consent_page" : "cb_consent")} {state.site.privacy_url && <Outside href={state.site.privacy_url}>{t("privacy")}</Outside>}
            </p>
          </footer>
        </form>
      </>
    );
  }
}

/** The number is called already, for somebody who is not known to be the one who asks now. */
export function Joined() {
  return (
    <>
      <Top title={t("callback")} back={() => go({ name: "home" })} />
      <div class="done scroll" role="status">
        <Seal icon="check" tone="ok" />
        <h3>{t("cb_joined")}</h3>
        <p class="lede">{t("cb_joined_line")}</p>
      </div>
      <footer class="w-foot">
        <button class="btn" onClick={() => go({ name: "home" })}>
          {t("done")}
        </button>
      </footer>
    </>
  );
}
