"""What goes into the engine and what comes out of it: frozen, plain data, exhaustively matched.

Inputs tell what happened (in the log, in the configuration, on the clock); decisions say what the dispatcher should
append. Times are milliseconds since the epoch. An input that repeats an earlier one, or that speaks of an offer with
another fence, changes nothing. A decision the log has not answered within a few seconds is given again (`ExpireOffer`,
`Rescind`, `MarkNotResponding`, `EndWrapUp`, `Overflow`), so carrying one out twice has to do no harm.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from routing.specs import AgentSpec, AgentState, OverflowReason, QueueSpec


class QueueChanged(Struct, frozen=True, gc=False):
    """A queue was made or edited; its contacts are routed by the new settings from now on."""

    queue: QueueSpec


class QueueRemoved(Struct, frozen=True, gc=False):
    """A queue is gone; contacts still in it overflow with `NO_QUEUE` and are held until they are moved."""

    queue: str


class AgentChanged(Struct, frozen=True, gc=False):
    """An agent was made or edited. A new one is offline until `PresenceChanged`."""

    agent: AgentSpec


class AgentRemoved(Struct, frozen=True, gc=False):
    """An agent is gone; what was offered to him is rescinded."""

    agent: str


class PresenceChanged(Struct, frozen=True, gc=False):
    """The agent's presence since `at`. Ignored unless (epoch, at) is above that of the last change.

    `epoch` grows whenever the agent's session or choice changes: an offer made under one epoch is rescinded under the
    next.
    """

    agent: str
    state: AgentState
    epoch: int
    at: int


class Enqueued(Struct, frozen=True, gc=False):
    """A contact waits in a queue. For one that waits already: it moved, or its facts changed.

    `enqueued_at` is the contact's original age and never changes on requeue; `entered_at` (None: the same) is when it
    came into this queue, from which overflow by waiting counts. `requirements` come on top of what the
    queue asks for and are not relaxed. `priority` adds to the queue's. `last_fence` is the fence of the contact's last
    offer (0: none yet); the next offer's is above it. `relaxed_step` is the last relaxation step the log knows.
    `preferred_agent` (who served this customer last, or owns him) is asked first, and waited for while he is present
    but busy, up to `preferred_wait_ms` of age (None: the queue's `sticky_wait_ms`).
    `only_agent` (a transfer to one person; skills are not asked for) gets it alone until `only_until`, then the queue.
    `excluded` maps agents to the time until which they are not offered this contact. `let_in`: the log has had it in
    this queue before (it comes back from an agent, or the engine is rebuilt), so that it is full does not concern it.
    """

    contact: str
    channel: str
    queue: str
    enqueued_at: int
    requirements: Mapping[str, int] = field(default_factory=dict)
    priority: int = 0
    last_fence: int = 0
    relaxed_step: int = 0
    preferred_agent: str | None = None
    preferred_wait_ms: int | None = None
    only_agent: str | None = None
    only_until: int | None = None
    excluded: Mapping[str, int] = field(default_factory=dict)
    entered_at: int | None = None
    let_in: bool = False

    def __post_init__(self) -> None:
        if (self.only_agent is None) != (self.only_until is None):
            raise ValueError(f"contact {self.contact}: only_agent and only_until go together")


class Dequeued(Struct, frozen=True, gc=False):
    """The contact neither waits nor is offered any more: abandoned, closed, or taken without an offer."""

    contact: str
    abandoned: bool = False


class OfferMade(Struct, frozen=True, gc=False):
    """The log holds this offer: confirms the engine's own, and restores one when the engine is rebuilt."""

    contact: str
    agent: str
    fence: int
    deadline: int
    epoch: int


class OfferAccepted(Struct, frozen=True, gc=False):
    contact: str
    agent: str
    fence: int


class OfferDeclined(Struct, frozen=True, gc=False):
    """`until`: when the contact may be offered to this agent again (None: by the queue's `retry_exclude_ms`)."""

    contact: str
    agent: str
    fence: int
    until: int | None = None


class OfferMissed(Struct, frozen=True, gc=False):
    """`until`: when the contact may be offered to this agent again (None: by the queue's `retry_exclude_ms`)."""

    contact: str
    agent: str
    fence: int
    until: int | None = None


class OfferRescinded(Struct, frozen=True, gc=False):
    contact: str
    agent: str
    fence: int


class OfferRejected(Struct, frozen=True, gc=False):
    """The dispatcher could not append the offer (the contact's version moved); the contact is put back.

    Changes nothing after `OfferMade`: the log's word counts.
    """

    contact: str
    agent: str
    fence: int


class Assigned(Struct, frozen=True, gc=False):
    """The agent holds the contact since `since` without an offer: joined, took over, or rebuilt from the store.

    What he holds already goes on by another channel: its cost changes in one step, and offers that have no room beside
    it any more are taken back.
    """

    contact: str
    agent: str
    channel: str
    queue: str
    since: int


class Released(Struct, frozen=True, gc=False):
    """The agent has the contact no more and owes it no wrap-up. Changes nothing while he wraps it up."""

    contact: str
    agent: str


class WrapUpStarted(Struct, frozen=True, gc=False):
    """Instead of `Released`: his load stays, and he is offered nothing, until `WrapUpEnded`.

    `until` None: the queue's `wrap_up_ms` from now. Given again with another `until`, it ends then.
    """

    contact: str
    agent: str
    until: int | None = None


class WrapUpEnded(Struct, frozen=True, gc=False):
    contact: str
    agent: str


class HandledToday(Struct, frozen=True, gc=False):
    """Contacts handled since midnight by agent (absent: none): given at the start and at each midnight."""

    counts: Mapping[str, int]


class Tick(Struct, frozen=True, gc=False):
    """Nothing but time passed."""


Input: TypeAlias = (
    QueueChanged
    | QueueRemoved
    | AgentChanged
    | AgentRemoved
    | PresenceChanged
    | Enqueued
    | Dequeued
    | OfferMade
    | OfferAccepted
    | OfferDeclined
    | OfferMissed
    | OfferRescinded
    | OfferRejected
    | Assigned
    | Released
    | WrapUpStarted
    | WrapUpEnded
    | HandledToday
    | Tick
)


class RescindReason(StrEnum):
    """Why an offer is taken back from an agent."""

    AGENT_LEFT = "agent_left"
    AGENT_REMOVED = "agent_removed"
    NEW_SESSION = "new_session"
    NO_ROOM = "no_room"


class Offer(Struct, frozen=True, gc=False):
    """Offer the contact to the agent until `deadline`; an accept has to bring this fence and this epoch.

    The contact counts as offered, and its cost as reserved, until an `Offer...` input or `Dequeued` says otherwise.
    """

    contact: str
    agent: str
    fence: int
    deadline: int
    epoch: int
    auto_accept: bool


class ExpireOffer(Struct, frozen=True, gc=False):
    """The deadline passed without an answer; the log's `OfferMissed` comes back as input."""

    contact: str
    agent: str
    fence: int


class Rescind(Struct, frozen=True, gc=False):
    """Take the offer back; the log's `OfferRescinded` comes back as input."""

    contact: str
    agent: str
    fence: int
    reason: RescindReason


class MarkNotResponding(Struct, frozen=True, gc=False):
    """The agent missed an offer made under `epoch`; void when his epoch has moved on."""

    agent: str
    epoch: int


class EndWrapUp(Struct, frozen=True, gc=False):
    contact: str
    agent: str


class Overflow(Struct, frozen=True, gc=False):
    """The contact should leave the queue. It keeps waiting in it until the log moves or ends it."""

    contact: str
    queue: str
    reason: OverflowReason


class SkillsRelaxed(Struct, frozen=True, gc=False):
    """The contact's age reached relaxation step `step` (1 for the first) of its queue."""

    contact: str
    step: int


Decision: TypeAlias = Offer | ExpireOffer | Rescind | MarkNotResponding | EndWrapUp | Overflow | SkillsRelaxed
