// What the widget does to the host page while it is open, and how every bit of it is put back.

import { guard, on } from "./dom.ts";

export const narrow = matchMedia("(max-width:479px),(max-height:479px) and (max-width:960px)");

/** Storage may be forbidden, full or absent; then the widget only forgets sooner. An empty value removes. */
export function remember(store: "localStorage" | "sessionStorage", key: string, value?: string): string | null | undefined {
  try {
    if (value === undefined) return window[store].getItem(key);
    if (value) window[store].setItem(key, value);
    else window[store].removeItem(key);
  } catch {
    // nothing to remember with
  }
  return;
}

let restore: (() => void) | undefined;

/** Holds the page behind the full-screen panel still, and returns it to the very pixel. */
export function lockScroll(locked: boolean): void {
  const { style } = document.documentElement;
  if (locked && !restore) {
    const { scrollX: left, scrollY: top } = window;
    const { overflow } = style;
    style.overflow = "hidden";
    restore = () => {
      style.overflow = overflow;
      scrollTo({ left, top, behavior: "instant" });
      restore = undefined;
    };
  } else if (!locked) restore?.();
}

/**
 * One history entry of ours lies on top while the full-screen panel is open, so that the back gesture takes that entry
 * and not the page. `back` answers whether the panel stays open (it only closed a sheet).
 */
export function backGesture(back: () => boolean): (open: boolean) => void {
  let held = false;
  const ours = () => history.state?.contactHub;
  const push = () => history.pushState({ ...history.state, contactHub: 1 }, "");
  on(window, "popstate", () => {
    if (held && !ours() && (held = back())) push();
  });
  return (open) => {
    if (open && !held) push();
    else if (!open && held && ours()) history.back();
    held = open;
  };
}

/** The page's own title, without our count in front of it. */
export const ownTitle = () => document.title.replace(/^\(\d+\) /, "");

export function markTitle(unread: number): void {
  const title = (unread ? `(${unread}) ` : "") + ownTitle();
  if (title != document.title) document.title = title;
}

/** Keeps the panel on the part of the screen that the on-screen keyboard leaves free. */
export function followKeyboard({ style }: HTMLElement, full: () => boolean): void {
  const viewport = visualViewport;
  if (!viewport) return;
  const fit = guard(() => {
    const shrunk = full() && innerHeight - viewport.height > 80;
    style.height = shrunk ? viewport.height + "px" : "";
    style.transform = shrunk ? `translateY(${viewport.offsetTop}px)` : "";
  });
  on(viewport, "resize", fit);
  on(viewport, "scroll", fit);
}
