"""Chats in which nobody speaks: a reminder to the visitor, then the end; and waiting visitors who have gone.

Deadlines follow from the log, so they are the same after a restart; one heap and one timer, nothing is scanned.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Sequence

import structlog

from hub import commands as c
from hub.errors import HubError, Unavailable
from hub.events import Recorded
from hub.model import WAITING, Channel, Contact, Millis, Phase
from hub.service import Hub

log = structlog.get_logger(__name__)

RETRY_MS = 5_000


class IdleWatch:
    """`gone_ms` is for how long a waiting visitor's page may be closed before he counts as gone."""

    def __init__(self, hub: Hub, gone_ms: Millis = 600_000) -> None:
        self._hub = hub
        self._gone_ms = gone_ms
        self._heap: list[tuple[Millis, str]] = []
        self._due: dict[str, Millis] = {}
        self._left_at: dict[str, Millis] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        hub.roster.on_change("visitor", self._online)

    async def start(self) -> None:
        now = self._hub.clock.now()
        for row in self._hub.living:
            if row.contact.visitor is not None:
                self._left_at[row.contact.visitor] = now
            self._plan(row.contact)
        self._hub.follow("chat-idle", self.follow)
        self._task = asyncio.create_task(self._run(), name="chat.idle")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: each change of a chat moves its deadline."""
        for id in {recorded.stream for recorded in batch}:
            row = self._hub.living.get(id)
            if row is not None:
                self._plan(row.contact)
            elif id.startswith("ct_"):
                self._due.pop(id, None)

    def _online(self, visitor: str, online: bool) -> None:
        if online:
            self._left_at.pop(visitor, None)
        else:
            self._left_at[visitor] = self._hub.clock.now()
        rows = self._hub.living.of_visitor(visitor, Channel.CHAT)
        if not rows:
            self._left_at.pop(visitor, None)
        for row in rows:
            self._plan(row.contact)

    def deadline(self, contact: Contact) -> Millis | None:
        """When something is to be done about this chat if nothing happens before."""
        if contact.channel is not Channel.CHAT:
            return None
        if contact.phase in WAITING:
            left = None if self._hub.online(contact.visitor or "") else self._left_at.get(contact.visitor or "")
            return None if left is None else left + self._gone_ms
        site = self._hub.directory.sites().get(contact.site)
        if contact.phase is not Phase.ACTIVE or site is None or contact.waiting_since is not None:
            return None
        if contact.reminded_at is not None:
            return contact.reminded_at + (site.idle_close_s - site.idle_reminder_s) * 1000
        spoke = max(contact.last_agent_at or 0, contact.last_visitor_at or 0, contact.connected_at or 0)
        return spoke + site.idle_reminder_s * 1000

    def _plan(self, contact: Contact) -> None:
        due = self.deadline(contact)
        if due is None:
            self._due.pop(contact.id, None)
        elif self._due.get(contact.id) != due:
            self._due[contact.id] = due
            heapq.heappush(self._heap, (due, contact.id))
            self._wake.set()

    async def _run(self) -> None:
        while True:
            pause = max(0.0, (self._heap[0][0] - self._hub.clock.now()) / 1000) if self._heap else None
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            now = self._hub.clock.now()
            while self._heap and self._heap[0][0] <= now:
                due, id = heapq.heappop(self._heap)
                # Only the newest deadline of a chat counts; older ones are left in the heap and passed over here.
                if self._due.get(id) == due:
                    del self._due[id]
                    await self._act(id, due)

    async def _act(self, id: str, due: Millis) -> None:
        row = self._hub.living.get(id)
        if row is None:
            return
        contact = row.contact
        if self.deadline(contact) != due:
            self._plan(contact)
            return
        if not self._hub.leadership.leads:
            # The leading node does it; should it die, this one is ready.
            self._again(id)
            return
        command: c.ContactCommand
        if contact.phase in WAITING:
            command = c.End("visitor", "gone", 0)
        elif contact.reminded_at is None:
            command = c.Remind()
        else:
            command = c.End("system", "idle", self._hub.wrap_up_ms(contact.queue))
        try:
            await self._hub.contacts.do(id, command, actor="system")
        except Unavailable:
            self._again(id)
        except HubError as error:
            log.info("idle.refused", contact=id, reason=error.code)

    def _again(self, id: str) -> None:
        again = self._hub.clock.now() + RETRY_MS
        self._due[id] = again
        heapq.heappush(self._heap, (again, id))
