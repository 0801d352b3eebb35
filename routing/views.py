"""What the engine tells when asked: plain frozen data."""

from dataclasses import dataclass
from enum import StrEnum

from routing.specs import AgentState


class Reason(StrEnum):
    """Why an agent is not offered a contact."""

    NO_QUEUE = "no_queue"
    NOT_IN_QUEUE = "not_in_queue"
    CHANNEL_NOT_SERVED = "channel_not_served"
    SKILL_MISSING = "skill_missing"
    KEPT_FOR_ANOTHER = "kept_for_another"
    EXCLUDED = "excluded"
    HAS_IT = "has_it"
    OFFERED_TO_ANOTHER = "offered_to_another"
    NOT_AVAILABLE = "not_available"
    WRAPPING_UP = "wrapping_up"
    CHANNEL_FULL = "channel_full"
    LINE_BUSY = "line_busy"
    NO_CAPACITY = "no_capacity"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether one agent could be offered one contact now; `reasons` is empty exactly when he could.

    `rank` counts those who could from 1, in the order in which they would be asked; None for the others.
    """

    agent: str
    eligible: bool
    reasons: tuple[Reason, ...]
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class QueueCounters:
    """A queue now. `oldest` is the enqueue time (ms) of the contact that has waited longest, offered ones included.

    `staffed` counts the available agents who have the queue's skills, busy or not; `idle` those of them with no work.
    """

    queue: str
    waiting: int
    offered: int
    oldest: int | None
    staffed: int
    idle: int


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent now. `load` is the sum of the costs of all his contacts: offered, held and in wrap-up."""

    agent: str
    state: AgentState
    epoch: int
    load: int
    capacity: int
    offered: tuple[str, ...]
    holding: tuple[str, ...]
    wrapping: tuple[str, ...]
