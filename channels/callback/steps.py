"""One step of a callback: read, decide (`hub/callbacks/machine.py`), append; and when its callee may be called."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from msgspec.structs import replace

from hub.callbacks.machine import Input, step
from hub.callbacks.model import Callback
from hub.callbacks.opening import Opening, callee_hours
from hub.callbacks.settings import CallbackSettings
from hub.config_rows import zone as zone_of
from hub.errors import NotFound, VersionConflict
from hub.events import CallbackMessage, CallbackMoved
from hub.model import Customer, Millis, Visitor
from hub.numbers import named_zones, zones_of
from hub.ports import Change, Fence
from hub.service import Hub

TRIES = 8


class Steps:
    """The one way to change a callback: every step is decided on a version and committed only on that version."""

    def __init__(self, hub: Hub, settings: CallbackSettings) -> None:
        self.hub, self.settings = hub, settings
        self._read: set[str] = set()

    async def get(self, id: str) -> Callback:
        """Raises NotFound."""
        found = await self.hub.store.callbacks.get(id)
        if found is None:
            raise NotFound("callback", id)
        return found

    def opening(self, queue: str, zones: Sequence[str]) -> Opening:
        """When a callback of this queue to somebody in these zones may be called: in the queue's hours and in his."""
        directory = self.hub.directory
        row = directory.queues().get(queue)
        business = directory.calendars().get(row.hours) if row is not None and row.hours is not None else None
        own = callee_hours(self.settings.policy, zones)
        return Opening(own if business is None else (business, *own))

    def opening_of(self, callback: Callback) -> Opening:
        return self.opening(callback.queue, callback.zones)

    async def zones(self, number: str, told: str, queue: str) -> tuple[str, ...]:
        """Where the callee may be: by his number and, when they differ, also by what his browser says. Of one who may
        be anywhere the queue's own zone is taken."""
        now = self.hub.clock.now()
        row = self.hub.directory.queues().get(queue)
        calendar = self.hub.directory.calendars().get(row.hours or "") if row is not None else None
        known = await self._by_number(number, now)
        if told and told not in self._read:
            told = told if await asyncio.to_thread(_is_zone, told) else ""
        found = (told, *(zone for zone in known if zone != told)) if told else known
        found = found or (calendar.timezone if calendar is not None else "UTC",)
        await self._have_read(found)
        return found

    async def _by_number(self, number: str, now: Millis) -> tuple[str, ...]:
        names = named_zones(number)
        await self._have_read(names)
        return zones_of(names, now)

    async def _have_read(self, zones: Sequence[str]) -> None:
        """A zone is read from its file the first time."""
        for zone in zones:
            if zone not in self._read:
                await asyncio.to_thread(zone_of, zone)
                self._read.add(zone)

    async def ready(self, callback: Callback) -> None:
        """Has its zones read, so that nothing waits for a disk afterwards."""
        await self._have_read(callback.zones)

    async def begin(
        self,
        draft: Callback,
        input: Input,
        *,
        actor: str,
        key: str,
        room: int | None,
        customer: Customer | None,
        visitor: Visitor | None = None,
    ) -> Callback:
        """A new callback. Raises what the store raises, VersionConflict for an id that is there."""
        now = self.hub.clock.now()
        callback = step(draft, input, self.settings.policy, self.opening_of(draft), now)
        await self._append(draft, callback, actor, key, room, None, customer, visitor)
        return callback

    async def do(
        self,
        id: str,
        input: Input,
        *,
        actor: str = "system",
        key: str | None = None,
        room: int | None = None,
        fence: Fence | None = None,
        before: Callback | None = None,
    ) -> Callback:
        """The callback after it. Raises NotFound, Refused; VersionConflict when it is not as it was `before`."""
        decided = before
        for _ in range(TRIES):
            before = decided or await self.get(id)
            if key is not None and await self.hub.store.log.find(id, actor, key) is not None:
                return before
            await self.ready(before)
            now = self.hub.clock.now()
            after = step(before, input, self.settings.policy, self.opening_of(before), now)
            if after is before:
                return before
            try:
                await self._append(before, after, actor, key, room, fence, None)
            except VersionConflict:
                if decided is not None:
                    raise
                continue
            return after
        raise VersionConflict("Too many people changed this callback at once. Please try again.")

    async def note(self, id: str, event: CallbackMessage, *, key: str, fence: Fence | None) -> None:
        """Writes the event into the callback's log, once for a key. Raises NotFound."""
        for _ in range(TRIES):
            before = await self.get(id)
            if await self.hub.store.log.find(id, "system", key) is not None:
                return
            now = self.hub.clock.now()
            after = replace(before, version=before.version + 1)
            change = Change(id, before.version, (event,), now, "system", key, callback=after, fence=fence)
            with contextlib.suppress(VersionConflict):
                await self.hub.store.log.append(change)
                return
        raise VersionConflict("Too many people changed this callback at once. Please try again.")

    async def _append(
        self,
        before: Callback,
        after: Callback,
        actor: str,
        key: str | None,
        room: int | None,
        fence: Fence | None,
        customer: Customer | None,
        visitor: Visitor | None = None,
    ) -> None:
        last = after.attempts[-1].result if after.attempts else None
        event = CallbackMoved(
            str(after.state), after.contact, after.reason, after.next_at, len(after.attempts), last and str(last)
        )
        change = Change(
            after.id,
            before.version,
            (event,),
            self.hub.clock.now(),
            actor,
            key,
            customer=customer,
            visitor=visitor,
            callback=replace(after, version=before.version + 1),
            room=room,
            fence=fence,
        )
        await self.hub.store.log.append(change)


def _is_zone(name: str) -> bool:
    try:
        zone_of(name)
    except Exception:  # whatever a name from outside makes of a path: not found, not a file, not a name
        return False
    return True
