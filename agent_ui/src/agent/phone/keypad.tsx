import { useRef, useState } from "preact/hooks";
import { attempt, Dialog } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { sendDigit } from "../actions/send-digits.ts";
import { calls } from "./phone.ts";

const KEYS: [string, string][] = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
];
const NAMES: Record<string, string> = { "*": "phone.key.star", "#": "phone.key.hash" };

/** Twelve keys; also those of the keyboard, wherever the focus is within `children`'s dialog. */
export function Keys({ onKey }: { onKey: (key: string) => void }) {
  return (
    <div class="keypad" role="group" aria-label={t("phone.keypad")}>
      {KEYS.map(([key, letters]) => (
        <button key={key} type="button" aria-label={key in NAMES ? t(NAMES[key] ?? "") : key} onClick={() => onKey(key)}>
          <b>{key}</b>
          <small data-letters={letters} />
        </button>
      ))}
    </div>
  );
}

/** Keys for the other side's menus, sent as they are pressed and in that order. */
export function KeypadDialog({ contact, onClose }: { contact: string; onClose: () => void }) {
  const [sent, setSent] = useState("");
  const line = useRef<Promise<unknown>>(Promise.resolve());
  if (!calls.value.has(contact)) {
    queueMicrotask(onClose); // the call is over
    return null;
  }
  const press = (key: string) => {
    setSent((before) => (before + key).slice(-24));
    line.current = line.current.then(() => attempt(() => sendDigit(contact, key)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!/^[0-9*#A-Da-d]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    press(event.key.toUpperCase());
  };
  return (
    <Dialog title={t("phone.keypad")} subtitle={t("phone.keypad_help")} onClose={onClose}>
      <div onKeyDown={onKeyDown}>
        <output class="sent-keys num" aria-label={t("phone.keypad_sent")} aria-live="off">{sent || "\u00a0"}</output>
        <Keys onKey={press} />
      </div>
    </Dialog>
  );
}
