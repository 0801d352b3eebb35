// What is asked before a chat, or instead of one: the site's own fields, known ones filled in.

import { Component } from "preact";
import type { Way } from "../../bridge.ts";
import type { Field } from "../../wire.ts";
import { go, start, startCall, startOf } from "../actions.ts";
import { back, howLong, pick, t } from "../i18n.ts";
import { progressOf } from "../outbox.ts";
import { changed, channel, state } from "../state.ts";
import { Icon } from "./icons.tsx";
import { Alert, Outside, Top } from "./parts.tsx";

/** Which field a problem is about, in words to stand below it; "" when it is fine. */
function problem(field: Field, value: string): string {
  const known = ["name", "email", "topic", "question"].includes(field.name);
  if (field.type == "checkbox") return field.required && !value ? t("need_tick") : "";
  if (!value.trim()) return field.required ? t(known ? `need_${field.name}` : "need_other") : "";
  if (field.type == "email" && !/^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(value.trim())) return t("bad_email");
  if (field.type == "tel" && !/^[+\d][\d\s()/.-]{4,}$/.test(value.trim())) return t("bad_phone");
  return "";
}

const label = (field: Field) => pick(field.label) || t(field.name == "email" ? "email_field" : field.name);

const CALLERS = ["name", "email", "phone", "topic"];

/** By e-mail an answer needs an address, whatever the chat asks for. */
function fieldsFor(way: Way): Field[] {
  const { prechat, topics } = state.site;
  const fields = prechat.filter(({ name }) => name != "topic" || topics.length > 0);
  // Who calls says the rest; the topic tells where the call goes.
  if (way == "call") return fields.filter(({ name }) => CALLERS.includes(name)).map((field) => ({ ...field, required: field.name == "topic" }));
  if (way != "email") return fields;
  const need = (name: string, type: Field["type"]): Field => ({ ...fields.find((field) => field.name == name), name, type, required: true });
  const rest = fields.filter(({ name }) => name != "email" && name != "question");
  const names = rest.findIndex(({ name }) => name == "name") + 1;
  return [...rest.slice(0, names), need("email", "email"), ...rest.slice(names), need("question", "textarea")];
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
    if (startOf(way)) return;
    const fields = fieldsFor(way);
    this.setState(Object.fromEntries(fields.map(({ name }) => [name, true])));
    const wrong = fields.find((field) => problem(field, value(field.name)));
    const given = Object.fromEntries(fields.map(({ name }) => [name, value(name).trim()]));
    if (wrong) this.form?.querySelector<HTMLElement>(`#f-${wrong.name}`)?.focus();
    else if (way == "call") void this.call(given);
    else start(way, given);
  };

  /** State: the fields that the visitor has left with something in them; only those are found fault with. */
  override render({ way }: { way: Way }, left: Record<string, boolean>) {
    const fields = fieldsFor(way);
    const pending = startOf(way);
    const why = pending && progressOf(pending.id).why;
    const { channels, privacy_url } = state.site;
    const chat = channels["chat"];
    const opens = way == "email" && chat && !chat.open && chat.opens_at;
    return (
      <>
        <Top title={t(way)} line={way == "email" ? t(chat?.open ? "email_open" : "closed") : way == "call" ? t("call_how") : wait()} back={() => go({ name: "home" })} />
        <form class="w-form" noValidate onSubmit={this.submit} ref={(form) => void (this.form = form)}>
          <div class="w-body scroll">
            {opens && (
              <div class="notice">
                <span class="disc">
                  <Icon name="moon" />
                </span>
                <p>
                  <b>{t("closed_until", { time: back(opens) })}</b>
                  <br />
                  {t("email_first")}
                </p>
              </div>
            )}
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
            <button class="btn" aria-disabled={!!pending || this.calling}>
              {t(pending || this.calling ? "starting" : way == "chat" ? "start" : way == "call" ? "start_call" : "send_email")}
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

const value = (name: string) => state.form[name] ?? "";

function set(name: string, next: string): void {
  state.form[name] = next;
  changed();
}

const complete: Record<string, string> = { name: "name", email: "email", phone: "tel" };

function Input({ field, error, leave }: { field: Field; error: string; leave: () => void }) {
  const { name, type, required } = field;
  const id = `f-${name}`;
  const props = {
    id,
    name,
    required,
    class: "in",
    "aria-invalid": !!error,
    "aria-describedby": `${id}-error`,
    value: value(name),
    onInput: (event: { currentTarget: { value: string } }) => set(name, event.currentTarget.value),
    onBlur: leave,
  };
  const below = (
    <p class="trouble" id={`${id}-error`} hidden={!error}>
      {error && <Icon name="alert" size={16} />}
      {error}
    </p>
  );
  if (type == "checkbox")
    return (
      <div class="f">
        <label class="tick">
          <input {...props} class="cb" type="checkbox" checked={!!value(name)} value="yes" onInput={(event) => set(name, event.currentTarget.checked ? "yes" : "")} />
          <span>{label(field)}</span>
        </label>
        {below}
      </div>
    );
  return (
    <div class="f">
      <div>
        <label for={id}>{label(field)}</label> {!required && <span class="op">{t("optional")}</span>}
      </div>
      {type == "select" ? (
        <span class="sel">
          <select {...props}>
            <option value="">{t("choose")}</option>
            {options(field).map(([id, text]) => (
              <option value={id}>{text}</option>
            ))}
          </select>
          <Icon name="down" size={20} />
        </span>
      ) : type == "textarea" ? (
        <textarea {...props} rows={4} maxLength={4000} dir="auto" />
      ) : (
        <input {...props} type={type as "text"} maxLength={200} autocomplete={(complete[name] ?? "off") as "name"} dir={type == "text" ? "auto" : "ltr"} />
      )}
      {below}
    </div>
  );
}

function options(field: Field): [string, string][] {
  if (field.name == "topic" && !field.options?.length) return state.site.topics.map(({ id, label }) => [id, pick(label)]);
  return (field.options ?? []).map((option) => (typeof option == "string" ? [option, option] : [option.id, pick(option.label)]));
}
