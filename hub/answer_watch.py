"""Watches over the answers that were promised to who writes mails: says when each is due, and escalates what is late.

Every node knows the times, by the log; the leading one escalates.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Iterable, Sequence

import structlog

from hub import commands as c
from hub.answer_times import Due, due, next_step
from hub.contacts import ContactService
from hub.directory import Directory
from hub.errors import HubError
from hub.events import Recorded
from hub.leadership import Leadership
from hub.living import Living
from hub.model import Channel, Contact, Millis
from hub.ports import Clock

log = structlog.get_logger(__name__)

LOOK_S = 30.0
"""The clock may be set, so it is looked at in any case."""
AGAIN_MS = 5_000
TURN = 5
"""So many are planned between two turns of the loop: opening hours take a millisecond, rare ones five."""
_Key = tuple[str | None, Millis | None, bool]


class AnswerWatch:
    def __init__(
        self, directory: Directory, living: Living, contacts: ContactService, leadership: Leadership, clock: Clock
    ) -> None:
        self._directory, self._living, self._contacts = directory, living, contacts
        self._leadership, self._clock = leadership, clock
        self._known: dict[str, tuple[_Key, Due | None]] = {}
        self._planned: dict[str, Millis] = {}
        self._heap: list[tuple[Millis, str]] = []
        self._anew = True
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        directory.on_change(self._configured)
        leadership.on_change(lambda leads: self._wake.set())

    async def start(self) -> None:
        """After what is living is known."""
        self._task = asyncio.create_task(self._run(), name="answers")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def due(self, contact: Contact) -> Due | None:
        """When the contact has to be answered."""
        if contact.channel is not Channel.EMAIL or contact.waiting_since is None:
            return None
        key = (contact.queue, contact.waiting_since, contact.last_agent_at is None)
        known = self._known.get(contact.id)
        if known is None or known[0] != key:
            queue = self._directory.queues().get(contact.queue or "")
            calendar = self._directory.calendars().get(queue.hours or "") if queue is not None else None
            known = (key, due(contact, queue, calendar))
            if self._living.get(contact.id) is not None:
                self._known[contact.id] = known
        return known[1]

    def look(self) -> None:
        """The clock may have moved on by itself."""
        self._wake.set()

    def _configured(self, kind: str, id: str) -> None:
        if kind in ("queue", "calendar"):
            self._anew = True
            self._wake.set()

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader, behind the one that keeps what is living."""
        mails = {
            recorded.stream: None
            for recorded in batch
            if recorded.stream in self._known or self._is_mail(recorded.stream)
        }
        await self._plan_in_turns(mails)

    def _is_mail(self, id: str) -> bool:
        row = self._living.get(id)
        return row is not None and row.contact.channel is Channel.EMAIL

    def _plan(self, id: str) -> None:
        row = self._living.get(id)
        contact = row.contact if row is not None else None
        step = next_step(contact, self.due(contact)) if contact is not None and contact.offer is None else None
        if step is None:
            self._planned.pop(id, None)
            if row is None:
                self._known.pop(id, None)
        elif self._planned.get(id) != step[0]:
            self._put(id, step[0])

    def _put(self, id: str, at: Millis) -> None:
        self._planned[id] = at
        heapq.heappush(self._heap, (at, id))
        if self._heap[0][1] == id:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            wait = LOOK_S
            try:
                if self._anew:
                    await self._plan_all()
                if self._leadership.leads:
                    wait = min(LOOK_S, await self._escalate_due())
            except Exception:
                log.exception("answers.failed")
                wait = AGAIN_MS / 1000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()

    async def _plan_all(self) -> None:
        self._anew = False
        self._known.clear()
        self._planned.clear()
        self._heap.clear()
        await self._plan_in_turns([row.contact.id for row in self._living if row.contact.channel is Channel.EMAIL])

    async def _plan_in_turns(self, ids: Iterable[str]) -> None:
        for n, id in enumerate(ids):
            if n % TURN == TURN - 1:
                await asyncio.sleep(0)
            self._plan(id)

    async def _escalate_due(self) -> float:
        """Escalates what has come to its time; seconds until the next."""
        while self._heap:
            at, id = self._heap[0]
            if self._planned.get(id) != at:
                heapq.heappop(self._heap)
                continue
            now = self._clock.now()
            if at > now:
                return (at - now) / 1000
            heapq.heappop(self._heap)
            del self._planned[id]
            try:
                await self._escalate(id, now)
            except Exception as error:
                log.warning(
                    "answers.not_escalated", contact=id, exc_info=not isinstance(error, HubError), problem=str(error)
                )
                self._put(id, now + AGAIN_MS)
        return LOOK_S

    async def _escalate(self, id: str, now: Millis) -> None:
        contact = (await self._contacts.get(id)).contact
        promised = self.due(contact)
        step = next_step(contact, promised)
        if promised is None or step is None or step[0] > now:
            return
        stage = "late" if now >= promised.at else "soon"
        queue = self._directory.queues().get(contact.queue or "")
        raised = queue.answer.raise_by if queue is not None else 0
        command = c.Escalate(stage, promised.answer, promised.since, promised.at, raised)
        await self._contacts.do(id, command, actor="system", command_id=f"escalate-{promised.since}-{stage}")
        log.info("contact.escalated", contact=id, stage=stage, due=promised.at)
