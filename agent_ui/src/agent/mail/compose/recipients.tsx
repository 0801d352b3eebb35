// Who a mail goes to: an address for each chip, typed, pasted or chosen; what is no address stays and says so.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../../../common/i18n.ts";
import { Icon } from "../../../common/icons.tsx";
import { contacts } from "../../../common/store.ts";
import { isAddress, nameOf, parsePeople, same, whole } from "../people.ts";
import type { Address } from "../types.ts";

const SHOWN = 6;

/** Customers at hand whose name or address begins so. */
function suggestions(query: string, taken: readonly Address[]): Address[] {
  const words = query.trim().toLowerCase();
  if (words.length < 2) return [];
  const found = new Map<string, Address>();
  for (const { customer } of contacts.value.values()) {
    if (!customer.email || taken.some(({ address }) => address.toLowerCase() === customer.email?.toLowerCase())) continue;
    if (`${customer.name} ${customer.email}`.toLowerCase().includes(words)) found.set(customer.email, { address: customer.email, name: customer.name });
  }
  return [...found.values()].slice(0, SHOWN);
}

export function Recipients({ label, people, autofocus, onChange, end }: {
  label: string;
  people: readonly Address[];
  autofocus?: boolean | undefined;
  onChange: (people: Address[]) => void;
  end?: preact.ComponentChildren;
}) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const found = suggestions(text, people);
  useEffect(() => {
    if (autofocus) field.current?.focus();
  }, [autofocus]);
  const wrong = people.filter(({ address }) => !isAddress(address));

  const add = (given: Address[]) => {
    const added = given.filter((one, index) => one.address && !people.some((other) => same(one, other)) && given.findIndex((other) => same(one, other)) === index);
    if (added.length) onChange([...people, ...added]);
    setText("");
    setActive(-1);
  };
  const commit = () => text.trim() && add(parsePeople(text));
  const remove = (index: number) => {
    onChange(people.filter((_, at) => at !== index));
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const chosen = found[active];
    if (event.key === "ArrowDown" && found.length) setActive((active + 1) % found.length);
    else if (event.key === "ArrowUp" && found.length) setActive((active - 1 + found.length) % found.length);
    else if (event.key === "Escape" && active >= 0) setActive(-1);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen) add([chosen]);
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "," || event.key === ";") commit();
    else if (event.key === "Backspace" && text === "" && people.length) return remove(people.length - 1);
    else if (event.key === "ArrowLeft" && text === "" && people.length) box.current?.querySelectorAll<HTMLElement>(".chip button")[people.length - 1]?.focus();
    else return;
    if (event.key === "Tab" && !chosen) return;
    event.preventDefault();
  };
  const onChipKey = (event: KeyboardEvent, index: number) => {
    const all = box.current?.querySelectorAll<HTMLElement>(".chip button");
    if (event.key === "ArrowLeft") all?.[index - 1]?.focus();
    else if (event.key === "ArrowRight") (all?.[index + 1] ?? field.current)?.focus();
    else if (event.key === "Backspace" || event.key === "Delete") remove(index);
    else return;
    event.preventDefault();
  };
  return (
    <div class="people" role="group" aria-label={label}>
      <label class="people-label" for={id}>{label}</label>
      <div class="chips" ref={box} onPointerDown={(event) => {
        if (event.target === box.current) {
          event.preventDefault();
          field.current?.focus();
        }
      }}>
        {people.map((person, index) => (
          <span key={person.address} class={`chip person${isAddress(person.address) ? "" : " wrong"}`} title={whole(person)}>
            {!isAddress(person.address) && <Icon name="warn" label={t("mail.address_wrong")} />}
            <bdi class="cut">{nameOf(person)}</bdi>
            <button type="button" tabIndex={-1} aria-label={t("mail.remove_person", { name: nameOf(person) })} onKeyDown={(event) => onChipKey(event, index)} onClick={() => remove(index)}>
              <Icon name="x" />
            </button>
          </span>
        ))}
        <input
          ref={field}
          id={id}
          type="text"
          inputMode="email"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls={found.length ? `${id}-list` : undefined}
          aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
          aria-autocomplete="list"
          aria-invalid={wrong.length > 0 || undefined}
          aria-describedby={wrong.length ? `${id}-wrong` : undefined}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setActive(-1);
          }}
          onPaste={(event) => {
            const pasted = event.clipboardData?.getData("text") ?? "";
            if (!/[,;\n<]/.test(pasted)) return;
            event.preventDefault();
            add(parsePeople(pasted));
          }}
          onKeyDown={onKeyDown}
          onBlur={commit}
        />
        {found.length > 0 && (
          <div id={`${id}-list`} class="people-list pop-like" role="listbox" aria-label={label}>
            {found.map((person, index) => (
              <div
                key={person.address}
                id={`${id}-${index}`}
                role="option"
                class="pop-item"
                aria-selected={index === active}
                data-active={index === active}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => add([person])}
              >
                <span class="cut"><b>{person.name || person.address}</b><small class="cut">{person.address}</small></span>
              </div>
            ))}
          </div>
        )}
      </div>
      {end && <span class="people-end">{end}</span>}
      {wrong.length > 0 && <p id={`${id}-wrong`} class="vh">{t("mail.address_wrong")}</p>}
    </div>
  );
}
