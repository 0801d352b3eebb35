import { useState } from "preact/hooks";
import { Button, Combobox, Dialog, Field, toastError } from "../../common/components/index.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { t } from "../../common/i18n.ts";
import { notNow } from "../actions/not-now.ts";

const OTHERS = "others";
const MINUTES = [5, 15, 30, 60, 120, 240];

/** When it is called instead, or that somebody else does it now; with a reason for who comes next. */
export function NotNowDialog({ callback, onClose }: { callback: Callback; onClose: () => void }) {
  const [when, setWhen] = useState(OTHERS);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const options = [
    { value: OTHERS, label: t("callbacks.not_now.others") },
    ...MINUTES.map((count) => ({ value: String(count), label: t("callbacks.not_now.in", { count }) })),
  ];
  const submit = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await notNow(callback, when === OTHERS ? null : Number(when), reason);
      onClose();
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  };
  return (
    <Dialog
      title={t("callbacks.not_now")}
      subtitle={t("callbacks.not_now.help")}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="check" busy={busy}>{t("callbacks.not_now.do")}</Button>
        </>
      }
    >
      <div class="callback-form">
        <div>
          <span class="label">{t("callbacks.not_now.when")}</span>
          <Combobox label={t("callbacks.not_now.when")} value={when} options={options} onChange={setWhen} />
        </div>
        <Field label={t("callbacks.not_now.reason")} value={reason} onInput={setReason} optional maxLength={200} />
      </div>
    </Dialog>
  );
}
