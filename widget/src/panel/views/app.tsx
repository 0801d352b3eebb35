// Which view is shown, what lies above it, and where the focus goes.

import { Component } from "preact";
import { go, learn } from "../actions.ts";
import { fetchCalling } from "../calling.ts";
import { fetchSharing } from "../sharing.ts";
import { t } from "../i18n.ts";
import { asksRating, changed, isOpen, state } from "../state.ts";
import { kept } from "../storage.ts";
import { Form } from "./form.tsx";
import { Home } from "./home.tsx";
import { Top } from "./parts.tsx";

/** A part of the panel that is fetched on its own: the first picture does without. Asks again until it has come. */
function later<T>(load: () => Promise<T>) {
  let asked = false;
  const it = {
    part: null as T | null,
    fetch(): T | null {
      if (!asked) {
        asked = true;
        load().then(
          (part) => {
            it.part = part;
            changed();
          },
          () => setTimeout(() => ((asked = false), changed()), 3000),
        );
      }
      return it.part;
    },
  };
  return it;
}

const talking = later(() => import("../talk/index.ts"));
const calling = later(fetchCalling);
const sharing = later(fetchSharing);
const mailing = later(() => learn().then(() => import("../mail/index.ts")));

const callingBack = later(() => learn().then(() => import("../callback/index.tsx")));

const byCallback = () => state.view.name == "form" && state.view.channel == "callback";
const byMail = () => state.view.name == "form" && state.view.channel == "email";

function current() {
  const { view } = state;
  if (byMail()) {
    const part = mailing.fetch();
    return part ? <part.Mail /> : <Top title={t("email")} />;
  }
  if (byCallback()) {
    const part = callingBack.fetch();
    return part ? <part.CallMeBack /> : <Top title={t("callback")} />;
  }
  if (view.name == "code") {
    const part = sharing.fetch();
    return part ? <part.CodeView /> : <Top title={t("given_code")} />;
  }
  if (view.name == "form") return <Form key={view.channel} way={view.channel} />;
  if (view.name == "call" && state.call) {
    const part = calling.fetch();
    return part ? <part.CallView /> : <Top title={t("call")} />;
  }
  if (view.name == "talk") {
    const talk = state.talks.get(view.id);
    if (talk && talking.part) return isOpen(talk.contact) ? <talking.part.TalkView key={view.id} talk={talk} /> : <talking.part.OverView key={view.id} talk={talk} />;
    if (talk) return <Top title="" back={() => go({ name: "home" })} />;
  }
  if (talking.part && view.name == "earlier") return <talking.part.Earlier />;
  if (talking.part && !state.met && state.away && kept("token")) return <talking.part.Unreachable />;
  return <Home />;
}

function sheet() {
  const { sheet } = state;
  if (sheet?.name == "share") {
    const part = sharing.fetch();
    return part && <part.ShareSheet id={sheet.id} offer={sheet.offer} />;
  }
  if (sheet?.name == "country" || sheet?.name == "callback_cancel") {
    const part = callingBack.fetch();
    return part && (sheet.name == "country" ? <part.CountrySheet /> : <part.CancelSheet />);
  }
  if (sheet?.name == "ring") {
    const part = calling.fetch();
    return part && <part.RingSheet key={sheet.id} id={sheet.id} />;
  }
  if (!sheet || !talking.part) return null;
  if (sheet.name == "by_voice" || sheet.name == "sound" || sheet.name == "keypad") {
    const part = calling.fetch();
    if (!part) return null;
    return sheet.name == "sound" ? <part.SoundSheet /> : sheet.name == "keypad" ? <part.KeypadSheet /> : <part.ByVoiceSheet id={sheet.id} />;
  }
  if (sheet.name == "end") return <talking.part.EndSheet id={sheet.id} />;
  if (sheet.name == "more") return <talking.part.MoreSheet id={sheet.id} />;
  if (sheet.name == "language") return <talking.part.LanguageSheet />;
  return <talking.part.PictureSheet file={sheet.file} />;
}

/** What is before the visitor, as far as the focus is concerned. */
function place(): string {
  const { view } = state;
  const talk = view.name == "talk" ? state.talks.get(view.id) : undefined;
  return JSON.stringify([view, byMail() && !!mailing.fetch(), byCallback() && !!callingBack.fetch(), view.name == "code" && !!sharing.fetch(), talk && [!!talking.part, isOpen(talk.contact), asksRating(talk)]]);
}

export class App extends Component {
  private main: HTMLElement | null = null;
  private drawn = place();

  override componentDidMount(): void {
    if (kept("token") !== null) talking.fetch();
  }

  /** A new view takes the focus that would otherwise be lost with the old one's button. */
  override componentDidUpdate(): void {
    const now = place();
    if (this.drawn != now && state.open) focusFirst(this.main!);
    this.drawn = now;
    if (state.met || state.sheet) talking.fetch();
  }

  override render() {
    return (
      <section class={state.phone ? "w phone" : "w"} role="dialog" aria-label={t("title")}>
        <main class="view" ref={(main) => void (this.main = main)}>
          {current()}
        </main>
        {sheet()}
      </section>
    );
  }
}

/** Into the writing box of a conversation, else onto the view's title. */
export function focusFirst(root: ParentNode): void {
  const first = root.querySelector<HTMLElement>(".comp textarea") ?? root.querySelector<HTMLElement>("h2,h3");
  first?.focus({ preventScroll: true });
}
