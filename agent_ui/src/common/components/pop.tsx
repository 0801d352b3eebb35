import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

interface PopProps {
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  children: ComponentChildren;
  /** Which edge of the anchor the box keeps to. */
  align?: "start" | "end" | undefined;
  /** As wide as the anchor at least. */
  match?: boolean | undefined;
  class?: string | undefined;
}

const GAP = 4;
const EDGE = 8;

function place(box: HTMLElement, anchor: HTMLElement, align: "start" | "end", match: boolean): void {
  const rect = anchor.getBoundingClientRect();
  if (match) box.style.minWidth = `${rect.width}px`;
  box.style.maxHeight = "";
  const below = innerHeight - rect.bottom - GAP - EDGE;
  const above = rect.top - GAP - EDGE;
  const up = box.offsetHeight > below && above > below;
  box.style.maxHeight = `${Math.min(420, up ? above : below)}px`;
  const right = getComputedStyle(box).direction === "rtl" ? align === "start" : align === "end";
  const left = right ? rect.right - box.offsetWidth : rect.left;
  box.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - box.offsetWidth - EDGE))}px`;
  box.style.top = `${up ? rect.top - GAP - box.offsetHeight : rect.bottom + GAP}px`;
}

/** A box in the top layer beside its anchor; a press outside closes it. Keys are its content's business. */
export function Pop({ anchor, onClose, children, align = "start", match = false, class: extra = "" }: PopProps) {
  const box = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !anchor.current) return;
    element.showPopover();
    const again = () => anchor.current && place(element, anchor.current, align, match);
    again();
    const sized = new ResizeObserver(again);
    sized.observe(element);
    addEventListener("resize", again);
    addEventListener("scroll", again, true);
    return () => {
      sized.disconnect();
      removeEventListener("resize", again);
      removeEventListener("scroll", again, true);
    };
  }, []);

  useEffect(() => {
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!box.current?.contains(target) && !anchor.current?.contains(target)) close.current();
    };
    addEventListener("pointerdown", outside, true);
    return () => removeEventListener("pointerdown", outside, true);
  }, []);

  return <div ref={box} class={`pop ${extra}`} popover="manual">{children}</div>;
}
