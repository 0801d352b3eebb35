"""The bus: wakes the readers and carries what may be lost, within a process or, over Redis, between nodes."""

from __future__ import annotations

from hub.bus.local import LocalBus
from hub.errors import ConfigError
from hub.ports import Bus

__all__ = ["LocalBus", "open_bus"]


def open_bus(url: str, name: str) -> Bus:
    """The bus that `url` names: none, or `redis://host:port/0`; `name` keeps hubs apart that share a Redis.

    Raises ConfigError for any other, and for Redis when its client is not installed.
    """
    if not url:
        return LocalBus()
    try:
        # Takes a while to import, and needs a package that only the extra `redis` brings.
        from hub.bus.redis import RedisBus

        return RedisBus(url, name)
    except ImportError:
        raise ConfigError("bus.url: Redis needs the package of contacthub[redis]") from None
    except ValueError as error:
        raise ConfigError(f"bus.url: {error}") from None
