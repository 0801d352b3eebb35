"""The contact that a callback is in its queue."""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from hub import commands as c
from hub.callbacks.model import LATER, Callback
from hub.errors import Refused, VersionConflict
from hub.model import PRIORITY_LIMIT, Channel, Contact, Phase
from hub.ports import Fence
from hub.service import Hub

OVER = frozenset({Phase.WRAPPING, Phase.CLOSED})


def draft_of(callback: Callback) -> Contact:
    """The contact as it will be, for those who decide where it belongs."""
    fields = {"called": callback.number} if callback.number else {}
    fields |= {"direction": "outbound", "callback": callback.reference}
    if callback.topic:
        fields["topic"] = callback.topic
    return Contact(
        callback.contact,
        channel=Channel.CALLBACK,
        site=callback.site,
        subject=callback.note.partition("\n")[0][:200] or callback.topic,
        language=callback.language,
        fields=fields,
    )


def create(callback: Callback) -> c.Create:
    """What makes it."""
    draft = draft_of(callback)
    return c.Create(
        draft.channel, draft.site, callback.customer, callback.visitor, draft.subject, draft.language, draft.fields,
        media=True,
    )  # fmt: skip


async def place(hub: Hub, callback: Callback) -> c.Enqueue:
    """Its place in the queue; the agent it was given to is asked first, or the customer's own one."""
    customer = (await hub.contacts.customers([callback.customer])).get(callback.customer)
    found = hub.place(draft_of(callback), customer, callback.queue, {}, topic=callback.topic)
    preferred = callback.only_agent or (customer.owner if customer is not None else None)
    return c.Enqueue(found.queue, found.requirements, found.priority, preferred, found.rules)


async def enqueue(hub: Hub, callback: Callback, contact: Contact | None, fence: Fence | None) -> None:
    """The contact waits, at the age it had first; done again it is there already. Whose customer is on the line already
    goes before all that wait for the same."""
    first = callback.only_agent
    if contact is None:
        await _create(hub, callback)
        return
    steps: list[c.ContactCommand] = []
    if contact.phase in OVER:
        since = callback.age or None
        preferred = first or (contact.handled_by[-1] if contact.handled_by else None)
        if contact.queue is None:
            # Until now it only held the mails that told the customer of it, or nobody was asked.
            found = await place(hub, callback)
            back = c.Reopen("callback", found.queue, found.requirements, found.priority, found.preferred, since=since)
        else:
            back = c.Reopen("callback", contact.queue, contact.requirements, contact.priority, preferred, since=since)
        steps.append(replace(back, priority=PRIORITY_LIMIT) if _answered(callback) else back)
    if contact.channel is not Channel.CALLBACK:
        steps.append(c.ChangeChannel(Channel.CALLBACK, media=True))
    if steps:
        key = f"{callback.id}-{callback.version}"
        await hub.contacts.do(contact.id, *steps, actor="system", command_id=key, fence=fence)


def _answered(callback: Callback) -> bool:
    return bool(callback.attempts) and callback.attempts[-1].answered_at is not None


async def _create(hub: Hub, callback: Callback) -> None:
    steps = [replace(await place(hub, callback), since=callback.age or None)]
    made = await hub.contacts.create(callback.contact, create(callback), steps, actor="system", command_id=callback.id)
    if made.row.contact.phase in OVER:
        raise VersionConflict("A mail's step was quicker by a moment.")  # looked at again it is put into the queue


async def keep(hub: Hub, callback: Callback) -> Contact:
    """The contact, made so that it waits for nobody; as it is when it is there already."""
    ended = c.End("system", LATER, 0)
    key = f"kept-{callback.id}"
    made = await hub.contacts.create(callback.contact, create(callback), [ended], actor="system", command_id=key)
    return made.row.contact


async def end(hub: Hub, contact: Contact, reason: str, fence: Fence | None) -> None:
    with contextlib.suppress(Refused):
        # Who put it off has nothing to write up.
        wrap_ms = 0 if reason == LATER else hub.wrap_up_ms(contact.queue)
        await hub.contacts.do(contact.id, c.End("system", reason, wrap_ms), actor="system", fence=fence)
