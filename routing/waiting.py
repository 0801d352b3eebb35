"""What waits, and who could serve it: contacts, queues, classes of contacts and profiles of agents.

Contacts that ask for the same are alike to every agent, so they wait in one ordered set, their class: (queue, channel,
skills asked for at the present relaxation step). Agents with the same skills and queues match the same classes, so
that match is kept once, in their profile. A contact kept for one agent (sticky, or transferred to him) waits in that
agent's own set for its class instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias, cast

from routing.agents import Agent, Weight
from routing.deadlines import Deadlines
from routing.estimate import Figures
from routing.idle import Drawn, IdleEntry, IdleOrder, Ranked
from routing.inputs import Enqueued, RescindReason
from routing.ordered import Ordered
from routing.specs import QueueSpec, Strategy
from routing.strategies import KEYS, OF_THE_CLASS, KeyFunction

WaitingEntry: TypeAlias = "tuple[int, int, int, Contact]"
"""(score, enqueued at, serial, contact): least first. The serial is unique, so contacts are never compared."""
NOBODY: WaitingEntry = (1 << 62, 0, 0, cast("Contact", None))
"""Stands behind every contact: the head of a class in which none waits."""
ClassKey: TypeAlias = tuple[str, frozenset[tuple[str, int]]]
"""(channel, skills asked for) within a queue."""
ProfileKey: TypeAlias = tuple[frozenset[tuple[str, int]], frozenset[str] | None, frozenset[str]]
"""(skills, queues, channels that are not served)."""


@dataclass(slots=True)
class LiveOffer:
    """An offer that has not been answered; `made` once the log is known to hold it, `rescinding` once the engine has
    asked to take it back."""

    seat: Seat
    fence: int
    deadline: int
    epoch: int
    made: bool = False
    rescinding: RescindReason | None = None


@dataclass(slots=True, eq=False)
class Contact:
    """A contact that waits or is offered. It waits while `home` is set, is offered while `offer` is; with neither it
    is held aside because its queue does not exist.

    `step` is the relaxation step its age has reached, `announced` the last one that was told. `kept_for` is the agent
    it is kept for until `kept_until`: by transfer when `directed` (skills are not asked for then), else sticky.
    """

    id: str
    facts: Enqueued
    serial: int
    fence: int
    announced: int
    answered: int = 0
    """The highest fence whose offer is over, by the log."""
    next_facts: Enqueued | None = None
    """What was said of it while it was offered; counts when it comes back."""
    queue: Queue | None = None
    entry: WaitingEntry = NOBODY
    """Its place by its score, whether it waits or is offered."""
    step: int = 0
    kept_for: str | None = None
    kept_until: int = 0
    directed: bool = False
    excluded: dict[str, int] = field(default_factory=dict)
    waiting_class: WaitingClass | None = None
    home: Ordered[WaitingEntry] | None = None
    host: Seat | None = None
    """Whose own set `home` is, if it is an agent's."""
    offer: LiveOffer | None = None

    def bars(self, agent: Agent) -> bool:
        """Whether this contact in particular may not be offered to the agent, room or not."""
        return agent.id in self.excluded or self.id in agent.contacts


@dataclass(slots=True, eq=False)
class Queue:
    """A queue with its classes and counters. `ages` has the enqueue times of its waiting and offered contacts."""

    spec: QueueSpec
    classes: dict[ClassKey, WaitingClass] = field(default_factory=dict)
    profiles: dict[Profile, None] = field(default_factory=dict)
    """Those with the queue's own skills, before any relaxation."""
    ages: Deadlines[Contact] = field(default_factory=Deadlines)
    offered: int = 0
    staffed: int = 0
    idle: int = 0
    figures: dict[str, Figures] = field(default_factory=dict)

    def figures_of(self, channel: str) -> Figures:
        """What was measured of the channel here."""
        found = self.figures.get(channel)
        if found is None:
            found = self.figures[channel] = Figures()
        return found

    def step_at(self, age_ms: int) -> int:
        """How many relaxation steps the age has reached."""
        relax = self.spec.relax
        return sum([step.after_ms <= age_ms for step in relax]) if relax else 0

    def skills_at(self, step: int, own: Mapping[str, int]) -> dict[str, int]:
        """What is asked for at a relaxation step: the queue's skills at that step and the contact's own, the higher."""
        asked = dict(self.spec.relax[step - 1].skills if step else self.spec.skills)
        for skill, level in own.items():
            asked[skill] = max(level, asked.get(skill, 0))
        return asked


@dataclass(slots=True, eq=False)
class WaitingClass:
    """Contacts that ask for the same, in order of score, and the agents with room for one, in the strategy's order.

    `population` also counts those that wait in an agent's own set; `servers` how many such contacts the available
    agents can serve side by side. `number` is the class's place in the index's `heads`, `seed` feeds the random
    strategy.
    """

    queue: Queue
    channel: str
    skills: Mapping[str, int]
    key: ClassKey
    number: int
    heads: list[WaitingEntry]
    seed: int
    waiting: Ordered[WaitingEntry] = field(default_factory=Ordered)
    population: int = 0
    hosts: dict[Seat, None] = field(default_factory=dict)
    """The agents in whose own sets contacts of the class wait."""
    servers: int = 0
    profiles: dict[Profile, None] = field(default_factory=dict)
    weight: Weight = field(init=False)
    idle: IdleOrder[Seat] = field(init=False)
    key_of: KeyFunction = field(init=False)
    keys_alike: bool = field(init=False)
    """Whether an agent's entry is the same in every class with this key function."""

    def __post_init__(self) -> None:
        self.weigh()
        self.arrange()

    def weigh(self) -> None:
        """The queue's costs may be others; no profile may be joined to the class meanwhile."""
        self.weight = (self.channel, self.queue.spec.costs.get(self.channel))

    def add(self, entry: WaitingEntry) -> None:
        self.waiting.add(entry)
        self.heads[self.number] = self.waiting.head or NOBODY

    def remove(self, entry: WaitingEntry) -> None:
        self.waiting.remove(entry)
        self.heads[self.number] = self.waiting.head or NOBODY

    def arrange(self) -> None:
        """Nobody stands in the idle order, which is that of the queue's strategy from now on."""
        strategy = self.queue.spec.strategy
        self.key_of = KEYS[strategy]
        self.keys_alike = strategy not in OF_THE_CLASS
        drawn = strategy is Strategy.RANDOM
        self.idle = Drawn(self.weight, self.seed) if drawn else Ranked(self.weight, self.idle_entry)

    def idle_entry(self, seat: Seat) -> IdleEntry[Seat]:
        """The agent's present place; made once for all classes in which it is the same."""
        entry = seat.entries.get(self.key_of) if self.keys_alike else None
        if entry is None:
            agent = seat.agent
            entry = (*self.key_of(agent, self.queue.spec.id, self.skills), agent.ordinal, seat)
            if self.keys_alike:
                seat.entries[self.key_of] = entry
        return entry


class Lane:
    """The classes of one weight that a profile matches: an agent has room for a contact of all of them, or of none."""

    __slots__ = ("_pick", "classes")

    def __init__(self) -> None:
        self.classes: dict[WaitingClass, None] = {}
        self._pick: Callable[[Sequence[WaitingEntry]], tuple[WaitingEntry, ...]] | None = None

    def add(self, waiting_class: WaitingClass) -> None:
        self.classes[waiting_class] = None
        self._pick = None

    def remove(self, waiting_class: WaitingClass) -> None:
        del self.classes[waiting_class]
        self._pick = None

    def head(self, heads: Sequence[WaitingEntry]) -> WaitingEntry:
        """The least of the classes' heads, out of all (at 0 stands `NOBODY`), in two calls whatever their number."""
        if self._pick is None:
            self._pick = itemgetter(0, *(waiting_class.number for waiting_class in self.classes))
        return min(self._pick(heads))


@dataclass(slots=True, eq=False)
class Profile:
    """What agents with the same skills, queues and channels match."""

    key: ProfileKey
    skills: Mapping[str, int]
    queues: frozenset[str] | None
    unserved: frozenset[str]
    seats: dict[Seat, None] = field(default_factory=dict)
    lanes: dict[Weight, Lane] = field(default_factory=dict)
    """The classes that it matches."""
    matched_queues: dict[Queue, None] = field(default_factory=dict)

    def is_in(self, queue: str) -> bool:
        return self.queues is None or queue in self.queues

    def has(self, skills: Mapping[str, int]) -> bool:
        have = self.skills
        return all(have.get(skill, 0) >= level for skill, level in skills.items())

    def join(self, waiting_class: WaitingClass) -> None:
        """Its agents may serve the class's contacts."""
        lane = self.lanes.get(waiting_class.weight)
        if lane is None:
            lane = self.lanes[waiting_class.weight] = Lane()
        lane.add(waiting_class)
        waiting_class.profiles[self] = None

    def part(self, waiting_class: WaitingClass) -> None:
        """The class, or the profile, is about to go."""
        lane = self.lanes[waiting_class.weight]
        lane.remove(waiting_class)
        del waiting_class.profiles[self]
        if not lane.classes:
            del self.lanes[waiting_class.weight]

    def matches(self, queue: str, channel: str, skills: Mapping[str, int]) -> bool:
        """Whether such an agent may serve such a contact at all."""
        return channel not in self.unserved and self.is_in(queue) and self.has(skills)


@dataclass(slots=True, eq=False)
class Seat:
    """An agent's place in the indexes: his profile, how he was counted last, and the contacts kept for him."""

    agent: Agent
    profile: Profile
    staffed: bool = False
    idle: bool = False
    entries: dict[KeyFunction, IdleEntry[Seat]] = field(default_factory=dict)
    """His present place in the idle orders, by how they order; emptied whenever his rank may have changed."""
    kept: dict[WaitingClass, Ordered[WaitingEntry]] = field(default_factory=dict)
