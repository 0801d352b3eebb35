import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "../icons.tsx";
import { Pop } from "./pop.tsx";

export interface MenuItem {
  label: string;
  icon?: IconName | undefined;
  /** At the right end: a shortcut, a count. */
  end?: ComponentChildren;
  /** Makes the item one of a set, of which the checked one has a tick. */
  checked?: boolean | undefined;
  disabled?: boolean | undefined;
  danger?: boolean | undefined;
  onSelect: () => void;
}

/** A heading within a menu, or a line between its parts. */
export type MenuEntry = MenuItem | { heading: string } | "line";

interface MenuProps {
  /** The button's name; shown only through `children`. */
  label: string;
  items: MenuEntry[];
  children: ComponentChildren;
  class?: string | undefined;
  align?: "start" | "end" | undefined;
  disabled?: boolean | undefined;
}

function Item({ item, onDone }: { item: MenuItem; onDone: () => void }) {
  const role = item.checked === undefined ? "menuitem" : "menuitemradio";
  return (
    <button
      type="button"
      role={role}
      class={`pop-item${item.danger ? " danger" : ""}`}
      tabIndex={-1}
      aria-checked={item.checked}
      aria-disabled={item.disabled || undefined}
      onClick={() => {
        if (item.disabled) return;
        onDone();
        item.onSelect();
      }}
    >
      {item.icon && <Icon name={item.icon} />}
      <span>{item.label}</span>
      {item.end !== undefined && <span class="end">{item.end}</span>}
      {item.checked && <Icon name="check" class="tick" />}
    </button>
  );
}

/** A button that opens a menu: arrow keys, Home, End, first letters; Escape returns to the button. */
export function Menu({ label, items, children, class: classes = "btn quiet icon", align = "end", disabled }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const entries = () => [...(list.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };

  useLayoutEffect(() => {
    if (open) entries()[0]?.focus();
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const letter = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : null;
    if (event.key === "ArrowDown") all[(at + 1) % all.length]?.focus();
    else if (event.key === "ArrowUp") all[(at - 1 + all.length) % all.length]?.focus();
    else if (event.key === "Home") all[0]?.focus();
    else if (event.key === "End") all.at(-1)?.focus();
    else if (event.key === "Escape") close(true);
    else if (event.key === "Tab") return close(false);
    else if (letter) all.find((entry) => entry.textContent?.toLowerCase().startsWith(letter))?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class={classes}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && (
        <Pop anchor={button} align={align} onClose={() => close(false)}>
          <div ref={list} role="menu" aria-label={label} onKeyDown={onKeyDown}>
            {items.map((item, index) => {
              if (item === "line") return <div key={index} class="pop-line" role="separator" />;
              if ("heading" in item) return <p key={index} class="pop-head" role="presentation">{item.heading}</p>;
              return <Item key={index} item={item} onDone={() => close(true)} />;
            })}
          </div>
        </Pop>
      )}
    </>
  );
}
