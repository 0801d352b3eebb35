"""Who is called back for which topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import structlog

log = structlog.get_logger(__name__)
Callback = Callable[[Mapping[str, Any]], None]


class Subscribers:
    """Calls the subscribers of a topic at once."""

    def __init__(self) -> None:
        self._of: dict[str, list[Callback]] = defaultdict(list)

    def add(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Returns what ends the subscription."""
        self._of[topic].append(callback)

        def remove() -> None:
            if callback in self._of[topic]:
                self._of[topic].remove(callback)

        return remove

    def tell(self, topic: str, message: Mapping[str, Any]) -> None:
        for callback in tuple(self._of.get(topic, ())):
            try:
                callback(message)
            except Exception:
                # One subscriber's mistake must not keep the others from hearing.
                log.exception("bus.subscriber_failed", topic=topic)

    def clear(self) -> None:
        self._of.clear()
