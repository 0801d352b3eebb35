"""What the routes work with, put together once by server.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hub.auth import Auth
from hub.limits import SlidingLimit
from hub.metrics import Metrics
from hub.recordings import Recordings
from hub.service import Hub
from hub.web.security import WebSettings
from hub.webhooks import Webhooks

Check = Callable[[], Awaitable[None]]


@dataclass
class Web:
    """`checks` are what /readyz asks, by name; each raises when its part does not work.

    `editing` is held while rows of the configuration are checked against each other and written.
    """

    hub: Hub
    auth: Auth
    metrics: Metrics
    webhooks: Webhooks
    recordings: Recordings
    settings: WebSettings = field(default_factory=WebSettings)
    checks: Mapping[str, Check] = field(default_factory=dict)
    version: str = ""
    editing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.limit = SlidingLimit(self.settings.requests_per_minute, 60_000)
