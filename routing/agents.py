"""Agents as the engine keeps them: presence, what each holds, and whether there is room for more.

An agent's load is the sum of the costs of his contacts, from the offer to the end of wrap-up. Room for a contact asks
three things: his maximum for the channel, his one telephone line, and capacity; contacts on channels that the offered
one interrupts do not count for capacity, so a call may come on top of e-mails. A transfer by hand may overload an
agent; the engine then offers him nothing until there is room again.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from routing.specs import AgentSpec, AgentState, ChannelRules
from routing.views import AgentView, Reason

Weight: TypeAlias = tuple[str, int | None]
"""(channel, the queue's own cost for it): what has to be known of a contact to say whether there is room for it."""


UNLIMITED = 1 << 30


class Stage(StrEnum):
    """How far a contact is with the agent who has it."""

    OFFERED = "offered"
    HELD = "held"
    WRAPPING = "wrapping"


@dataclass(slots=True)
class Work:
    """One contact on one agent: what it costs him, since when (ms) he serves it, and until when he may wrap it up."""

    channel: str
    queue: str
    cost: int
    stage: Stage
    since: int
    until: int | None = None


class Terms(NamedTuple):
    """What a contact of one weight asks of one agent."""

    cost: int
    maximum: int
    takes_line: bool
    beside: tuple[str, ...]
    """The channels whose contacts it interrupts, so that they do not count."""


@dataclass(slots=True, eq=False)
class Agent:
    """One agent; `ordinal` is unique and breaks ties.

    `epoch` and `changed_at` are those of the last presence change (-1: none was heard of yet). `idle_since` moves when
    he becomes available, accepts, or is done with a contact; never when he declines or misses one.
    """

    spec: AgentSpec
    ordinal: int
    rules: Mapping[str, ChannelRules]
    id: str = field(init=False)
    state: AgentState = AgentState.OFFLINE
    epoch: int = -1
    changed_at: int = -1
    removed: bool = False
    idle_since: int = 0
    handled_today: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    """By queue: the number of the last offer made to him there, for round robin."""
    contacts: dict[str, Work] = field(default_factory=dict)
    load: int = 0
    offered: int = 0
    wrapping: int = 0
    lines: int = 0
    channel_load: dict[str, int] = field(default_factory=dict)
    channel_count: dict[str, int] = field(default_factory=dict)
    _interrupted: tuple[str, ...] = ()
    """The channels whose contacts do not count for one or another that may be offered."""
    _terms: dict[Weight, Terms] = field(default_factory=dict)
    _room: dict[Weight, bool] = field(default_factory=dict)
    """What `has_room` found since his work last changed."""
    _room_idle: dict[Weight, bool] = field(default_factory=dict)
    """What it found while he had nothing, which is true again whenever he has nothing."""

    def __post_init__(self) -> None:
        self.configure(self.spec)

    @property
    def open(self) -> bool:
        """Whether he may be offered anything at all: available, and not in wrap-up."""
        return self.state is AgentState.AVAILABLE and not self.wrapping

    @property
    def full(self) -> bool:
        """Whether there can be no room for anything: all his capacity is in use by what nothing interrupts."""
        room = self.spec.capacity - self.load
        for channel in self._interrupted:
            room += self.channel_load.get(channel, 0)
        return room <= 0

    def configure(self, spec: AgentSpec) -> None:
        """He works by another spec from now on; what he has weighs on him as it did."""
        self.id, self.spec = spec.id, spec
        by_channel = (rules.interrupts for rules in self.rules.values())
        interrupted = by_channel if spec.interrupts is None else spec.interrupts.values()
        self._interrupted = tuple(sorted(frozenset().union(*interrupted)))
        self._terms.clear()
        self._room_idle = {}
        self._room = {} if self.contacts else self._room_idle

    def take(self, contact: str, work: Work) -> None:
        """The contact weighs on him from now on."""
        self.contacts[contact] = work
        self.offered += work.stage is Stage.OFFERED
        self._weigh(work, work.cost, 1)

    def accept(self, contact: str, now: int) -> None:
        """He serves what he was offered, from `now` (ms) on."""
        work = self.contacts[contact]
        work.stage, work.since = Stage.HELD, now
        self.offered -= 1
        self.idle_since = now
        self.handled_today += 1

    def drop(self, contact: str) -> Work:
        """The contact weighs on him no more."""
        work = self.contacts.pop(contact)
        self._weigh(work, -work.cost, -1)
        self.offered -= work.stage is Stage.OFFERED
        self.wrapping -= work.stage is Stage.WRAPPING
        return work

    def wrap_up(self, contact: str, until: int) -> None:
        """The conversation is over, the work on it is not: the load stays. Once more: it ends at another time."""
        work = self.contacts[contact]
        self.wrapping += work.stage is not Stage.WRAPPING
        work.stage, work.until = Stage.WRAPPING, until

    def _weigh(self, work: Work, cost: int, count: int) -> None:
        channel = work.channel
        self._room = {} if self.contacts else self._room_idle
        self.load += cost
        self.channel_load[channel] = self.channel_load.get(channel, 0) + cost
        self.channel_count[channel] = self.channel_count.get(channel, 0) + count
        if self.rules[channel].takes_line:
            self.lines += count

    def cost(self, channel: str, queue_cost: int | None) -> int:
        """What a contact costs him: his own figure, else the queue's, else the channel's."""
        return self.spec.costs.get(channel) or queue_cost or self.rules[channel].cost

    def maximum(self, channel: str) -> int | None:
        """How many contacts of the channel he holds at most; None when capacity is the only limit."""
        return self.spec.maxima.get(channel, self.rules[channel].maximum)

    def slots(self, channel: str, queue_cost: int | None) -> int:
        """How many contacts of the channel he can serve side by side when he does nothing else."""
        slots = self.spec.capacity // self.cost(channel, queue_cost)
        maximum = self.maximum(channel)
        if maximum is not None:
            slots = min(slots, maximum)
        return min(slots, 1) if self.rules[channel].takes_line else slots

    def has_room(self, weight: Weight) -> bool:
        """Whether there is room for such a contact beside what he has; nothing is offered unless he is `open`, too."""
        room = self._room.get(weight)
        if room is None:
            room = self._room[weight] = self._lack(weight) is None
        return room

    def fits(self, contact: str, queue_cost: int | None, without: Set[str]) -> bool:
        """Whether there is room for what he has of this contact beside the others he has, `without` some."""
        aside = [self.contacts[id] for id in (contact, *without)]
        for work in aside:
            self._weigh(work, -work.cost, -1)
        fits = self._lack((self.contacts[contact].channel, queue_cost)) is None
        for work in aside:
            self._weigh(work, work.cost, 1)
        return fits

    def free(self, weight: Weight) -> bool:
        """Whether such a contact may be offered to him now."""
        return self.open and self.has_room(weight)

    def obstacle(self, weight: Weight) -> Reason | None:
        """The first thing that keeps such a contact from being offered to him now, or None."""
        if self.state is not AgentState.AVAILABLE:
            return Reason.NOT_AVAILABLE
        if self.wrapping:
            return Reason.WRAPPING_UP
        return self._lack(weight)

    def _lack(self, weight: Weight) -> Reason | None:
        terms = self._terms.get(weight)
        if terms is None:
            terms = self._terms[weight] = self._made(*weight)
        cost, maximum, takes_line, beside = terms
        if self.channel_count.get(weight[0], 0) >= maximum:
            return Reason.CHANNEL_FULL
        if takes_line and self.lines:
            return Reason.LINE_BUSY
        load = self.load + cost
        for other in beside:
            load -= self.channel_load.get(other, 0)
        return Reason.NO_CAPACITY if load > self.spec.capacity else None

    def _made(self, channel: str, queue_cost: int | None) -> Terms:
        rules, maximum = self.rules[channel], self.maximum(channel)
        interrupts = rules.interrupts if self.spec.interrupts is None else self.spec.interrupts.get(channel, ())
        return Terms(
            self.cost(channel, queue_cost),
            UNLIMITED if maximum is None else maximum,
            rules.takes_line,
            tuple(interrupts),
        )

    def view(self) -> AgentView:
        """The agent as the outside may see him."""
        of = {stage: tuple(c for c, work in self.contacts.items() if work.stage is stage) for stage in Stage}
        return AgentView(
            self.id,
            self.state,
            self.epoch,
            self.load,
            self.spec.capacity,
            of[Stage.OFFERED],
            of[Stage.HELD],
            of[Stage.WRAPPING],
        )
