"""The contact that a callback is in its queue."""

from __future__ import annotations

from hub import commands as c
from hub.callbacks.model import Callback
from hub.model import Channel, Contact
from hub.service import Hub


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
