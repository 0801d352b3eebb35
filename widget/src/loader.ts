// The one script that a host page loads. It draws the launcher, keeps API calls until they can be answered, and makes
// the panel's frame when it is first needed. No dependency, at most 3 KB gzipped; it reads nothing of the page but its
// address and title, and stores nothing before the visitor acts.

import type { Connect, EventName, HostState, LauncherSettings, ToHost, ToPanel, Way } from "./bridge.ts";
import { element, guard, icon, on } from "./loader/dom.ts";
import { backGesture, followKeyboard, lockScroll, markTitle, narrow, ownTitle, remember } from "./loader/host.ts";
import type { Identity, Page } from "./wire.ts";

type Api = ((...call: any[]) => void) & { q?: ArrayLike<any>[]; on?: 1 };
declare global {
  interface Window {
    contactHub?: { site?: string; locale?: string };
    ContactHub?: Api;
  }
}

function start(): void {
  const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
  const hub = new URL((script as HTMLScriptElement).src).origin;
  const { site, locale = document.documentElement.lang || navigator.language } = window.contactHub || {};
  const { on: loaded, q: queued = [] } = window.ContactHub || {};
  if (loaded || !site) return;
  const flag = "contacthub:" + site;
  const query = `locale=${encodeURIComponent(locale)}`;

  const listeners: [EventName, (data: unknown) => void][] = [];
  const tell = (name: EventName, data?: unknown) => listeners.forEach(([wanted, fn]) => wanted == name && guard(fn)(data));

  let calls: Record<string, (data?: any) => void> | undefined;
  const early: [string, any][] = [];
  const api: Api = guard((name: string, data: any, listener: any) => {
    if (name == "settings" && !calls) {
      calls = draw(data);
      early.forEach(([name, data]) => api(name, data));
    } else if (name == "on") listeners.push([data, listener]);
    else if (calls) calls[name]?.(data);
    else early.push([name, data]);
  });
  api.on = 1;
  window.ContactHub = api;
  Array.from(queued, (call) => api(...Array.from(call)));

  // As a script and not by fetch: a host that lets our script in need not open its connect-src for us as well.
  const policy = (window as any).trustedTypes?.createPolicy("contacthub", { createScriptURL: String });
  const load = (path: string) => {
    const script = element("script", { async: "" });
    script.src = policy ? policy.createScriptURL(hub + path) : hub + path;
    document.head.append(script);
  };
  load(`/widget/sites/${encodeURIComponent(site)}.js?${query}`);

  function draw({ words, css, icon: drawing, look, page_info, invitations }: LauncherSettings): typeof calls {
    let frame: HTMLIFrameElement | undefined;
    let port: MessagePort | undefined;
    let waiting: ToPanel[] = [];
    let open = false;
    let state = { unread: 0, active: false, sheet: false };
    let opener: Element | null;
    let patience: number;
    let seconds = 0;
    let place = "";
    let identity: Identity | undefined;

    const label = element("span");
    const count = element("span", { class: "n" });
    const text = element("p", { role: "status" });
    const retry = element("button");
    const dismiss = element("button", {}, icon(["m6.500 6.500 11 11M17.500 6.500l-11 11"]));
    const launcher = element("button", { class: "w " + look[1], "aria-haspopup": "dialog" }, icon(drawing), label, count);
    const message = element("div", { class: "m" }, text, retry);
    const box = element("div", { class: "b", role: "dialog", tabindex: "-1" }, message);
    const layer = element("div", {}, launcher, box);
    const host = element("contact-hub" as "div");
    const root = host.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(css);
    root.adoptedStyleSheets = [style];
    root.append(layer);

    const speak = () => {
      const name = (what: Element | undefined, label: string) => what?.setAttribute("aria-label", label);
      layer.lang = words.locale;
      layer.dir = words.dir;
      label.textContent = words.launch;
      name(launcher, words.label);
      name(box, words.title);
      name(dismiss, words.dismiss);
      if (frame) frame.title = words.title;
      retry.textContent = words.retry;
      count.textContent = "" + state.unread;
      count.hidden = !state.unread;
    };

    const page = (): Page | null => (page_info ? { url: location.href, title: ownTitle() } : null);
    const send = (data: ToPanel) => (port ? port.postMessage(data) : waiting.push(data));
    // asked once a change: every look at a media query makes the browser work out the page's styles
    let phone = narrow.matches;
    const full = () => open && phone;
    const holdBack = backGesture(() => {
      if (state.sheet) send({ t: "back" });
      else show(false);
      return open;
    });
    const fill = () => {
      layer.className = "r " + look[0] + (phone ? " p" : "");
      box.ariaModal = "" + full();
      lockScroll(full());
      holdBack(full());
    };
    const keep = () => {
      if (state.active) remember("sessionStorage", flag, open ? "open" : "");
    };

    function show(wanted: boolean, way?: Way, focus = wanted): void {
      const active = document.activeElement;
      const changed = open != wanted;
      open = wanted;
      invite();
      box.classList.toggle("on", open);
      launcher.hidden = open;
      if (changed) fill();
      if (open) {
        if (changed) opener = active;
        connect();
        if (focus) (port ? frame! : box).focus();
        send({ t: "open", way, focus });
      } else if (changed) {
        // the page must not jump, and focus that is elsewhere in the page by now stays there
        if (active == host) (opener && opener != host && opener != document.body ? (opener as HTMLElement) : launcher).focus({ preventScroll: true });
        send({ t: "close" });
      }
      if (changed) {
        keep();
        tell(open ? "open" : "close");
      }
    }

    function connect(): void {
      if (frame) return;
      text.textContent = "";
      retry.hidden = true;
      message.append(dismiss);
      frame = element("iframe", {
        title: words.title,
        allow: "microphone;autoplay;clipboard-write",
        src: `${hub}/widget/panel?site=${encodeURIComponent(site!)}&${query}&origin=${encodeURIComponent(location.origin)}`,
      });
      box.append(frame);
      const given = frame;
      patience = window.setTimeout(
        guard(() => {
          given.remove();
          frame = undefined;
          waiting = [];
          text.textContent = words.failed;
          retry.hidden = false;
        }),
        15000,
      );
    }

    on(window, "message", ({ source, origin, data }: MessageEvent) => {
      if (!frame || source != frame.contentWindow || origin != hub || data?.hub != "ready") return;
      clearTimeout(patience);
      const { port1, port2 } = new MessageChannel();
      const hello: Connect = { hub: "connect", page: page(), phone };
      frame.contentWindow!.postMessage(hello, hub, [port2]);
      port = port1;
      on(port, "message", ({ data }: MessageEvent<ToHost>) => calls![data.t]?.(data.d));
      port.start();
      box.classList.add("ok");
      if (identity) send({ t: "identify", identity });
      waiting.splice(0).forEach(send);
      if (root.activeElement == box) frame.focus();
    });

    /** The bubble above the launcher: an invitation of the site, gone for the session when sent away. */
    let bubble: Element | undefined;
    function invite(words?: string): void {
      bubble?.remove();
      if (!words) return;
      const say = element("button", {}, words);
      on(say, "click", () => show(true, "chat"));
      layer.append((bubble = element("div", { class: "i", role: "status" }, say, dismiss)));
    }
    on(dismiss, "click", () => {
      if (open) return show(false);
      invite();
      remember("sessionStorage", flag + ":no", "1");
      launcher.focus();
    });

    /** Once a second, since single-page hosts change address and title without telling anybody. */
    const tick = () => {
      const here = location.href + "\n" + ownTitle();
      if (place != here) {
        if (port && page_info) send({ t: "page", page: page()! });
        place = here;
        seconds = 0;
      }
      if (state.unread) markTitle(state.unread);
      if (document.hidden || frame) return;
      seconds++;
      const due = invitations.find(({ after_s, url_pattern }) => {
        const pattern = (url_pattern || "*").replace(/[^*\w]/g, "\\$&").replace(/\*/g, ".*");
        return seconds >= after_s && RegExp(`^(${location.origin})?${pattern}$`).test(location.href);
      });
      if (due && !remember("sessionStorage", flag + ":no")) {
        invitations = invitations.filter((other) => other != due);
        invite(due.text);
      }
    };

    speak();
    fill();
    on(launcher, "click", () => show(true));
    on(retry, "click", () => show(true));
    on(root, "keydown", ({ key }: KeyboardEvent) => key == "Escape" && show(false));
    on(narrow, "change", ({ matches }: MediaQueryListEvent) => {
      phone = matches;
      fill();
      if (port) send({ t: "phone", on: phone });
    });
    on(window, "storage", ({ key, newValue }: StorageEvent) => key == flag && newValue && connect());
    followKeyboard(box, full);
    (document.body || document.documentElement).append(host);
    setInterval(guard(tick), 1000);
    if (remember("localStorage", flag)) {
      const again = () => (remember("sessionStorage", flag) && !phone ? show(true, undefined, false) : connect());
      (window.requestIdleCallback || setTimeout)(guard(again));
    }

    const ways = ["chat", "call", "callback", "email"] as Way[];
    return {
      ...Object.fromEntries(ways.map((way) => [way, () => show(true, way)])),
      open: (way) => show(true, way),
      event: (said) => tell(...(said as [EventName, unknown])),
      state(next: HostState) {
        if (state.active != next.active) {
          remember("localStorage", flag, next.active ? "1" : "");
          remember("sessionStorage", flag, next.active && open ? "open" : "");
        }
        state = next;
        words = next.words;
        speak();
        markTitle(state.unread);
      },
      load,
      // Who shares the page brings the rest: it speaks with the panel by itself and takes further calls.
      run: (part) => part(port, calls),
      close: () => show(false),
      identify: (data) => {
        identity = data;
        if (port) send({ t: "identify", identity: data });
      },
      logout: () => {
        identity = undefined;
        if (remember("localStorage", flag)) connect();
        if (frame) send({ t: "logout" });
      },
    };
  }
}

guard(start)();
