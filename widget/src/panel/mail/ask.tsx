// How an e-mail stands, by its reference and the address it came from. Nothing of what was written is ever shown.

import { Component } from "preact";
import type { Field } from "../../wire.ts";
import { go } from "../actions.ts";
import { date, t } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { Alert, Input, problem, Top, value } from "../views/parts.tsx";

interface Standing {
  state: "waiting" | "working" | "answered" | "closed";
  received_at: number;
  answered_at: number | null;
}

interface Now {
  tried?: boolean;
  asking?: boolean;
  found?: Standing | null;
  trouble?: string | null;
}

const fields = (): Field[] => [
  { name: "reference", label: t("mail_reference"), type: "text", required: true },
  { name: "email", type: "email", required: true },
];

export class Ask extends Component<object, Now> {
  private form: HTMLFormElement | null = null;

  private submit = async (event: Event) => {
    event.preventDefault();
    if (this.state.asking) return;
    this.setState({ tried: true, found: null, trouble: null });
    const wrong = fields().find((field) => problem(field, value(field.name)));
    if (wrong) return this.form?.querySelector<HTMLElement>(`#f-${wrong.name}`)?.focus();
    this.setState({ asking: true });
    try {
      this.setState({ found: await ask<Standing>("email:ask", { reference: value("reference").trim(), email: value("email").trim() }) });
    } catch (error) {
      const code = error instanceof Refused ? error.code : "";
      const key = code == "reference.not_found" || code == "input.invalid" ? "mail_unknown" : code == "rate.limited" ? "mail_limited" : code == "offline" ? "cannot_connect" : "refused";
      this.setState({ trouble: t(key) });
    } finally {
      this.setState({ asking: false });
    }
  };

  override render(_: object, { tried, asking, found, trouble }: Now) {
    return (
      <>
        <Top title={t("mail_ask")} line={t("mail_ask_line")} back={() => go({ name: "form", channel: "email" })} />
        <form class="w-form" noValidate onSubmit={this.submit} ref={(form) => void (this.form = form)}>
          <div class="w-body scroll">
            {fields().map((field) => (
              <Input key={field.name} field={field} error={tried ? problem(field, value(field.name)) : ""} leave={() => {}} />
            ))}
            <div role="status">
              {found && (
                <>
                  <p class="h3">{t("mail_stands", {}, found.state)}</p>
                  <dl class="facts">
                    <div>
                      <dt>{t("mail_received")}</dt>
                      <dd>{date(found.received_at)}</dd>
                    </div>
                    {found.answered_at && (
                      <div>
                        <dt>{t("mail_answered")}</dt>
                        <dd>{date(found.answered_at)}</dd>
                      </div>
                    )}
                  </dl>
                </>
              )}
            </div>
          </div>
          <footer class="w-foot">
            <Alert text={trouble ?? undefined} />
            <button class="btn" aria-disabled={!!asking}>
              {t(asking ? "starting" : "mail_ask_do")}
            </button>
          </footer>
        </form>
      </>
    );
  }
}
