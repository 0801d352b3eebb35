"""What administrators set and the engine obeys: channels, queues, agents.

Plain frozen data. Every spec checks itself when it is made, so the engine never meets a bad one; a mistake is a
`ValueError` that names its path (`queue support: relax[1].skills.billing: ...`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 5


class AgentState(StrEnum):
    """An agent's presence as routing sees it; only `AVAILABLE` is ever offered anything."""

    AVAILABLE = "available"
    AWAY = "away"
    OFFLINE = "offline"
    NOT_RESPONDING = "not_responding"


class Strategy(StrEnum):
    """Which of the agents with room gets a contact; the orders stand in `strategies.py`."""

    LONGEST_IDLE = "longest_idle"
    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    MOST_SKILLED = "most_skilled"
    LEAST_SKILLED = "least_skilled"
    FIXED_ORDER = "fixed_order"
    FEWEST_TODAY = "fewest_today"
    RANDOM = "random"


class OverflowReason(StrEnum):
    """Why a contact should leave its queue."""

    QUEUE_FULL = "queue_full"
    WAIT = "wait"
    UNSTAFFED = "unstaffed"
    CLOSED = "closed"
    NO_QUEUE = "no_queue"


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """How contacts of one channel weigh on an agent. Agents and queues override `cost`, queues `offer_ms`.

    `cost` is in capacity units, `maximum` how many an agent holds at most (None: as many as fit), times are ms.
    `takes_line`: it needs the agent's ears, so he never has (or is offered) two such contacts at once.
    `interrupts`: the channels whose contacts do not count when one of this channel asks for room.
    `handle_ms`: the mean handle time to expect before anything was measured.
    """

    cost: int
    offer_ms: int
    handle_ms: int
    maximum: int | None = None
    takes_line: bool = False
    interrupts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("cost", "offer_ms", "handle_ms"):
            if getattr(self, name) < 1:
                raise ValueError(f"channel: {name}: expected at least 1, got {getattr(self, name)}")
        if self.maximum is not None and self.maximum < 0:
            raise ValueError(f"channel: maximum: expected at least 0, got {self.maximum}")


DEFAULT_CHANNELS: Mapping[str, ChannelRules] = MappingProxyType(
    {
        "voice": ChannelRules(100, 20_000, 240_000, maximum=1, takes_line=True, interrupts=frozenset({"email"})),
        "callback": ChannelRules(100, 20_000, 240_000, maximum=1, takes_line=True, interrupts=frozenset({"email"})),
        "chat": ChannelRules(30, 30_000, 480_000),
        "email": ChannelRules(15, 120_000, 600_000),
    }
)


@dataclass(frozen=True, slots=True)
class RelaxStep:
    """From the age `after_ms` on, the queue asks for `skills` (all of them) instead of what it asked before."""

    after_ms: int
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue: what it asks for, how it picks, how long things take there. Times are ms.

    `skills` is a conjunction of "at least this level"; `relax` widens it by the contact's age, each step asking for no
    skill and no level that the one before did not. `priority` adds to each contact's own; a step of priority is worth
    `quantum_ms` of waiting. `offer_ms`, `costs` and `handle_ms` (the expected handle time until enough is measured)
    override the channel's figures, by channel. `wrap_up_ms` holds where `WrapUpStarted` names no end. A contact
    that an agent declined or missed is not offered to him again for `retry_exclude_ms`. `sticky_wait_ms` counts from
    the contact's enqueue time. `max_length` counts waiting and offered contacts; beyond it contacts overflow.
    `overflow` says after how long contacts should leave: WAIT counts from their entry into this queue, UNSTAFFED from
    when nobody available can serve them (an offer proves that somebody could), CLOSED from when the queue is `closed`
    or they came to it (0 for at once).
    """

    id: str
    skills: Mapping[str, int] = field(default_factory=dict)
    relax: tuple[RelaxStep, ...] = ()
    strategy: Strategy = Strategy.LONGEST_IDLE
    priority: int = 0
    quantum_ms: int = 60_000
    offer_ms: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)
    handle_ms: Mapping[str, int] = field(default_factory=dict)
    wrap_up_ms: int = 30_000
    retry_exclude_ms: int = 30_000
    sticky_wait_ms: int = 20_000
    max_length: int | None = None
    overflow: Mapping[OverflowReason, int] = field(default_factory=dict)
    closed: bool = False

    def __post_init__(self) -> None:
        here = f"queue {self.id}"
        _check_levels(self.skills, f"{here}: skills")
        before, after_ms = self.skills, 0
        for number, step in enumerate(self.relax):
            path = f"{here}: relax[{number}]"
            if step.after_ms <= after_ms:
                raise ValueError(f"{path}.after_ms: expected more than {after_ms}, got {step.after_ms}")
            _check_levels(step.skills, f"{path}.skills")
            for skill, level in step.skills.items():
                if level > before.get(skill, 0):
                    raise ValueError(
                        f"{path}.skills.{skill}: a step only ever widens; expected at most {before.get(skill, 0)}, "
                        f"got {level}"
                    )
            before, after_ms = step.skills, step.after_ms
        for name, figures in (("offer_ms", self.offer_ms), ("costs", self.costs), ("handle_ms", self.handle_ms)):
            _check_at_least(1, figures, f"{here}: {name}")
        _check_at_least(0, self.overflow, f"{here}: overflow")
        for name in ("quantum_ms", "wrap_up_ms", "retry_exclude_ms", "sticky_wait_ms", "max_length"):
            figure = getattr(self, name)
            if figure is not None and figure < 0:
                raise ValueError(f"{here}: {name}: expected at least 0, got {figure}")


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent as configured: skills with levels, room, and what he serves.

    `queues` None: every queue whose skills he has. `costs` and `maxima` are by channel and win over the queue's and
    the channel's figures; a maximum of 0 means he does not serve the channel. `interrupts` (None: the channels' own)
    says by offered channel which held channels do not count. `order` is his place under the fixed order, low first.
    """

    id: str
    skills: Mapping[str, int] = field(default_factory=dict)
    queues: frozenset[str] | None = None
    capacity: int = 100
    costs: Mapping[str, int] = field(default_factory=dict)
    maxima: Mapping[str, int] = field(default_factory=dict)
    interrupts: Mapping[str, frozenset[str]] | None = None
    auto_accept: frozenset[str] = frozenset()
    order: int = 0

    def __post_init__(self) -> None:
        here = f"agent {self.id}"
        _check_levels(self.skills, f"{here}: skills")
        if self.capacity < 1:
            raise ValueError(f"{here}: capacity: expected at least 1, got {self.capacity}")
        _check_at_least(1, self.costs, f"{here}: costs")
        _check_at_least(0, self.maxima, f"{here}: maxima")


def _check_levels(skills: Mapping[str, int], path: str) -> None:
    for skill, level in skills.items():
        if not LOWEST_LEVEL <= level <= HIGHEST_LEVEL:
            raise ValueError(f"{path}.{skill}: expected a level {LOWEST_LEVEL}-{HIGHEST_LEVEL}, got {level}")


def _check_at_least(least: int, figures: Mapping[Any, int], path: str) -> None:
    for name, figure in figures.items():
        if figure < least:
            raise ValueError(f"{path}.{name}: expected at least {least}, got {figure}")
