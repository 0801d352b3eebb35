// The way to the part of the panel that shares the page around it: fetched when an agent asks, the customer offers, or a
// sharing goes on in the next page.

import type { Cobrowse } from "../wire.ts";
import { framed } from "./host.ts";
import { ask, Refused } from "./link.ts";
import { changed, state } from "./state.ts";
import { byCode, joinedByCode } from "./storage.ts";

type Part = typeof import("./share/index.ts");

let coming: Promise<Part> | null = null;

export function fetchSharing(): Promise<Part> {
  return (coming ??= import("./actions.ts").then(({ learn }) => learn().catch(() => {})).then(() => import("./share/index.ts")).catch((error: unknown) => {
    coming = null; // the next try asks again
    throw error;
  }));
}

/** Whether there is a page around the panel that could be shown, and somebody to show it to. */
export const canShare = () => framed() && state.site.cobrowse;

export function heardOfSharing(sharing: Cobrowse, arrived = false): void {
  if (!canShare()) return;
  state.sharing = sharing;
  const alive = sharing.stage == "asked" || sharing.stage == "shared" || sharing.stage == "paused";
  if (!alive && sharing.contact == joinedByCode()) byCode(null);
  const part = alive ? fetchSharing() : coming;
  void part?.then(({ follow }) => follow(arrived), () => {});
  changed();
}

let looked = false;

/** Asked at each hello: what was pushed meanwhile was missed. */
export function lookAtSharing(contact: string): void {
  const arrived = !looked;
  looked = true;
  if (canShare()) void ask<{ cobrowse: Cobrowse }>("cobrowse:look", { contact }).then(({ cobrowse }) => heardOfSharing(cobrowse, arrived), (error: Refused) => {
    if (error.code == "cobrowse.not_yours" && contact == joinedByCode()) byCode(null);
  });
}
