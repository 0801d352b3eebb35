"""Who may be called, and whether anybody may: numbers, lists, caps and breakers as they stand."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from hub.callbacks.protection import BREAKERS, counts_from, over_cap, tripped
from hub.callbacks.records import Breaker
from hub.callbacks.settings import DAY_MS, CallbackSettings
from hub.errors import NotFound, NumberRefused, RateLimited
from hub.numbers import verdict
from hub.service import Hub

log = structlog.get_logger(__name__)
DO_NOT_CALL = "We do not call this number."


class Guard:
    def __init__(self, hub: Hub, settings: CallbackSettings) -> None:
        self._hub, self._settings = hub, settings

    async def admit(self, typed: str, path: str = "phone") -> str:
        """The number in E.164. Raises NumberRefused for one that is not called."""
        found = verdict(typed, self._settings.countries, self._settings.region)
        if found.reason:
            raise NumberRefused(path, found.reason, found.sentence)
        if await self._hub.store.callbacks.do_not_call(found.number) is not None:
            raise NumberRefused(path, "do_not_call", DO_NOT_CALL)
        return found.number

    async def refusal(self, number: str) -> str | None:
        """Why a number that was taken once is not called now."""
        try:
            await self.admit(number)
        except NumberRefused as refused:
            return str(refused.details["reason"])
        return None

    async def count(self, number: str, address: str, site: str) -> None:
        """Raises RateLimited when one more is too many."""
        since = self._hub.clock.now() - DAY_MS
        asked = await self._hub.store.callbacks.asked(since, number=number, address=address, site=site)
        cap = over_cap(asked, self._settings.caps, address=address)
        if cap is not None:
            log.warning("callback.cap", cap=cap, site=site)
            raise RateLimited(3_600_000, "Too many callbacks were asked for. Please call us.")

    async def open_breaker(self) -> str | None:
        """The name of a breaker that stops all calls; it opens now if it has to. Nobody but an administrator closes
        it."""
        rows = self._hub.store.callbacks
        known, now = await rows.breakers(), self._hub.clock.now()
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
        log.warning("callback.breaker_reset", breaker=name, by=by)
