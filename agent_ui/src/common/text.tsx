import type { ComponentChildren } from "preact";

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uffef]+/gi;
const TRAILING = /[.,;:!?)\]}]+$/;

/** What people wrote, as text: only http(s) addresses become links, which tell the other side nothing about us. */
export function Text({ children }: { children: string }) {
  const parts: ComponentChildren[] = [];
  let from = 0;
  for (const match of children.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    parts.push(children.slice(from, match.index));
    parts.push(<a class="link" href={address} target="_blank" rel="noopener noreferrer">{address}</a>);
    from = match.index + address.length;
  }
  parts.push(children.slice(from));
  return <>{parts}</>;
}

/** An address that may stand in href: http or https, else null. */
export function safeUrl(address: string | null | undefined): string | null {
  if (!address) return null;
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
