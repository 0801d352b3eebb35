import { useState } from "preact/hooks";
import { attempt } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { Contact } from "../../common/types.ts";
import { setTags } from "../actions/set-tags.ts";
import { canWrite, isOwner } from "../mine.ts";

const LONGEST = 40;

/** The contact's tags: Enter or a comma adds one, the cross takes one away. */
export function Tags({ contact }: { contact: Contact }) {
  const [adding, setAdding] = useState(false);
  const [text, setText] = useState("");
  const editable = canWrite(contact) || (contact.phase === "wrapping" && isOwner(contact));
  if (!editable && contact.tags.length === 0) return null;

  const add = () => {
    const tag = text.replace(",", "").trim();
    setText("");
    if (tag && !contact.tags.includes(tag)) void attempt(() => setTags(contact.id, [...contact.tags, tag]));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      add();
    } else if (event.key === "Escape") {
      setAdding(false);
      setText("");
    }
  };
  return (
    <section class="taggrp">
      <h2>{t("agent.tags")}</h2>
      <div class="tags">
        {contact.tags.map((tag) => (
          <span key={tag} class="chip">
            <span class="cut">{tag}</span>
            {editable && (
              <button
                type="button"
                aria-label={t("agent.tags.remove", { tag })}
                onClick={() => void attempt(() => setTags(contact.id, contact.tags.filter((other) => other !== tag)))}
              >
                <Icon name="x" />
              </button>
            )}
          </span>
        ))}
        {editable && !adding && (
          <button type="button" class="chip add" onClick={() => setAdding(true)}><Icon name="plus" />{t("agent.tags.add")}</button>
        )}
        {adding && (
          <input
            ref={(element) => { element?.focus(); }}
            class="tag-input"
            aria-label={t("agent.tags.new")}
            placeholder={t("agent.tags.new")}
            maxLength={LONGEST}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            onBlur={() => {
              add();
              setAdding(false);
            }}
          />
        )}
      </div>
    </section>
  );
}
