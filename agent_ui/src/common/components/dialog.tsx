import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../icons.tsx";
import { t } from "../i18n.ts";

interface DialogProps {
  title: string;
  /** A line under the title. */
  subtitle?: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at the foot; with `onSubmit`, one of them is type="submit". */
  footer?: ComponentChildren;
  onSubmit?: (() => void) | undefined;
  wide?: boolean | undefined;
  /** As large as the window lets it be. */
  whole?: boolean | undefined;
}

/** A modal dialog: focus goes in and stays in, Escape and the cross close it, focus returns to where it was. */
export function Dialog({ title, subtitle, onClose, children, footer, onSubmit, wide, whole }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();

  // Before the next key: an Escape that comes at once is meant for the dialog, and letters for its first field.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    const first = dialog?.querySelector<HTMLElement>("[autofocus], .body input, .body select, .body textarea, .body [role=combobox], .body button");
    (first ?? dialog?.querySelector<HTMLElement>("footer .primary"))?.focus();
    return () => {
      if (dialog?.open) dialog.close();
      before?.isConnected && before.focus();
    };
  }, []);

  const content = (
    <>
      <header>
        <div>
          <h2 id={id}>{title}</h2>
          {subtitle && <p>{subtitle}</p>}
        </div>
        <button type="button" class="btn quiet small icon" aria-label={t("common.close")} onClick={onClose}>
          <Icon name="x" small />
        </button>
      </header>
      <div class="body">{children}</div>
      {footer && <footer>{footer}</footer>}
    </>
  );
  return (
    <dialog
      ref={element}
      class={`dialog${wide ? " wide" : ""}${whole ? " whole" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onPointerDown={(event) => event.target === element.current && onClose()}
    >
      {onSubmit ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      ) : content}
    </dialog>
  );
}
