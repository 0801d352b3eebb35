"""The in-process bus, for a hub that is one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.bus.callbacks import Callback, Subscribers


class LocalLease:
    """Nobody else is there to hold it."""

    async def take(self) -> bool:
        return True

    async def free(self) -> bool:
        return False

    async def release(self) -> None:
        pass


class LocalBus:
    """Calls the subscribers of a topic at once, on the publisher's loop."""

    shared = False
    node = "local"

    def __init__(self) -> None:
        self._subscribers = Subscribers()

    async def start(self) -> None:
        pass

    @property
    def up_since(self) -> float | None:
        return 0.0

    async def check(self) -> None:
        pass

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self._subscribers.tell(topic, message)

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        return self._subscribers.add(topic, callback)

    def lease(self, name: str) -> LocalLease:
        return LocalLease()

    async def close(self) -> None:
        self._subscribers.clear()
