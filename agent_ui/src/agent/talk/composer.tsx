import type { TargetedKeyboardEvent } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { IconButton, toast } from "../../common/components/index.ts";
import { fileSize, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { settings } from "../../common/store.ts";
import type { Canned, Contact } from "../../common/types.ts";
import { readDraft, writeDraft } from "../drafts.ts";
import { canWrite, customerName, readsText } from "../mine.ts";
import { sendFile, sendText } from "../outbox.ts";
import { iAmTyping, iStopped } from "../typing.ts";
import { CannedList, findCanned } from "./canned.tsx";
import { EmojiPicker } from "./emoji.tsx";
import { fillIn, openPlaceholder } from "./placeholders.ts";

const LONGEST = 8_000;
const SLASH = /(?:^|\s)\/([^\s/]{0,40})$/;

/** Sends files as messages, or says why one cannot go. */
export function sendFiles(contact: Contact, files: Iterable<File>, note: boolean): void {
  const limits = (settings.value["files"] ?? {}) as { max_bytes?: number };
  const most = limits.max_bytes ?? Infinity;
  for (const file of files) {
    if (file.size === 0) toast(t("agent.file.empty", { name: file.name }), "warn");
    else if (file.size > most) toast(t("agent.file.too_large", { name: file.name, size: fileSize(most) }), "warn");
    else sendFile(contact.id, file, note ? "note" : "text");
  }
}

/** The reply's text, kept as a draft at each change; `key` on the contact gives each its own. */
function useDraft(contact: Contact, only: "note" | null) {
  const stored = readDraft(contact.id);
  const [text, setText] = useState(stored?.text ?? "");
  const [noteChosen, setNoteChosen] = useState(stored?.note ?? false);
  const note = only === "note" || noteChosen;
  const change = (next: string, asNote = note) => {
    setText(next);
    writeDraft(contact.id, { text: next, note: asNote });
  };
  const toggle = () => {
    setNoteChosen(!note);
    writeDraft(contact.id, { text, note: !note });
    if (!note) iStopped(contact.id);
  };
  return { text, note, change, toggle };
}

/** The field grows with its text up to a third of the window. */
function useGrowing(text: string) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "";
    if (text) element.style.height = `${Math.min(element.scrollHeight, innerHeight / 3)}px`;
  }, [text]);
  return field;
}

function useCanned(contact: Contact, text: string, field: { current: HTMLTextAreaElement | null }, change: (text: string) => void) {
  const [query, setQuery] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const found = query === null ? [] : findCanned(contact, query);

  /** Opens, filters or closes the list after what stands before the caret. */
  const look = (value: string, caret: number) => {
    setQuery(SLASH.exec(value.slice(0, caret))?.[1] ?? null);
    setActive(0);
  };
  const insert = (canned: Canned) => {
    const caret = field.current?.selectionStart ?? text.length;
    const from = query === null ? caret : caret - query.length - 1;
    const words = fillIn(canned.text, contact);
    change(text.slice(0, from) + words + text.slice(caret));
    setQuery(null);
    const place = openPlaceholder(words, 0);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(from + (place?.[0] ?? words.length), from + (place?.[1] ?? words.length));
    });
  };
  /** Whether the key was for the list. */
  const onKey = (key: string): boolean => {
    if (query === null) return false;
    if (key === "Escape") setQuery(null);
    else if (found.length === 0) return false;
    else if (key === "ArrowDown") setActive((active + 1) % found.length);
    else if (key === "ArrowUp") setActive((active - 1 + found.length) % found.length);
    else if ((key === "Enter" || key === "Tab") && found[active]) insert(found[active]);
    else return false;
    return true;
  };
  return { open: query !== null, found, active, setActive, look, insert, onKey, close: () => setQuery(null) };
}

/** Where a reply or a note is written. Enter sends, Shift+Enter makes a new line, "/" opens the canned replies. */
export function Composer({ contact, only: asked = null }: { contact: Contact; only?: "note" | null }) {
  const only = asked ?? (canWrite(contact) && readsText(contact) ? null : "note");
  const { text, note, change, toggle } = useDraft(contact, only);
  const field = useGrowing(text);
  const files = useRef<HTMLInputElement>(null);
  const canned = useCanned(contact, text, field, change);
  const id = useId();
  const tooLong = text.length > LONGEST;
  const sendable = text.trim() !== "" && !tooLong;

  const send = () => {
    if (!sendable) return;
    sendText(contact.id, text.trim(), note ? "note" : "text");
    change("");
    iStopped(contact.id);
    field.current?.focus();
  };
  const write = (value: string, caret: number) => {
    change(value);
    canned.look(value, caret);
    if (!note && value) iAmTyping(contact.id);
  };
  const insert = (words: string) => {
    const element = field.current;
    const [from, to] = [element?.selectionStart ?? text.length, element?.selectionEnd ?? text.length];
    const value = text.slice(0, from) + words + text.slice(to);
    write(value, from + words.length);
    requestAnimationFrame(() => {
      element?.focus();
      element?.setSelectionRange(from + words.length, from + words.length);
    });
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (event.isComposing || event.keyCode === 229) return; // Enter that ends an input method's composition is not ours
    if (canned.onKey(event.key)) return event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData?.files;
    if (!pasted?.length) return;
    event.preventDefault();
    sendFiles(contact, pasted, note);
  };
  const name = customerName(contact, t("agent.unnamed"));
  return (
    <form
      class={`composer${note ? " as-note" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {canned.open && (
        <CannedList id={`${id}-canned`} found={canned.found} active={canned.active} onActive={canned.setActive} onChoose={canned.insert} />
      )}
      <textarea
        ref={field}
        id="reply"
        rows={1}
        value={text}
        aria-label={t(note ? "agent.composer.as_note" : "agent.composer.reply")}
        aria-describedby={tooLong ? `${id}-long` : undefined}
        aria-autocomplete="list"
        aria-controls={canned.open ? `${id}-canned` : undefined}
        aria-activedescendant={canned.open && canned.found.length ? `${id}-canned-${canned.active}` : undefined}
        placeholder={note ? t("agent.composer.note_placeholder") : t("agent.composer.placeholder", { name })}
        onInput={(event) => write(event.currentTarget.value, event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onBlur={canned.close}
      />
      <footer>
        <IconButton icon="clip" label={t("agent.composer.attach")} onClick={() => files.current?.click()} />
        <input
          ref={files}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            sendFiles(contact, event.currentTarget.files ?? [], note);
            event.currentTarget.value = "";
          }}
        />
        <EmojiPicker onPick={insert} />
        <button
          type="button"
          class="btn quiet"
          aria-label={t("agent.canned.title")}
          title={t("agent.canned.title")}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => insert(text && !/\s$/.test(text) ? " /" : "/")}
        >
          <kbd>/</kbd>
          <span class="tool-label">{t("agent.composer.canned")}</span>
        </button>
        <button type="button" class="btn quiet" aria-pressed={note} aria-label={t("agent.composer.note")} disabled={only === "note"} onClick={toggle}>
          <Icon name="note" small />
          <span class="tool-label">{t("agent.composer.note")}</span>
        </button>
        {tooLong
          ? <span id={`${id}-long`} class="hint long" role="alert">{t("agent.composer.too_long", { count: text.length - LONGEST })}</span>
          : <span class="hint"><kbd>Enter</kbd>{t(note ? "agent.composer.enter_saves" : "agent.composer.enter_sends")}</span>}
        <button type="submit" class="btn primary grow" disabled={!sendable}>
          <Icon name={note ? "lock" : "send"} small />
          {t(note ? "agent.composer.save_note" : "agent.composer.send")}
        </button>
      </footer>
    </form>
  );
}
