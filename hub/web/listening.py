"""Where the hub listens, and what is served beside it on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator

import structlog
import uvicorn
from msgspec.structs import replace
from starlette.types import ASGIApp

from hub.config import Config
from hub.errors import Unavailable

log = structlog.get_logger(__name__)

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Unavailable when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = error.strerror
        if error.errno == errno.EADDRINUSE:
            why = "another program listens there. Stop it, or choose another port"
        raise Unavailable(f"Cannot listen on {host} port {port}: {why}.", code="server.address") from None


def listen_beside(config: Config) -> tuple[Config, socket.socket | None]:
    """The viewer's listener, where it needs one, and the configuration with its port.

    The port after the hub's may be another program's: there is no co-browsing then, which is said. Raises Unavailable
    when it is one that somebody chose.
    """
    cobrowse = config.cobrowse
    if not cobrowse.enabled or cobrowse.viewer_url:
        return config, None
    port = cobrowse.viewer_port or config.server.port + 1
    try:
        listener = listen(config.server.host, port)
    except (Unavailable, OverflowError) as error:
        if cobrowse.viewer_port:
            raise
        log.error("cobrowse.no_port", port=port, error=str(error))
        return replace(config, cobrowse=replace(cobrowse, enabled=False)), None
    return replace(config, cobrowse=replace(cobrowse, viewer_port=port)), listener


class _Beside(uvicorn.Server):
    """Leaves the signals to the hub's own server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served_beside(app: ASGIApp | None, listener: socket.socket | None) -> AsyncIterator[None]:
    """Serves `app`, if there is any to serve, while the body runs."""
    if app is None or listener is None:
        yield
        return
    settings = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = _Beside(settings)
    task = asyncio.create_task(server.serve([listener]), name="viewer")
    try:
        yield
    finally:
        server.should_exit = True
        await task
