// The icons: 20 x 20, strokes of 1.75, drawn for Contact Hub. `f` marks the filled parts.

import type { JSX } from "preact";
import type { Channel } from "./types.ts";

const drawings = {
  adduser: () => <><circle cx="8" cy="6.5" r="3"/><path d="M2.5 16.5a5.5 5.5 0 0 1 11 0"/><path d="M15.5 6.5v5"/><path d="M13 9h5"/></>,
  arrow: () => <><path d="M4 10h12"/><path d="M11.5 5.5L16 10l-4.5 4.5"/></>,
  auto: () => <><circle cx="10" cy="10" r="7"/><path class="f" d="M10 3a7 7 0 0 1 0 14z"/></>,
  back: () => <><path d="M16 10H4"/><path d="M8.5 5.5L4 10l4.5 4.5"/></>,
  bell: () => <><path d="M5 13.5V9a5 5 0 0 1 10 0v4.5l1.2 1.5H3.8z"/><path d="M8.3 17.2a1.8 1.8 0 0 0 3.4 0"/></>,
  bold: () => <><path d="M6 3.5h4.7a3.1 3.1 0 0 1 0 6.3H6z"/><path d="M6 9.8h5.5a3.3 3.3 0 0 1 0 6.7H6z"/></>,
  book: () => <><path d="M10 5.5C8.5 4 6 3.5 3 3.5v11.5c3 0 5.5.5 7 2 1.5-1.5 4-2 7-2V3.5c-3 0-5.5.5-7 2z"/><path d="M10 5.5v11.5"/></>,
  branch: () => <><circle cx="4.5" cy="10" r="2"/><circle cx="15.5" cy="4.5" r="2"/><circle cx="15.5" cy="15.5" r="2"/><path d="M6.5 10h1.5c3 0 2.5-5.5 5.5-5.5"/><path d="M8 10c3 0 2.5 5.5 5.5 5.5"/></>,
  bullets: () => <><path d="M8 5.5h9"/><path d="M8 10h9"/><path d="M8 14.5h9"/><circle class="f" cx="4" cy="5.5" r="1.2"/><circle class="f" cx="4" cy="10" r="1.2"/><circle class="f" cx="4" cy="14.5" r="1.2"/></>,
  cal: () => <><rect x="3" y="4.5" width="14" height="12.5" rx="1.5"/><path d="M3 8.5h14"/><path d="M7 2.5v3.5"/><path d="M13 2.5v3.5"/></>,
  callback: () => <><path d="M4 6.5h1.9l1.2 2.8-1.5 1.1a7.6 7.6 0 0 0 4 4l1.1-1.5 2.8 1.2V16a1.3 1.3 0 0 1-1.4 1.3A10.6 10.6 0 0 1 2.7 7.9 1.3 1.3 0 0 1 4 6.5z"/><path d="M16.8 3.2l-4.6 4.6"/><path d="M12 4v4h4"/></>,
  callin: () => <><path d="M4 6.5h1.9l1.2 2.8-1.5 1.1a7.6 7.6 0 0 0 4 4l1.1-1.5 2.8 1.2V16a1.3 1.3 0 0 1-1.4 1.3A10.6 10.6 0 0 1 2.7 7.9 1.3 1.3 0 0 1 4 6.5z"/><path d="M16.8 3.2l-4.6 4.6"/><path d="M12 4v4h4"/></>,
  callout: () => <><path d="M4 6.5h1.9l1.2 2.8-1.5 1.1a7.6 7.6 0 0 0 4 4l1.1-1.5 2.8 1.2V16a1.3 1.3 0 0 1-1.4 1.3A10.6 10.6 0 0 1 2.7 7.9 1.3 1.3 0 0 1 4 6.5z"/><path d="M12.2 7.8l4.6-4.6"/><path d="M13 3.2h3.8v3.8"/></>,
  chart: () => <><path d="M3.5 16.5h13"/><path d="M5.5 13.5v-4"/><path d="M10 13.5v-9"/><path d="M14.5 13.5v-6"/></>,
  chat: () => <><path d="M4 3.5h12A1.5 1.5 0 0 1 17.5 5v7.5A1.5 1.5 0 0 1 16 14H9.5l-4 3v-3H4a1.5 1.5 0 0 1-1.5-1.5V5A1.5 1.5 0 0 1 4 3.5z"/></>,
  check: () => <><path d="M4 10.5l4 4 8-8.5"/></>,
  clip: () => <><path d="M15.8 9.3l-5.9 5.9a3.4 3.4 0 0 1-4.8-4.8l6-6a2.3 2.3 0 0 1 3.3 3.3l-6 5.9a1.1 1.1 0 0 1-1.6-1.6l5.4-5.3"/></>,
  clock: () => <><circle cx="10" cy="10" r="7"/><path d="M10 6v4.2l2.8 1.6"/></>,
  cobrowse: () => <><path d="M17.5 8.5v-3A1.5 1.5 0 0 0 16 4H4a1.5 1.5 0 0 0-1.5 1.5v8A1.5 1.5 0 0 0 4 15h4"/><path d="M2.5 7.5h15"/><path d="M10.8 10.6l6.4 2.5-2.8 1.1-1.1 2.8z"/></>,
  copy: () => <><rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 7V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.5A1.5 1.5 0 0 0 5 13h2"/></>,
  dots: () => <><circle class="f" cx="4.5" cy="10" r="1.6"/><circle class="f" cx="10" cy="10" r="1.6"/><circle class="f" cx="15.5" cy="10" r="1.6"/></>,
  down: () => <><path d="M5.5 8l4.5 4.5L14.5 8"/></>,
  ear: () => <><path d="M3.5 12v-1.5a6.5 6.5 0 0 1 13 0V12"/><rect x="2.8" y="11.5" width="3.2" height="5.2" rx="1.2"/><rect x="14" y="11.5" width="3.2" height="5.2" rx="1.2"/></>,
  edit: () => <><path d="M13.3 3.7l3 3L7 16l-3.7.7.7-3.7z"/><path d="M11.3 5.7l3 3"/></>,
  external: () => <><path d="M11.5 3.5h5v5"/><path d="M16.5 3.5L9.5 10.5"/><path d="M14.5 11.5v4a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h4"/></>,
  eye: () => <><path d="M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10z"/><circle cx="10" cy="10" r="2.3"/></>,
  failed: () => <><circle cx="10" cy="10" r="7"/><path d="M10 6.3v4.5"/><circle class="f" cx="10" cy="13.5" r="1.1"/></>,
  file: () => <><path d="M5 2.5h6.5l4 4v11H5z"/><path d="M11.5 2.5v4h4"/></>,
  filter: () => <><path d="M3 5h14M5.5 10h9M8 15h4"/></>,
  fit: () => <><path d="M3.5 7.5v-4h4"/><path d="M12.5 3.5h4v4"/><path d="M16.5 12.5v4h-4"/><path d="M7.5 16.5h-4v-4"/></>,
  forward: () => <><path d="M12 4.5L16.5 9 12 13.5"/><path d="M16.5 9H8a5 5 0 0 0-5 5v2"/></>,
  gear: () => <><circle cx="10" cy="10" r="2.6"/><path d="M10 2.8v2M10 15.2v2M2.8 10h2M15.2 10h2M4.9 4.9l1.4 1.4M13.7 13.7l1.4 1.4M4.9 15.1l1.4-1.4M13.7 6.3l1.4-1.4"/></>,
  globe: () => <><circle cx="10" cy="10" r="7"/><path d="M3 10h14"/><path d="M10 3c2 2 2.9 4.3 2.9 7s-.9 5-2.9 7c-2-2-2.9-4.3-2.9-7s.9-5 2.9-7z"/></>,
  hang: () => <><g transform="rotate(135 10 10)"><path d="M4.6 3.2h2.5l1.5 3.6-1.9 1.4a9.6 9.6 0 0 0 5.1 5.1l1.4-1.9 3.6 1.5v2.5a1.5 1.5 0 0 1-1.6 1.5A13.6 13.6 0 0 1 3.1 4.8a1.5 1.5 0 0 1 1.5-1.6z"/></g></>,
  hook: () => <><path d="M8 4.5a3.2 3.2 0 1 1 3.6 4.3L14 13"/><circle cx="14.5" cy="14" r="2.5"/><path d="M9 8.5L6.5 13"/><circle cx="5.5" cy="14" r="2.5"/><path d="M8 14h4"/></>,
  image: () => <><rect x="3" y="3.5" width="14" height="13" rx="1.5"/><circle cx="7.2" cy="7.7" r="1.3"/><path d="M3.5 14.5l4-4 3 3 2.5-2.5 3.5 3.5"/></>,
  inbox: () => <><path d="M3 11.5l2-7h10l2 7v4H3z"/><path d="M3 11.5h4l1 2h4l1-2h4"/></>,
  info: () => <><circle cx="10" cy="10" r="7"/><path d="M10 9.3v4"/><circle class="f" cx="10" cy="6.6" r="1"/></>,
  italic: () => <><path d="M8.5 3.5H14"/><path d="M6 16.5h5.5"/><path d="M11.5 3.5l-3 13"/></>,
  join: () => <><circle cx="8" cy="6.5" r="3"/><path d="M2.5 16.5a5.5 5.5 0 0 1 8.2-4.8"/><path d="M13 14.5l1.8 1.8 3-3.6"/></>,
  key: () => <><circle cx="7" cy="13" r="3.5"/><path d="M9.5 10.5l7-7"/><path d="M13.5 6.5l2.5 2.5"/></>,
  keypad: () => <><circle class="f" cx="5" cy="5" r="1.6"/><circle class="f" cx="5" cy="10" r="1.6"/><circle class="f" cx="5" cy="15" r="1.6"/><circle class="f" cx="10" cy="5" r="1.6"/><circle class="f" cx="10" cy="10" r="1.6"/><circle class="f" cx="10" cy="15" r="1.6"/><circle class="f" cx="15" cy="5" r="1.6"/><circle class="f" cx="15" cy="10" r="1.6"/><circle class="f" cx="15" cy="15" r="1.6"/></>,
  keys: () => <><rect x="2.5" y="5" width="15" height="10" rx="1.5"/><path d="M5.5 8h.01M8.5 8h.01M11.5 8h.01M14.5 8h.01M6.5 12h7"/></>,
  left: () => <><path d="M12 5.5L7.5 10l4.5 4.5"/></>,
  link: () => <><path d="M8.3 11.7a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1"/><path d="M11.7 8.3a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1"/></>,
  lock: () => <><rect x="4.5" y="9" width="11" height="8" rx="1.5"/><path d="M7 9V6.5a3 3 0 0 1 6 0V9"/></>,
  mail: () => <><rect x="2.5" y="4.5" width="15" height="11" rx="1.5"/><path d="M3 6l7 5 7-5"/></>,
  menu: () => <><path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h13"/></>,
  mic: () => <><rect x="7.5" y="2.5" width="5" height="9" rx="2.5"/><path d="M4.5 9.5a5.5 5.5 0 0 0 11 0"/><path d="M10 15v2.5"/></>,
  micoff: () => <><path d="M7.5 6v3a2.500 2.500 0 0 0 4.200 1.800"/><path d="M12.500 8V5a2.500 2.500 0 0 0-4.700-1.200"/><path d="M4.500 9.500a5.500 5.500 0 0 0 9 4.300"/><path d="M15.500 9.500a5.500 5.500 0 0 1-.3 1.800"/><path d="M10 15v2.500"/><path d="M3.500 3l13 14"/></>,
  minus: () => <><path d="M4 10h12"/></>,
  moon: () => <><path d="M16.5 11.8A6.8 6.8 0 0 1 8.2 3.5a6.8 6.8 0 1 0 8.3 8.3z"/></>,
  mute: () => <><path d="M3 8v4h3l4.5 3.8V4.2L6 8z"/><path d="M13.5 8l4 4M17.5 8l-4 4"/></>,
  note: () => <><path d="M4 3.5h12v9l-4 4H4z"/><path d="M16 12.5h-4v4"/></>,
  numbers: () => <><path d="M8.5 5.5H17"/><path d="M8.5 10H17"/><path d="M8.5 14.5H17"/><path d="M3.2 4.3l1.3-.8v4"/><path d="M3 12.8a1.2 1.2 0 0 1 2.4 0c0 1-2.4 2-2.4 3.2h2.500"/></>,
  out: () => <><path d="M8.5 3.5h-4A1.5 1.5 0 0 0 3 5v10a1.5 1.5 0 0 0 1.5 1.5h4"/><path d="M13 6.5l3.5 3.5-3.5 3.5"/><path d="M16.5 10H8"/></>,
  pause: () => <><path d="M7 4.5v11"/><path d="M13 4.5v11"/></>,
  phone: () => <><path d="M4.6 3.2h2.5l1.5 3.6-1.9 1.4a9.6 9.6 0 0 0 5.1 5.1l1.4-1.9 3.6 1.5v2.5a1.5 1.5 0 0 1-1.6 1.5A13.6 13.6 0 0 1 3.1 4.8a1.5 1.5 0 0 1 1.5-1.6z"/></>,
  play: () => <><path d="M6 4l10 6-10 6z"/></>,
  plus: () => <><path d="M10 4v12"/><path d="M4 10h12"/></>,
  pulse: () => <><path d="M2.5 10.5h3.5l2-5.5 4 10.5 2-5h3.5"/></>,
  queue: () => <><path d="M3 5.5h14"/><path d="M3 10h14"/><path d="M3 14.5h8"/></>,
  quote: () => <><path d="M4 5.5v9"/><path d="M8 6.5h9"/><path d="M8 10h9"/><path d="M8 13.5h6"/></>,
  read: () => <><path d="M1.8 10.8l3.4 3.4 7-7.6"/><path d="M9.6 13.4l.9.8 7.4-7.6"/></>,
  recon: () => <><circle cx="10" cy="10" r="7"/><circle class="f" cx="10" cy="10" r="3"/></>,
  recpause: () => <><circle cx="10" cy="10" r="7"/><path d="M8.2 7.6v4.8"/><path d="M11.8 7.6v4.8"/></>,
  merge: () => <><circle cx="15.5" cy="10" r="2"/><circle cx="4.5" cy="4.5" r="2"/><circle cx="4.5" cy="15.5" r="2"/><path d="M13.5 10H12c-3 0-2.5-5.5-5.5-5.5"/><path d="M12 10c-3 0-2.5 5.5-5.5 5.5"/></>,
  reply: () => <><path d="M8 4.5L3.5 9 8 13.5"/><path d="M3.5 9H12a5 5 0 0 1 5 5v2"/></>,
  replyall: () => <><path d="M6.5 4.5L2 9l4.5 4.5"/><path d="M11 4.5L6.5 9l4.5 4.5"/><path d="M6.5 9H13a5 5 0 0 1 5 5v2"/></>,
  retry: () => <><path d="M15.8 8A6.2 6.2 0 0 0 4.3 7.3"/><path d="M4 3.8v3.7h3.7"/><path d="M4.2 12a6.2 6.2 0 0 0 11.5.7"/><path d="M16 16.2v-3.7h-3.7"/></>,
  right: () => <><path d="M8 5.5l4.5 4.5L8 14.5"/></>,
  save: () => <><path d="M10 3v9.5"/><path d="M6 9l4 4 4-4"/><path d="M4 16.5h12"/></>,
  search: () => <><circle cx="9" cy="9" r="5.5"/><path d="M13.2 13.2l3.8 3.8"/></>,
  send: () => <><path d="M3.2 9.8L16.8 3.4l-4.2 13.2-3-5.8z"/><path d="M9.6 10.8l3.2-3.2"/></>,
  sent: () => <><path d="M4.5 10.8l3.4 3.4 7.3-7.6"/></>,
  shield: () => <><path d="M10 2.5l6 2.2v4.8c0 4-2.6 6.6-6 8-3.4-1.4-6-4-6-8V4.7z"/><path d="M7.3 10l2 2 3.5-4"/></>,
  sliders: () => <><path d="M3 6h7.5"/><path d="M15 6h2"/><path d="M3 14h2"/><path d="M9.5 14H17"/><circle cx="12.7" cy="6" r="2.2"/><circle cx="7.3" cy="14" r="2.2"/></>,
  smile: () => <><circle cx="10" cy="10" r="7"/><circle class="f" cx="7.6" cy="8.4" r="1"/><circle class="f" cx="12.4" cy="8.4" r="1"/><path d="M7 12a3.8 3.8 0 0 0 6 0"/></>,
  speaker: () => <><path d="M3 8v4h3l4.5 3.8V4.2L6 8z"/><path d="M13.5 8a2.8 2.8 0 0 1 0 4"/><path d="M15.7 5.6a6 6 0 0 1 0 8.8"/></>,
  star: () => <><path d="M10 2.9l2.2 4.5 4.9.7-3.55 3.45.85 4.9L10 14.1l-4.4 2.35.85-4.9L2.9 8.1l4.9-.7z"/></>,
  status: () => <><circle cx="10" cy="10" r="7"/><circle class="f" cx="10" cy="10" r="2.8"/></>,
  strike: () => <><path d="M3 10h14"/><path d="M13.8 6.3C13.3 4.6 11.8 3.5 10 3.5c-2.2 0-4 1.3-4 3.2 0 1.3.8 2.2 2 2.8"/><path d="M6 13.5c.4 1.9 2 3 4 3 2.3 0 4.2-1.3 4.2-3.3 0-.5-.1-.9-.3-1.3"/></>,
  sun: () => <><circle cx="10" cy="10" r="3.2"/><path d="M10 2.5v1.7M10 15.8v1.7M2.5 10h1.7M15.8 10h1.7M4.7 4.7l1.2 1.2M14.1 14.1l1.2 1.2M4.7 15.3l1.2-1.2M14.1 5.9l1.2-1.2"/></>,
  hash: () => <><path d="M8 3.5L6.5 16.5"/><path d="M13.5 3.5L12 16.5"/><path d="M3.8 7.5h13"/><path d="M3.2 12.5h13"/></>,
  tag: () => <><path d="M3 3.5h6.5L17 11l-6 6-8-7.5z"/><circle class="f" cx="6.7" cy="7.2" r="1.1"/></>,
  take: () => <><path d="M6 16.5V4"/><path d="M3 7l3-3 3 3"/><path d="M14 3.5V16"/><path d="M11 13l3 3 3-3"/></>,
  team: () => <><circle cx="7.5" cy="7" r="2.8"/><path d="M2.3 16a5.2 5.2 0 0 1 10.4 0"/><path d="M12.8 4.4a2.8 2.8 0 0 1 0 5.2"/><path d="M14.6 11.6a5.2 5.2 0 0 1 3 4.4"/></>,
  transfer: () => <><path d="M4 6.5h11.5"/><path d="M12.5 3.5l3 3-3 3"/><path d="M16 13.5H4.5"/><path d="M7.5 10.5l-3 3 3 3"/></>,
  trash: () => <><path d="M4 5.5h12"/><path d="M8 5.5v-2h4v2"/><path d="M5.5 5.5l.7 11h7.6l.7-11"/></>,
  underline: () => <><path d="M5.5 3.5V9a4.5 4.5 0 0 0 9 0V3.5"/><path d="M4.5 16.5h11"/></>,
  undo: () => <><path d="M7 4L3.5 7.5 7 11"/><path d="M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8"/></>,
  up: () => <><path d="M5.5 12L10 7.5l4.5 4.5"/></>,
  user: () => <><circle cx="10" cy="7" r="3.2"/><path d="M3.8 16.7a6.2 6.2 0 0 1 12.4 0"/></>,
  vm: () => <><circle cx="5.8" cy="10" r="3.3"/><circle cx="14.2" cy="10" r="3.3"/><path d="M5.8 13.3h8.4"/></>,
  warn: () => <><path d="M10 3.2l7.3 13H2.7z"/><path d="M10 8.2v3.6"/><circle class="f" cx="10" cy="13.9" r="1"/></>,
  whisper: () => <><path d="M3 8v4h3l4.5 3.8V4.2L6 8z"/><path d="M13.5 8a2.8 2.8 0 0 1 0 4"/></>,
  x: () => <><path d="M5 5l10 10"/><path d="M15 5L5 15"/></>,
} satisfies Record<string, () => JSX.Element>;

export type IconName = keyof typeof drawings;

/** A drawing beside words; alone it needs the words as `label`. */
export function Icon({ name, small, label, class: extra }: {
  name: IconName;
  small?: boolean | undefined;
  label?: string | undefined;
  class?: string | undefined;
}) {
  const classes = `i${small ? " s" : ""}${extra ? ` ${extra}` : ""}`;
  return label
    ? <svg class={classes} viewBox="0 0 20 20" role="img" aria-label={label}>{drawings[name]()}</svg>
    : <svg class={classes} viewBox="0 0 20 20" aria-hidden="true">{drawings[name]()}</svg>;
}

/** The product's mark: several strands that join into one. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" role="img" aria-label="Contact Hub">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" stroke-width="2" stroke-linecap="round">
        <path d="M6.5 8.5c7 0 6 7.5 13 7.5" />
        <path d="M6.5 13.5c5 0 6 2.5 11 2.5" opacity=".78" />
        <path d="M6.5 18.5c5 0 6-2.5 11-2.5" opacity=".78" />
        <path d="M6.5 23.5c7 0 6-7.5 13-7.5" />
      </g>
      <path d="M18 16h5" stroke="var(--on-accent)" stroke-width="3" stroke-linecap="round" />
      <circle cx="24.7" cy="16" r="2.3" fill="var(--on-accent)" />
    </svg>
  );
}

/** The sign of each channel, everywhere the same. */
export const channelIcon: Record<Channel, IconName> = { chat: "chat", voice: "phone", email: "mail", callback: "callback" };
