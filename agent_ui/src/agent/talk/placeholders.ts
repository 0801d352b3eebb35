// Canned replies with the names of those who talk filled in.

import { me } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";

function firstName(name: string): string {
  return name.trim().split(/\s+/)[0] ?? "";
}

/** The text with {customer.name} and the like filled in; what is not known stays, for the agent to fill. */
export function fillIn(text: string, contact: Contact): string {
  const agent = me.value?.name ?? "";
  const values: Record<string, string> = {
    "customer.name": contact.customer.name,
    "customer.first_name": firstName(contact.customer.name),
    "customer.email": contact.customer.email ?? "",
    "agent.name": agent,
    "agent.first_name": firstName(agent),
    "queue.name": contact.queue?.name ?? "",
    "contact.subject": contact.subject,
  };
  return text.replace(/\{([a-z_.]+)\}/g, (whole, name: string) => values[name] || whole);
}

/** Where the first placeholder that is still open stands, so that it can be selected. */
export function openPlaceholder(text: string, from: number): [number, number] | null {
  const found = /\{[a-z_.]+\}/.exec(text.slice(from));
  return found ? [from + found.index, from + found.index + found[0].length] : null;
}
