// Which of the customer's tabs is shown: the one that he looks at. A tab that is opened, comes to the front or is used takes
// the sharing over, and the one before gives it up at once; the hub hears one at a time anyway.

interface Said {
  /** wants: this tab shows it from now on; gave: another one did until now. */
  t: "wants" | "gave";
  session: string;
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel("contacthub:sharing") : null;

/** `give` ends the sharing in this tab, false when it was not shown here; `gave` hears that another tab has given it up. */
export function meetTabs(give: (session: string) => boolean, gave: (session: string) => void): void {
  channel?.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    if (data.t == "gave") gave(data.session);
    else if (give(data.session)) channel.postMessage({ t: "gave", session: data.session } satisfies Said);
  });
}

export function wantTab(session: string): void {
  channel?.postMessage({ t: "wants", session } satisfies Said);
}

/** Runs when the tab comes to the front. */
export function onFront(front: () => void): void {
  document.addEventListener("visibilitychange", () => document.visibilityState == "visible" && front());
}

export const inFront = () => document.visibilityState == "visible";
