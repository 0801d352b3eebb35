"""A contact that waits becomes a callback: the customer is called in his place, and nobody holds a line meanwhile."""

from __future__ import annotations

import contextlib

from hub import commands as c
from hub.callback_desk import ASAP, Asker, NewCallback, switched_on
from hub.errors import Refused
from hub.model import WAITING, Channel, Contact
from hub.service import Hub


async def call_back(hub: Hub, contact: Contact, number: str, origin: str) -> None:
    """Makes it one to `number`, as `origin` (`Asker`) has it; a contact whose number has a callback already ends, and
    that one is made at once. Raises what `CallbackDesk.ask` raises; Refused for whom somebody serves in this moment,
    and then there is no callback of his either."""
    desk = switched_on(hub.calling_back)
    who = Asker(contact.customer, origin)
    new = NewCallback(number, queue=contact.queue or "", language=contact.language, contact=contact.id)
    key = f"{contact.id}-{contact.version}"
    callback = (await desk.ask(new, who, key)).callback
    if not callback.living:
        raise Refused("That callback is over.", code="callback.state", details={"state": str(callback.state)})
    if callback.contact != contact.id:
        with contextlib.suppress(Refused):
            await desk.move(callback.id, ASAP, who.id, f"{key}-now")
        await hub.contacts.do(contact.id, c.End("system", "callback", 0), actor="system", guard=still_waits)
        return
    change = c.ChangeChannel(Channel.CALLBACK, media=True)
    try:
        await hub.contacts.do(contact.id, change, actor="system", guard=still_waits)
    except Refused:
        # Where it waited is over by another's hand: by the callback's own, or an agent's.
        if (await hub.contacts.get(contact.id)).contact.channel is not Channel.CALLBACK:
            with contextlib.suppress(Refused):
                await desk.cancel(callback.id, who.id, f"{key}-served")
            raise


def still_waits(contact: Contact) -> None:
    if contact.phase not in WAITING:
        raise Refused("The contact does not wait any more.", code="contact.phase")
