// The panel: the page inside the widget's frame. Its first picture needs nothing but what the page brought along; the hub
// is asked after that.

import "./panel.css";

import { render } from "preact";
import * as actions from "./panel/actions.ts";
import { fromLink, recallCallback } from "./panel/callback.ts";
import { closeInHost, meetHost, stateToHost } from "./panel/host.ts";
import { speak } from "./panel/i18n.ts";
import { ask, connect, renew } from "./panel/link.ts";
import { recall } from "./panel/outbox.ts";
import { fetchSharing } from "./panel/sharing.ts";
import { changed, state, whenChanged } from "./panel/state.ts";
import { kept, onKept } from "./panel/storage.ts";
import { listen, markShown } from "./panel/sync.ts";
import { App, focusFirst } from "./panel/views/app.tsx";
import type { ToPanel } from "./bridge.ts";
import type { Boot, Page } from "./wire.ts";

const root = document.getElementById("app")!;

function dress({ theme }: Boot["site"]): void {
  if (theme.scheme != "auto") document.documentElement.dataset["theme"] = theme.scheme;
  if (!theme.palette) return;
  const inks = ({ accent, hover, soft, on }: NonNullable<typeof theme.palette>["light"]) =>
    `{--accent:${accent};--accent-hover:${hover};--accent-soft:${soft};--mine:${soft};--on-accent:${on}}`;
  const { light, dark } = theme.palette;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    `:root${inks(light)}:root[data-theme=dark]${inks(dark)}@media(prefers-color-scheme:dark){:root:not([data-theme=light])${inks(dark)}}`,
  );
  document.adoptedStyleSheets = [sheet];
}

function heard(data: ToPanel): void {
  switch (data.t) {
    case "open":
      actions.open(data.way);
      if (data.focus) queueMicrotask(() => focusFirst(root));
      return;
    case "close":
      return actions.closed();
    case "back":
      return actions.showSheet(null);
    case "phone":
      state.phone = data.on;
      return changed();
    case "page":
      return moved(data.page);
    case "identify":
      return actions.identify(data.identity);
    case "logout":
      return void actions.logout();
    default:
      return void fetchSharing().then(({ heardFromPage }) => heardFromPage(data), () => {});
  }
}

/** What agents see of where the visitor is: no fragment, and no value of a parameter that looks like a secret. */
function moved(page: Page): void {
  const url = new URL(page.url);
  url.hash = url.username = url.password = "";
  for (const name of [...url.searchParams.keys()]) {
    if (/token|key|secret|pass|auth|sess|sid|code|sig|mail/i.test(name)) url.searchParams.set(name, "");
  }
  state.page = { url: url.href.slice(0, 2000), title: page.title.slice(0, 300) };
  if (kept("token")) void ask("page", state.page).catch(() => {});
}

function start(): void {
  const boot = JSON.parse(document.getElementById("boot")!.textContent!) as Boot;
  state.boot = boot;
  state.site = boot.site;
  state.drafts = JSON.parse(kept("drafts", true) ?? "{}");
  speak(boot.locale, boot.strings);
  dress(boot.site);
  const framed = parent != window;
  state.open = !framed;
  state.phone = !framed && innerWidth < 480;

  document.documentElement.classList.toggle("page", !framed);

  recallCallback();
  onKept("callback", recallCallback);
  if (!framed && fromLink()) state.view = { name: "form", channel: "callback", step: "sent" };
  listen();
  actions.settle();
  whenChanged(() => {
    render(<App />, root);
    stateToHost();
  });
  document.addEventListener("visibilitychange", markShown);
  addEventListener("keydown", ({ key, isComposing }) => key == "Escape" && !isComposing && !state.sheet && closeInHost());
  onKept("token", (token) => (token ? renew() : token === null && actions.leave()));
  meetHost(heard, ({ page, phone }) => {
    state.phone = phone;
    if (page) moved(page);
  });
  // in a frame nobody sees anything before the loader has answered, so nothing is drawn before
  if (!framed) changed();
  // somebody who came back: the conversation goes on without being opened
  if (kept("token") !== null || state.callback || !framed) connect();
  void recall();
  const chosen = kept("locale");
  if (chosen && chosen != boot.locale && boot.languages.some(({ locale }) => locale == chosen)) void actions.chooseLanguage(chosen);
}

start();

