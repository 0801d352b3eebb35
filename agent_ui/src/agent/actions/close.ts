import { confirm } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { readDraft } from "../drafts.ts";
import { composeOf, hasWords } from "../mail/compose/composing.ts";
import { outbox } from "../outbox.ts";

/** Ends the conversation; the wrap-up begins. Asks first when something written has not gone out. */
export async function closeContact(contact: Contact): Promise<void> {
  const unsent = outbox.value.some((entry) => entry.contact === contact.id);
  const draft = readDraft(contact.id);
  const mail = composeOf(contact.id);
  if (unsent || (draft && !draft.note) || (mail && hasWords(mail))) {
    const sure = await confirm({
      title: t("agent.close.title"),
      text: t(unsent ? "agent.close.unsent" : "agent.close.draft"),
      action: t("agent.close.anyway"),
      danger: true,
    });
    if (!sure) return;
  }
  await command("contact:close", { contact: contact.id });
}
