// "Merge into…": the mails of a contact go on in another one of the same customer.

import { useEffect, useState } from "preact/hooks";
import { Button, Dialog, Empty, toast, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { command } from "../../common/socket.ts";
import { contacts } from "../../common/store.ts";
import { withContact } from "../../common/sync.ts";
import { clockOrDay } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { Choice } from "../actions/choice.tsx";
import { customerCard, loadCustomer } from "../customers.ts";
import { showContact } from "../route.ts";
import { canMove } from "./again.ts";

function Others({ contact, others, into, onChoose }: {
  contact: Contact;
  others: readonly Contact[];
  into: string | null;
  onChoose: (contact: string) => void;
}) {
  const { state } = customerCard(contact.customer.id).value;
  if (state === "loading") return <div class="choices" aria-busy="true"><span class="skeleton history-shape" /></div>;
  if (others.length === 0) return <Empty icon="mail" title={t("mail.merge.none")} />;
  return (
    <div class="choices" role="radiogroup" aria-label={t("mail.merge.into")}>
      {others.map((other) => (
        <Choice
          key={other.id}
          checked={into === other.id}
          before={<span class="tile"><Icon name={channelIcon.email} small /></span>}
          label={other.subject || t("mail.no_subject")}
          hint={`${t(`common.phase.${other.phase}`)} · ${clockOrDay(other.created_at)}`}
          onChoose={() => onChoose(other.id)}
        />
      ))}
    </div>
  );
}

export function MergeDialog({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const [into, setInto] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const card = customerCard(contact.customer.id).value;
  const others = card.contacts.filter((other) => other.id !== contact.id && canMove(contacts.value.get(other.id) ?? other));
  useEffect(() => void loadCustomer(contact.customer.id), [contact.customer.id]);

  const merge = async () => {
    if (!into || busy) return;
    setBusy(true);
    try {
      const merged = await command<{ contact: Contact }>("mail:merge", { contact: contact.id, into });
      contacts.value = withContact(contacts.value, merged.contact);
      onClose();
      showContact(into);
      toast(t("mail.merge.done"), "ok");
      void loadCustomer(contact.customer.id);
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  };
  return (
    <Dialog
      title={t("mail.merge.title")}
      subtitle={t("mail.merge.help")}
      onClose={onClose}
      onSubmit={() => void merge()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="merge" disabled={!into} busy={busy}>{t("mail.merge.do")}</Button>
        </>
      }
    >
      <Others contact={contact} others={others} into={into} onChoose={setInto} />
    </Dialog>
  );
}
