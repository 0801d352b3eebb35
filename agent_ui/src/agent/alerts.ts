// What reaches an agent who looks elsewhere: sound, desktop notifications, the title.

import { effect, signal } from "@preact/signals";
import { t } from "../common/i18n.ts";
import { on } from "../common/socket.ts";
import { contacts, me, settings } from "../common/store.ts";
import type { Hello, Offer, Sync } from "../common/types.ts";
import { blip, setSound, startRinging, stopRinging, volume } from "./chime.ts";
import { customerName, mine } from "./mine.ts";
import { onOffer, onOfferGone, offers } from "./offers.ts";
import { selectedId, showContact } from "./route.ts";
import { claim } from "./windows.ts";

export type Permission = NotificationPermission | "unsupported";

/** Whether the browser lets us show notifications. */
export const notifications = signal<Permission>("Notification" in window ? Notification.permission : "unsupported");

export async function askForNotifications(): Promise<void> {
  if (notifications.value === "default") notifications.value = await Notification.requestPermission();
}

const shown = new Map<string, Notification>();

function notify(tag: string, title: string, body: string, keep: boolean, onClick: () => void): void {
  if (notifications.value !== "granted" || settings.value["notifications"] === false) return;
  try {
    const made = new Notification(title, { body, tag, requireInteraction: keep, silent: true });
    made.onclick = () => {
      window.focus();
      made.close();
      onClick();
    };
    shown.get(tag)?.close();
    shown.set(tag, made);
  } catch {
    // phones allow notifications only from service workers; there the sound and the title do
  }
}

function offerWords(offer: Offer): string {
  const name = customerName(offer.contact, t("agent.unnamed"));
  return t(`agent.offer.title.${offer.contact.channel}`, { name });
}

async function announce(offer: Offer): Promise<void> {
  if (!(await claim(`offer ${offer.contact.id} ${offer.fence}`))) return;
  if (!offers.value.some(({ contact }) => contact.id === offer.contact.id)) return; // gone meanwhile
  startRinging(offer.contact.channel === "voice");
  if (document.visibilityState === "visible" && document.hasFocus()) return;
  const body = offer.queue ? t("agent.offer.notification", { queue: offer.queue.name }) : "";
  notify(`offer-${offer.contact.id}`, offerWords(offer), body, true, () => undefined);
}

/** Rings for a conversation that wants to go on by voice, in one window; `rings()` says whether it still does. */
export async function announceCall(id: string, rings: () => boolean): Promise<void> {
  if (!(await claim(`call ${id}`)) || !rings()) return;
  startRinging(true);
  if (document.visibilityState === "visible" && document.hasFocus()) return;
  const contact = contacts.value.get(id);
  if (!contact) return;
  const title = t("agent.offer.title.voice", { name: customerName(contact, t("agent.unnamed")) });
  notify(`contact-${id}`, title, contact.queue ? t("agent.offer.notification", { queue: contact.queue.name }) : "", true, () => showContact(id));
}

async function announceMessage(contact: string, n: number, text: string): Promise<void> {
  if (!(await claim(`message ${contact} ${n}`))) return;
  const inSight = document.visibilityState === "visible" && document.hasFocus();
  if (inSight && selectedId.value === contact) return;
  blip();
  if (inSight) return;
  const known = contacts.value.get(contact);
  const name = known ? customerName(known, t("agent.unnamed")) : t("agent.unnamed");
  notify(`contact-${contact}`, name, text, false, () => showContact(contact));
}

const FLASH_MS = 1_000;
let flash: ReturnType<typeof setInterval> | undefined;

function setTitle(): void {
  const unread = mine.value.reduce((sum, contact) => sum + contact.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${t("agent.title")}`;
}

/** Follows offers and messages; to be called before the store connects. */
export function startAlerts(): void {
  on<Hello>("hello", ({ settings: { sound } }) => {
    if (typeof sound === "boolean") setSound(sound, volume.value);
  });
  onOffer((offer) => void announce(offer));
  onOfferGone(({ contact }) => shown.get(`offer-${contact}`)?.close());
  effect(() => {
    const [first] = offers.value;
    clearInterval(flash);
    if (!first) {
      stopRinging();
      setTitle();
      return;
    }
    const words = offerWords(first);
    let other = false;
    document.title = words;
    flash = setInterval(() => {
      other = !other;
      document.title = other ? `● ${words}` : words;
    }, FLASH_MS);
  });
  on<Sync>("sync", ({ contact, messages = [] }) => {
    const last = messages.filter(({ author_kind }) => author_kind === "visitor").at(-1);
    const known = contact ?? (last && contacts.value.get(last.contact));
    if (!last || known?.agent?.id !== me.value?.id) return;
    void announceMessage(last.contact, last.n, last.text || last.file?.name || "");
  });
  addEventListener("focus", () => {
    for (const [tag, made] of shown) if (tag.startsWith("contact-")) made.close();
  });
}
