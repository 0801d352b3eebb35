// What the loader (in the host page) and the panel (in the hub's frame) say to each other over their MessagePort.
// Types only: the loader must stay tiny, so nothing here may cost a byte.

import type { FromPage } from "./cobrowse/main.ts";
import type { FromCompanion, ToCompanion } from "./cobrowse/companion.ts";
import type { Identity, Page } from "./wire.ts";

/** What a host page can ask to be shown; a way the site does not offer falls back to the home view. */
export type Way = "chat" | "call" | "callback" | "email";

export type ToPanel =
  | { t: "open"; way: Way | undefined; focus: boolean }
  | { t: "close" }
  /** The phone's back gesture while a sheet is up. */
  | { t: "back" }
  | { t: "phone"; on: boolean }
  | { t: "page"; page: Page }
  | { t: "identify"; identity: Identity }
  | { t: "logout" }
  | FromPage
  | FromCompanion;

/** What the loader shows. */
export interface HostState {
  unread: number;
  /** A conversation is going on: later pages connect by themselves. */
  active: boolean;
  /** A sheet is up, so the back gesture belongs to the panel. */
  sheet: boolean;
  words: LauncherWords;
}

/** Calls of the loader's own functions; those that it does not have are for the part that shares the page. */
export type ToHost =
  | { t: "state"; d: HostState }
  | { t: "event"; d: [EventName, unknown] }
  | { t: "open" | "close"; d?: undefined }
  /** Fetches one of our scripts into the page. */
  | { t: "load"; d: string }
  | ToCompanion;

export type EventName = "open" | "close" | "chat:started" | "message" | "chat:ended" | "call:started" | "unread";

/** The loader's few words; the panel sends them anew when the language or the unread count changes. */
export interface LauncherWords {
  locale: string;
  dir: "ltr" | "rtl";
  /** What the launcher shows. */
  launch: string;
  /** The launcher's accessible name: what it shows, and how many messages are unread. */
  label: string;
  /** The dialog's name. */
  title: string;
  dismiss: string;
  failed: string;
  retry: string;
}

/** Sent with the port, once both ends have checked the other's exact origin. */
export interface Connect {
  hub: "connect";
  /** null where the site has switched page information off. */
  page: Page | null;
  phone: boolean;
}

export interface Invitation {
  id: string;
  after_s: number;
  /** Against the path, or the whole URL when it holds "://"; "*" stands for anything. */
  url_pattern: string | null;
  text: string;
}

/** What `/widget/sites/{id}.js` hands to the loader. */
export interface LauncherSettings {
  words: LauncherWords;
  /** The style sheet of the shadow root, with the site's colours in it. */
  css: string;
  /** The launcher's drawing: path data on a 24 px grid. */
  icon: string[];
  /** Classes of the layer and of the launcher. */
  look: [string, string];
  page_info: boolean;
  invitations: Invitation[];
}
