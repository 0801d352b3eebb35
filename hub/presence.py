"""Agents' presence: what they say, and what becomes of it when their browsers go.

An agent's windows are counted at each node, and the roster tells who has one anywhere. When the last one goes (or stops
sending heartbeats) he is offline at once, so that his offers return; what he was is remembered for a grace time, in
which a reload or a short loss of the line, at whatever node, brings it back. After the grace his contacts return to
their queues. The grace, and whoever was lost with his node, are the leading node's business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from hub import commands as c
from hub.contacts import ContactService
from hub.errors import HubError, Unavailable, VersionConflict
from hub.events import PresenceChanged, Recorded
from hub.leadership import Leadership
from hub.model import Millis, Presence, PresenceState
from hub.ports import Change, Clock, Store
from hub.roster import Roster

log = structlog.get_logger(__name__)

LOST = "connection_lost"
MOST_AT_ONCE = 256  # changes that are being stored: when all come at once, the loop and the store have others to serve


class PresenceService:
    """`lease_ms` is how long a window may be silent, `grace_ms` how long a lost agent's contacts wait for him."""

    def __init__(
        self,
        store: Store,
        contacts: ContactService,
        clock: Clock,
        roster: Roster,
        leadership: Leadership,
        lease_ms: Millis = 30_000,
        grace_ms: Millis = 60_000,
    ) -> None:
        self._roster = roster
        self._leadership = leadership
        self._store = store
        self._contacts = contacts
        self._clock = clock
        self.lease_ms = lease_ms
        self.grace_ms = grace_ms
        self._presences: dict[str, Presence] = {}
        self._storing = asyncio.Semaphore(MOST_AT_ONCE)
        self._windows: dict[str, dict[str, Millis]] = {}
        self._grace: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._working: Callable[[str], list[str]] | None = None

    async def start(self, contacts_of: Callable[[str], list[str]]) -> None:
        """`contacts_of(agent)` gives the ids of the contacts he serves. Whoever was there before a crash has the
        grace time to come back."""
        self._working = contacts_of
        self._presences = await self._store.people.presences()
        self._tasks.append(asyncio.create_task(self._watch_leases(), name="presence.leases"))
        self._roster.on_change("agent", self._moved)
        self._leadership.on_change(self._leads)
        if self._leadership.leads:
            await self._take_charge()

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._grace.values(), *self._under_way]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._grace.clear()

    def _leads(self, leads: bool) -> None:
        if leads:
            self._begin(self._take_charge())
        else:
            for agent in list(self._grace):
                self._end_grace(agent)

    async def _take_charge(self) -> None:
        """At the start, or after another node's death: whoever is not here any more is lost."""
        contacts_of = self._working
        assert contacts_of is not None
        await self._roster.settled()
        for presence in list(self._presences.values()):
            if presence.state is not PresenceState.OFFLINE:
                await self._lose(presence.agent)
            elif presence.reason == LOST or (not self.connected(presence.agent) and contacts_of(presence.agent)):
                self._begin_grace(presence.agent)

    def _moved(self, agent: str, there: bool) -> None:
        """He left the last node: that node says so, but one that died cannot."""
        if there:
            self._end_grace(agent)
        elif agent not in self._windows and self._leadership.leads:
            self._begin(self._lose(agent))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def get(self, agent: str) -> Presence:
        return self._presences.get(agent) or Presence(agent)

    def connected(self, agent: str) -> bool:
        """Whether he has a window at any node."""
        return self._roster.there("agent", agent)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader that learns of changes made by other nodes, and begins and ends the graces."""
        for recorded in batch:
            event, agent = recorded.event, recorded.stream
            if not isinstance(event, PresenceChanged) or event.epoch < self.get(agent).epoch:
                continue
            now = self._presences[agent] = _presence(agent, event, recorded.at)
            if now.state is not PresenceState.OFFLINE or now.reason != LOST:
                if now.state is not PresenceState.OFFLINE or self.connected(agent):
                    self._end_grace(agent)
            elif agent in self._windows:
                # Another node did not hear of his window here, or it was opened meanwhile.
                self._begin(self._bring_back(agent))
            elif self._leadership.leads:
                self._begin_grace(agent)

    async def set(self, agent: str, state: PresenceState, reason: str | None, by: str) -> Presence:
        """The agent (or a supervisor, `by`) says what he is. Setting the same again changes nothing."""
        now = self.get(agent)
        if now.state is state and now.reason == reason:
            return now
        return await self._change(agent, state, reason, by)

    async def not_responding(self, agent: str, epoch: int) -> None:
        """He let an offer pass; void when his presence has changed since."""
        now = self.get(agent)
        if now.epoch == epoch and now.state is PresenceState.AVAILABLE:
            await self._change(agent, PresenceState.NOT_RESPONDING, None, "system")

    async def window_opened(self, agent: str, window: str) -> Presence:
        """A window connected; brings back what the agent was before his connection was lost."""
        self._windows.setdefault(agent, {})[window] = self._clock.now()
        self._roster.here("agent", agent, True)
        self._end_grace(agent)
        await self._bring_back(agent)
        return self.get(agent)

    async def _bring_back(self, agent: str) -> None:
        now = self.get(agent)
        if now.state is PresenceState.OFFLINE and now.reason == LOST and now.resume is not None:
            with contextlib.suppress(VersionConflict):
                await self._change(agent, now.resume, now.resume_reason, agent, expected=now.epoch)

    def heartbeat(self, agent: str, window: str) -> None:
        windows = self._windows.get(agent)
        if windows is not None and window in windows:
            windows[window] = self._clock.now()

    async def window_closed(self, agent: str, window: str) -> None:
        windows = self._windows.get(agent)
        if windows is None or windows.pop(window, None) is None or windows:
            return
        self._roster.here("agent", agent, False)
        del self._windows[agent]
        await self._lose(agent)

    async def _change(
        self,
        agent: str,
        state: PresenceState,
        reason: str | None,
        by: str,
        resume: PresenceState | None = None,
        resume_reason: str | None = None,
        expected: int | None = None,
    ) -> Presence:
        """With `expected`, raises VersionConflict when his presence has changed since that epoch."""
        for _ in range(5):
            async with self._storing:
                before = self.get(agent)
                if expected is not None and before.epoch != expected:
                    break
                at = self._clock.now()
                event = PresenceChanged(state, before.epoch + 1, reason, by, resume, resume_reason)
                after = _presence(agent, event, at)
                try:
                    await self._store.log.append(Change(agent, before.epoch, (event,), at, by, presence=after))
                except VersionConflict:
                    self._presences = await self._store.people.presences()
                    continue
                if after.epoch > self.get(agent).epoch:
                    self._presences[agent] = after
                return after
        raise VersionConflict("The status changed at the same time. Please try again.")

    async def _lose(self, agent: str) -> None:
        # What cannot be stored now is tried again: nobody must stay available without a window.
        pause = 0.2
        while not self.connected(agent):
            before = self.get(agent)
            if before.state is PresenceState.OFFLINE:
                if self._leadership.leads:
                    self._begin_grace(agent)
                return
            try:
                await self._change(
                    agent, PresenceState.OFFLINE, LOST, "system", before.state, before.reason, expected=before.epoch
                )
                log.info("presence.lost", agent=agent)
                return
            except VersionConflict:
                # He, or another node, said something else meanwhile.
                continue
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _begin_grace(self, agent: str) -> None:
        if agent not in self._grace:
            self._grace[agent] = asyncio.create_task(self._give_back(agent), name=f"presence.grace.{agent}")

    def _end_grace(self, agent: str) -> None:
        grace = self._grace.pop(agent, None)
        if grace is not None:
            grace.cancel()

    async def _give_back(self, agent: str) -> None:
        """After the grace: the agent's contacts go back to their queues at their age."""
        await asyncio.sleep(self.grace_ms / 1000)
        self._grace.pop(agent, None)
        assert self._working is not None
        if self.connected(agent):
            return
        for contact in self._working(agent):
            try:
                await self._contacts.do(contact, c.LoseAgent(agent, "agent_lost"), actor="system")
            except Unavailable:
                self._begin_grace(agent)
                return
            except HubError as error:
                log.warning("presence.give_back_failed", agent=agent, contact=contact, error=error.message)
        now = self.get(agent)
        if now.reason == LOST and not self.connected(agent):
            await self._change(agent, PresenceState.OFFLINE, None, "system")

    async def _watch_leases(self) -> None:
        """A window that is silent for longer than its lease counts as gone."""
        while True:
            await asyncio.sleep(self.lease_ms / 4000)
            limit = self._clock.now() - self.lease_ms
            for agent, windows in list(self._windows.items()):
                for window, seen in list(windows.items()):
                    if seen < limit:
                        await self.window_closed(agent, window)


def _presence(agent: str, event: PresenceChanged, at: Millis) -> Presence:
    return Presence(agent, event.state, event.reason, at, event.epoch, event.resume, event.resume_reason)
