"""Makes the engine anew from what the hub knows, and takes an old one apart, while the loop goes on with its work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from operator import attrgetter

import structlog

from hub.living import Living
from hub.model import Contact, Millis
from hub.service import Hub
from routing import inputs as i
from routing.dispatch_specs import agent_input, presence_input, queue_input, routable
from routing.dispatch_turns import Turns
from routing.engine import Engine
from routing.specs import OverflowReason
from routing.translation import contact_facts

log = structlog.get_logger(__name__)

RUN = 2_000  # contacts that are sorted in one go

_age = attrgetter("queued_at")


async def rebuild(engine: Engine, hub: Hub, living: Living, now: Millis) -> list[i.Decision]:
    """Tells a new engine everything; returns what it decides.

    `living` must not change meanwhile. What the directory and the presences become meanwhile may be missing: it has to
    be told afterwards (again).
    """
    decided: list[i.Decision] = []
    turns = Turns()
    contacts = await _by_age(living, turns)
    for item in _facts(hub, contacts, now):
        decided += engine.handle(item, now)
        if turns.over:
            await turns.rest()
    return [decision for decision in decided if not _too_early(decision)]


async def _by_age(living: Living, turns: Turns) -> Iterable[Contact]:
    """The oldest first, sorted in runs that are merged as they are asked for."""
    runs: list[list[Contact]] = [[]]
    for row in living:
        if len(runs[-1]) == RUN:
            runs[-1].sort(key=_age)
            runs.append([])
            if turns.over:
                await turns.rest()
        runs[-1].append(row.contact)
    runs[-1].sort(key=_age)
    return merge(*runs, key=_age)


def _facts(hub: Hub, contacts: Iterable[Contact], now: Millis) -> Iterator[i.Input]:
    """Queues, agents and contacts, and only then who is here: until then nothing is offered to anybody."""
    directory = hub.directory
    for id in list(directory.queues()):
        try:
            item = queue_input(directory, id, now)
        except ValueError as error:
            # Its contacts are held aside until it is put right.
            log.error("dispatcher.bad_row", kind="queue", row=id, error=str(error))
        else:
            yield item
    users = [user.id for user in directory.users().values() if routable(user)]
    for user in users:
        yield agent_input(directory, user)
    yield i.HandledToday(dict(hub.today.handled))
    for contact in contacts:
        yield from contact_facts(contact, now)
    # Whoever has been here for longest comes first.
    for presence in sorted(map(hub.presence.get, users), key=attrgetter("since")):
        yield from presence_input(presence)


def _too_early(decision: i.Decision) -> bool:
    """That nobody is there is only known once it is known who is: if it is so, the engine says it again."""
    return isinstance(decision, i.Overflow) and decision.reason is OverflowReason.UNSTAFFED


async def take_apart(engine: Engine, hub: Hub, contacts: Sequence[Contact], now: Millis) -> None:
    """Empties an engine that is done with: to let go of all of it at once would take as long as to build it."""
    turns = Turns()
    for item in _ends(hub, contacts):
        engine.handle(item, now)
        if turns.over:
            await turns.rest()


def _ends(hub: Hub, contacts: Sequence[Contact]) -> Iterator[i.Input]:
    """First what waits, so that nobody who gets room is offered anything."""
    for contact in contacts:
        if contact.offer is None:
            yield i.Dequeued(contact.id)
    for contact in contacts:
        if contact.offer is not None:
            yield i.Dequeued(contact.id)
        for agent in (contact.agent, *contact.participants):
            if agent is not None:
                yield i.WrapUpEnded(contact.id, agent)
    yield from map(i.AgentRemoved, list(hub.directory.users()))
    yield from map(i.QueueRemoved, list(hub.directory.queues()))
