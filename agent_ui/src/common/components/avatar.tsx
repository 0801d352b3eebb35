/** Two letters of a name: "Lena Hartmann" is LH; of a Chinese, Japanese or Korean name the first sign. */
export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, "").trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  if (/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/.test(first)) return first;
  const second = words.length > 1 ? [...(words.at(-1) ?? "")][0] ?? "" : "";
  return (first + second).toUpperCase();
}

/** The same name has the same colour on every screen. */
function colour(name: string): string {
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) >>> 0;
  return `a${(sum % 5) + 1}`;
}

/** A person's letters on their colour. The name must stand beside it. */
export function Avatar({ name, small }: { name: string; small?: boolean | undefined }) {
  // The letters come by CSS: they are no text that a name spoken for a button must hold.
  return <span class={`avatar ${colour(name)}${small ? " small" : ""}`} data-initials={initials(name)} aria-hidden="true" />;
}
