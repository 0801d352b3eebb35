// Ends a token at once; programs that use it are refused from then on.
import { confirm, IconButton, toast } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { removeRow } from "./data.ts";
import { attempt } from "../common/components/index.ts";

export function RevokeButton({ id, name }: { id: string; name: string }) {
  const revoke = async () => {
    const sure = await confirm({ title: t("admin.tokens.revoke.title", { name }), text: t("admin.tokens.revoke.text"), action: t("admin.tokens.revoke"), danger: true });
    if (sure && (await attempt(() => removeRow("tokens", id)))) toast(t("admin.tokens.revoked", { name }), "ok");
  };
  return <IconButton icon="trash" small label={t("admin.tokens.revoke.label", { name })} onClick={() => void revoke()} />;
}
