// What the hub and the widget say to each other over `/visitor`. Times are milliseconds since the epoch (UTC).

/** A text in several languages, or the same in all of them. */
export type Localized = string | Record<string, string>;

export interface HubFile {
  id: string;
  name: string;
  size: number;
  type: string;
  width?: number;
  height?: number;
  thumb: boolean;
}

export interface Message {
  id: string;
  contact: string;
  /** Counts within the contact; lines that visitors do not get leave gaps. */
  n: number;
  seq: number;
  at: number;
  author_kind: "visitor" | "agent" | "system";
  author: string | null;
  author_name: string | null;
  kind: "text" | "file" | "note" | "system";
  text: string | null;
  file: HubFile | null;
  client_id: string | null;
  /** System lines carry a code and data; the client puts them into words. */
  code: string | null;
  data: Record<string, unknown> | null;
}

export interface Marks {
  visitor_delivered: number;
  visitor_read: number;
  agent_delivered: number;
  agent_read: number;
}

export interface Contact {
  id: string;
  seq: number;
  channel: string;
  phase: "waiting" | "active" | "ended" | "later";
  queue: string | { id: string; name: string } | null;
  subject: string | null;
  agent: { name: string } | null;
  participants: { name: string }[];
  marks: Marks;
  rating: { score: number; comment: string | null } | null;
  created_at: number;
  ended_at: number | null;
  can_rate: boolean;
  can_write: boolean;
  /** It is over, and can be sent to an address that the hub knows. */
  can_mail: boolean;
}

export interface Field {
  name: string;
  label?: Localized | null;
  type: "text" | "email" | "tel" | "select" | "textarea" | "checkbox";
  required: boolean;
  options?: (string | { id: string; label: Localized })[] | null;
}

export interface Channel {
  open: boolean;
  wait_s?: number | null;
  until?: number | null;
  opens_at?: number | null;
  /** The topics that can be written about by e-mail. */
  topics?: string[];
  /** Whether a callback is made as soon as possible now; a time can be chosen always. */
  soon?: boolean;
}

/** The accent and what follows from it, for one colour scheme; worked out by the hub so that contrast holds. */
export interface Shades {
  accent: string;
  hover: string;
  soft: string;
  on: string;
}

export interface Site {
  id: string;
  name: string;
  locale: string;
  locales: string[];
  theme: {
    scheme: "auto" | "light" | "dark";
    position: "end" | "start";
    palette: { light: Shades; dark: Shades } | null;
    logo: string | null;
    greeting: Localized | null;
    launcher: Localized | null;
  };
  topics: { id: string; label: Localized }[];
  prechat: Field[];
  channels: Record<string, Channel | undefined>;
  agents: { name: string }[];
  page_info: boolean;
  /** Its pages can be shown to agents. */
  cobrowse: boolean;
  /** What is shown of them is recorded, where the customer allows that as well. */
  cobrowse_record: boolean;
  privacy_url: string | null;
  files: { max_bytes: number; types: string[] } | null;
}

/** What the panel page carries, so that its first picture needs no second request. */
export interface Boot {
  site: Site;
  locale: string;
  strings: Strings;
  languages: { locale: string; name: string }[];
  /** The address of the worker that lets a form in. */
  worker: string;
  /** The scripts that share the page around the panel: what the customer sees of it, the recorder, and the pictures. */
  sharing: { companion: string; recorder: string; pictures: string };
}

/** One language: its own name and direction under "_", sentences by key, plural forms by CLDR category. */
export type Strings = { _: { name: string; dir: "ltr" | "rtl" } } & Record<string, string | Record<string, string>>;

export interface Hello {
  token: string | null;
  visitor: string | null;
  site: Site;
  contacts: Contact[];
  now: number;
  seq: number;
}

export interface Sync {
  seq: number;
  contact?: Contact | null;
  messages?: Message[] | null;
  gone?: string | null;
}

/** A callback as its customer sees it. */
export interface Callback {
  reference: string;
  version: number;
  site: string;
  topic: string;
  state: "asked" | "scheduled" | "queued" | "connecting" | "dialling" | "ringing" | "talking" | "reached" | "closed" | "cancelled";
  /** "" for one who is only rung on his page. */
  phone: string;
  /** His page is rung first; it is now, or he talks there. */
  page: boolean;
  at_page: boolean;
  /** The number that the call shows, "" when nobody knows. */
  from: string;
  slot: { start: number; end: number } | null;
  due_at: number | null;
  position: number | null;
  wait_s: number | null;
  attempts: number;
  can_move: boolean;
  can_cancel: boolean;
  ended_at: number | null;
}

/** What this browser keeps of one: by reference and secret it may come back to it. */
export interface HeldCallback {
  reference: string;
  token: string;
  /** Where we write to about it. */
  email?: string;
  seen?: Callback;
}

/** How the hub sees the visitor's call. */
export interface CallState {
  contact: string;
  /** "incoming": it rings on his page. */
  state: "incoming" | "waiting" | "ringing" | "active" | "held" | "ended";
  /** For how long it still rings, and who does. */
  left_ms?: number;
  agent?: string;
  position?: number | null;
  wait_s?: number | null;
  /** What is said now is kept. */
  recorded?: boolean;
  quality?: { mos: number; loss: number; jitter_ms: number; round_trip_ms: number | null };
}

export type Capability = "view" | "point" | "draw" | "scroll" | "type" | "click" | "navigate" | "record";

/** How the hub sees a page that is shown to an agent, or that he asks for. */
export interface Cobrowse {
  contact: string;
  session: string;
  stage: "new" | "asked" | "shared" | "paused" | "ended";
  agent: { name: string } | null;
  /** Who looks on beside the agent. */
  watchers: { name: string }[];
  /** What waits for an answer. */
  asked: Capability[];
  granted: Capability[];
  pauses: ("page" | "customer" | "away")[];
  answer_by: number | null;
  expires_at: number | null;
  ending: string | null;
  now: number;
}

export interface Page {
  url: string;
  title: string;
}

/** What the host page tells about its signed-in user; `hash` proves it, see docs/. */
export interface Identity {
  id?: string;
  name?: string;
  email?: string;
  phone?: string;
  exp?: number;
  nonce?: string;
  hash?: string;
}
