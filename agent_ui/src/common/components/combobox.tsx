import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "../icons.tsx";
import { Pop } from "./pop.tsx";

export interface Option {
  value: string;
  label: string;
  /** A second line. */
  hint?: string | undefined;
  /** Before the label: a dot, an avatar. */
  before?: ComponentChildren;
  /** Options that follow each other with the same group stand under its name. */
  group?: string | undefined;
  disabled?: boolean | undefined;
}

interface ComboboxProps {
  /** The accessible name. */
  label: string;
  value: string | null;
  options: Option[];
  onChange: (value: string) => void;
  placeholder?: string | undefined;
  disabled?: boolean | undefined;
  /** Why it is disabled, or a hint. */
  title?: string | undefined;
  /** What the closed box shows instead of the option's label. */
  children?: ComponentChildren;
  class?: string | undefined;
  id?: string | undefined;
  /** The id of what is said about it. */
  describedBy?: string | undefined;
}

/** Chooses one of a few: a combobox without typing, after the ARIA pattern "select-only combobox". */
export function Combobox(props: ComboboxProps) {
  const { label, value, options, onChange, placeholder = "", disabled, title, children, class: classes = "select" } = props;
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const typed = useRef({ text: "", at: 0 });
  const base = useId();
  const chosen = options.find((option) => option.value === value);

  const show = (at = Math.max(0, options.findIndex((option) => option.value === value))) => {
    setActive(at);
    setOpen(true);
  };
  const choose = (option: Option | undefined) => {
    if (!option || option.disabled) return;
    setOpen(false);
    button.current?.focus();
    onChange(option.value);
  };
  const seek = (letter: string) => {
    const fresh = Date.now() - typed.current.at > 700;
    typed.current = { text: (fresh ? "" : typed.current.text) + letter.toLowerCase(), at: Date.now() };
    const found = options.findIndex((option) => option.label.toLowerCase().startsWith(typed.current.text));
    if (found >= 0) show(found);
  };

  useEffect(() => {
    if (open) document.getElementById(`${base}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [open, active]);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = options.length - 1;
    const { key } = event;
    if (!open && ["ArrowDown", "ArrowUp", "Enter", " "].includes(key)) show();
    else if (key === "ArrowDown") setActive(Math.min(last, active + 1));
    else if (key === "ArrowUp") setActive(Math.max(0, active - 1));
    else if (key === "Home") show(0);
    else if (key === "End") show(last);
    else if (open && (key === "Enter" || key === " ")) choose(options[active]);
    else if (open && key === "Escape") setOpen(false);
    else if (open && key === "Tab") return choose(options[active]);
    else if (key.length === 1 && key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) seek(key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <button
        ref={button}
        id={props.id}
        type="button"
        role="combobox"
        class={classes}
        aria-label={label}
        aria-describedby={props.describedBy}
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-controls={open ? `${base}-list` : undefined}
        aria-activedescendant={open ? `${base}-${active}` : undefined}
        data-empty={!chosen}
        disabled={disabled}
        title={title}
        onClick={() => (open ? setOpen(false) : show())}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      >
        {children ?? (
          <>
            <span class="cut">{chosen?.label ?? placeholder}</span>
            <Icon name="down" small />
          </>
        )}
      </button>
      {open && (
        <Pop anchor={button} match onClose={() => setOpen(false)}>
          <div id={`${base}-list`} role="listbox" aria-label={label} onPointerDown={(event) => event.preventDefault()}>
            {options.length === 0 && <p class="pop-none">{placeholder}</p>}
            {options.map((option, index) => (
              <div key={option.value} role="presentation">
                {option.group && option.group !== options[index - 1]?.group && (
                  <p class="pop-head" role="presentation">{option.group}</p>
                )}
                <div
                  id={`${base}-${index}`}
                  role="option"
                  class="pop-item"
                  aria-selected={option.value === value}
                  aria-disabled={option.disabled || undefined}
                  data-active={index === active}
                  onPointerMove={() => setActive(index)}
                  onClick={() => choose(option)}
                >
                  {option.before}
                  <span>{option.label}{option.hint && <small>{option.hint}</small>}</span>
                  {option.value === value && <Icon name="check" class="tick" />}
                </div>
              </div>
            ))}
          </div>
        </Pop>
      )}
    </>
  );
}
