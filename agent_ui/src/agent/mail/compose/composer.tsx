// Where a mail is written: to whom, about what, the words, what goes with them, and when it goes.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { attempt, Combobox, confirm, IconButton, toast, toastError } from "../../../common/components/index.ts";
import { t } from "../../../common/i18n.ts";
import { Icon } from "../../../common/icons.tsx";
import { connection, request } from "../../../common/socket.ts";
import { contacts, directory } from "../../../common/store.ts";
import type { Canned, Contact } from "../../../common/types.ts";
import { CannedList, findCanned } from "../../talk/canned.tsx";
import { EmojiPicker } from "../../talk/emoji.tsx";
import { fillIn } from "../../talk/placeholders.ts";
import { isAddress } from "../people.ts";
import type { Mailbox } from "../types.ts";
import { begin, change, type Compose, discard, hasWords, renewed, replaceText, saved } from "./composing.ts";
import { type Editor, NO_TOOLS } from "./editing.ts";
import { addFiles, ComposeFiles, rising } from "./files.tsx";
import { escapeHtml, textAsHtml } from "./plain.ts";
import { Recipients } from "./recipients.tsx";
import { SendMenu } from "./send-menu.tsx";
import { sendMail, type When } from "./sending.ts";
import { Templates } from "./templates.tsx";
import { Toolbar } from "./toolbar.tsx";

const FROM_SHOWN = 2;

/** Who stands for an empty contact where canned replies are asked for. */
function useCanned(contact: Contact | undefined, query: string | null) {
  const [active, setActive] = useState(0);
  const [closed, setClosed] = useState<string | null>(null);
  useEffect(() => setActive(0), [query]);
  const words = (query ?? "").toLowerCase();
  const found = query === null || closed === query ? [] : contact
    ? findCanned(contact, query)
    : directory.value.canned.filter(({ shortcut, title, text }) => `${shortcut} ${title} ${text}`.toLowerCase().includes(words)).slice(0, 30);
  return { open: found.length > 0, found, active: Math.min(active, Math.max(0, found.length - 1)), setActive, close: () => setClosed(query) };
}

function useMailboxes(): Mailbox[] {
  const [boxes, setBoxes] = useState<Mailbox[]>([]);
  const online = connection.value === "online";
  useEffect(() => {
    if (online) void request<{ mailboxes: Mailbox[] }>("mail:boxes", {}).then(({ mailboxes }) => setBoxes(mailboxes), () => undefined);
  }, [online]);
  return boxes;
}

function From({ compose, composeKey, boxes }: { compose: Compose; composeKey: string; boxes: Mailbox[] }) {
  if (boxes.length < FROM_SHOWN && boxes.some(({ id }) => id === compose.mailbox)) return null;
  const options = boxes.map(({ id, display_name, address }) => ({ value: id, label: `${display_name} <${address}>` }));
  return (
    <div class="people from">
      <span class="people-label" aria-hidden="true">{t("mail.from")}</span>
      <Combobox
        label={t("mail.from")}
        value={compose.mailbox}
        options={options}
        class="from-choice"
        onChange={(mailbox) => void begin(composeKey, { contact: compose.contact, mail: compose.about, how: compose.how, mailbox })}
      />
    </div>
  );
}

function Head({ compose, composeKey, boxes, subject, autofocus }: { compose: Compose; composeKey: string; boxes: Mailbox[]; subject: boolean; autofocus: boolean }) {
  const [more, setMore] = useState(compose.cc.length + compose.bcc.length > 0);
  const id = useId();
  const shown = more || compose.cc.length + compose.bcc.length > 0;
  return (
    <div class="compose-head">
      {subject && <From compose={compose} composeKey={composeKey} boxes={boxes} />}
      <Recipients
        label={t("mail.to")}
        people={compose.to}
        autofocus={autofocus}
        onChange={(to) => change(composeKey, { to })}
        end={!shown && <button type="button" class="link" onClick={() => setMore(true)}>{t("mail.cc_bcc")}</button>}
      />
      {shown && <Recipients label={t("mail.cc")} people={compose.cc} onChange={(cc) => change(composeKey, { cc })} />}
      {shown && <Recipients label={t("mail.bcc")} people={compose.bcc} onChange={(bcc) => change(composeKey, { bcc })} />}
      {subject && (
        <div class="people">
          <label class="people-label" for={id}>{t("mail.subject")}</label>
          <input id={id} class="subject" type="text" dir="auto" maxLength={500} value={compose.subject} onInput={(event) => change(composeKey, { subject: event.currentTarget.value })} />
        </div>
      )}
    </div>
  );
}

function SavedSign({ id }: { id: string }) {
  const state = saved.value.get(id);
  if (!state) return null;
  return <span class={`hint${state === "failed" ? " long" : ""}`} role="status">{t(`mail.draft.${state}`)}</span>;
}

/** What follows below what is written: the signature, and the mail that is quoted. */
function Below({ compose, composeKey }: { compose: Compose; composeKey: string }) {
  const quoting = compose.about !== null;
  if (!quoting && !compose.signature.text) return null;
  return (
    <div class="compose-below">
      {compose.signed && compose.signature.text
        ? (
          <p class="signature" dir="auto" title={compose.signature.text}>
            <span class="vh">{t("mail.signature")}: </span><span class="cut">{compose.signature.text.trim().replace(/\s*\n\s*/g, " · ")}</span>
            <button type="button" aria-label={t("mail.signature.remove")} title={t("mail.signature.remove")} onClick={() => change(composeKey, { signed: false })}><Icon name="x" /></button>
          </p>
        )
        : compose.signature.text ? <button type="button" class="link" onClick={() => change(composeKey, { signed: true })}>{t("mail.signature.add")}</button> : <span />}
      {quoting && (
        <label class="check small">
          <input type="checkbox" checked={compose.quote} disabled={compose.how === "forward"} onChange={(event) => change(composeKey, { quote: event.currentTarget.checked })} />
          <span>{t(compose.how === "forward" ? "mail.quote.passes_on" : "mail.quote.with")}</span>
        </label>
      )}
    </div>
  );
}

/** The editor in its place, fetched with the first mail; begins anew when its content was replaced from outside. */
function useEditor(compose: Compose, composeKey: string, label: string, keys: { current: (event: KeyboardEvent) => boolean }, autofocus: boolean) {
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [tools, setTools] = useState(NO_TOOLS);
  const [query, setQuery] = useState<string | null>(null);
  const edition = renewed.value.get(composeKey) ?? 0;
  useEffect(() => {
    let made: Editor | null = null;
    let here = true;
    import("./editor.ts").then(({ createEditor }) => {
      if (!here || !place.current) return;
      made = createEditor({
        place: place.current,
        html: compose.html,
        label,
        placeholder: t("mail.placeholder"),
        onChange: (html) => change(composeKey, { html }),
        onActive: setTools,
        onSlash: setQuery,
        onKey: (event) => keys.current(event),
        onFiles: (files, inline) => void addFiles(composeKey, files, inline ? (file) => made?.insertPicture(file.id, file.name) : undefined),
      });
      setEditor(made);
      const idle = document.activeElement === document.body || document.activeElement === null;
      if (autofocus && idle && matchMedia("(min-width: 721px)").matches) made.focus();
    }, toastError);
    return () => {
      here = false;
      made?.destroy();
      setEditor(null);
    };
  }, [composeKey, compose.id, edition, label]);
  return { place, editor, tools, query };
}

export function MailComposer({ compose, composeKey, onSent, fresh = false }: {
  compose: Compose;
  composeKey: string;
  onSent?: ((contact: Contact) => void) | undefined;
  /** A mail of its own, with its whole head shown. */
  fresh?: boolean | undefined;
}) {
  const [busy, setBusy] = useState(false);
  const [headed, setHeaded] = useState(fresh || compose.how === "forward");
  const boxes = useMailboxes();
  const files = useRef<HTMLInputElement>(null);
  const contact = compose.contact ? contacts.value.get(compose.contact) : undefined;
  const everyone = [...compose.to, ...compose.cc, ...compose.bcc];
  const up = rising.value.some(({ key }) => key === composeKey);
  const wrong = everyone.some(({ address }) => !isAddress(address));
  const why = everyone.length === 0 ? t("mail.why.nobody") : wrong ? t("mail.address_wrong") : up ? t("mail.why.uploading") : !hasWords(compose) && compose.how !== "forward" ? t("mail.why.empty") : "";
  const keys = useRef<(event: KeyboardEvent) => boolean>(() => false);
  const label = t("agent.composer.reply");
  const { place, editor, tools, query } = useEditor(compose, composeKey, label, keys, !fresh);
  const canned = useCanned(contact, query);
  const id = useId();
  useEffect(() => {
    if (compose.how === "forward") setHeaded(true);
  }, [compose.how]);

  const send = async (when: When = {}) => {
    if (busy || why) return;
    setBusy(true);
    try {
      const sent = await sendMail(composeKey, when);
      if (sent) onSent?.(sent.contact);
      if (when.send_at) toast(t("mail.later.done"), "ok");
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const insertCanned = (chosen: Canned) => editor?.insert(textAsHtml(contact ? fillIn(chosen.text, contact) : chosen.text), true);
  keys.current = (event) => {
    if (event.isComposing || event.keyCode === 229) return false;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      void send();
      return true;
    }
    if (!canned.open) return false;
    if (event.key === "Escape") canned.close();
    else if (event.key === "ArrowDown") canned.setActive((canned.active + 1) % canned.found.length);
    else if (event.key === "ArrowUp") canned.setActive((canned.active - 1 + canned.found.length) % canned.found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && canned.found[canned.active]) insertCanned(canned.found[canned.active]!);
    else return false;
    return true;
  };
  const throwAway = async () => {
    if (hasWords(compose) && !await confirm({ title: t("mail.discard.title"), text: t("mail.discard.text"), action: t("mail.discard"), danger: true })) return;
    await attempt(() => discard(composeKey));
    if (compose.contact) void begin(composeKey, { contact: compose.contact, how: "reply" });
  };
  return (
    <form
      class={`composer mail-composer${fresh ? " whole" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {canned.open && <CannedList id={`${id}-canned`} found={canned.found} active={canned.active} onActive={canned.setActive} onChoose={insertCanned} />}
      {headed
        ? <Head compose={compose} composeKey={composeKey} boxes={boxes} subject autofocus={fresh || compose.how === "forward"} />
        : (
          <button type="button" class="compose-summary" aria-expanded={false} title={t("mail.head.edit")} onClick={() => setHeaded(true)}>
            <span class="people-label">{t("mail.to")}</span>
            <span class="cut">{everyone.length ? everyone.map(({ name, address }) => name || address).join(", ") : t("mail.to_nobody")}</span>
            <Icon name="down" />
          </button>
        )}
      <div class="editor-box">
        <div ref={place} class="editor blank" data-placeholder={t("mail.placeholder")} />
        {!editor && <div class="editor-wait skeleton" aria-hidden="true" />}
        <Below compose={compose} composeKey={composeKey} />
      </div>
      <ComposeFiles compose={compose} composeKey={composeKey} />
      <footer>
        <IconButton icon="clip" label={t("agent.composer.attach")} onClick={() => files.current?.click()} />
        <input
          ref={files}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void addFiles(composeKey, [...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <EmojiPicker onPick={(sign) => editor?.insert(escapeHtml(sign))} />
        <Templates
          compose={compose}
          onFilled={(filled) => {
            if (filled.subject && (fresh || !compose.subject)) change(composeKey, { subject: filled.subject });
            if (editor) editor.insert(filled.html || textAsHtml(filled.text));
            else replaceText(composeKey, { html: filled.html || textAsHtml(filled.text) });
          }}
        />
        {editor && <Toolbar editor={editor} active={tools} />}
        <IconButton icon="trash" label={t("mail.discard")} onClick={() => void throwAway()} />
        <SavedSign id={compose.id} />
        <span class="send-group">
          <button type="submit" class="btn primary grow" disabled={why !== ""} aria-busy={busy || undefined} title={why || `${t("agent.composer.send")} (Ctrl Enter)`}>
            {busy ? <span class="ring-busy" /> : <Icon name="send" small />}
            {t("agent.composer.send")}
          </button>
          <SendMenu disabled={why !== ""} waits={compose.contact !== null} onSend={(when) => void send(when)} />
        </span>
      </footer>
    </form>
  );
}
