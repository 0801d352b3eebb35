"""What is asked of the rows of callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hub.callbacks.model import Callback
from hub.callbacks.pacing import Rate
from hub.callbacks.records import Asked, Breaker, CallbackFilter, CallbackReport, DoNotCall, Spent
from hub.model import Millis


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

    async def due_loads(self, queue: str, since: Millis, until: Millis, length: Millis) -> dict[Millis, int]:
        """How many that live are due in each slot of this length, by the slot's start."""
        ...

    async def known(self, id: str, number: str) -> tuple[Callback | None, Callback | None, bool]:
        """(the callback of this id, the one that lives of this number, whether the number is never called)."""
        ...

    async def asked(self, since: Millis, *, number: str, address: str, site: str, most: int = 10**9) -> Asked:
        """Each counted up to `most`."""
        ...

    async def unconfirmed(self, since: Millis, number: str, address: str) -> int:
        """How many of those asked for of a number, or from an address ("": none), were called and not confirmed by who
        answered."""
        ...

    async def spent(self, since: Millis) -> Spent: ...

    async def rate(self, queue: str, since: Millis, lasting: Millis) -> Rate:
        """Of the queue's attempts that began since some time; those since `lasting` are counted as lasting, too."""
        ...

    async def report(self, since: Millis, until: Millis, within: Millis, queues: Sequence[str] = ()) -> CallbackReport:
        """Of those asked for in that time; on time is who was first tried within `within` of what was promised."""
        ...

    async def do_not_call(self, number: str) -> DoNotCall | None: ...

    async def block(self, entries: Sequence[DoNotCall]) -> int:
        """Adds numbers; those that are there stay as they are. How many were new."""
        ...

    async def known_blocked(self, numbers: Sequence[str]) -> int:
        """How many of these numbers, each counted once, are there already."""
        ...

    async def unblock(self, number: str) -> bool: ...

    async def blocked(self, *, after: str | None = None, limit: int = 50) -> list[DoNotCall]:
        """By number."""
        ...

    async def breakers(self) -> dict[str, Breaker]: ...

    async def set_breaker(self, breaker: Breaker) -> None: ...
