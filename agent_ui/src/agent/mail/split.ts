// A mail that is about something else gets a contact of its own.

import { confirm, toast } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";
import { showContact } from "../route.ts";
import { canMove } from "./again.ts";
import { inOrder, mailsOf } from "./mails.ts";
import { nameOf } from "./people.ts";
import type { Mail } from "./types.ts";

export async function split(mail: Mail): Promise<void> {
  const { contact } = await command<{ contact: Contact }>("mail:split", { contact: mail.contact, mail: mail.id });
  toast(t("mail.split.done"), "ok", { label: t("mail.split.show"), run: () => showContact(contact.id) });
}

/** The mail that has the focus, else the last one that came. */
function meant(contact: Contact): Mail | undefined {
  const id = (document.activeElement?.closest("[data-mail]") as HTMLElement | null)?.dataset["mail"];
  const focused = id ? mailsOf(contact.id).value.mails.get(id) : undefined;
  return focused?.direction === "in" ? focused : inOrder(contact.id).filter(({ direction }) => direction === "in").at(-1);
}

/** By keys: says which mail it would be, and asks. */
export async function askToSplit(contact: Contact): Promise<void> {
  const mail = canMove(contact) ? meant(contact) : undefined;
  if (!mail) return;
  const text = t("mail.split.text", { name: nameOf(mail.from), subject: mail.subject || t("mail.no_subject") });
  if (await confirm({ title: t("mail.split.title"), text, action: t("mail.split.do") })) await split(mail);
}
