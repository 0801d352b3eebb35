"""Which queue a caller comes to, and whether it takes him."""

from __future__ import annotations

from msgspec.structs import replace

from channels.voice.live import Party
from hub import commands as c
from hub.callbacks.model import Callback
from hub.errors import Refused
from hub.flows.walk import Enqueue
from hub.model import Contact, Customer, Millis
from hub.service import Hub


def queue_for(
    hub: Hub,
    draft: Contact,
    customer: Customer | None,
    guided: c.Guide | None,
    wanted: Enqueue,
    party: Party,
    since: Millis | None = None,
) -> c.Enqueue:
    """The queue where the administrators' rules put a call that would come to `wanted`; `guided` is what is known by
    its flow. `since` is its age, when that is older than the call."""
    if guided is not None:
        draft = replace(draft, language=guided.language, fields={**draft.fields, **guided.fields})
    place = hub.place(draft, customer, wanted.queue, wanted.skills, called=party.called, caller=party.caller)
    priority = place.priority + wanted.priority
    owner = customer.owner if customer is not None else None
    return c.Enqueue(place.queue, place.requirements, priority, owner, place.rules, since)


def refuse_shut(hub: Hub, queue: str) -> None:
    """Raises Refused `queue.closed` or `queue.full` where the queue takes nobody now."""
    row = hub.directory.queue(queue)
    if not hub.directory.is_open(queue, hub.clock.now()):
        raise Refused("We are closed just now.", code="queue.closed")
    if (
        row.max_length is not None
        and not any(rule.when == "full" for rule in row.overflow)
        and hub.routing.standing(queue).waiting >= row.max_length
    ):
        raise Refused("Too many people are waiting just now.", code="queue.full")


async def promise(hub: Hub, caller: str) -> Callback | None:
    """The callback that this caller waits for, if there is one."""
    known = hub.calling_back is not None and hub.calling_back.is_called(caller)
    return await hub.store.callbacks.living(caller) if known else None
