import { useState } from "preact/hooks";
import { api } from "../../common/api.ts";
import { attempt, Button, Dialog, toast } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import type { Recording } from "./data.ts";

const LONGEST = 300;

/** Keeps the recording whatever its age, for this reason; without one no longer. */
export async function keep(recording: Recording, reason: string, onChange: () => void): Promise<void> {
  await api("PATCH", `recordings/${encodeURIComponent(recording.id)}`, { hold: reason });
  toast(t(reason ? "calls.keep.done" : "calls.keep.released"), "ok");
  onChange();
}

/** Why a recording is kept: without a reason nobody can say later whether it may go. */
export function KeepDialog({ recording, onClose, onChange }: { recording: Recording; onClose: () => void; onChange: () => void }) {
  const [reason, setReason] = useState(recording.hold);
  const [busy, setBusy] = useState(false);
  const submit = () => {
    if (!reason.trim() || busy) return;
    setBusy(true);
    void attempt(async () => {
      await keep(recording, reason.trim(), onChange);
      onClose();
    }).finally(() => setBusy(false));
  };
  return (
    <Dialog
      title={t("calls.keep")}
      subtitle={t("calls.keep.help")}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" busy={busy} disabled={!reason.trim()}>{t("calls.keep.do")}</Button>
        </>
      }
    >
      <label class="label" for="keep-reason">{t("calls.keep.reason")}</label>
      <input id="keep-reason" class="field" maxLength={LONGEST} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
    </Dialog>
  );
}
