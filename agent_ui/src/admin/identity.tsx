// The secret with which a site signs who its visitors are: made here, shown once, never read again.
import { confirm, toastError } from "../common/components/index.ts";
import type { Row } from "../common/form/paths.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { fetchRow, rowText, saveRow } from "./data.ts";
import { revealed } from "./editor.tsx";
import { unsaved } from "./router.ts";

/** 32 random bytes in hex. */
function newSecret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function IdentityButton({ row, onDone }: { row: Row; onDone: () => void }) {
  const rotate = async () => {
    const sure = await confirm({ title: t("admin.identity.title"), text: t("admin.identity.confirm"), action: t("admin.identity.make"), danger: true });
    if (!sure) return;
    try {
      const secret = newSecret();
      const id = rowText(row, "id");
      await saveRow("sites", id, { ...(await fetchRow("sites", id)), identity_secret: secret });
      revealed.value = { title: t("admin.identity.made"), text: t("admin.identity.made.text"), secret };
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <button type="button" class="btn" disabled={unsaved.value} title={unsaved.value ? t("admin.save_first") : undefined} onClick={() => void rotate()}>
      <Icon name="key" small />
      {t("admin.identity")}
    </button>
  );
}
