import { api } from "../../common/api.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { shortTime } from "../../common/callbacks/data.ts";
import { t } from "../../common/i18n.ts";
import { command } from "../../common/socket.ts";
import type { Contact } from "../../common/types.ts";

export interface Wish {
  phone: string;
  name: string;
  queue: string;
  /** "asap", or a time (RFC 3339). */
  when: string;
  note: string;
  client_id: string;
}

/** A mail that waits is answered all the same; a chat or a call that waits gives its place to the callback. */
function linked({ channel, phase }: Contact): boolean {
  return channel !== "email" || !["created", "queued", "offered"].includes(phase);
}

/** Has the customer of a conversation called back, and notes it there. @throws HubError */
export async function askCallback(contact: Contact, wish: Wish): Promise<Callback> {
  const { name: subject } = contact.customer;
  const asked = await api<Callback>("POST", "callbacks", {
    ...wish,
    name: wish.name || subject,
    site: contact.site ?? "",
    language: contact.language ?? "en",
    contact: linked(contact) ? contact.id : "",
  });
  const time = asked.when ? shortTime(asked.when) : t("callbacks.asap");
  const text = t("callbacks.noted", { reference: asked.reference, phone: asked.phone, time });
  // The promise stands, whether or not it can be noted.
  await command("message:send", { contact: contact.id, kind: "note", text }).catch(() => undefined);
  return asked;
}
