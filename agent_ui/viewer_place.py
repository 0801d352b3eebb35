"""Where the viewer's own origin is, as the desktop and the viewer itself have to know it."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.web.security import WebSettings, is_secure, origin_of


class Place(Struct, frozen=True):
    """At `url`, a host name of its own; "": on `port` of whatever host the hub is called by, which listens on
    `hub_port`."""

    settings: WebSettings
    url: str
    port: int
    hub_port: int

    def viewer(self, connection: HTTPConnection) -> str:
        """The viewer's origin, for a request to the hub."""
        return origin_of(self.url) or self._beside(connection, self.port)

    def hub(self, connection: HTTPConnection) -> list[str]:
        """The hub's origins, for a request to the viewer; the first is the main one."""
        given = [origin for url in self.settings.public_urls if (origin := origin_of(url))]
        return given or [self._beside(connection, self.hub_port)]

    def _beside(self, connection: HTTPConnection, port: int) -> str:
        scheme = "https" if is_secure(connection, self.settings) else "http"
        name = connection.url.hostname or ""
        host = f"[{name}]" if ":" in name else name
        return origin_of(f"{scheme}://{host}:{port}") or ""

    def apart(self, viewer: ASGIApp, others: ASGIApp) -> ASGIApp:
        """Requests for the viewer's host name go to the viewer and to nothing else, all others to `others`."""
        name = urlsplit(self.url).netloc.lower()
        if not name:
            return others

        async def route(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan" or Headers(scope=scope).get("host", "").lower() != name:
                await others(scope, receive, send)
            elif scope["type"] == "http":
                await viewer(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 4404})

        return route
