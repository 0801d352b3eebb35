"""A bare Socket.IO relay without a store: the limit that `bench/chat.py` compares the hub with."""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn

from hub.sockets import make_server

NAMESPACE = "/relay"


def application() -> Any:
    sio = make_server()

    async def connect(sid: str, environ: Any, auth: Any = None) -> None:
        return None

    async def join(sid: str, data: Any) -> dict[str, Any]:
        await sio.enter_room(sid, data["contact"], namespace=NAMESPACE)
        return {"ok": True}

    async def send(sid: str, data: Any) -> dict[str, Any]:
        sync = {"seq": 0, "messages": [data]}
        await sio.emit("sync", sync, room=data["contact"], namespace=NAMESPACE)
        return {"ok": True}

    sio.on("connect", namespace=NAMESPACE, handler=connect)
    sio.on("join", namespace=NAMESPACE, handler=join)
    sio.on("message:send", namespace=NAMESPACE, handler=send)
    return socketio.ASGIApp(sio)


if __name__ == "__main__":
    uvicorn.run(
        application(),
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="error",
    )
