import { contacts } from "../../common/store.ts";
import { calling, lineOf } from "../phone/phone.ts";
import { showContact } from "../route.ts";
import { answer } from "./answer.ts";
import { holdCall } from "./hold-call.ts";

/** Talks in this call from now on; the hub gives music to whoever was talked with. */
export async function switchCall(contact: string): Promise<void> {
  showContact(contact);
  if (calling.value.has(contact)) await answer(contact, true);
  else if (lineOf(contact) && contacts.value.get(contact)?.phase === "held") await holdCall(contact, false);
}
