import { useEffect, useRef } from "preact/hooks";
import { t } from "../../common/i18n.ts";
import { directory } from "../../common/store.ts";
import type { Canned, Contact } from "../../common/types.ts";

const SHOWN = 30;

function rank(canned: Canned, query: string, language: string | null): number {
  const starts = canned.shortcut.toLowerCase().startsWith(query) ? 0 : 2;
  return starts + (canned.language && language && canned.language.split("-")[0] !== language.split("-")[0] ? 1 : 0);
}

/** The canned replies of the contact's queue that match what was typed after "/", best first. */
export function findCanned(contact: Contact, query: string): Canned[] {
  const words = query.toLowerCase();
  return directory.value.canned
    .filter(({ queues }) => !queues?.length || (contact.queue !== null && queues.includes(contact.queue.id)))
    .filter(({ shortcut, title, text }) => `${shortcut} ${title} ${text}`.toLowerCase().includes(words))
    .sort((a, b) => rank(a, words, contact.language) - rank(b, words, contact.language) || a.title.localeCompare(b.title))
    .slice(0, SHOWN);
}

/** The list above the reply; the reply keeps the focus and leads it by arrow keys. */
export function CannedList({ id, found, active, onActive, onChoose }: {
  id: string;
  found: Canned[];
  active: number;
  onActive: (index: number) => void;
  onChoose: (canned: Canned) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[data-active=true]")?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <div class="canned">
      <p class="pop-head">{t("agent.canned.title")}</p>
      <div ref={list} id={id} role="listbox" tabIndex={0} aria-label={t("agent.canned.title")} onPointerDown={(event) => event.preventDefault()}>
        {found.length === 0 && <p class="pop-none">{t("agent.canned.none")}</p>}
        {found.map((canned, index) => (
          <div
            key={canned.id}
            id={`${id}-${index}`}
            role="option"
            class="pop-item"
            aria-selected={index === active}
            data-active={index === active}
            onPointerMove={() => onActive(index)}
            onClick={() => onChoose(canned)}
          >
            <kbd>/{canned.shortcut}</kbd>
            <span class="cut"><b>{canned.title}</b><small class="cut">{canned.text}</small></span>
          </div>
        ))}
      </div>
    </div>
  );
}
