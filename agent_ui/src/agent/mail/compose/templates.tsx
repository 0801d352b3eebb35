// Templates that administrators wrote, with their blanks filled in by the hub.

import { useRef, useState } from "preact/hooks";
import { attempt, Pop } from "../../../common/components/index.ts";
import { t } from "../../../common/i18n.ts";
import { Icon } from "../../../common/icons.tsx";
import { request } from "../../../common/socket.ts";
import { contacts, directory } from "../../../common/store.ts";
import type { MailTemplate } from "../../../common/types.ts";
import type { Compose } from "./composing.ts";

interface Filled {
  subject: string;
  text: string;
  html: string;
}

/** Those of the contact's queue, the customer's language first. */
function fitting(compose: Compose, query: string): MailTemplate[] {
  const contact = compose.contact ? contacts.value.get(compose.contact) : undefined;
  const language = contact?.language?.split("-")[0];
  const speaks = ({ languages }: MailTemplate) => (language && languages.some((tag) => tag.split("-")[0] === language) ? 0 : languages.length ? 2 : 1);
  const words = query.trim().toLowerCase();
  return directory.value.templates
    .filter(({ queues }) => !queues?.length || !contact?.queue || queues.includes(contact.queue.id))
    .filter(({ name }) => name.toLowerCase().includes(words))
    .sort((a, b) => speaks(a) - speaks(b) || a.name.localeCompare(b.name));
}

export function Templates({ compose, onFilled }: { compose: Compose; onFilled: (filled: Filled) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState("");
  const found = fitting(compose, query);
  const take = (template: MailTemplate) => {
    setOpen(false);
    void attempt(async () => {
      onFilled(await request<Filled>("mail:template", { template: template.id, contact: compose.contact, mailbox: compose.mailbox || null }));
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const stops = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("input, .pop-item")];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    if (event.key === "ArrowDown") stops[Math.min(at + 1, stops.length - 1)]?.focus();
    else if (event.key === "ArrowUp") stops[Math.max(at - 1, 0)]?.focus();
    else if (event.key === "Enter" && at === 0 && found[0]) take(found[0]);
    else if (event.key === "Escape") {
      setOpen(false);
      button.current?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (directory.value.templates.length === 0) return null;
  return (
    <>
      <button ref={button} type="button" class="btn quiet" aria-label={t("mail.templates")} title={t("mail.templates")} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="book" small />
        <span class="tool-label">{t("mail.templates")}</span>
      </button>
      {open && (
        <Pop anchor={button} onClose={() => setOpen(false)}>
          <div role="dialog" aria-label={t("mail.templates")} class="templates" onKeyDown={onKeyDown}>
            <label class="with-icon">
              <Icon name="search" />
              <input class="field" type="search" ref={(element) => { if (element && query === "") element.focus(); }} aria-label={t("mail.templates.find")} placeholder={t("mail.templates.find")} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
            </label>
            {found.length === 0 && <p class="pop-none">{t("mail.templates.none")}</p>}
            {found.map((template) => (
              <button key={template.id} type="button" class="pop-item" onClick={() => take(template)}>
                <Icon name="mail" />
                <span class="cut">{template.name}</span>
                {template.languages.length > 0 && <span class="end">{template.languages.join(", ")}</span>}
              </button>
            ))}
          </div>
        </Pop>
      )}
    </>
  );
}
