// A new password for a user who has lost theirs.
import { useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { Dialog, Field, toast } from "../common/components/index.ts";
import { errorText, HubError } from "../common/errors.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";

function PasswordDialog({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const save = async () => {
    if (!password) return setError(t("form.required"));
    try {
      await api("POST", `users/${encodeURIComponent(id)}/password`, { password });
      toast(t("admin.password.saved", { name }), "ok");
      onClose();
    } catch (failure) {
      const expected = failure instanceof HubError ? failure.details["expected"] : undefined;
      setError(expected ? t("form.expected", { expected: String(expected) }) : errorText(failure));
    }
  };
  return (
    <Dialog
      title={t("admin.password.title", { name })}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <button type="submit" class="btn primary">{t("admin.password.set")}</button>
        </>
      }
    >
      <Field
        label={t("admin.password.new")}
        type="password"
        autocomplete="new-password"
        value={password}
        onInput={(value) => {
          setPassword(value);
          setError(null);
        }}
        help={t("admin.password.help")}
        error={error}
      />
    </Dialog>
  );
}

export function PasswordButton({ id, name }: { id: string; name: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="btn" onClick={() => setOpen(true)}>
        <Icon name="key" small />
        {t("admin.password")}
      </button>
      {open && <PasswordDialog id={id} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}
