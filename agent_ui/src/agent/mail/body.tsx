// What a mail says: its text with the quoted part folded away, or its HTML.

import { useState } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { Text } from "../../common/text.tsx";
import type { Message } from "../../common/types.ts";
import { Frame } from "./frame.tsx";
import type { Mail } from "./types.ts";

/** The text in two: what was written, and what it quotes. The hub counts characters, not the halves of them. */
export function folded(text: string, at: number): [string, string] {
  const letters = [...text];
  if (at <= 0 || at >= letters.length) return [text, ""];
  const own = letters.slice(0, at).join("").trimEnd();
  return own ? [own, letters.slice(at).join("").trim()] : [text, ""];
}

function Plain({ text, foldAt, language }: { text: string; foldAt: number; language: string }) {
  const [open, setOpen] = useState(false);
  const [own, quoted] = folded(text, foldAt);
  return (
    <div class="mail-text" dir="auto" lang={language || undefined}>
      <p><Text>{own}</Text></p>
      {quoted && (
        <>
          <button type="button" class="mail-fold" aria-expanded={open} aria-label={t(open ? "mail.quoted.hide" : "mail.quoted.show")} title={t(open ? "mail.quoted.hide" : "mail.quoted.show")} onClick={() => setOpen(!open)}>
            <Icon name="dots" />
          </button>
          {open && <blockquote><Text>{quoted}</Text></blockquote>}
        </>
      )}
    </div>
  );
}

/** HTML where the mail has one and it says more than the text does; the other is a press away. */
export function Body({ mail, message }: { mail: Mail; message: Message }) {
  const [plain, setPlain] = useState(mail.direction === "out");
  const html = mail.html && !plain;
  return (
    <>
      {html
        ? <Frame mail={mail} onFailed={() => setPlain(true)} />
        : message.text ? <Plain text={message.text} foldAt={mail.fold_at} language={mail.language} /> : <p class="mail-empty">{t("mail.empty")}</p>}
      {mail.html && message.text && (
        <button type="button" class="link mail-other" onClick={() => setPlain(!plain)}>{t(plain ? "mail.show_html" : "mail.show_text")}</button>
      )}
    </>
  );
}
