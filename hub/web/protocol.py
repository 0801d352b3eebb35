"""uvicorn's WebSocket protocol with a way for the application to cut a connection whose client does not read."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from hub.sockets import ABORT


class CuttableSockets(WebSocketsSansIOProtocol):
    """Closing politely waits until the client has read what was sent before; `scope["extensions"][ABORT]` does not."""

    async def run_asgi(self) -> None:
        self.scope["extensions"] = {**(self.scope.get("extensions") or {}), ABORT: {"cut": self.transport.abort}}
        await super().run_asgi()
