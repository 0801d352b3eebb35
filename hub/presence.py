"""Agents' presence: what they say, and what becomes of it when their browsers go.

An agent's windows are counted in this process. When the last one goes (or stops sending heartbeats) he is offline at
once, so that his offers return; what he was is remembered for a grace time, in which a reload or a short loss of the
line brings it back. After the grace his contacts return to their queues.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog

from hub import commands as c
from hub.contacts import ContactService
from hub.errors import HubError, Unavailable, VersionConflict
from hub.events import PresenceChanged, Recorded
from hub.model import Millis, Presence, PresenceState
from hub.ports import Change, Clock, Store

log = structlog.get_logger(__name__)

LOST = "connection_lost"


class PresenceService:
    """`lease_ms` is how long a window may be silent, `grace_ms` how long a lost agent's contacts wait for him."""

    def __init__(
        self, store: Store, contacts: ContactService, clock: Clock, lease_ms: Millis = 30_000, grace_ms: Millis = 60_000
    ) -> None:
        self._store = store
        self._contacts = contacts
        self._clock = clock
        self.lease_ms = lease_ms
        self.grace_ms = grace_ms
        self._presences: dict[str, Presence] = {}
        self._windows: dict[str, dict[str, Millis]] = {}
        self._grace: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._working: Callable[[str], list[str]] | None = None

    async def start(self, contacts_of: Callable[[str], list[str]]) -> None:
        """`contacts_of(agent)` gives the ids of the contacts he serves. Whoever was there before a crash has the
        grace time to come back."""
        self._working = contacts_of
        self._presences = await self._store.people.presences()
        for presence in list(self._presences.values()):
            if presence.state is not PresenceState.OFFLINE:
                await self._lose(presence.agent)
            elif presence.reason == LOST:
                self._begin_grace(presence.agent)
        self._tasks.append(asyncio.create_task(self._watch_leases(), name="presence.leases"))

    async def stop(self) -> None:
        for task in [*self._tasks, *self._grace.values()]:
            task.cancel()
        for task in [*self._tasks, *self._grace.values()]:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._grace.clear()

    def get(self, agent: str) -> Presence:
        return self._presences.get(agent) or Presence(agent)

    def connected(self, agent: str) -> bool:
        return bool(self._windows.get(agent))

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader that learns of changes made by other processes."""
        for recorded in batch:
            event = recorded.event
            if isinstance(event, PresenceChanged) and event.epoch > self.get(recorded.stream).epoch:
                self._presences[recorded.stream] = _presence(recorded.stream, event, recorded.at)

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
        grace = self._grace.pop(agent, None)
        if grace is not None:
            grace.cancel()
        now = self.get(agent)
        if now.state is PresenceState.OFFLINE and now.reason == LOST and now.resume is not None:
            return await self._change(agent, now.resume, now.resume_reason, agent)
        return now

    def heartbeat(self, agent: str, window: str) -> None:
        windows = self._windows.get(agent)
        if windows is not None and window in windows:
            windows[window] = self._clock.now()

    async def window_closed(self, agent: str, window: str) -> None:
        windows = self._windows.get(agent)
        if windows is None or windows.pop(window, None) is None or windows:
            return
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
    ) -> Presence:
        for _ in range(5):
            before = self.get(agent)
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
        before = self.get(agent)
        if before.state is not PresenceState.OFFLINE:
            # What cannot be stored now is tried again: nobody must stay available without a window.
            pause = 0.2
            while not self.connected(agent):
                try:
                    await self._change(agent, PresenceState.OFFLINE, LOST, "system", before.state, before.reason)
                    break
                except Unavailable:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
            log.info("presence.lost", agent=agent)
        if not self.connected(agent):
            self._begin_grace(agent)

    def _begin_grace(self, agent: str) -> None:
        if agent not in self._grace:
            self._grace[agent] = asyncio.create_task(self._give_back(agent), name=f"presence.grace.{agent}")

    async def _give_back(self, agent: str) -> None:
        """After the grace: the agent's contacts go back to their queues at their age."""
        await asyncio.sleep(self.grace_ms / 1000)
        self._grace.pop(agent, None)
        assert self._working is not None
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
