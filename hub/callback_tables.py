"""What the store keeps of callbacks, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.callbacks.model import Callback
from hub.model import Millis


class CallbackFilter(Struct, frozen=True):
    """All given conditions must hold; `states` and `queues` are any-of. `due_to` and `asked_to` are the first times
    past the end."""

    states: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    number: str | None = None
    customer: str | None = None
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
    was tried within the time asked about, `delay_ms` is how late the first attempt was on average."""

    asked: int
    living: int
    reached: int
    closed: int
    cancelled: int
    tried: int
    attempts: int
    on_time: int
    delay_ms: float | None


class Callbacks(Protocol):
    """The rows of callbacks. They are written by `Change.callback`, with their events."""

    async def get(self, id: str) -> Callback | None: ...

    async def by_contact(self, contact: str) -> Callback | None: ...

    async def living(self, number: str) -> Callback | None:
        """The one callback of this number that has not ended."""
        ...

    async def page(self, where: CallbackFilter, *, after: str | None = None, limit: int = 50) -> list[Callback]:
        """Last asked for first."""
        ...

    async def due(self, now: Millis, limit: int = 200) -> list[Callback]:
        """Those whose `next_at` has come, the longest due first."""
        ...

    async def next_due(self) -> Millis | None: ...

    async def under_way(self) -> list[Callback]:
        """Those that are with an agent or on the line."""
        ...

    async def loads(self, queue: str, since: Millis, until: Millis) -> dict[Millis, int]:
        """How many live in each slot of the queue, by the slot's start."""
        ...

    async def asked(self, since: Millis, *, number: str, address: str, site: str) -> Asked: ...

    async def spent(self, since: Millis) -> Spent: ...

    async def report(self, since: Millis, until: Millis, within: Millis, queues: Sequence[str] = ()) -> CallbackReport:
        """Of those asked for in that time; on time is who was first tried within `within` of what was promised."""
        ...

    async def do_not_call(self, number: str) -> DoNotCall | None: ...

    async def block(self, entries: Sequence[DoNotCall]) -> int:
        """Adds numbers; those that are there stay as they are. How many were new."""
        ...

    async def unblock(self, number: str) -> bool: ...

    async def blocked(self, *, after: str | None = None, limit: int = 50) -> list[DoNotCall]:
        """By number."""
        ...

    async def breakers(self) -> dict[str, Breaker]: ...

    async def set_breaker(self, breaker: Breaker) -> None: ...
