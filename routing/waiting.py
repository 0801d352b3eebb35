"""What waits, and who could serve it: contacts, queues, classes of contacts and profiles of agents.

Contacts that ask for the same are alike to every agent, so they wait in one ordered set, their class: (queue, channel,
skills asked for at the present relaxation step). Agents with the same skills and queues match the same classes, so
that match is kept once, in their profile. A contact kept for one agent (sticky, or transferred to him) waits in that
agent's own set for its class instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from routing.agents import Agent, Weight
from routing.estimate import Figures
from routing.inputs import Enqueued, RescindReason
from routing.ordered import Ordered
from routing.specs import QueueSpec
from routing.strategies import KEYS, OF_THE_CLASS, KeyFunction

WaitingEntry: TypeAlias = "tuple[int, int, int, Contact]"
"""(score, enqueued at, serial, contact): least first. The serial is unique, so contacts are never compared."""
IdleEntry: TypeAlias = "tuple[float, int, int, int, Seat]"
"""(the strategy's key, the agent's ordinal, seat): least first. The ordinal is unique, so seats are never compared."""
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

    facts: Enqueued
    serial: int
    fence: int
    announced: int
    answered: int = 0
    """The highest fence whose offer is over, by the log."""
    next_facts: Enqueued | None = None
    """What was said of it while it was offered; counts when it comes back."""
    queue: Queue | None = None
    score: int = 0
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

    @property
    def id(self) -> str:
        return self.facts.contact

    @property
    def entry(self) -> WaitingEntry:
        return (self.score, self.facts.enqueued_at, self.serial, self)

    @property
    def age_entry(self) -> WaitingEntry:
        return (self.facts.enqueued_at, 0, self.serial, self)

    def bars(self, agent: Agent) -> bool:
        """Whether this contact in particular may not be offered to the agent, room or not."""
        return agent.spec.id in self.excluded or self.facts.contact in agent.contacts


@dataclass(slots=True, eq=False)
class Queue:
    """A queue with its classes and counters. `ages` orders its waiting and offered contacts by enqueue time."""

    spec: QueueSpec
    classes: dict[ClassKey, WaitingClass] = field(default_factory=dict)
    profiles: dict[Profile, None] = field(default_factory=dict)
    """Those with the queue's own skills, before any relaxation."""
    ages: Ordered[WaitingEntry] = field(default_factory=Ordered)
    offered: int = 0
    staffed: int = 0
    idle: int = 0
    figures: dict[str, Figures] = field(default_factory=dict)

    def step_at(self, age_ms: int) -> int:
        """How many relaxation steps the age has reached."""
        return sum(step.after_ms <= age_ms for step in self.spec.relax)

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
    agents can serve side by side. `idle` is one sorted list, changed by `bisect`: an agent enters and leaves many of
    them with each contact, so a call less matters more than moving, at worst, 8 bytes for each agent.
    """

    queue: Queue
    channel: str
    skills: Mapping[str, int]
    key: ClassKey
    waiting: Ordered[WaitingEntry] = field(default_factory=Ordered)
    population: int = 0
    idle: list[IdleEntry] = field(default_factory=list)
    servers: int = 0
    profiles: dict[Profile, None] = field(default_factory=dict)
    weight: Weight = field(init=False)
    key_of: KeyFunction = field(init=False)
    keys_alike: bool = field(init=False)
    """Whether an agent's entry is the same in every class with this key function."""

    def __post_init__(self) -> None:
        self.weight = (self.channel, self.queue.spec.costs.get(self.channel))
        self.key_of = KEYS[self.queue.spec.strategy]
        self.keys_alike = self.queue.spec.strategy not in OF_THE_CLASS

    def idle_entry(self, seat: Seat) -> IdleEntry:
        agent = seat.agent
        return (*self.key_of(agent, self.queue.spec.id, self.skills), agent.ordinal, seat)


@dataclass(slots=True, eq=False)
class Profile:
    """What agents with the same skills, queues and channels match."""

    key: ProfileKey
    skills: Mapping[str, int]
    queues: frozenset[str] | None
    unserved: frozenset[str]
    seats: dict[Seat, None] = field(default_factory=dict)
    classes: dict[WaitingClass, None] = field(default_factory=dict)
    matched_queues: dict[Queue, None] = field(default_factory=dict)

    def is_in(self, queue: str) -> bool:
        return self.queues is None or queue in self.queues

    def has(self, skills: Mapping[str, int]) -> bool:
        have = self.skills
        return all(have.get(skill, 0) >= level for skill, level in skills.items())

    def matches(self, queue: str, channel: str, skills: Mapping[str, int]) -> bool:
        """Whether such an agent may serve such a contact at all."""
        return channel not in self.unserved and self.is_in(queue) and self.has(skills)


@dataclass(slots=True, eq=False)
class Seat:
    """An agent's place in the indexes: his profile, where he stands as idle, and the contacts kept for him."""

    agent: Agent
    profile: Profile
    staffed: bool = False
    idle: bool = False
    entries: dict[WaitingClass, IdleEntry] = field(default_factory=dict)
    kept: dict[WaitingClass, Ordered[WaitingEntry]] = field(default_factory=dict)
