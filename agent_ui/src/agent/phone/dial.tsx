import { useState } from "preact/hooks";
import { Button, Combobox, Dialog, toastError } from "../../common/components/index.ts";
import { HubError } from "../../common/errors.ts";
import { has, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { directory } from "../../common/store.ts";
import { dialled, numberProblem } from "../../common/voice/number.ts";
import { dial } from "../actions/dial.ts";
import { keyTone } from "../chime.ts";
import { selected } from "../mine.ts";
import { Keys } from "./keypad.tsx";

const QUEUE = "hub.dial-queue";

function usualQueue(): string | null {
  const { queues } = directory.value;
  const known = (id: string | null | undefined) => queues.find((queue) => queue.id === id)?.id;
  let last: string | null = null;
  try {
    last = localStorage.getItem(QUEUE);
  } catch {
    // asked each time
  }
  return known(last) ?? known(selected.value?.queue?.id) ?? (queues.length === 1 ? queues[0]?.id ?? null : null);
}

/** The number of the customer who is open. */
function usualNumber(): string {
  const phone = selected.value?.customer.phone ?? "";
  return numberProblem(phone) === null ? phone : ""; // callers from other exchanges have names
}

/** Why the hub does not ring it: ours for what we know, else its own sentence. */
function refusal({ code, details, message }: HubError): string {
  const key = code === "dial.refused" ? `phone.refused.${String(details["reason"])}` : code === "input.invalid" ? "phone.refused.number" : `phone.refused.${code}`;
  return has(key) ? t(key) : message;
}

/** Rings a number on behalf of a queue, whose number the other side sees. */
export function DialDialog({ onClose }: { onClose: () => void }) {
  const [number, setNumber] = useState(() => usualNumber());
  const [queue, setQueue] = useState(usualQueue);
  const [left, setLeft] = useState(false);
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const problem = numberProblem(number);
  // While it is typed only what more typing cannot mend is found fault with.
  const shown = problem && (problem === "signs" || problem === "long" || problem === "country" || (left && number)) ? t(`phone.number.${problem}`) : refused;

  const type = (next: string) => {
    setRefused("");
    setNumber(next);
  };
  const submit = async () => {
    setLeft(true);
    if (problem || !queue || busy) return;
    setBusy(true);
    try {
      localStorage.setItem(QUEUE, queue);
    } catch {
      // asked each time
    }
    try {
      if (await dial(number, queue)) onClose();
    } catch (error) {
      if (error instanceof HubError && !error.retryable) setRefused(refusal(error));
      else toastError(error);
    }
    setBusy(false);
  };
  const queues = directory.value.queues.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Dialog
      title={t("phone.dial")}
      subtitle={t("phone.dial_help")}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="phone" busy={busy} disabled={problem !== null || !queue}>{t("phone.dial.do")}</Button>
        </>
      }
    >
      <div class="dial">
        <div>
          <label class="label" for="dial-number">{t("phone.dial.number")}</label>
          <input
            id="dial-number"
            class="field num"
            type="tel"
            inputMode="tel"
            autocomplete="off"
            maxLength={40}
            placeholder="+49 30 123456"
            value={number}
            aria-invalid={shown ? true : undefined}
            aria-describedby="dial-says"
            onInput={(event) => type(event.currentTarget.value)}
            onBlur={() => setLeft(true)}
          />
          <p id="dial-says" class={shown ? "error-text" : "help"} aria-live="polite">
            {shown ? <><Icon name="failed" />{shown}</> : number && !problem ? t("phone.dial.rings", { number: dialled(number) }) : t("phone.dial.hint")}
          </p>
        </div>
        <div>
          <span class="label">{t("phone.dial.queue")}</span>
          <Combobox label={t("phone.dial.queue")} value={queue} options={queues} placeholder={t("phone.dial.choose")} onChange={setQueue} />
        </div>
        <Keys
          onKey={(key) => {
            keyTone(key);
            type(number + key);
          }}
        />
      </div>
    </Dialog>
  );
}
