"""Which node decides what only one may: who gets a contact, what becomes of lost agents, what webhooks send.

The lease on the bus tells who should; the log tells who does. To take over, a node appends `DispatcherMoved` to the
stream `dispatcher` at the version it knows, so of several nodes one succeeds, and the new version is its fencing token:
it grows for ever, whatever becomes of Redis. What the dispatcher appends names its token and is refused by the store
once a later one is in the log. So a node that was held up, or cut off from Redis alone, can decide nothing any more,
and what it had decided before stands in the log before the takeover, where the new node finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from hub.errors import HubError, Unavailable, VersionConflict
from hub.events import DispatcherMoved, Recorded
from hub.ports import Bus, Change, Clock, Fence, Log

logger = structlog.get_logger(__name__)

STREAM = "dispatcher"
LOOK_S = 0.5
# A lease that is found free was let go by a node that died, or forgotten by Redis, and then its holder takes it again
# first.
HOLDER_FIRST_S = 0.8
# A node that starts while Redis is away waits for it this long; then it leads, for else nobody would.
WITHOUT_BUS_S = 5.0
STOP_S = 1.0


class Leadership:
    """`leads` is true from the moment that the log says so until a later node, or the lease, says otherwise."""

    def __init__(self, log: Log, bus: Bus, clock: Clock) -> None:
        self.node = bus.node
        self._log, self._bus, self._clock = log, bus, clock
        self._lease = bus.lease(STREAM)
        self._version = 0  # of the stream, as far as this node has read it
        self._token = 0  # the version that this node took over with
        self._leader: str | None = None
        self._held = not bus.shared
        self._changed: list[Callable[[bool], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._handed_over = False

    @property
    def alone(self) -> bool:
        """Whether there is no other node."""
        return not self._bus.shared

    @property
    def leads(self) -> bool:
        return self._held and (not self._bus.shared or (self._token > 0 and self._token == self._version))

    @property
    def leader(self) -> str | None:
        """The node that the log names; None while no node has ever led."""
        return self._leader

    def fence(self, recorded: Recorded) -> Fence | None:
        """The right that this takeover gave: None when another node took over."""
        event = recorded.event
        assert isinstance(event, DispatcherMoved)
        return Fence(STREAM, recorded.version) if event.node == self.node else None

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """`listener(leads)` is called after this node began or ceased to lead."""
        self._changed.append(listener)

    async def load(self) -> None:
        """Reads who leads, before the log is followed."""
        while self._bus.shared:
            batch = await self._log.stream(STREAM, self._version)
            self.follow(batch)
            if not batch:
                break

    async def start(self) -> None:
        """Begins to stand for it. A hub that is alone leads without a word."""
        if not self._bus.shared:
            return
        self._bus.subscribe("lease.freed", self._freed)
        self._task = asyncio.create_task(self._run(), name="leadership")

    def _freed(self, message: Mapping[str, Any]) -> None:
        self._handed_over = True
        self._wake.set()

    async def stop(self) -> None:
        """Lets another node take over at once."""
        if self._task is None:
            return
        task, self._task = self._task, None
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=STOP_S)
        led = self.leads
        self._hold(False)
        if led:
            with contextlib.suppress(Unavailable):
                await self._lease.release()
                await self._bus.publish("lease.freed", {})

    def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader that learns who leads."""
        for recorded in batch:
            if isinstance(recorded.event, DispatcherMoved) and recorded.version > self._version:
                before = self.leads
                self._version, self._leader = recorded.version, recorded.event.node
                self._tell(before)

    def _hold(self, held: bool) -> None:
        before = self.leads
        self._held = held
        self._tell(before)

    def _tell(self, before: bool) -> None:
        if self.leads == before:
            return
        logger.info("leadership.gained" if self.leads else "leadership.lost", node=self.node, token=self._version)
        for listener in self._changed:
            listener(self.leads)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        free_since: float | None = None
        heard_of_redis = False
        begun = loop.time()
        while True:
            try:
                if self.leads:
                    # A lease that another has got means that he takes over: nothing is decided from here on.
                    self._hold(await self._lease.take())
                elif not await self._lease.free():
                    free_since = None
                else:
                    free_since = free_since or loop.time()
                    first = self._handed_over or self._leader in (None, self.node)
                    if (first or loop.time() - free_since >= HOLDER_FIRST_S) and await self._lease.take():
                        free_since, self._handed_over = None, False
                        await self._take_over()
                heard_of_redis = True
            except Unavailable:
                # Who leads goes on: the log would say if another did.
                if not heard_of_redis and loop.time() - begun >= WITHOUT_BUS_S:
                    with contextlib.suppress(HubError):
                        heard_of_redis = await self._take_over()
            except Exception:
                logger.exception("leadership.failed")
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if free_since is None else LOOK_S / 2):
                    await self._wake.wait()

    async def _take_over(self) -> bool:
        """Says in the log that this node leads; `follow` hears it in its turn. Raises Unavailable."""
        self._held, self._token = True, self._version + 1
        change = Change(STREAM, self._version, (DispatcherMoved(self.node),), self._clock.now(), "system")
        try:
            await self._log.append(change)
        except VersionConflict:
            # Another was quicker, or this node's reader is behind: it is seen at the next look.
            self._hold(False)
            return False
        except HubError:
            self._hold(False)
            raise
        return True
