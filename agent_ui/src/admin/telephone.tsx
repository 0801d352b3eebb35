// The account of a user's own telephone.
import { useState } from "preact/hooks";
import { Dialog } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { TelephoneAccount } from "../common/telephone/account.tsx";
import "../common/telephone/words.ts";

export function TelephoneButton({ id, name }: { id: string; name: string }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button type="button" class="btn" onClick={() => setOpen(true)}>
        <Icon name="phone" small />
        {t("admin.telephone")}
      </button>
      {open && (
        <Dialog
          title={t("admin.telephone.title", { name })}
          subtitle={t("telephone.help")}
          onClose={close}
          footer={<button type="button" class="btn primary" onClick={close}>{t("admin.secret.done")}</button>}
        >
          <TelephoneAccount path={`users/${encodeURIComponent(id)}/phone`} />
        </Dialog>
      )}
    </>
  );
}
