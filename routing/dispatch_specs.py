"""What the engine is told of the configuration: queues' rows and users as its own specs."""

from __future__ import annotations

from hub.directory import Directory
from hub.model import Millis, Presence, User
from hub.permissions import Permission, may
from routing import inputs as i
from routing.specs import DEFAULT_CHANNELS, AgentSpec, AgentState, OverflowReason, QueueSpec, RelaxStep, Strategy

REASONS = {
    "full": OverflowReason.QUEUE_FULL,
    "wait": OverflowReason.WAIT,
    "unstaffed": OverflowReason.UNSTAFFED,
    "closed": OverflowReason.CLOSED,
}
"""What a row calls the occasion of an overflow rule, and what the engine calls it."""


def queue_spec(directory: Directory, id: str, now: Millis) -> QueueSpec:
    """The engine's figures of a configured queue, which is open or closed at `now`. Raises NotFound."""
    row = directory.queue(id)
    return QueueSpec(
        id=id,
        skills=row.skills,
        relax=tuple(RelaxStep(step.after_s * 1000, step.skills) for step in row.relax),
        strategy=Strategy(row.strategy),
        priority=row.priority,
        offer_ms={channel: seconds * 1000 for channel, seconds in row.offer_s.items()},
        costs={str(channel): cost for channel, cost in row.costs.items()},
        wrap_up_ms=row.wrap_up_s * 1000,
        retry_exclude_ms=row.retry_s * 1000,
        sticky_wait_ms=row.sticky_s * 1000,
        max_length=row.max_length,
        overflow={REASONS[rule.when]: rule.after_s * 1000 for rule in row.overflow if rule.when != "full"},
        closed=not directory.is_open(id, now),
    )


def agent_spec(directory: Directory, user: User) -> AgentSpec:
    """The engine's figures of an agent. His queues are named only when some are closed to him."""
    queues = directory.queues()
    let_in = frozenset(id for id in queues if directory.lets_in(user, id))
    return AgentSpec(
        id=user.id,
        skills=user.skills,
        queues=None if len(let_in) == len(queues) else let_in,
        capacity=max(1, user.units),
        costs=user.costs,
        maxima={name: most for name, most in user.maxima.items() if name in DEFAULT_CHANNELS},
        interrupts=None
        if user.interrupts is None
        else {channel: frozenset(others) for channel, others in user.interrupts.items()},
        auto_accept=frozenset(user.auto_accept),
        order=user.order,
    )


def routable(user: User) -> bool:
    return may(user, Permission.CONTACT_HANDLE)


def queue_input(directory: Directory, id: str, now: Millis) -> i.QueueChanged | i.QueueRemoved:
    """What the engine is told of a queue, or of one that is gone."""
    gone = id not in directory.queues()
    return i.QueueRemoved(id) if gone else i.QueueChanged(queue_spec(directory, id, now))


def agent_input(directory: Directory, id: str) -> i.AgentChanged | i.AgentRemoved:
    """What the engine is told of a user, or of one who is gone or takes no contacts any more."""
    user = directory.users().get(id)
    return i.AgentRemoved(id) if user is None or not routable(user) else i.AgentChanged(agent_spec(directory, user))


def presence_input(presence: Presence) -> list[i.PresenceChanged]:
    """What the engine is told of an agent's presence: nothing of one who never said any."""
    state = AgentState(str(presence.state))
    return [i.PresenceChanged(presence.agent, state, presence.epoch, presence.since)] if presence.epoch else []
