// What is offered to me now, and who asks me to join; the oldest deadline first.

import { computed, signal } from "@preact/signals";
import { on } from "../common/socket.ts";
import { directory, me } from "../common/store.ts";
import { serverNow } from "../common/time.ts";
import type { Contact, Hello, Invitation, Offer, Sync } from "../common/types.ts";

export const offers = signal<readonly Offer[]>([]);
export const invitations = signal<readonly Invitation[]>([]);

/** The offer that is shown; the others wait behind it. */
export const currentOffer = computed<Offer | null>(() => offers.value[0] ?? null);

type Gone = { contact: string; fence: number; reason: string };
type Listener = (offer: Offer) => void;
const listeners = { come: new Set<Listener>(), gone: new Set<(gone: Gone) => void>() };

/** Calls back for each new offer, once. */
export function onOffer(listener: Listener): void {
  listeners.come.add(listener);
}

export function onOfferGone(listener: (gone: Gone) => void): void {
  listeners.gone.add(listener);
}

export function removeOffer(contact: string, fence?: number): void {
  offers.value = offers.value.filter((offer) => offer.contact.id !== contact || (fence !== undefined && offer.fence > fence));
}

export function removeInvitation(contact: string): void {
  invitations.value = invitations.value.filter((invitation) => invitation.contact.id !== contact);
}

function add(offer: Offer): void {
  const known = offers.value.find(({ contact }) => contact.id === offer.contact.id);
  if (known && known.fence > offer.fence) return;
  const others = offers.value.filter(({ contact }) => contact.id !== offer.contact.id);
  offers.value = [...others, offer].sort((a, b) => a.deadline - b.deadline);
  if (known?.fence === offer.fence) return; // the same again, after a reconnect: announced already
  for (const listener of listeners.come) listener(offer);
}

function skillName(id: string): string {
  return directory.value.skills.find((skill) => skill.id === id)?.name ?? id;
}

/** An offer that was made while this window was not connected, from what the snapshot says of the contact. */
function fromSnapshot(contact: Contact): Offer | null {
  if (contact.phase !== "offered" || !contact.offer || contact.offer.agent !== me.value?.id) return null;
  const [id, level] = Object.entries(contact.requirements)[0] ?? [];
  return {
    contact,
    fence: contact.offer.fence,
    deadline: contact.offer.deadline,
    auto: contact.offer.auto,
    queue: contact.queue,
    waited_ms: contact.queued_at ? serverNow() - contact.queued_at : 0,
    skill: id !== undefined && level !== undefined ? { name: skillName(id), level } : null,
    page: contact.page,
  };
}

/** Follows the pushes; to be called before the store connects, and after its own listener of hello. */
export function startOffers(): void {
  on<Offer>("offer", add);
  on<Gone>("offer:gone", (gone) => {
    removeOffer(gone.contact, gone.fence);
    for (const listener of listeners.gone) listener(gone);
  });
  on<Invitation>("invite", (invitation) => {
    removeInvitation(invitation.contact.id);
    invitations.value = [...invitations.value, invitation];
  });
  on<Hello>("hello", ({ contacts }) => {
    const open = contacts.map(fromSnapshot).filter((offer) => offer !== null);
    const still = new Set(open.map(({ contact, fence }) => `${contact.id} ${fence}`));
    offers.value = offers.value.filter(({ contact, fence }) => still.has(`${contact.id} ${fence}`));
    open.forEach(add);
    invitations.value = contacts
      .filter(({ invited }) => invited.some(({ id }) => id === me.value?.id))
      .map((contact) => ({ contact, by: contact.agent ?? { id: "", name: "" } }));
  });
  on<Sync>("sync", ({ contact, gone }) => {
    const id = contact?.id ?? gone;
    if (!id) return;
    const asked = contact?.invited.some((invited) => invited.id === me.value?.id);
    if (gone || (contact && !asked) || contact?.phase === "closed" || contact?.phase === "wrapping") removeInvitation(id);
    // The offer's own end is told by offer:gone; a sync that shows another phase says the same if that was missed.
    if (gone || (contact && contact.phase !== "offered")) removeOffer(id);
  });
}
