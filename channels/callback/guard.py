"""Who may be called, and whether anybody may: numbers, lists, caps and breakers as they stand."""

from __future__ import annotations

import asyncio

import structlog
from msgspec.structs import replace

from hub.callbacks.protection import BREAKERS, counts_from, over_cap, tripped
from hub.callbacks.records import Breaker
from hub.callbacks.settings import DAY_MS, CallbackSettings, Caps
from hub.errors import NotFound, NumberRefused, RateLimited
from hub.model import Millis
from hub.numbers import verdict
from hub.service import Hub

log = structlog.get_logger(__name__)
LATELY_MS = 1000
DO_NOT_CALL = "We do not call this number."


class Guard:
    def __init__(self, hub: Hub, settings: CallbackSettings) -> None:
        self._hub, self._settings = hub, settings
        self._open: str | None = None
        self._looked_at: Millis = -LATELY_MS
        self._looking = asyncio.Lock()

    def admit(self, typed: str, path: str = "phone") -> str:
        """The number in E.164. Raises NumberRefused for one that is not called."""
        found = verdict(typed, self._settings.countries, self._settings.region)
        if found.reason:
            raise NumberRefused(path, found.reason, found.sentence)
        return found.number

    async def refusal(self, number: str) -> str | None:
        """Why a number that was taken once is not called now."""
        reason = verdict(number, self._settings.countries, self._settings.region).reason
        if not reason and await self._hub.store.callbacks.do_not_call(number) is not None:
            reason = "do_not_call"
        return reason or None

    async def count(self, number: str, address: str, site: str, *, confirming: str = "") -> bool:
        """Whether one more has to be confirmed by its customer: beyond the caps it has to, where that is possible
        (`confirming`: "mail" or "call"), up to twice as many; by who answers a call only as long as none of that number
        or from that address was not confirmed so. Raises RateLimited when one more is too many."""
        since = self._hub.clock.now() - DAY_MS
        caps = self._settings.caps
        last = Caps(caps.number * 2, caps.address * 2, caps.site * 2, caps.total * 2) if confirming else caps
        most = max(last.number, last.address, last.site, last.total)
        rows = self._hub.store.callbacks
        asked = await rows.asked(since, number=number, address=address, site=site, most=most)
        cap = over_cap(asked, last, address=address)
        beyond = over_cap(asked, caps, address=address) is not None
        if beyond and cap is None and confirming == "call" and await rows.unconfirmed(since, number, address):
            cap = "unconfirmed"
        if cap is not None:
            log.warning("callback.cap", cap=cap, site=site)
            raise RateLimited(3_600_000, "Too many callbacks were asked for. Please call us.")
        return beyond

    async def open_breaker(self, *, lately: bool = False) -> str | None:
        """The name of a breaker that stops all calls; it opens now if it has to. Nobody but an administrator closes
        it. `lately`: as it was within the last second."""
        async with self._looking:  # hundreds that are due together look once
            now = self._hub.clock.now()
            if not lately or not self._looked_at <= now < self._looked_at + LATELY_MS:
                self._open, self._looked_at = await self._look(now), now
            return self._open

    async def _look(self, now: Millis) -> str | None:
        rows = self._hub.store.callbacks
        known = await rows.breakers()
        for name in BREAKERS:
            breaker = known.get(name, Breaker(name))
            if breaker.open_at is not None:
                return name
            spent = await rows.spent(counts_from(breaker, now, DAY_MS))
            why = tripped(spent, self._settings.limits, name=name)
            if why is not None:
                await rows.set_breaker(replace(breaker, open_at=now, why=why))
                log.error("callback.breaker_opened", breaker=name, why=why)
                return name
        return None

    async def reset(self, name: str, by: str) -> None:
        """Raises NotFound."""
        if name not in BREAKERS:
            raise NotFound("breaker", name)
        await self._hub.store.callbacks.set_breaker(Breaker(name, None, "", self._hub.clock.now(), by))
        self._looked_at = -LATELY_MS
        log.warning("callback.breaker_reset", breaker=name, by=by)
