// The shapes that the hub sends; all times are milliseconds since the epoch (UTC).

export type Channel = "chat" | "voice" | "email" | "callback";
export type Phase =
  | "created" | "queued" | "offered" | "connecting" | "active" | "held" | "wrapping" | "closed" | "later" | "ended";

export interface Named {
  id: string;
  name: string;
}

export interface FileInfo {
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  type: string;
  width?: number | null;
  height?: number | null;
  /** Whether /files/{id}/thumb exists. */
  thumb: boolean;
}

export interface Message {
  id: string;
  contact: string;
  /** Counts within the contact from 1. */
  n: number;
  seq: number;
  at: number;
  author_kind: "visitor" | "agent" | "system";
  author: string | null;
  author_name: string | null;
  kind: "text" | "file" | "note" | "system" | "mail";
  text: string;
  file: FileInfo | null;
  client_id: string | null;
  code: string | null;
  data: Record<string, unknown> | null;
  /** Never shown to visitors. */
  internal: boolean;
}

/** The highest n that each side has received and read. */
export interface Marks {
  visitor_delivered: number;
  visitor_read: number;
  agent_delivered: number;
  agent_read: number;
}

export interface CustomerRef {
  id: string;
  name: string;
  email: string | null;
  phone: string | null;
  verified: boolean;
  online: boolean;
}

export interface PageInfo {
  url: string;
  title: string;
  at: number | null;
}

export interface OfferRef {
  agent: string;
  fence: number;
  deadline: number;
  auto: boolean;
}

export interface Contact {
  id: string;
  seq: number;
  version: number;
  channel: Channel;
  /** Whether it is talked over the hub's own audio; a call that a program told of is not. */
  media: boolean;
  phase: Phase;
  site: string | null;
  queue: Named | null;
  subject: string;
  language: string | null;
  customer: CustomerRef;
  agent: Named | null;
  participants: Named[];
  invited: Named[];
  created_at: number;
  queued_at: number | null;
  connected_at: number | null;
  ended_at: number | null;
  ended_by: string | null;
  closed_at: number | null;
  /** The customer left before anybody answered. */
  abandoned: boolean;
  wrap_until: number | null;
  outcome: string | null;
  tags: string[];
  priority: number;
  requirements: Record<string, number>;
  /** What the pre-chat form asked beyond name and address. */
  fields: Record<string, string>;
  marks: Marks;
  messages: number;
  unread: number;
  last_message: { text: string; at: number; author_kind: Message["author_kind"]; kind: Message["kind"]; n: number } | null;
  /** When the customer's oldest unanswered line was written. */
  waiting_since: number | null;
  /** The answer that was promised, and how far it has come with it. */
  due: { answer: "first" | "next"; since: number; warn_at: number; at: number; stage: "soon" | "late" | null } | null;
  page: PageInfo | null;
  offer: OfferRef | null;
  rating: { score: number; comment: string | null } | null;
}

export interface Customer {
  id: string;
  name: string;
  email: string | null;
  phone: string | null;
  language: string | null;
  timezone: string | null;
  verified: boolean;
  external_id: string | null;
  note: string | null;
  fields: Record<string, string>;
  /** The agent who is asked first when the customer comes. */
  owner: string | null;
  created_at: number;
  version: number;
}

export type PresenceState = "available" | "busy" | "wrap_up" | "away" | "not_responding" | "offline";

export interface Presence {
  state: PresenceState;
  reason: string | null;
  since: number;
  epoch: number;
}

export interface Capacity {
  units: number;
  used: number;
  channels: Partial<Record<Channel, { max: number; used: number }>>;
}

export interface QueueState extends Named {
  waiting: number;
  longest_since: number | null;
}

export interface Outcome {
  id: string;
  label: string;
  queues: string[] | null;
}

export interface Canned {
  id: string;
  shortcut: string;
  title: string;
  text: string;
  language: string | null;
  queues: string[] | null;
}

export interface MailTemplate extends Named {
  languages: string[];
  queues: string[] | null;
}

export interface Directory {
  queues: Named[];
  agents: (Named & { state: PresenceState })[];
  outcomes: Outcome[];
  canned: Canned[];
  templates: MailTemplate[];
  reasons: { id: string; label: string }[];
  skills: Named[];
}

export interface Offer {
  contact: Contact;
  fence: number;
  deadline: number;
  queue: Named | null;
  waited_ms: number;
  skill: { name: string; level: number } | null;
  page: PageInfo | null;
  auto: boolean;
}

export interface Invitation {
  contact: Contact;
  by: Named;
}

export interface Sync {
  seq: number;
  contact?: Contact;
  messages?: Message[];
  gone?: string;
}

export interface Hello {
  me: import("./boot.ts").Me;
  presence: Presence;
  capacity: Capacity;
  contacts: Contact[];
  queues: QueueState[];
  directory: Directory;
  settings: Record<string, unknown>;
  now: number;
  seq: number;
}

/** A row of the supervisor's table of queues. */
export interface QueueRow extends Named {
  waiting: number;
  longest_since: number | null;
  staffed: number;
  idle: number;
  active: number;
  offered_today: number;
  answered_today: number;
  abandoned_today: number;
  in_target_today: number;
  service_level: number | null;
  target: { percent: number; seconds: number };
  open: boolean;
  opens_at: number | null;
  channels: Partial<Record<Channel, number>>;
  /** Mails whose promised answer is due soon or late, and when the next is due. */
  answers: { soon: number; late: number; next_due: number | null };
}

/** A row of the supervisor's table of agents. */
export interface AgentRow extends Named {
  queues: string[];
  skills: Record<string, number>;
  state: PresenceState;
  reason: string | null;
  since: number;
  contacts: { id: string; channel: Channel; since: number; customer: string; phase: Phase }[];
  used: number;
  units: number;
}
