import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { errorText } from "../errors.ts";
import { t } from "../i18n.ts";
import { Icon, type IconName } from "../icons.tsx";

interface Toast {
  id: number;
  kind: "info" | "ok" | "warn" | "danger";
  text: string;
  action?: { label: string; run: () => void } | undefined;
}

const toasts = signal<readonly Toast[]>([]);
const icons: Record<Toast["kind"], IconName> = { info: "info", ok: "check", warn: "warn", danger: "failed" };
let last = 0;

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says something at the foot of the page for a while; the same text is not shown twice at once. */
export function toast(text: string, kind: Toast["kind"] = "info", action?: Toast["action"]): void {
  const id = ++last;
  toasts.value = [...toasts.value.filter((shown) => shown.text !== text).slice(-2), { id, kind, text, action }];
  setTimeout(() => dismiss(id), kind === "danger" || action ? 10_000 : 5_000);
}

/** Says what went wrong. */
export function toastError(error: unknown): void {
  toast(errorText(error), "danger");
}

/** Runs an action and says so when it fails; the answer tells whether it worked. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    toastError(error);
    return false;
  }
}

/** The place where toasts appear; once in a page, above dialogs too. */
export function Toasts() {
  const box = useRef<HTMLDivElement>(null);
  const count = toasts.value.length;

  useLayoutEffect(() => {
    if (box.current?.matches(":popover-open")) box.current.hidePopover();
    if (count > 0) box.current?.showPopover(); // again on top of what opened since
  }, [count, last]);

  return (
    <div ref={box} class="toasts" popover="manual" role="status">
      {toasts.value.map((shown) => (
        <div key={shown.id} class={`toast ${shown.kind}`}>
          <Icon name={icons[shown.kind]} />
          <p>{shown.text}</p>
          {shown.action && (
            <button
              type="button"
              class="btn small"
              onClick={() => {
                dismiss(shown.id);
                shown.action?.run();
              }}
            >
              {shown.action.label}
            </button>
          )}
          <button type="button" class="btn quiet small icon" aria-label={t("common.dismiss")} onClick={() => dismiss(shown.id)}>
            <Icon name="x" small />
          </button>
        </div>
      ))}
    </div>
  );
}
