"""What is known of a callback, and the rules by which it is tried: frozen values, times in milliseconds (UTC).

A callback is asked for once and tried a few times; each time it is due it is a contact in the queue, always the same
one, at the age it had first. Its life is in `hub/callbacks/machine.py`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from hub.model import Millis


class State(StrEnum):
    """Where a callback stands; the table of what may follow what is in `machine.py`."""

    NEW = "new"  # before it was asked for
    ASKED = "asked"  # the customer has yet to confirm it
    SCHEDULED = "scheduled"  # waits for its time
    QUEUED = "queued"  # waits for an agent
    CONNECTING = "connecting"  # an agent has it; his audio is awaited
    DIALLING = "dialling"  # the customer's phone is called
    RINGING = "ringing"
    TALKING = "talking"
    REACHED = "reached"
    CLOSED = "closed"  # given up, or not wanted any more
    CANCELLED = "cancelled"


ENDED = frozenset({State.REACHED, State.CLOSED, State.CANCELLED})
LIVING = frozenset(State) - ENDED - {State.NEW}
LATER = "callback_later"
"""Why a contact ends of which a callback goes on: nobody waits in its queue until then."""
ON_THE_LINE = frozenset({State.DIALLING, State.RINGING, State.TALKING})
"""The customer's phone rings, may ring, or is off the hook."""


class Result(StrEnum):
    """What became of one attempt."""

    REACHED = "reached"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    REJECTED = "rejected"
    WRONG_NUMBER = "wrong_number"
    UNREACHABLE = "unreachable"  # the network did not put it through
    INTERRUPTED = "interrupted"  # something of ours failed, and whether his phone rang is not known
    NOT_CONFIRMED = "not_confirmed"  # who answered did not say that he had asked for it
    UNSERVED = "unserved"  # he answered, and no agent came to him


class Attempt(Struct, frozen=True, omit_defaults=True):
    """`result` is None while it runs; `status` is the network's (SIP) when it said no. `since` is the version of its
    contact when it began: what the contact's log says of it comes after. `cost` is in thousandths of the currency. One
    that is `ahead` was made before an agent had it; `answered_at` is when a person answered that one."""

    at: Millis
    agent: str
    since: int = 0
    result: Result | None = None
    status: int | None = None
    talk_ms: Millis = 0
    cost: int = 0
    ended_at: Millis | None = None
    ahead: bool = False
    answered_at: Millis | None = None


class Consent(Struct, frozen=True, omit_defaults=True):
    """What the customer agreed to, in the words he read, and when."""

    text: str = ""
    version: str = ""
    at: Millis = 0


class Policy(Struct, frozen=True):
    """How a callback is tried. `delays_ms`: by what became of an attempt, the time to the next one; a result that is
    not in it ends the callback. `hours` are local times of the callee, by weekday ("mon" to "sun"), at which his phone
    may ring. What the network or we did not put through is tried `postponements` times more, `postpone_ms` apart each;
    `longest_ms` after the time at which the customer wanted it, it is given up.
    """

    attempts: int = 3
    delays_ms: dict[str, Millis] = field(
        default_factory=lambda: {
            "busy": 5 * 60_000,
            "unreachable": 5 * 60_000,
            "interrupted": 5 * 60_000,
            "unserved": 5 * 60_000,
            "no_answer": 30 * 60_000,
            "machine": 120 * 60_000,
            "rejected": 120 * 60_000,
        }
    )
    hours: dict[str, tuple[str, str]] = field(
        default_factory=lambda: dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), ("08:00", "20:00"))
    )
    longest_ms: Millis = 7 * 24 * 3_600_000
    postponements: int = 50
    postpone_ms: Millis = 5 * 60_000
    confirm_ms: Millis = 30 * 60_000
    call_ms: Millis = 5 * 60_000
    """For how long a step of a call is believed to be under way without a look at it."""


def page_of(visitor: str | None) -> str:
    """What stands for a visitor's page where others have a number; "" for nobody's."""
    return f"page:{visitor}" if visitor else ""


class Callback(Struct, frozen=True, omit_defaults=True):
    """One callback. `number` is in E.164, `zones` are the time zones that the callee may be in.

    `wished_at` is the time that the customer chose and `slot` the start of its slot, None for as soon as possible;
    `due_at` is when it is (or was) to be tried next, and `next_at` when anything has to be done about it. `contact` is
    what waits in the queue for it, `age` since when; `conversation` is the other contact in which it was asked for.
    `code` is how it is confirmed: "mail" before it is due, "call" by who answers it, "" not at all.
    `reason` says why it is not tried now, or why it ended. `agent` has it now; `only_agent` is whom it was given to.
    `told` is what the agent heard (a machine, somebody else). Until `preview_until` the agent reads what there is to
    know before it is dialled; `why` is what the agent said who put it off last. With `page` the page of
    `visitor` is rung before the telephone, and without a `number` only it; while it is, or he talks there, `at_page`.
    While it is queued and `ahead`, no agent is asked: its customer's telephone is called as soon as one is about to be
    free; never with `page`.
    """

    id: str
    version: int = 0
    state: State = State.NEW
    reference: str = ""
    number: str = ""
    name: str = ""
    email: str = ""
    topic: str = ""
    note: str = ""
    site: str = ""
    queue: str = ""
    language: str = "en"
    zones: tuple[str, ...] = ()
    contact: str = ""
    customer: str = ""
    conversation: str = ""
    visitor: str | None = None
    origin: str = ""
    address: str = ""
    consent: Consent = Consent()
    code: str = ""
    asked_at: Millis = 0
    asked_by: str = ""
    wished_at: Millis | None = None
    slot: Millis | None = None
    due_at: Millis = 0
    next_at: Millis | None = None
    age: Millis = 0
    attempts: tuple[Attempt, ...] = ()
    postponed: int = 0
    reason: str = ""
    agent: str | None = None
    only_agent: str | None = None
    told: Result | None = None
    preview_until: Millis | None = None
    why: str = ""
    ended_at: Millis | None = None
    page: bool = False
    at_page: bool = False
    ahead: bool = False

    @property
    def living(self) -> bool:
        return self.state in LIVING

    @property
    def callee(self) -> str:
        """Who is called, whichever way: of each one callback lives."""
        return self.number or page_of(self.visitor)
