// What was said, sent to the address that the visitor gave; the hub knows whether there is one.

import { t } from "../i18n.ts";
import { pending } from "../outbox.ts";
import { state, type Talk } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { Alert } from "../views/parts.tsx";
import { mailCopy } from "./actions.ts";

export function ByMail({ talk, centred }: { talk: Talk; centred?: boolean }) {
  const { id, can_mail } = talk.contact;
  if (!can_mail) return null;
  const sending = pending(id).some(({ event }) => event == "chat:transcript");
  const trouble = state.trouble?.where == id ? state.trouble.text : "";
  return (
    <>
      <p class={centred ? "fine center" : "fine"} role="status" hidden={!talk.mailed}>
        {talk.mailed && t("mailed")}
      </p>
      {!talk.mailed && (
        <button class={centred ? "btn plain middle" : "btn plain"} aria-disabled={sending} onClick={() => sending || mailCopy(id)}>
          <Icon name="email" size={20} />
          {t("copy_by_mail")}
        </button>
      )}
      <Alert text={trouble} />
    </>
  );
}
