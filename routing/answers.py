"""What the engine answers when asked: positions, estimates, explanations."""

from collections.abc import Mapping

from routing.estimate import Figures, estimate_wait
from routing.index import Index
from routing.specs import ChannelRules
from routing.strategies import KEYS, Key
from routing.views import Explanation, QueueCounters, Reason
from routing.waiting import Contact, Queue, Seat

AT_WORK = frozenset({Reason.WRAPPING_UP, Reason.CHANNEL_FULL, Reason.LINE_BUSY, Reason.NO_CAPACITY})


def position(contact: Contact) -> int | None:
    """The contact's place among those that ask for the same, from 1; None when it is held aside."""
    if contact.offer is not None:
        return 1
    if contact.home is None or contact.waiting_class is None:
        return None
    return (contact.home if contact.directed else contact.waiting_class.waiting).rank(contact.entry) + 1


def wait_estimate(contact: Contact, channels: Mapping[str, ChannelRules]) -> float | None:
    """The probable wait in seconds, 0.0 while offered; None when held aside, or nobody eligible is available."""
    if contact.offer is not None:
        return 0.0
    place, waiting_class = position(contact), contact.waiting_class
    if place is None or waiting_class is None:
        return None
    channel, servers = waiting_class.channel, waiting_class.servers
    if contact.directed and contact.host is not None:
        servers = contact.host.agent.slots(*waiting_class.weight) if contact.host.staffed else 0
    return _estimate(place - 1, servers, waiting_class.queue, channel, channels)


def newcomer_wait(
    index: Index, queue: Queue, channel: str, now: int, channels: Mapping[str, ChannelRules]
) -> float | None:
    """The probable wait in seconds of a contact that comes now and asks for nothing beyond the queue's skills."""
    waiting_class = index.class_of(queue, channel, queue.skills_at(0, {}))
    if waiting_class.idle.first(None) is not None:
        return 0.0
    score = now - queue.spec.priority * queue.spec.quantum_ms
    ahead = waiting_class.waiting.rank((score + 1,))
    return _estimate(ahead, waiting_class.servers, queue, channel, channels)


def _estimate(
    ahead: int, servers: int, queue: Queue, channel: str, channels: Mapping[str, ChannelRules]
) -> float | None:
    figures = queue.figures.get(channel, Figures())
    prior_ms = queue.spec.handle_ms.get(channel) or channels[channel].handle_ms
    return estimate_wait(ahead, servers, figures.mean_handle_s(prior_ms), figures.mean_patience_s())


def office(index: Index, queue: Queue, channel: str, channels: Mapping[str, ChannelRules]) -> tuple[int, int, float]:
    """(how many agents could take a contact of this channel now, how many could but for the work that they have, how
    many seconds such work lasts). Looks at every agent."""
    skills, cost = queue.skills_at(0, {}), queue.spec.costs.get(channel)
    free = busy = 0
    for seat in index.seats.values():
        profile = seat.profile
        if profile.is_in(queue.spec.id) and channel not in profile.unserved and profile.has(skills):
            obstacle = seat.agent.obstacle((channel, cost))
            free += obstacle is None
            busy += obstacle in AT_WORK
    found = [queue.figures[name] for name in (channel, "voice") if name in queue.figures] or [Figures()]
    prior_ms = queue.spec.handle_ms.get(channel) or channels[channel].handle_ms
    return free, busy, max(figures.mean_handle_s(prior_ms) for figures in found)


def counters(queue: Queue) -> QueueCounters:
    """The queue now."""
    waiting = len(queue.ages) - queue.offered
    return QueueCounters(queue.spec.id, waiting, queue.offered, queue.ages.next(), queue.staffed, queue.idle)


def explain(contact: Contact, index: Index) -> list[Explanation]:
    """For each agent whether he could be offered the contact now and, if not, why: first those who could, in the order
    in which they would be asked, then the others by id."""
    reasons = {id: tuple(_reasons(contact, seat)) for id, seat in sorted(index.seats.items())}
    able = sorted((id for id, found in reasons.items() if not found), key=lambda id: _rank(contact, index.seats[id]))
    told = [Explanation(id, True, (), rank) for rank, id in enumerate(able, 1)]
    return told + [Explanation(id, False, found) for id, found in reasons.items() if found]


def _rank(contact: Contact, seat: Seat) -> tuple[bool, Key, int]:
    """The preferred agent first, then by the queue's strategy (under `random` the order is only one of many)."""
    queue, agent = contact.queue, seat.agent
    assert queue is not None
    skills = queue.skills_at(contact.step, contact.facts.requirements)
    key = KEYS[queue.spec.strategy](agent, queue.spec.id, skills)
    return contact.facts.preferred_agent != agent.id, key, agent.ordinal


def _reasons(contact: Contact, seat: Seat) -> list[Reason]:
    agent, queue, channel = seat.agent, contact.queue, contact.facts.channel
    if queue is None:
        return [Reason.NO_QUEUE]
    skills = queue.skills_at(contact.step, contact.facts.requirements)
    asked = not (contact.directed and contact.kept_for == agent.id)
    found = {
        Reason.NOT_IN_QUEUE: asked and not seat.profile.is_in(queue.spec.id),
        Reason.CHANNEL_NOT_SERVED: asked and channel in seat.profile.unserved,
        Reason.SKILL_MISSING: asked and not seat.profile.has(skills),
        Reason.KEPT_FOR_ANOTHER: contact.host is not None and contact.host is not seat,
        Reason.OFFERED_TO_ANOTHER: contact.offer is not None and contact.offer.seat is not seat,
        Reason.EXCLUDED: agent.id in contact.excluded,
        Reason.HAS_IT: contact.id in agent.contacts,
    }
    reasons = [reason for reason, applies in found.items() if applies]
    obstacle = agent.obstacle((channel, queue.spec.costs.get(channel)))
    return reasons if obstacle is None else [*reasons, obstacle]
