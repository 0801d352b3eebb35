// Keys for whatever asks for them at the other end (a menu, a code), sent as they are pressed and in that order.

import { Component } from "preact";
import { t } from "../i18n.ts";
import { Sheet } from "../views/parts.tsx";
import { sound } from "./live.ts";

const KEYS = "123456789*0#";
const NAMES: Record<string, string> = { "*": "key_star", "#": "key_hash" };
const SHOWN = 20;

export class KeypadSheet extends Component<object, { sent: string }> {
  private press = (key: string) => {
    if (sound.line?.press(key)) this.setState(({ sent = "" }) => ({ sent: (sent + key).slice(-SHOWN) }));
  };

  /** Those of the keyboard as well. */
  private onKeyDown = (event: KeyboardEvent) => {
    if (event.key.length > 1 || !KEYS.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.press(event.key);
  };

  override render(_: object, { sent = "" }: { sent: string }) {
    return (
      <Sheet title={t("keypad")}>
        <div class="keys-of" onKeyDown={this.onKeyDown}>
          {/* As on every telephone, whichever way one reads. */}
          <output dir="ltr" aria-label={t("keypad_sent")} aria-live="off">
            {sent || "\u00a0"}
          </output>
          <div class="keys" dir="ltr" role="group" aria-label={t("keypad")}>
            {[...KEYS].map((key) => (
              <button aria-label={key in NAMES ? t(NAMES[key]!) : key} onClick={() => this.press(key)}>
                {key}
              </button>
            ))}
          </div>
        </div>
      </Sheet>
    );
  }
}
