"""Group commit: one task takes all writes that wait, does them in one transaction, and answers after the commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Executable

from hub.errors import Unavailable
from hub.events import Recorded
from hub.ports import Appended
from hub.store.append import Prepared, Transaction, append
from hub.store.engine import Database, translated, unavailable

T = TypeVar("T")
Job = Callable[[Transaction], Any]
Listener = Callable[[Sequence[Recorded]], None]
Outcome = Any  # what a job returned, or the exception that it raised

LONGEST_QUEUE = 10_000
LARGEST_GROUP = 256


class Writer:
    """All writes of one process. SQLite has one writer anyway; on PostgreSQL the head of the log orders the nodes."""

    def __init__(self, database: Database, *, longest_queue: int = LONGEST_QUEUE) -> None:
        self._database = database
        self._longest_queue = longest_queue
        self._waiting: deque[tuple[Job | Prepared, asyncio.Future[Any]]] = deque()
        self._wake = asyncio.Event()
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store.writer")

    async def stop(self) -> None:
        """Writes what waits, then ends."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    def on_commit(self, listener: Listener) -> None:
        """`listener` gets the events of each commit, in order, on the loop; it must not block or raise."""
        self._listeners.append(listener)

    @property
    def waiting(self) -> int:
        """How many writes are in the queue."""
        return len(self._waiting)

    async def append(self, prepared: Prepared) -> Appended:
        """What the change wrote, after the commit. Raises VersionConflict, or Unavailable when nothing was stored."""
        return cast(Appended, await self._enqueue(prepared))

    async def submit(self, job: Callable[[Transaction], T]) -> T:
        """What `job` returned, after the commit. Raises what it raised; Unavailable when nothing was stored."""
        return cast(T, await self._enqueue(job))

    async def execute(self, statement: Executable, parameters: Sequence[dict[str, Any]] | None = None) -> int:
        """Carries out one statement; returns how many rows it touched."""
        return await self.submit(lambda transaction: transaction.connection.execute(statement, parameters).rowcount)

    async def _enqueue(self, job: Job | Prepared) -> Any:
        if self._closing or self._task is None or self._task.done():
            raise Unavailable("The hub is stopping. Nothing was stored.", code="server.stopping")
        if len(self._waiting) >= self._longest_queue:
            raise unavailable("busy")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_GROUP))]
            # Whoever gave up waiting before his turn gets nothing written.
            group = [(job, future) for job, future in group if not future.cancelled()]
            if group:
                await self._commit(group)

    async def _commit(self, group: list[tuple[Job | Prepared, asyncio.Future[Any]]]) -> None:
        jobs = [job for job, _ in group]
        try:
            outcomes, recorded = await self._database.write(partial(_together, self._database.dialect, jobs))
        except Unavailable as error:
            outcomes, recorded = [error] * len(group), []
        except Exception:
            outcomes, recorded = await self._one_by_one(jobs)
        if recorded:
            self._tell(recorded)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.cancelled():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _one_by_one(self, jobs: Sequence[Job | Prepared]) -> tuple[list[Outcome], list[Recorded]]:
        """One of the group breaks a rule, and all of it was undone: again, each by itself."""
        try:
            return await self._database.write(partial(_apart, self._database.dialect, jobs))
        except Exception as error:
            return [error] * len(jobs), []

    def _tell(self, recorded: Sequence[Recorded]) -> None:
        for listener in self._listeners:
            try:
                listener(recorded)
            except Exception as error:
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a listener to the log's commits failed", "exception": error}
                )


def _together(
    dialect: str, jobs: Sequence[Job | Prepared], connection: Connection
) -> tuple[list[Outcome], list[Recorded]]:
    """Carries out the jobs in order, neighbouring appends with common statements. Raises what any of them raises."""
    transaction = Transaction(connection, dialect)
    outcomes: list[Outcome] = []
    for are_appends, neighbours in groupby(jobs, lambda job: isinstance(job, Prepared)):
        if are_appends:
            outcomes += append(cast(list[Prepared], list(neighbours)), transaction)
        else:
            outcomes += [cast(Job, job)(transaction) for job in neighbours]
    transaction.finish()
    return outcomes, transaction.recorded


def _apart(
    dialect: str, jobs: Sequence[Job | Prepared], connection: Connection
) -> tuple[list[Outcome], list[Recorded]]:
    """Carries out the jobs in order. One that raises leaves nothing behind, and what it raised is its outcome."""
    transaction = Transaction(connection, dialect)
    outcomes: list[Outcome] = []
    for job in jobs:
        mark = transaction.mark()
        savepoint = connection.begin_nested()
        try:
            if isinstance(job, Prepared):
                outcomes += append([job], transaction, sure=False)
            else:
                outcomes.append(job(transaction))
            savepoint.commit()
        except Exception as error:
            known = translated(error)
            if isinstance(known, Unavailable):
                raise
            savepoint.rollback()
            transaction.reset(mark)
            outcomes.append(known)
    transaction.finish()
    return outcomes, transaction.recorded
