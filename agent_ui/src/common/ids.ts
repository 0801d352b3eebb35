/** A random id of 26 characters [0-9a-z]. Not crypto.randomUUID: that exists only on https and localhost. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(26));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
