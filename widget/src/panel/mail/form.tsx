// The form "E-mail us": the site's own questions, a subject, files; and what is said when it has gone.

import { Component } from "preact";
import type { Field } from "../../wire.ts";
import { go, startOf } from "../actions.ts";
import { back, bytes, t } from "../i18n.ts";
import { progressOf } from "../outbox.ts";
import { changed, channel, state } from "../state.ts";
import { refusal } from "../talk/files.ts";
import { Seal } from "../talk/talk.tsx";
import { Icon } from "../views/icons.tsx";
import { Alert, Input, Outside, problem, Top, value } from "../views/parts.tsx";
import { limits, prepare, send } from "./send.ts";

/** The site's own questions; an answer by e-mail needs an address, whatever is asked before a chat. */
function fields(): Field[] {
  const { prechat, topics } = state.site;
  const open = channel("email")?.topics;
  const asked = prechat.map((field) => (field.name == "topic" ? { ...field, options: topics.filter(({ id }) => !open || open.includes(id)) } : field));
  const rest = asked.filter(({ name }) => name != "email" && name != "question" && (name != "topic" || topics.length > 0));
  const own = (name: string, type: Field["type"]): Field => ({ ...asked.find((field) => field.name == name), name, type, required: true });
  const subject: Field = { name: "subject", label: t("mail_subject"), type: "text", required: false };
  const names = rest.findIndex(({ name }) => name == "name") + 1;
  return [...rest.slice(0, names), own("email", "email"), ...rest.slice(names), subject, own("question", "textarea")];
}

export class MailForm extends Component<object, Record<string, boolean>> {
  private form: HTMLFormElement | null = null;
  private picker: HTMLInputElement | null = null;

  override componentDidMount(): void {
    this.begin();
  }

  override componentDidUpdate(): void {
    this.begin();
  }

  /** As soon as the hub is there, so that the work is done before the visitor is. */
  private begin(): void {
    if (state.link == "online") prepare();
  }

  private submit = (event: Event) => {
    event.preventDefault();
    if (startOf("email:send")) return;
    const asked = fields();
    this.setState(Object.fromEntries(asked.map(({ name }) => [name, true])));
    const wrong = asked.find((field) => problem(field, value(field.name)));
    if (wrong) this.form?.querySelector<HTMLElement>(`#f-${wrong.name}`)?.focus();
    else send(Object.fromEntries(asked.map(({ name }) => [name, value(name).trim()])));
  };

  private take = (files: Iterable<File>) => {
    state.trouble = null;
    for (const file of files) {
      const reason = refusal(file);
      const size = [...state.files, file].reduce((sum, one) => sum + one.size, 0);
      if (reason) state.trouble = { where: "email", text: t(reason, { name: file.name, size: bytes(state.site.files!.max_bytes) }) };
      else if (state.files.length >= limits.count || size > limits.bytes) state.trouble = { where: "email", text: this.most() };
      else state.files = [...state.files, file];
    }
    changed();
  };

  private most = () => t("mail_files", { n: limits.count, size: bytes(limits.bytes) });

  private drop = (file: File) => {
    state.files = state.files.filter((one) => one != file);
    changed();
    this.form?.querySelector<HTMLElement>("#attach")?.focus(); // its own button is gone
  };

  override render(_: object, left: Record<string, boolean>) {
    const pending = startOf("email:send");
    const { why, uploaded } = pending ? progressOf(pending.id) : {};
    const { channels, privacy_url } = state.site;
    const chat = channels["chat"];
    const opens = chat && !chat.open && chat.opens_at;
    return (
      <>
        <Top title={t("email")} line={t(chat?.open ? "email_open" : "closed")} back={() => go({ name: "home" })} />
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
                  {t("mail_first")}
                </p>
              </div>
            )}
            {fields().map((field) => (
              <Input
                key={field.name}
                field={field}
                error={left[field.name] ? problem(field, value(field.name)) : ""}
                leave={() => value(field.name) && this.setState({ [field.name]: true })}
              />
            ))}
            {/* A trap for machines that fill in everything: nobody sees it, hears of it or gets into it. */}
            <input
              class="sr"
              name="website"
              aria-hidden="true"
              tabIndex={-1}
              autocomplete="off"
              value={value("website")}
              onInput={({ currentTarget }) => void (state.form["website"] = currentTarget.value)}
            />
            {state.site.files && (
              <div class="f">
                {state.files.length > 0 && (
                  <ul class="f" aria-label={t("mail_list")}>
                    {state.files.map((file) => (
                      <li class="filec">
                        <span class="disc">
                          <Icon name="file" size={20} />
                        </span>
                        <div>
                          <b dir="auto">{file.name}</b>
                          <small>{bytes(file.size)}</small>
                        </div>
                        <button type="button" class="w-ib" disabled={!!pending} aria-label={t("mail_remove", { name: file.name })} onClick={() => this.drop(file)}>
                          <Icon name="close" size={20} />
                        </button>
                      </li>
                    ))}
                  </ul>
                )}
                <button type="button" class="btn plain" id="attach" aria-describedby="most" disabled={!!pending} onClick={() => this.picker?.click()}>
                  <Icon name="clip" size={20} />
                  {t("attach")}
                </button>
                <p class="fine" id="most">
                  {this.most()}
                </p>
                <input
                  type="file"
                  multiple
                  hidden
                  ref={(drawn) => void (this.picker = drawn)}
                  onChange={({ currentTarget }) => {
                    this.take(currentTarget.files ?? []);
                    currentTarget.value = "";
                  }}
                />
              </div>
            )}
            <button type="button" class="btn plain" onClick={() => go({ name: "form", channel: "email", step: "ask" })}>
              {t("mail_ask")}
            </button>
          </div>
          <footer class="w-foot">
            <Alert text={state.trouble?.where == "email" ? state.trouble.text : why && t(why == "held" ? "offline_start" : why == "rate.limited" ? "mail_limited" : "busy_line")} />
            {uploaded != null && <progress max={1} value={uploaded} aria-label={t("uploading", { n: Math.round(uploaded * 100) })} />}
            <button class="btn" aria-disabled={!!pending}>
              {t(pending ? "starting" : "mail_send")}
            </button>
            <p class="fine">
              {t("privacy_line")} {privacy_url && <Outside href={privacy_url}>{t("privacy")}</Outside>}
            </p>
          </footer>
        </form>
      </>
    );
  }
}

/** It is with us: where the answer goes, and by what name to ask about it. */
export function Sent() {
  const { reference, email } = state.form as { reference: string; email: string };
  return (
    <>
      <Top title={t("email")} back={() => go({ name: "home" })} />
      <div class="done scroll" role="status">
        <Seal icon="check" tone="ok" />
        <h3>{t("mail_done")}</h3>
        <p class="lede">{t("mail_done_to", { email })}</p>
        <dl class="facts">
          <div>
            <dt>{t("mail_reference")}</dt>
            <dd class="ref" dir="ltr">
              {reference}
            </dd>
          </div>
        </dl>
        <p class="lede">{t("mail_keep")}</p>
      </div>
      <footer class="w-foot">
        <div class="row">
          <button class="btn quiet" onClick={() => go({ name: "form", channel: "email", step: "ask" })}>
            {t("mail_ask_short")}
          </button>
          <button class="btn" onClick={() => go({ name: "home" })}>
            {t("done")}
          </button>
        </div>
      </footer>
    </>
  );
}
