"""What is to be sent to webhooks, and what is asked of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.model import Millis


class Delivery(Struct, frozen=True):
    """One webhook event on its way: `state` is pending, delivered or failed."""

    id: str
    webhook: str
    seq: int
    contact: str | None
    type: str
    body: str
    created_at: Millis
    attempts: int = 0
    next_at: Millis | None = None
    state: str = "pending"
    status: int | None = None
    error: str | None = None
    delivered_at: Millis | None = None


class Webhooks(Protocol):
    async def enqueue(self, deliveries: Sequence[Delivery], *, reader: str, cursor: int) -> None:
        """Stores deliveries and the reader's cursor in one transaction (ids known already are left alone)."""
        ...

    async def due(self, now: Millis, limit: int = 50) -> list[Delivery]:
        """Pending ones whose time has come and that are the oldest pending one of their webhook and contact."""
        ...

    async def next_due(self) -> Millis | None: ...

    async def update(self, delivery: Delivery) -> None: ...

    async def get(self, id: str) -> Delivery | None: ...

    async def page(self, webhook: str, *, after: str | None = None, limit: int = 50) -> list[Delivery]:
        """Newest first."""
        ...

    async def prune(self, before: Millis, limit: int = 1000) -> int:
        """Deletes at most `limit` of those that were over before `before`; returns how many."""
        ...
