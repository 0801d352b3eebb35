import type { ComponentChildren, TargetedMouseEvent } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "../icons.tsx";
import { attempt } from "./toast.tsx";

interface ButtonProps {
  children: ComponentChildren;
  icon?: IconName | undefined;
  kind?: "primary" | "quiet" | "danger" | undefined;
  small?: boolean | undefined;
  type?: "button" | "submit" | undefined;
  class?: string | undefined;
  disabled?: boolean | undefined;
  /** Shown as busy from outside, e.g. while a form is sent. */
  busy?: boolean | undefined;
  title?: string | undefined;
  /** While a promise it returns is open the button is busy; a failure is said in a toast. */
  onClick?: ((event: TargetedMouseEvent<HTMLButtonElement>) => unknown) | undefined;
}

/** A button with words. While busy a ring takes the icon's place and presses do nothing. */
export function Button({ children, icon, kind, small, type = "button", class: extra = "", disabled, busy, title, onClick }: ButtonProps) {
  const [running, setRunning] = useState(false);
  const working = running || busy;

  const press = (event: TargetedMouseEvent<HTMLButtonElement>) => {
    if (working) return event.preventDefault();
    const result = onClick?.(event);
    if (!(result instanceof Promise)) return;
    setRunning(true);
    void attempt(() => result).then(() => setRunning(false));
  };
  return (
    <button
      type={type}
      class={`btn${kind ? ` ${kind}` : ""}${small ? " small" : ""}${extra ? ` ${extra}` : ""}`}
      disabled={disabled}
      aria-busy={working || undefined}
      title={title}
      onClick={press}
    >
      {working ? <span class="ring-busy" /> : icon && <Icon name={icon} small />}
      {children}
    </button>
  );
}

/** A button with a drawing only; the label is its name and tooltip. */
export function IconButton({ icon, label, small, pressed, disabled, class: extra = "", onClick }: {
  icon: IconName;
  label: string;
  small?: boolean | undefined;
  pressed?: boolean | undefined;
  disabled?: boolean | undefined;
  class?: string | undefined;
  onClick: (event: TargetedMouseEvent<HTMLButtonElement>) => unknown;
}) {
  return (
    <button
      type="button"
      class={`btn quiet icon${small ? " small" : ""}${extra ? ` ${extra}` : ""}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} small={small} />
    </button>
  );
}
