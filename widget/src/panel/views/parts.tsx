// Small pieces that every view is made of.

import { Component, type ComponentChildren } from "preact";
import type { Field } from "../../wire.ts";
import { go, showSheet } from "../actions.ts";
import { closeInHost, framed } from "../host.ts";
import { pick, t } from "../i18n.ts";
import { changed, channel, state } from "../state.ts";
import { Icon } from "./icons.tsx";

export function Avatar({ name, online }: { name: string; online?: boolean }) {
  return (
    <span class={online ? "av dot" : "av"} aria-hidden="true">
      {initials(name) || <Icon name="person" size={20} />}
    </span>
  );
}

/** "MH" for Mira Hoffmann, the first sign for names that are not written in letters with capitals. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "")][0] ?? "";
  if (!/\p{Lu}|\p{Ll}/u.test(first)) return first;
  const second = words.length > 1 ? ([...words[words.length - 1]!][0] ?? "") : ([...words[0]!][1] ?? "");
  return (first + second).toUpperCase();
}

export function Minimise() {
  if (!framed()) return null;
  return (
    <button class="w-ib" aria-label={t("minimise")} onClick={closeInHost}>
      <Icon name="down" />
    </button>
  );
}

interface TopProps {
  title: string;
  line?: string;
  back?: () => void;
  avatar?: ComponentChildren;
  children?: ComponentChildren;
}

/** The head of every view but the first: way back or face, title and one line, actions, minimise. */
export function Top({ title, line, back, avatar, children }: TopProps) {
  return (
    <header class={avatar ? "w-top with-av" : "w-top"}>
      {back && (
        <button class="w-ib" aria-label={t("back")} onClick={back}>
          <Icon name="back" />
        </button>
      )}
      {avatar}
      <div class="t">
        <h2 tabIndex={-1}>{title}</h2>
        {line && <p>{line}</p>}
      </div>
      {children}
      <Minimise />
    </header>
  );
}

/** A sheet from the bottom. As a modal <dialog> it holds the focus, and Escape and the phone's back gesture close it. A
 * `calm` one comes by itself: what is typed just then must press nothing. */
export class Sheet extends Component<{ title: string; children: ComponentChildren; onClose?: () => void; calm?: boolean }> {
  private before = document.activeElement as HTMLElement | null;
  private box: HTMLDialogElement | null = null;

  override componentDidMount(): void {
    this.box?.showModal();
    if (this.props.calm) this.box?.querySelector("h3")?.focus();
  }

  override componentWillUnmount(): void {
    this.box?.close();
    if (this.before?.isConnected) this.before.focus();
  }

  override render() {
    const { title, children, onClose, calm } = this.props;
    const close = onClose ?? (() => showSheet(null));
    return (
      <dialog
        class="sheet"
        aria-label={title}
        ref={(box) => void (this.box = box)}
        onCancel={(event) => (event.preventDefault(), close())}
        onClick={(event) => event.target == event.currentTarget && close()}
      >
        <div class="sheet-in">
          <div class="sheet-top">
            <h3 tabIndex={calm ? -1 : undefined}>{title}</h3>
            <button class="w-ib" aria-label={t("close")} onClick={close}>
              <Icon name="close" />
            </button>
          </div>
          {children}
        </div>
      </dialog>
    );
  }
}

export function Alert({ text }: { text: string | undefined }) {
  return (
    <p class="trouble" role="alert" hidden={!text}>
      {text && <Icon name="alert" size={16} />}
      {text}
    </p>
  );
}

/** Who cannot be heard here is called at a telephone instead. */
export function Instead({ where, contact }: { where: string; contact?: string }) {
  const { trouble } = state;
  if (trouble?.where != where || !trouble.unheard || !channel("callback")) return null;
  const ask = () => (showSheet(null), go({ name: "form", channel: "callback", ...(contact && { contact }) }));
  return (
    <button type="button" class="btn quiet" onClick={ask}>
      <Icon name="callback" size={20} />
      {t("callback")}
    </button>
  );
}

/** A link that leaves the panel. */
export const Outside = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a href={href} target="_blank" rel="noopener noreferrer nofollow">
    {children}
  </a>
);

/** Which field a problem is about, in words to stand below it; "" when it is fine. */
export function problem(field: Field, value: string): string {
  const known = ["name", "email", "topic", "question"].includes(field.name);
  if (field.type == "checkbox") return field.required && !value ? t("need_tick") : "";
  if (!value.trim()) return field.required ? t(known ? `need_${field.name}` : "need_other") : "";
  if (field.type == "email" && !/^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(value.trim())) return t("bad_email");
  if (field.type == "tel" && !/^[+\d][\d\s()/.-]{4,}$/.test(value.trim())) return t("bad_phone");
  return "";
}

const label = (field: Field) => pick(field.label) || t(field.name == "email" ? "email_field" : field.name);

export const value = (name: string) => state.form[name] ?? "";

function set(name: string, next: string): void {
  state.form[name] = next;
  changed();
}

const complete: Record<string, string> = { name: "name", email: "email", phone: "tel" };

export function Input({ field, error, leave }: { field: Field; error: string; leave: () => void }) {
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
