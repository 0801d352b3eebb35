// The code that an agent reads out on the telephone or writes in a mail: who enters it is asked for his page, like anybody
// in a conversation.

import { Component } from "preact";
import type { Cobrowse } from "../../wire.ts";
import { go } from "../actions.ts";
import { t } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { heardOfSharing } from "../sharing.ts";
import { byCode, keep } from "../storage.ts";
import { Alert, Top } from "../views/parts.tsx";

const DIGITS = 6;
const WHY: Record<string, string> = { "code.not_found": "share_code_wrong", "rate.limited": "share_code_limited", offline: "cannot_connect", timeout: "cannot_connect" };

/** The digits alone, of whatever script: in Arabic, Persian and wide ones the last four bits are the digit as well. */
const digits = (text: string) => text.replace(/[٠-٩۰-۹０-９]/g, (one) => String(one.charCodeAt(0) & 15)).replace(/\D/g, "");

interface Now {
  code?: string;
  asking?: boolean;
  trouble?: string;
}

export class CodeView extends Component<object, Now> {
  private field: HTMLInputElement | null = null;

  private wrong(key: string): void {
    this.setState({ trouble: t(key), asking: false });
    this.field?.focus();
  }

  private submit = async (event: Event) => {
    event.preventDefault();
    if (this.state.asking) return;
    const code = digits(this.state.code ?? "");
    if (code.length != DIGITS) return this.wrong("share_code_short");
    this.setState({ asking: true, trouble: "" });
    try {
      const { token, cobrowse } = await ask<{ token: string; cobrowse: Cobrowse }>("cobrowse:enter", { code });
      keep("token", token);
      byCode(cobrowse.contact);
      go({ name: "home" });
      heardOfSharing(cobrowse);
    } catch (error) {
      this.wrong((error instanceof Refused && WHY[error.code]) || "refused");
    }
  };

  override render(_: object, { code, asking, trouble }: Now) {
    return (
      <>
        <Top title={t("given_code")} line={t("share_code_line")} back={() => go({ name: "home" })} />
        <form class="w-form" noValidate onSubmit={this.submit}>
          <div class="w-body scroll">
            <div class="f">
              <label for="share-code">{t("share_code_field")}</label>
              <input
                class="in"
                id="share-code"
                ref={(field) => void (this.field = field)}
                inputMode="numeric"
                autocomplete="one-time-code"
                maxLength={12}
                dir="ltr"
                value={code ?? ""}
                aria-invalid={!!trouble}
                aria-describedby="share-code-note"
                onInput={({ currentTarget }) => this.setState({ code: currentTarget.value, trouble: "" })}
              />
              <p class="fine" id="share-code-note">
                {t("share_code_note")}
              </p>
            </div>
          </div>
          <footer class="w-foot">
            <Alert text={trouble} />
            <button class="btn" aria-disabled={!!asking}>
              {t(asking ? "starting" : "share_code_do")}
            </button>
          </footer>
        </form>
      </>
    );
  }
}
