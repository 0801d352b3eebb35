"""Which node decides what only one may: who gets a contact, what becomes of lost agents, what webhooks send.

The lease on the bus tells who should; the log tells who does. To take over, a node appends `DispatcherMoved` to the
stream `dispatcher` at the version it knows, so of several nodes one succeeds, and the new version is its fencing token:
it grows for ever, whatever becomes of Redis. What the dispatcher appends names its token and is refused by the store
once a later one is in the log. So a node that was held up, or cut off from Redis alone, can decide nothing any more,
and what it had decided before stands in the log before the takeover, where the new node finds it.

The node that leads also leaves a pulse in the store. Whoever cannot reach Redis goes by it: when it stands still, he
takes over by the log alone. To be wrong about it costs a rebuild and nothing else, for the log is the arbiter.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from hub.errors import HubError, Unavailable, VersionConflict
from hub.events import DispatcherMoved, Recorded
from hub.ports import Bus, Change, Clock, Fence, Store

logger = structlog.get_logger(__name__)

STREAM = "dispatcher"
LOOK_S = 0.5
# A lease that is found free was let go by a node that died, or forgotten by Redis, and then its holder takes it again
# first.
HOLDER_FIRST_S = 0.8
# When Redis comes back, not all nodes notice at the same moment.
HOLDER_FIRST_AFTER_SILENCE_S = 3.0
STOP_S = 1.0
# Kept where the cursors of the log's readers are: the pulse is a number that grows while its node leads. Only that it
# moves counts, so no clocks are compared.
PULSE = "dispatcher.pulse"
PULSE_S = 2.0
WITHOUT_PULSE_S = 8.0


class Silence:
    """For how long nothing was seen of whoever leads."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = 0.0

    def lasts(self, seen: object, now: float) -> float:
        """In seconds, given what is seen now; 0 when it is not what was seen before."""
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since


class Leadership:
    """`leads` is true from the moment that the log says so until a later node, or the lease, says otherwise."""

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self.node = bus.node
        self._store, self._log, self._bus, self._clock = store, store.log, bus, clock
        self._lease = bus.lease(STREAM)
        self._version = 0  # of the stream, as far as this node has read it
        self._token = 0  # the version that this node took over with
        self._leader: str | None = None
        self._held = not bus.shared
        self._changed: list[Callable[[bool], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
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

    @property
    def right(self) -> Fence | None:
        """What this node has to name with what only the leading one may do; None where it is alone."""
        return None if self.alone else Fence(STREAM, self._version)

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
        self._tasks = [
            asyncio.create_task(self._run(), name="leadership"),
            asyncio.create_task(self._beat(), name="leadership.pulse"),
        ]

    def _freed(self, message: Mapping[str, Any]) -> None:
        self._handed_over = True
        self._wake.set()

    async def stop(self) -> None:
        """Lets another node take over at once."""
        if not self._tasks:
            return
        tasks, self._tasks = self._tasks, []
        for task in tasks:
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
        holder_first_s = HOLDER_FIRST_S
        silence = Silence()
        while True:
            try:
                if self.leads:
                    # A lease that another has got means that he takes over: nothing is decided from here on.
                    self._hold(await self._lease.take())
                elif not await self._lease.free():
                    free_since, holder_first_s = None, HOLDER_FIRST_S
                else:
                    free_since = free_since or loop.time()
                    first = self._handed_over or self._leader in (None, self.node)
                    if (first or loop.time() - free_since >= holder_first_s) and await self._lease.take():
                        free_since, self._handed_over = None, False
                        await self._take_over()
                silence = Silence()
            except Unavailable:
                # Who leads goes on: the log would say if another did.
                free_since, holder_first_s = None, HOLDER_FIRST_AFTER_SILENCE_S
                if not self.leads:
                    with contextlib.suppress(HubError):
                        seen = (self._version, await self._store.cursor(PULSE))
                        if silence.lasts(seen, loop.time()) >= WITHOUT_PULSE_S:
                            await self._take_over()
            except Exception:
                logger.exception("leadership.failed")
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                # Who leads looks twice as often: a held up moment must not cost him a lease that Redis forgot.
                quickly = self._held or free_since is not None
                async with asyncio.timeout(LOOK_S / 2 if quickly else LOOK_S):
                    await self._wake.wait()

    async def _beat(self) -> None:
        """A task of its own: a store that is slow must not keep the lease from being renewed."""
        while True:
            if self.leads:
                with contextlib.suppress(HubError):
                    await self._store.set_cursor(PULSE, self._clock.now())
            await asyncio.sleep(PULSE_S)

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
