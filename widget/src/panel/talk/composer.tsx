import { showSheet } from "../actions.ts";
import { t } from "../i18n.ts";
import { changed, state, type Talk } from "../state.ts";
import { keep } from "../storage.ts";
import { typed } from "../sync.ts";
import { say, sendFiles } from "./actions.ts";
import { Icon } from "../views/icons.tsx";
import { Alert } from "../views/parts.tsx";

export function Composer({ talk: { contact } }: { talk: Talk }) {
  const text = state.drafts[contact.id] ?? "";
  let box: HTMLTextAreaElement | null;
  let file: HTMLInputElement | null;
  const fit = (drawn: HTMLTextAreaElement | null) => {
    box = drawn;
    if (!drawn) return;
    drawn.style.height = "0";
    drawn.style.height = `${Math.min(132, Math.max(44, drawn.scrollHeight + 2))}px`;
  };
  const write = (next: string) => {
    state.drafts[contact.id] = next;
    keep("drafts", JSON.stringify(state.drafts), true);
    changed();
  };
  const send = () => {
    if (!text.trim()) return;
    say(contact.id, text);
    write("");
    box?.focus();
  };
  const key = (event: KeyboardEvent) => {
    // Enter that ends an input method's composition belongs to the input method
    if (event.key != "Enter" || event.shiftKey || event.isComposing || event.keyCode == 229) return;
    event.preventDefault();
    send();
  };
  const pasted = (event: ClipboardEvent) => {
    const files = event.clipboardData?.files;
    if (!files?.length) return;
    event.preventDefault();
    sendFiles(contact.id, files);
  };
  return (
    <footer class="comp">
      <Alert text={state.trouble?.where == contact.id ? state.trouble.text : undefined} />
      <div class="line">
        <textarea
          class="in"
          rows={1}
          ref={fit}
          aria-label={t("message")}
          placeholder={t(contact.phase == "waiting" ? "write_more" : "write")}
          maxLength={8000}
          enterkeyhint="send"
          dir="auto"
          value={text}
          onInput={(event) => {
            write(event.currentTarget.value);
            typed(contact.id, event.currentTarget.value != "");
          }}
          onKeyDown={key}
          onPaste={pasted}
          onBlur={() => typed(contact.id, false)}
        />
        <button class="send" aria-label={t("send")} onClick={send}>
          <Icon name="up" />
        </button>
      </div>
      <div class="tools">
        {state.site.files && (
          <>
            <button aria-label={t("attach")} title={t("attach")} onClick={() => file?.click()}>
              <Icon name="clip" size={20} />
            </button>
            <input
              type="file"
              multiple
              hidden
              ref={(drawn) => void (file = drawn)}
              accept={state.site.files.types.join(",")}
              onChange={(event) => {
                sendFiles(contact.id, [...(event.currentTarget.files ?? [])]);
                event.currentTarget.value = "";
              }}
            />
          </>
        )}
        <span class="sp" />
        <button aria-label={t("more")} title={t("more")} onClick={() => showSheet({ name: "more", id: contact.id })}>
          <Icon name="more" size={20} bold />
        </button>
      </div>
    </footer>
  );
}
