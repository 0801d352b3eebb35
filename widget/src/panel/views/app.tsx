// Which view is shown, what lies above it, and where the focus goes.

import { Component } from "preact";
import { go } from "../actions.ts";
import { fetchCalling } from "../calling.ts";
import { t } from "../i18n.ts";
import { asksRating, changed, isOpen, state } from "../state.ts";
import { kept } from "../storage.ts";
import { Form } from "./form.tsx";
import { Home } from "./home.tsx";
import { Top } from "./parts.tsx";

let talking: typeof import("../talk/index.ts") | null = null;
let fetching = false;
let calling: typeof import("../call/index.ts") | null = null;

function withCalling(): typeof import("../call/index.ts") | null {
  if (!calling) {
    void fetchCalling().then((part) => {
      calling = part;
      changed();
    }, () => undefined);
  }
  return calling;
}

/** Fetches the conversation's part of the panel, and goes on trying until it is here. */
function fetchTalking(): void {
  if (fetching) return;
  fetching = true;
  import("../talk/index.ts").then(
    (views) => {
      talking = views;
      changed();
    },
    () => setTimeout(() => ((fetching = false), fetchTalking()), 3000),
  );
}

function current() {
  const { view } = state;
  if (view.name == "form") return <Form key={view.channel} way={view.channel} />;
  if (view.name == "call" && state.call) {
    const part = withCalling();
    return part ? <part.CallView /> : <Top title={t("call")} />;
  }
  if (view.name == "talk") {
    const talk = state.talks.get(view.id);
    if (talk && talking) return isOpen(talk.contact) ? <talking.TalkView key={view.id} talk={talk} /> : <talking.OverView key={view.id} talk={talk} />;
    if (talk) return <Top title="" back={() => go({ name: "home" })} />;
  }
  if (talking && view.name == "earlier") return <talking.Earlier />;
  if (talking && !state.met && state.away && kept("token")) return <talking.Unreachable />;
  return <Home />;
}

function sheet() {
  const { sheet } = state;
  if (!sheet || !talking) return null;
  if (sheet.name == "by_voice" || sheet.name == "sound" || sheet.name == "keypad") {
    const part = withCalling();
    if (!part) return null;
    return sheet.name == "sound" ? <part.SoundSheet /> : sheet.name == "keypad" ? <part.KeypadSheet /> : <part.ByVoiceSheet id={sheet.id} />;
  }
  if (sheet.name == "end") return <talking.EndSheet id={sheet.id} />;
  if (sheet.name == "more") return <talking.MoreSheet id={sheet.id} />;
  if (sheet.name == "language") return <talking.LanguageSheet />;
  return <talking.PictureSheet file={sheet.file} />;
}

/** What is before the visitor, as far as the focus is concerned. */
function place(): string {
  const { view } = state;
  const talk = view.name == "talk" ? state.talks.get(view.id) : undefined;
  return JSON.stringify([view, talk && [!!talking, isOpen(talk.contact), asksRating(talk)]]);
}

export class App extends Component {
  private main: HTMLElement | null = null;
  private drawn = place();

  override componentDidMount(): void {
    if (kept("token") !== null) fetchTalking();
  }

  /** A new view takes the focus that would otherwise be lost with the old one's button. */
  override componentDidUpdate(): void {
    const now = place();
    if (this.drawn != now && state.open) focusFirst(this.main!);
    this.drawn = now;
    if (state.met || state.sheet) fetchTalking();
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
