"""The in-process bus: wakes readers and carries what may be lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import structlog

log = structlog.get_logger(__name__)
Callback = Callable[[Mapping[str, Any]], None]


class LocalBus:
    """Calls the subscribers of a topic at once, on the publisher's loop."""

    def __init__(self) -> None:
        self._subscribers: dict[str, list[Callback]] = defaultdict(list)

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        for callback in tuple(self._subscribers[topic]):
            try:
                callback(message)
            except Exception:
                # One subscriber's mistake must not keep the others from hearing.
                log.exception("bus.subscriber_failed", topic=topic)

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        self._subscribers[topic].append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers[topic]:
                self._subscribers[topic].remove(callback)

        return unsubscribe

    async def close(self) -> None:
        self._subscribers.clear()
