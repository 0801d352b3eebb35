// The order that is being made: kept until the tab closes, and never with anything that could pay for it.
const DRAFT = "moss-kiln.draft";
const DONE = "moss-kiln.order";

/** Fields of the checkout form that may be kept. */
export const KEPT = [
  "email", "phone", "title", "given-name", "family-name", "street", "number", "floor", "postcode", "city", "country",
  "company", "delivery", "gift", "voucher", "note", "letter", "terms",
];

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** What was typed so far: {fields, ready, card}; `ready` after a complete checkout, `card` its last four digits. */
export function draft() {
  return read(DRAFT) ?? { fields: {}, ready: false, card: "" };
}

export function keepDraft(kept) {
  sessionStorage.setItem(DRAFT, JSON.stringify(kept));
}

/** Closes the draft: what is left of it is {reference, name, email}. */
export function place(name, email) {
  const letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
  const drawn = crypto.getRandomValues(new Uint8Array(4));
  const reference = `MK-${[...drawn].map((byte) => letters[byte % letters.length]).join("")}`;
  sessionStorage.setItem(DONE, JSON.stringify({ reference, name, email }));
  sessionStorage.removeItem(DRAFT);
}

/** The order placed last in this tab, or null. */
export function placed() {
  return read(DONE);
}
