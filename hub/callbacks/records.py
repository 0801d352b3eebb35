"""What is asked and told of callbacks as they are kept: filters, counts, numbers never called, breakers."""

from __future__ import annotations

from msgspec import Struct

from hub.model import Millis


class CallbackFilter(Struct, frozen=True):
    """All given conditions must hold; `states` and `queues` are any-of. `due_to` and `asked_to` are the first times
    past the end. `agent` has or had it, was given it or tried it. `text` are digits of the number, or the reference."""

    states: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    number: str | None = None
    customer: str | None = None
    agent: str | None = None
    text: str | None = None
    living: bool | None = None
    due_from: Millis | None = None
    due_to: Millis | None = None
    asked_from: Millis | None = None
    asked_to: Millis | None = None


class Asked(Struct, frozen=True):
    """How many callbacks were asked for: of a number, from an address, on a site, in all."""

    number: int
    address: int
    site: int
    total: int


class Spent(Struct, frozen=True):
    """What attempts cost since some time: talk and `cost` (thousandths of the currency), and how many run now."""

    talk_ms: int
    cost: int
    running: int


class DoNotCall(Struct, frozen=True):
    """A number that is called never again; `source` says who said so: the customer, an import, an agent."""

    number: str
    at: Millis
    source: str
    by: str = ""


class Breaker(Struct, frozen=True):
    """`open_at` is when it stopped all calls, None while it lets them pass; sums count from `reset_at` on."""

    name: str
    open_at: Millis | None = None
    why: str = ""
    reset_at: Millis = 0
    reset_by: str = ""


class CallbackReport(Struct, frozen=True):
    """Of callbacks asked for in a time: how many, how they ended, how many attempts; `on_time` of those first tried
    was tried within the time asked about, `delay_ms` is how late the first attempt was on average. `answered` attempts
    reached a person, of whom `unserved` found no agent."""

    asked: int
    living: int
    reached: int
    closed: int
    cancelled: int
    tried: int
    attempts: int
    on_time: int
    delay_ms: float | None
    answered: int = 0
    unserved: int = 0
