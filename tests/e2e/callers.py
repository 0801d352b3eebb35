"""Visitors without browsers, for a test that drives a browser itself: each writes, calls by voice and hears."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar

from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.voice.desk import Headset, Page, a_headset, a_page, client_id

T = TypeVar("T")


class Caller:
    """A visitor whose microphone hears a tone."""

    def __init__(self, callers: Callers, page: Page, headset: Headset) -> None:
        self._do = callers.do
        self._page, self._headset = page, headset
        self.contact = ""

    def chat(self, name: str, topic: str = "support") -> None:
        form = {"client_id": client_id(), "name": name, "topic": topic, "text": f"I am {name}"}
        self.contact = str(self._do(self._page.ask("chat:start", form))["contact"]["id"])

    def call(self) -> None:
        """The chat goes on by voice, or a new call begins."""

        async def begin() -> Json:
            start = {"client_id": client_id(), "offer": await self._headset.offer()}
            about = {"contact": self.contact} if self.contact else {"topic": "support", "name": "Vera"}
            started = await self._page.ask("call_start", start | about)
            await self._headset.accept(started["answer"])
            return dict(started["contact"])

        self.contact = str(self._do(begin())["id"])

    def until_hears(self, hertz: float) -> None:
        self._do(self._headset.until_hears(hertz))

    def until_held(self) -> None:
        self._do(self._page.until("call", lambda data: data["state"] == "held"))

    def hears(self, hertz: float) -> float:
        return self._headset.hears(hertz)

    def hang_up(self) -> None:
        self._do(self._page.ask("call_hang_up", {"contact": self.contact, "client_id": client_id()}))


class Callers:
    """Their loop runs in a thread of its own: Playwright's has this one."""

    def __init__(self, hub: DemoHub) -> None:
        self._hub = hub
        self._loop = asyncio.new_event_loop()
        self._there = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def caller(self, hertz: float) -> Caller:
        async def come() -> Caller:
            page = await self._there.enter_async_context(a_page(self._hub))
            return Caller(self, page, await self._there.enter_async_context(a_headset(hertz)))

        return self.do(come())

    def close(self) -> None:
        try:
            self.do(self._there.aclose())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


@contextmanager
def callers_of(hub: DemoHub) -> Iterator[Callers]:
    callers = Callers(hub)
    try:
        yield callers
    finally:
        callers.close()
