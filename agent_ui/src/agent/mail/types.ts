// The shapes that the hub sends of mails.

import type { FileInfo } from "../../common/types.ts";

export interface Address {
  address: string;
  name: string;
}

export type MailState = "received" | "queued" | "sending" | "sent" | "failed" | "bounced" | "cancelled";

/** A mail's head; its text is the message `message` of its contact. */
export interface Mail {
  id: string;
  contact: string;
  message: string;
  direction: "in" | "out";
  mailbox: string;
  state: MailState;
  at: number;
  from: Address;
  to: Address[];
  cc: Address[];
  bcc: Address[];
  reply_to: Address[];
  subject: string;
  date: number | null;
  size: number;
  raw: boolean;
  html: boolean;
  /** Where quoted text or a signature begins in the text, in Unicode characters. */
  fold_at: number;
  attachments: FileInfo[];
  inline: Record<string, FileInfo>;
  kind: string;
  automatic: boolean;
  language: string;
  problems: string[];
  /** By the files' ids, when somebody looked: clean, unscanned, or infected by `threat`. */
  scans: Record<string, { scan: string; threat: string }>;
  forwarded_from: Address | null;
  author: string | null;
  send_at: number | null;
  undo_until: number | null;
  next_at: number | null;
  attempts: number;
  error: string;
  status: number | null;
  taken: string[];
  refused: Record<string, string>;
  version: number;
}

export interface Mailbox {
  id: string;
  name: string;
  address: string;
  display_name: string;
  queue: string;
  language: string;
}

export type How = "reply" | "reply_all" | "forward" | "new";

/** What a composer begins with. */
export interface Beginning {
  contact: string | null;
  mail: string | null;
  how: How;
  mailbox: string;
  to: Address[];
  cc: Address[];
  subject: string;
  signature: { text: string; html: string };
  attachments: FileInfo[];
}

export interface Looker {
  id: string;
  name: string;
  writing: boolean;
}
