// The customers that are looked at: who they are and their earlier contacts, kept up by the `customer` push.

import { type Signal, signal } from "@preact/signals";
import { on, request } from "../common/socket.ts";
import type { Contact, Customer, Sync } from "../common/types.ts";

export interface CustomerCard {
  customer: Customer | null;
  /** Newest first. */
  contacts: readonly Contact[];
  state: "loading" | "ready" | "failed";
}

const cards = new Map<string, Signal<CustomerCard>>();

export function customerCard(id: string): Signal<CustomerCard> {
  let found = cards.get(id);
  if (!found) {
    found = signal<CustomerCard>({ customer: null, contacts: [], state: "loading" });
    cards.set(id, found);
    void loadCustomer(id);
  }
  return found;
}

/** Takes over what an edit or a push brought, unless something newer is here. */
export function putCustomer(customer: Customer): void {
  const card = cards.get(customer.id);
  if (card && customer.version >= (card.value.customer?.version ?? 0)) card.value = { ...card.value, customer };
}

export async function loadCustomer(id: string): Promise<void> {
  const card = cards.get(id);
  if (!card) return;
  try {
    const { customer, contacts } = await request<{ customer: Customer; contacts: Contact[] }>("customer:get", { customer: id });
    card.value = { customer, contacts, state: "ready" };
  } catch {
    card.value = { ...card.value, state: card.value.customer ? "ready" : "failed" };
  }
}

export function startCustomers(): void {
  on<{ customer: Customer }>("customer", ({ customer }) => putCustomer(customer));
  on<Sync>("sync", ({ contact }) => {
    const shown = contact && cards.get(contact.customer.id)?.value.customer;
    if (!shown) return;
    const { name, email, phone, verified } = contact.customer;
    const same = shown.name === name && (shown.email ?? "") === (email ?? "") && (shown.phone ?? "") === (phone ?? "") && shown.verified === verified;
    if (!same) void loadCustomer(shown.id); // another window or agent has edited
  });
  on("hello", () => {
    for (const id of cards.keys()) void loadCustomer(id);
  });
}
