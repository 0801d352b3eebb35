"""Who may open sockets."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import Forbidden
from hub.web.errors import error_response
from hub.web.security import WebSettings, check_origin


class SocketOrigin:
    """Lets only our own pages open sockets, by either transport; what is no browser says no origin."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith("/socket.io"):
            try:
                check_origin(HTTPConnection(scope), self._settings)
            except Forbidden as error:
                if scope["type"] == "websocket":
                    await receive()
                    await send({"type": "websocket.close", "code": 4403, "reason": error.code})
                else:
                    await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
