// Who is signed in to the shop, and how the widget hears of it: with a signature that only the shop's server can make.
import { base } from "./shop-data.js";

const KEY = "moss-kiln.customer";

export function signedIn() {
  return localStorage.getItem(KEY) !== null;
}

/** Asks the shop's server for a fresh signed identity and hands it to the widget; returns it. */
export async function introduce() {
  const answer = await fetch(`${base}/identity`, { method: "POST" });
  if (!answer.ok) throw new Error(`identity: ${answer.status}`);
  const identity = await answer.json();
  localStorage.setItem(KEY, identity.id);
  window.ContactHub("identify", identity);
  return identity;
}

export function signOut() {
  localStorage.removeItem(KEY);
  window.ContactHub("logout");
}
