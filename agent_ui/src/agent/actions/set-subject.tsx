import { useState } from "preact/hooks";
import { Button, Dialog, Field, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";

const LONGEST = 200;

/** Says in a few words what the contact is about, for the list and for whoever has it next. */
export function SubjectDialog({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const [subject, setSubject] = useState(contact.subject);
  const [busy, setBusy] = useState(false);

  const save = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await command("contact:edit", { contact: contact.id, subject: subject.trim() });
      onClose();
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  };
  return (
    <Dialog
      title={t("agent.subject.edit")}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" busy={busy}>{t("common.save")}</Button>
        </>
      }
    >
      <Field label={t("agent.subject")} maxLength={LONGEST} value={subject} onInput={setSubject} autofocus />
    </Dialog>
  );
}
