import { useState } from "preact/hooks";
import { Button, Combobox, type Option } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { directory } from "../../common/store.ts";
import { duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { extendWrapUp } from "../actions/extend-wrapup.ts";
import { finishWrapUp } from "../actions/finish-wrapup.ts";
import { chosenOutcome, chooseOutcome } from "../outcome.ts";

const LATE_MS = 10_000;

export function outcomeOptions(contact: Contact): Option[] {
  return directory.value.outcomes
    .filter(({ queues }) => !queues?.length || (contact.queue !== null && queues.includes(contact.queue.id)))
    .map(({ id, label }) => ({ value: id, label }));
}

/** What is still to be done after a conversation: how it ended, a note, and the time that is left for it. */
export function WrapUp({ contact }: { contact: Contact }) {
  const [note, setNote] = useState("");
  const [missing, setMissing] = useState(false);
  const outcome = chosenOutcome(contact);
  const options = outcomeOptions(contact);
  const left = contact.wrap_until ? contact.wrap_until - now.value : null;

  const finish = async () => {
    if (!outcome && options.length > 0) return setMissing(true);
    await finishWrapUp(contact, outcome, note);
  };
  return (
    <section class="wrapup" aria-label={t("agent.wrapup")}>
      <header>
        <Icon name="clock" small />
        <b>{t("agent.wrapup")}</b>
        {left !== null && (
          <span class={`num${left < LATE_MS ? " amber" : ""}`} role="timer" aria-label={t("agent.wrapup.left", { time: duration(left) })}>
            {duration(left)}
          </span>
        )}
        <Button small kind="quiet" icon="plus" onClick={() => extendWrapUp(contact.id)}>{t("agent.wrapup.extend")}</Button>
      </header>
      <div class="wrap-fields">
        <Combobox
          label={t("agent.outcome")}
          value={outcome}
          options={options}
          placeholder={t(options.length ? "agent.outcome.choose" : "agent.outcome.none")}
          onChange={(value) => {
            setMissing(false);
            chooseOutcome(contact, value);
          }}
        />
        <input
          class="field"
          aria-label={t("agent.wrapup.note")}
          placeholder={t("agent.wrapup.note")}
          maxLength={4000}
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
        <Button kind="primary" icon="check" onClick={finish}>{t("agent.wrapup.finish")}</Button>
      </div>
      {missing && <p class="error-text" role="alert"><Icon name="failed" />{t("agent.wrapup.missing")}</p>}
    </section>
  );
}
