"""The tables of calls and of their recordings, as the hub asks them; part of `hub.ports.Store`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from hub.call_records import CallRecord, Result
from hub.model import Millis
from hub.recording import Recording, RecordingState


class RecordingFilter(Struct, frozen=True):
    """All given conditions must hold. `agent`: who handled the contact. `started_to` is the first time past the end.
    Deleted ones only when `deleted` asks for them."""

    contact: str | None = None
    queues: tuple[str, ...] = ()
    agent: str | None = None
    states: tuple[RecordingState, ...] = ()
    started_from: Millis | None = None
    started_to: Millis | None = None
    deleted: bool = False


class Recordings(Protocol):
    """The rows of recordings."""

    async def add(self, recording: Recording) -> bool:
        """Writes a new one; False (and nothing written) when there is one with this id."""
        ...

    async def update(self, recording: Recording) -> None:
        """Writes what became of a known one."""
        ...

    async def get(self, id: str) -> Recording | None: ...

    async def page(self, where: RecordingFilter, *, after: str | None = None, limit: int = 50) -> list[Recording]:
        """Newest first; `after` is the id of the last one of the page before."""
        ...

    async def of_contacts(self, contacts: Sequence[str]) -> dict[str, list[Recording]]:
        """By contact, oldest first, deleted ones too."""
        ...

    async def unfinished(self) -> list[Recording]:
        """Those that are being written, or were when their process died."""
        ...

    async def due(self, now: Millis, limit: int = 100) -> list[Recording]:
        """Those whose time is over and that nothing holds."""
        ...


class CallFilter(Struct, frozen=True):
    """All given conditions must hold. `number`: digits that the caller's or the called number holds. `agent`: who
    handled the contact. `cause` and `outcome` are those of the record. `recorded`: whether a recording was begun.
    `started_to` is the first time past the end."""

    contact: str | None = None
    queues: tuple[str, ...] = ()
    agent: str | None = None
    direction: str | None = None
    number: str | None = None
    result: Result | None = None
    cause: str | None = None
    outcome: str | None = None
    recorded: bool | None = None
    started_from: Millis | None = None
    started_to: Millis | None = None


CallSort = Literal["started", "wait", "talk", "mos"]


class CallOrder(Struct, frozen=True):
    """`down`: the largest first. Calls without a figure (`mos`) come last either way, the newer of two equals first."""

    by: CallSort = "started"
    down: bool = True


NEWEST_FIRST = CallOrder()


class CallSummary(Struct, frozen=True):
    """Figures of many calls. Waiting is of those that came in, talking of answered ones; means without any are None."""

    calls: int
    answered: int
    abandoned: int
    unanswered: int
    running: int
    recorded: int
    mean_wait_ms: float | None
    mean_talk_ms: float | None
    mean_mos: float | None


class CallRecords(Protocol):
    """The rows of calls, made from the log by a reader."""

    async def put(self, records: Sequence[CallRecord], *, reader: str, cursor: int) -> None:
        """Writes the calls, in the place of what was known of them, and the reader's cursor, in one transaction."""
        ...

    async def get(self, id: str) -> CallRecord | None: ...

    async def page(
        self,
        where: CallFilter,
        *,
        order: CallOrder = NEWEST_FIRST,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CallRecord]:
        """In that order; `after` is the id of the last one of the page before."""
        ...

    async def summary(self, where: CallFilter) -> CallSummary: ...
