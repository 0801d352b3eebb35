"""The log's readers: each follows it from its own cursor, is restarted there when it fails, and is counted."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from hub.events import Recorded
from hub.ports import Bus, Log

logger = structlog.get_logger(__name__)
Handler = Callable[[Sequence[Recorded]], Awaitable[None]]

TAIL = 20_000
BATCH = 500
LONGEST_PAUSE_S = 30.0
TOPIC = "log"


@dataclass
class Reader:
    """One reader's standing, for the admin page and the metrics."""

    name: str
    handler: Handler
    cursor: int
    behind: Reader | None = None
    failures: int = 0
    last_error: str | None = None


class Feed:
    """Keeps the log's recent tail in memory and hands it to the readers in order, in batches.

    Commits of this process arrive by `committed`. Other nodes tell on the bus how far the log has come, and what they
    wrote is read once for all readers. What no bus tells of (the command line; a node cut off) is noticed by looking
    at the log's head every `look_s` seconds.
    """

    def __init__(self, log: Log, bus: Bus, look_s: float = 2.0) -> None:
        self._log = log
        self._bus = bus
        self._look_s = look_s
        self._tail: deque[Recorded] = deque(maxlen=TAIL)
        self._head = 0
        self._end = 0  # the last number in the tail
        self._own_head = 0
        self._own_told = 0
        self._moved = asyncio.Condition()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.readers: dict[str, Reader] = {}

    @property
    def head(self) -> int:
        """The highest sequence number this process has heard of."""
        return self._head

    async def start(self) -> None:
        self._head = self._end = await self._log.head()
        self._log.on_commit(self.committed)
        self._bus.subscribe(TOPIC, self._told)
        self._tasks += [
            asyncio.create_task(self._announce(), name="feed.announce"),
            asyncio.create_task(self._look(), name="feed.look"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    def add(self, name: str, handler: Handler, cursor: int, behind: Reader | None = None) -> Reader:
        """Starts a reader after `cursor`. The handler must have dealt with a batch when it returns.

        A reader `behind` another one sees an event only when that one has dealt with it.
        """
        reader = Reader(name, handler, cursor, behind)
        self.readers[name] = reader
        self._tasks.append(asyncio.create_task(self._run(reader), name=f"reader.{name}"))
        return reader

    def committed(self, events: Sequence[Recorded]) -> None:
        """Events of this process, in order, just after their commit."""
        if not events:
            return
        # Behind a gap that another process filled: read with it, in order.
        if events[0].seq == self._end + 1:
            self._keep(events)
        self._own_head = events[-1].seq
        self._head = max(self._head, self._own_head)
        self._wake.set()

    def _keep(self, events: Sequence[Recorded]) -> None:
        self._tail.extend(events)
        self._end = events[-1].seq

    def _told(self, message: Mapping[str, Any]) -> None:
        """Another node has written."""
        self._moved_to(int(message["seq"]))

    def _moved_to(self, head: int) -> None:
        if head > self._head:
            self._head = head
            self._wake.set()

    async def _announce(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._own_head > self._own_told:
                self._own_told = self._own_head
                await self._bus.publish(TOPIC, {"seq": self._own_head})
            if self._end < self._head:
                await self._fill()
            async with self._moved:
                self._moved.notify_all()

    async def _fill(self) -> None:
        """Reads what others wrote behind the tail; where that fails, or it is a lot, each reader reads for itself."""
        while self._end < self._head:
            if self._head - self._end > TAIL // 4:
                self._tail.clear()
                self._end = self._head
                return
            try:
                batch = await self._log.read(self._end, BATCH)
            except Exception as error:
                logger.warning("feed.fill_failed", error=str(error))
                return
            # A commit of this process may have come behind the same end meanwhile.
            fresh = [recorded for recorded in batch if recorded.seq > self._end]
            if not fresh:
                return
            self._keep(fresh)

    async def reached(self, reader: Reader, seq: int) -> None:
        """Returns once `reader` has dealt with everything up to `seq`."""
        async with self._moved:
            await self._moved.wait_for(lambda: reader.cursor >= seq)

    async def _look(self) -> None:
        """The net below the bus."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                head = await self._log.head()
            except Exception as error:
                logger.warning("feed.look_failed", error=str(error))
                continue
            self._moved_to(head)

    def _limit(self, reader: Reader) -> int:
        return self._head if reader.behind is None else min(self._head, reader.behind.cursor)

    async def _after(self, cursor: int, limit: int) -> Sequence[Recorded]:
        """At most `BATCH` events above `cursor` up to `limit`, from memory when they are there."""
        count = min(BATCH, limit - cursor)
        if self._tail and self._tail[0].seq <= cursor + 1 and self._tail[-1].seq > cursor:
            start = cursor + 1 - self._tail[0].seq
            return [self._tail[i] for i in range(start, min(start + count, len(self._tail)))]
        return await self._log.read(cursor, count)

    async def _run(self, reader: Reader) -> None:
        pause = 0.1
        while True:
            try:
                async with self._moved:
                    await self._moved.wait_for(lambda: self._limit(reader) > reader.cursor)
                batch = await self._after(reader.cursor, self._limit(reader))
                if not batch:
                    continue
                await reader.handler(batch)
                reader.cursor = batch[-1].seq
                self._wake.set()
                pause = 0.1
            except Exception as error:
                reader.failures += 1
                reader.last_error = f"{type(error).__name__}: {error}"
                logger.exception("reader.failed", reader=reader.name, cursor=reader.cursor)
                await asyncio.sleep(pause * (0.5 + random.random()))
                pause = min(pause * 2, LONGEST_PAUSE_S)
