// People by their addresses, in words.

import { list, t } from "../../common/i18n.ts";
import { settings } from "../../common/store.ts";
import type { Address } from "./types.ts";

export function nameOf({ name, address }: Address): string {
  return name || address || t("mail.nobody");
}

/** "Mara Lind <mara@example.org>", or the address alone. */
export function whole({ name, address }: Address): string {
  return name && name !== address ? `${name} <${address}>` : address;
}

export function names(people: readonly Address[]): string {
  return list(people.map(nameOf));
}

const PLAIN = /^[^\s<>"(),:;@[\]\\]{1,64}@[^\s<>"(),:;@[\]\\]{1,190}$/;

export function isAddress(text: string): boolean {
  return PLAIN.test(text) && text.includes("@") && !text.endsWith(".");
}

/** People as they are typed or pasted: "Mara Lind <mara@example.org>; jo@example.org". What is no address stays as it is. */
export function parsePeople(text: string): Address[] {
  const found: Address[] = [];
  for (const part of text.match(/(?:"[^"]*"|<[^>]*>|[^,;\n"<])+/g) ?? []) {
    const match = /^\s*(?:"?([^"<]*?)"?\s*)<\s*([^<>\s]+)\s*>\s*$/.exec(part);
    if (match) found.push({ name: match[1]?.trim() ?? "", address: match[2] ?? "" });
    else if (part.trim()) found.push(...part.trim().split(/\s+(?=\S+@)/).map((address) => ({ name: "", address: address.trim() })));
  }
  return found;
}

export function same(one: Address, other: Address): boolean {
  return one.address.toLowerCase() === other.address.toLowerCase();
}

/** How large files of one mail may be together. */
export function largest(): number {
  const limits = (settings.value["files"] ?? {}) as { max_bytes?: number };
  return limits.max_bytes ?? 25_000_000;
}
