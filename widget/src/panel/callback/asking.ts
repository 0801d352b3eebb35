// What the form asks of the hub: whether a number is one that is called, which times there are, and the callback itself.

import type { Callback, HeldCallback } from "../../wire.ts";
import { go } from "../actions.ts";
import { hold } from "../callback.ts";
import { locale, t } from "../i18n.ts";
import { ask, Refused } from "../link.ts";
import { type Answer, type Entry, pending, put } from "../outbox.ts";
import { type Begun, Passes, pause, STALE } from "../pass.ts";
import { changed, state } from "../state.ts";
import { keep, kept, outboxStore } from "../storage.ts";

export interface Country {
  /** ISO 3166. */
  id: string;
  /** What is dialled before its numbers. */
  code: number;
}

interface Opened extends Begun {
  countries: Country[];
  region: string | null;
  mails: boolean;
  /** Whether visitors can be rung on their page. */
  page: boolean;
}

/** What the hub says of a number. */
export interface Checked {
  reason: string;
  country: string;
  number: string;
  /** By so many digits it is too short; less than 0: too long. */
  short: number;
}

export interface Slot {
  start: number;
  end: number;
  left: number;
}

export interface Offered {
  /** The topic that all this holds for. */
  topic: string;
  soon_at: number | null;
  wait_s: number | null;
  slots: Slot[];
}

/** Where the form can be filled in: known once the hub has answered. */
export const offers = { countries: [] as Country[], mails: false, page: false };

const passes = new Passes<Opened>("callback:begin", ({ countries, region, mails, page }) => {
  Object.assign(offers, { countries, mails, page: page && canSpeak() });
  const own = [state.form["country"], region, ...navigator.languages.map((tag) => tag.split("-")[1])];
  state.form["country"] = own.find((id) => countries.some((one) => one.id == id)) ?? countries[0]?.id ?? "";
  changed();
});

const canSpeak = () => isSecureContext && !!navigator.mediaDevices && "RTCPeerConnection" in window;

export const prepare = () => passes.prepare();

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "";

export const check = (phone: string) => ask<Checked>("callback:check", { phone, country: state.form["country"] ?? "" });

export const offered = (phone: string, topic: string, contact = "") =>
  ask<Offered>("callback:slots", { phone, topic, contact, country: state.form["country"] ?? "", timezone: zone() });

/** The times that one that was asked for can have instead. */
export const others = ({ reference, token }: HeldCallback) => ask<Offered>("callback:slots", { reference, token, timezone: zone() });

/** Why a number is not called, in words. */
export function wrong({ reason, short }: { reason: string; short?: number }): string {
  if (short) return short > 0 ? t("cb_short", { n: short }) : t("cb_long", { n: -short });
  return t("cb_bad", {}, reason);
}

export function send(values: { phone: string; name: string; email: string; topic: string; note: string; when: string; contact: string; page: boolean }): void {
  state.trouble = null;
  const consent = { consent: t(values.page ? "cb_consent_page" : "cb_consent"), consent_version: t("cb_consent_version") };
  const data = { ...values, ...consent, country: state.form["country"] ?? "", timezone: zone(), locale, website: state.form["website"] ?? "" };
  put({ event: "callback:ask", contact: null, data });
}

/** Brings an entry of the outbox to the hub. The pass makes it this callback, however often it is sent. */
export async function deliver(entry: Entry): Promise<Answer> {
  for (let tries = 3; ; ) {
    if (!entry.pass) {
      entry.pass = await passes.take();
      void outboxStore.put(entry);
    }
    const { ticket, counter, due } = entry.pass;
    try {
      await pause(due - Date.now());
      const answer = await ask<Taken>("callback:ask", { ...entry.data, ticket, counter }, 30_000);
      taken(entry, answer);
      return {};
    } catch (error) {
      const { code, details } = error instanceof Refused ? error : new Refused("timeout");
      if (code == "form.early" && --tries) await pause(Number(details["retry_after_ms"]));
      else if (STALE.includes(code) && --tries) delete entry.pass;
      else if (["offline", "timeout", "store.busy"].includes(code)) throw error;
      else {
        // It let nothing in, and is good for the next try.
        if (!STALE.includes(code)) passes.giveBack(entry.pass!);
        state.trouble = { where: "callback", text: words(code, details) };
        throw new Refused("callback.refused");
      }
    }
  }
}

/** What the hub says no with, as the visitor is told. */
export const refusals: Record<string, string> = {
  "callback.full": "cb_full",
  "callback.hours": "cb_hours",
  "callback.state": "cb_too_late",
  "callback.code": "cb_code_wrong",
  "rate.limited": "cb_limited",
};

function words(code: string, details: Record<string, unknown>): string {
  if (code == "callback.number_refused") return wrong({ reason: String(details["reason"]) });
  if (code in refusals) return t(refusals[code]!);
  if (details["path"] == "email") return t("bad_email");
  return t("refused");
}

interface Taken {
  token?: string;
  /** Who this page is to the hub, when it is to be rung. */
  visitor_token?: string;
  callback?: Callback;
  joined: boolean;
}

function taken(entry: Entry, { token, visitor_token, callback, joined }: Taken): void {
  if (visitor_token) keep("token", visitor_token);
  Object.assign(state.form, { question: "" });
  // Who has asked for nothing but a call is nobody the hub would know again; later pages leave it in peace.
  if (kept("token") === "" && pending(null).length < 2) keep("token", null);
  const email = String(entry.data["email"] ?? "");
  if (token && callback) hold({ reference: callback.reference, token, seen: callback, ...(email && { email }) });
  const { view } = state;
  if (view.name != "call") go({ name: "form", channel: "callback", step: joined && !token ? "joined" : "sent" });
}
