// A secret that is shown this once, to be copied.
import { useState } from "preact/hooks";
import { copy } from "../common/clipboard.ts";
import { Dialog } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";

export interface Secret {
  title: string;
  text: string;
  secret: string;
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  return (
    <button
      type="button"
      class="btn small"
      onClick={() =>
        void copy(text).then((done) => {
          setState(done ? "done" : "failed");
          setTimeout(() => setState("idle"), 2500);
        })}
    >
      <Icon name={state === "done" ? "check" : "copy"} small />
      <span role="status">{state === "idle" ? label : t(`admin.copy.${state}`)}</span>
    </button>
  );
}

export function SecretDialog({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  return (
    <Dialog title={secret.title} onClose={onClose} footer={<button type="button" class="btn primary" onClick={onClose}>{t("admin.secret.done")}</button>}>
      <p>{secret.text}</p>
      <p class="secret">
        <code tabIndex={0}>{secret.secret}</code>
        <CopyButton text={secret.secret} label={t("admin.copy")} />
      </p>
    </Dialog>
  );
}
