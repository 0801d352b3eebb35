// What is asked before a chat or a call: the site's own fields, known ones filled in. E-mails: mail/form.tsx.

import { Component } from "preact";
import type { Way } from "../../bridge.ts";
import type { Field } from "../../wire.ts";
import { go, start, startCall, startOf } from "../actions.ts";
import { howLong, t } from "../i18n.ts";
import { progressOf } from "../outbox.ts";
import { changed, channel, state } from "../state.ts";
import { Icon } from "./icons.tsx";
import { Alert, Input, Instead, Outside, problem, Top, value } from "./parts.tsx";

const CALLERS = ["name", "email", "phone", "topic"];

function fieldsFor(way: Way): Field[] {
  const { prechat, topics } = state.site;
  const fields = prechat.filter(({ name }) => name != "topic" || topics.length > 0);
  // Who calls says the rest; the topic tells where the call goes.
  return way == "call" ? fields.filter(({ name }) => CALLERS.includes(name)).map((field) => ({ ...field, required: field.name == "topic" })) : fields;
}

export class Form extends Component<{ way: Way }, Record<string, boolean>> {
  private form: HTMLFormElement | null = null;

  private calling = false;

  private call = async (values: Record<string, string>) => {
    if (this.calling) return;
    this.calling = true;
    changed();
    await startCall(values);
    this.calling = false;
    changed();
  };

  private submit = (event: Event) => {
    event.preventDefault();
    const { way } = this.props;
    if (way == "chat" && startOf("chat:start")) return;
    const fields = fieldsFor(way);
    this.setState(Object.fromEntries(fields.map(({ name }) => [name, true])));
    const wrong = fields.find((field) => problem(field, value(field.name)));
    const given = Object.fromEntries(fields.map(({ name }) => [name, value(name).trim()]));
    if (wrong) this.form?.querySelector<HTMLElement>(`#f-${wrong.name}`)?.focus();
    else if (way == "call") void this.call(given);
    else start(given);
  };

  /** State: the fields that the visitor has left with something in them; only those are found fault with. */
  override render({ way }: { way: Way }, left: Record<string, boolean>) {
    const fields = fieldsFor(way);
    const pending = way == "chat" ? startOf("chat:start") : undefined;
    const why = pending && progressOf(pending.id).why;
    const { privacy_url } = state.site;
    return (
      <>
        <Top title={t(way)} line={way == "call" ? t("call_how") : wait()} back={() => go({ name: "home" })} />
        <form class="w-form" noValidate onSubmit={this.submit} ref={(form) => void (this.form = form)}>
          <div class="w-body scroll">
            {way == "call" && (
              <div class="notice">
                <span class="disc">
                  <Icon name="mic" />
                </span>
                <p>
                  <b>{t("mic_why")}</b>
                  <br />
                  {t("mic_line")}
                </p>
              </div>
            )}
            {fields.map((field) => (
              <Input
                key={field.name}
                field={field}
                error={left[field.name] ? problem(field, value(field.name)) : ""}
                leave={() => value(field.name) && this.setState({ [field.name]: true })}
              />
            ))}
          </div>
          <footer class="w-foot">
            <Alert text={state.trouble?.where == way ? state.trouble.text : why && t(why == "held" ? "offline_start" : "busy_line")} />
            <Instead where={way} />
            <button class="btn" aria-disabled={!!pending || this.calling}>
              {t(pending || this.calling ? "starting" : way == "chat" ? "start" : "start_call")}
            </button>
            <p class="fine">
              {way != "call" && fields.some(({ name }) => name == "email") && t("privacy_line")} {privacy_url && <Outside href={privacy_url}>{t("privacy")}</Outside>}
            </p>
          </footer>
        </form>
      </>
    );
  }
}

function wait(): string {
  const seconds = channel("chat")?.wait_s;
  return seconds == null ? t("answer_free") : howLong("answer_in", seconds, "answer_soon", "answer_long");
}
