import { useState } from "preact/hooks";
import { Button, Combobox, Dialog, Field, toast } from "../../common/components/index.ts";
import { refusalText, shortTime } from "../../common/callbacks/data.ts";
import { Times, useSlots } from "../../common/callbacks/times.tsx";
import { number, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { newId } from "../../common/ids.ts";
import { directory } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";
import { numberProblem } from "../../common/voice/number.ts";
import { askCallback } from "../actions/ask-callback.ts";

/** "Call back later": the customer of this conversation is called back, as soon as possible or at a time. */
export function AskCallbackDialog({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const [phone, setPhone] = useState(contact.customer.phone ?? "");
  const [name, setName] = useState(contact.customer.name);
  const [queue, setQueue] = useState(contact.queue?.id ?? (directory.value.queues.length === 1 ? directory.value.queues[0]!.id : ""));
  const [later, setLater] = useState(false);
  const [start, setStart] = useState<number | null>(null);
  const [note, setNote] = useState("");
  const [refused, setRefused] = useState("");
  const [key] = useState(newId); // the same wish sent twice is one
  const [busy, setBusy] = useState(false);
  const slots = useSlots(queue, phone, later);
  const free = slots?.filter(({ left }) => left > 0) ?? [];
  const at = free.some((slot) => slot.start === start) ? start : free[0]?.start ?? null;
  const ready = numberProblem(phone) === null && queue !== "" && (!later || at !== null);

  const type = (next: string) => {
    setPhone(next);
    setRefused("");
  };
  const submit = async () => {
    if (!ready || busy) return;
    setBusy(true);
    setRefused("");
    try {
      const when = later && at !== null ? new Date(at).toISOString() : "asap";
      const asked = await askCallback(contact, { phone: phone.trim(), name: name.trim(), queue, when, note: note.trim(), client_id: key });
      onClose();
      const { reference } = asked;
      toast(asked.joined ? t("callbacks.ask.joined", { reference }) : t("callbacks.ask.done", { reference, time: asked.when ? shortTime(asked.when) : t("callbacks.asap") }), "ok");
    } catch (error) {
      setBusy(false);
      setRefused(refusalText(error));
    }
  };
  return (
    <Dialog
      title={t("callbacks.ask")}
      subtitle={t("callbacks.ask.help")}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="callback" disabled={!ready} busy={busy}>{t("callbacks.ask.do")}</Button>
        </>
      }
    >
      <div class="callback-form">
        <Field label={t("callbacks.phone")} type="tel" inputMode="tel" value={phone} onInput={type} maxLength={40} placeholder="+49 30 123456" />
        <Field label={t("callbacks.name")} value={name} onInput={setName} optional maxLength={200} />
        <div>
          <span class="label">{t("callbacks.queue")}</span>
          <Combobox label={t("callbacks.queue")} value={queue} placeholder={t("callbacks.ask.queue")} options={directory.value.queues.map((row) => ({ value: row.id, label: row.name }))} onChange={setQueue} />
        </div>
        <fieldset>
          <legend class="label">{t("callbacks.ask.when")}</legend>
          {[false, true].map((value) => (
            <label key={String(value)} class="check">
              <input type="radio" name="callback-when" checked={later === value} onChange={() => setLater(value)} />
              <span>{t(value ? "callbacks.ask.later" : "callbacks.ask.asap")}</span>
            </label>
          ))}
          {later && <Times slots={slots} start={at} onChange={setStart} />}
          {later && at !== null && <p class="help num">{t("callbacks.ask.slots_free", { count: number(free.length) })}</p>}
        </fieldset>
        <Field label={t("callbacks.note")} value={note} onInput={setNote} lines={2} optional maxLength={2000} />
        {refused && <p class="error-text" role="alert"><Icon name="failed" />{refused}</p>}
      </div>
    </Dialog>
  );
}
