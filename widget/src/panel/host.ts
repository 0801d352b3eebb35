// The panel's end of the port to the loader in the host page.

import type { Connect, EventName, HostState, LauncherWords, ToHost, ToPanel } from "../bridge.ts";
import { awaited } from "./callback.ts";
import { dir, locale, pick, t } from "./i18n.ts";
import { anything } from "./outbox.ts";
import { running, state, unread } from "./state.ts";
import { joinedByCode } from "./storage.ts";

let port: MessagePort | null = null;
let said = "";

/**
 * Offers itself to the page around it and takes the port. The page's origin comes with the frame's address and is
 * only a claim: a message to a wrong origin is not delivered, one from a wrong origin is not heard.
 */
export function meetHost(heard: (data: ToPanel) => void, met: (hello: Connect) => void): void {
  const origin = new URLSearchParams(location.search).get("origin");
  if (parent == window || !origin) return;
  addEventListener("message", (event: MessageEvent<Connect>) => {
    if (event.source != parent || event.origin != origin || event.data?.hub != "connect" || !event.ports[0]) return;
    port?.close();
    port = event.ports[0];
    port.onmessage = ({ data }: MessageEvent<ToPanel>) => heard(data);
    said = "";
    met(event.data);
  });
  parent.postMessage({ hub: "ready" }, origin);
}

export const framed = () => port != null;

export function send(data: ToHost): void {
  port?.postMessage(data);
}

export const openInHost = () => send({ t: "open" });
export const closeInHost = () => send({ t: "close" });
export const tellHost = (name: EventName, data: unknown) => send({ t: "event", d: [name, data] });

/** Tells the loader what it shows, when that has changed. */
export function stateToHost(): void {
  const count = unread();
  const talk = running();
  const closed = !talk && !state.site.channels["chat"]?.open;
  const launch = state.call ? t("on_call") : closed ? t("email") : pick(state.site.theme.launcher) || t("launch");
  const words: LauncherWords = {
    locale,
    dir: dir(),
    launch,
    label: count ? `${launch}, ${t("unread", { n: count })}` : launch,
    title: t("title"),
    dismiss: t("close"),
    failed: t("failed"),
    retry: t("retry"),
  };
  const next: HostState = { unread: count, active: !!talk || !!state.call || awaited() || anything() || !!joinedByCode(), sheet: !!state.sheet, words };
  const now = JSON.stringify(next);
  if (now == said) return;
  const before = said && JSON.parse(said).unread;
  said = now;
  send({ t: "state", d: next });
  if (before !== count && before !== "") tellHost("unread", count);
}
