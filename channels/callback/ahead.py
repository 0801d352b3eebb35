"""Customers who are called ahead of an agent, in the queues that are set so (`dial` is "customer_first").

How many, and whether at all, is decided in `hub/callbacks/pacing.py`; here an office is looked at a few times a second
while anybody is to be called, and calls are begun in the order of age. What was decided stands in the log before a
phone rings: `Place` says that this attempt begins.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct

from channels.callback.contact import OVER, enqueue, keep
from channels.callback.guard import Guard
from channels.callback.lines import Lines
from channels.callback.steps import Steps
from hub.callbacks import machine as cm
from hub.callbacks.model import Callback, Result, State, page_of
from hub.callbacks.pacing import SPAN_MS, WINDOW_MS, Office, Rate, answers_within_s, plan
from hub.config_rows import Queue
from hub.errors import HubError, NotFound, Refused, VersionConflict
from hub.model import Contact, Millis
from hub.service import Hub

log = structlog.get_logger(__name__)

LOOK_S = 0.5
FRESH_MS = 1_000
ANSWERS = 50
KIND = "call"


class Telephone(Protocol):
    def ready(self, callback: Callback) -> bool: ...

    async def begin(self, callback: Callback, contact: Contact, wait_ms: Millis = 0) -> None: ...


class Waits(Struct, frozen=True):
    """One that waits until an agent is about to be free."""

    id: str
    queue: str
    age: Millis


class Ahead:
    """`locks` are those under which the keeper looks at a callback, by its id."""

    def __init__(
        self,
        hub: Hub,
        steps: Steps,
        guard: Guard,
        telephone: Telephone,
        lines: Lines,
        locks: WeakValueDictionary[str, asyncio.Lock],
    ) -> None:
        self._hub, self._steps, self._guard, self._telephone = hub, steps, guard, telephone
        self._lines, self._locks = lines, locks
        self._waiting: dict[str, Waits] = {}
        self._rang_s: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=ANSWERS))
        self._rates: dict[str, tuple[Millis, Rate]] = {}
        self._why: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="callbacks.ahead")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # --- told by the keeper -------------------------------------------------------------------------------------------

    def see(self, callback: Callback) -> None:
        """How a callback stands now."""
        if callback.state is State.QUEUED and callback.ahead:
            self._waiting[callback.id] = Waits(callback.id, callback.queue, callback.age)
            self._wake.set()
        else:
            self._waiting.pop(callback.id, None)

    def has_answered(self, callback: Callback) -> None:
        last = callback.attempts[-1]
        if last.answered_at is not None:
            self._rang_s[callback.queue].append((last.answered_at - last.at) / 1000)

    async def is_for(self, callback: Callback) -> bool:
        """Whether its customer is called ahead of an agent. Who was let down once is not, nor who is kept for one,
        nor whose page rings first: that needs an agent who is there."""
        row = self._row(callback.queue)
        if row is None or row.dial != "customer_first" or callback.only_agent is not None:
            return False
        if callback.page or any(attempt.result is Result.UNSERVED for attempt in callback.attempts):
            return False
        return not (await self.rate(callback.queue)).over(row.abandoned_percent / 100)

    def _row(self, queue: str) -> Queue | None:
        return self._hub.directory.queues().get(queue)

    async def rate(self, queue: str, *, fresh: bool = False) -> Rate:
        """As it was within the last second, or as it is now."""
        now = self._hub.clock.now()
        known = self._rates.get(queue)
        if known is not None and not fresh and known[0] <= now < known[0] + FRESH_MS:
            return known[1]
        rate = await self._hub.store.callbacks.rate(queue, now - WINDOW_MS, now + SPAN_MS - WINDOW_MS)
        self._rates[queue] = (now, rate)
        row = self._row(queue)
        why = "limit" if row is not None and rate.over(row.abandoned_percent / 100) else ""
        if why != self._why.get(queue, ""):
            self._why[queue] = why
            word = "callback.agent_first" if why else "callback.customer_first"
            log.warning(word, queue=queue, why=why, answered=rate.answered, abandoned=rate.abandoned)
        return rate

    # --- calling ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if not self._hub.leadership.leads:
                self._waiting.clear()
            for queue in {waits.queue for waits in self._waiting.values()}:
                try:
                    await self._look_at(queue)
                except HubError as error:
                    log.warning("callbacks.ahead_failed", queue=queue, error=str(error))
            self._wake.clear()
            if self._waiting:
                await asyncio.sleep(LOOK_S)
            else:
                await self._wake.wait()

    async def _look_at(self, queue: str) -> None:
        row = self._row(queue)
        found = sorted((waits for waits in self._waiting.values() if waits.queue == queue), key=lambda one: one.age)
        if row is None or row.dial != "customer_first":
            for waits in found:
                await self._hand_over(waits.id)
            return
        rate = await self.rate(queue, fresh=True)
        standing, office = self._hub.routing.standing(queue), self._hub.routing.office(queue, "callback")
        now = Office(office.free, office.busy, office.handle_s, standing.waiting, rate.at_risk - rate.on_hold)
        within_s = answers_within_s(list(self._rang_s[queue]))
        wanted = plan(now, rate, len(found), row.abandoned_percent / 100, within_s)
        for waits in found[: wanted.ahead]:
            await self._call(waits.id, row)
        for waits in found[wanted.ahead : wanted.ahead + wanted.agent_first]:
            await self._hand_over(waits.id)

    async def _waits(self, id: str) -> Callback | None:
        callback = await self._hub.store.callbacks.get(id)
        if callback is None or callback.state is not State.QUEUED or not callback.ahead:
            self._waiting.pop(id, None)
            return None
        return callback

    async def _hand_over(self, id: str) -> None:
        """To the agents: its contact waits for one of them."""
        async with self._locks.setdefault(id, asyncio.Lock()):
            callback = await self._waits(id)
            if callback is None:
                return
            with contextlib.suppress(VersionConflict, Refused, NotFound):
                row = (await self._hub.contacts.many([callback.contact])).get(callback.contact)
                contact = None if row is None else row.contact
                await enqueue(self._hub, callback, contact, self._hub.leadership.right)
                await self._do(callback, cm.AgentFirst())
                self._waiting.pop(id, None)

    async def _do(self, callback: Callback, input: cm.Input) -> Callback:
        return await self._steps.do(callback.id, input, fence=self._hub.leadership.right, before=callback)

    async def _call(self, id: str, row: Queue) -> None:
        async with self._locks.setdefault(id, asyncio.Lock()):
            callback = await self._waits(id)
            if callback is None:
                return
            if self._lines.of(callback.number) or self._lines.of(page_of(callback.visitor)):
                return  # who calls us himself is looked at by the keeper
            with contextlib.suppress(VersionConflict, Refused, NotFound):
                await self._begin(callback, row)

    async def _begin(self, callback: Callback, row: Queue) -> None:
        refused = await self._guard.refusal(callback.number)
        breaker = await self._guard.open_breaker()
        if refused is not None:
            await self._do(callback, cm.Close(refused))
            return
        if breaker is not None or not self._telephone.ready(callback):
            await self._do(callback, cm.Postpone("trunk" if breaker is None else f"breaker.{breaker}"))
            return
        contact = await keep(self._hub, callback)
        if contact.phase not in OVER or self._hub.roster.there(KIND, contact.id):
            return  # somebody serves it, or its last call is still being ended
        after = await self._do(callback, cm.Place(contact.version))
        self._waiting.pop(callback.id, None)
        if after.state is not State.DIALLING:
            return
        try:
            await self._telephone.begin(after, contact, row.answered_wait_s * 1000)
        except HubError as error:
            log.warning("callback.not_called", callback=callback.id, reason=error.code)
            await self._do(after, cm.Ended(Result.UNREACHABLE))
