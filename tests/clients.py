"""A lean Socket.IO client over one WebSocket, for tests and benchmarks that need many of them.

It speaks Engine.IO 4 and Socket.IO 5 in text; of what the hub sends in bytes it only hears that it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

Json = dict[str, Any]


class Refused(Exception):
    """The namespace refused the connection; `data` is what it said."""

    def __init__(self, data: Any) -> None:
        super().__init__(str(data))
        self.data = data


class Gone(Exception):
    """The connection ended before the answer came."""


class Client:
    """One connection to one namespace. `on_event(name, data)` hears everything that is pushed."""

    def __init__(
        self,
        url: str,
        namespace: str,
        auth: Json,
        *,
        headers: dict[str, str] | None = None,
        on_event: Callable[[str, Any], object] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._url = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._namespace = namespace
        self._auth = auth
        self._headers = headers or {}
        self.on_event = on_event
        self._socket: ClientConnection | None = None
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self.closed = asyncio.Event()

    async def open(self, timeout: float = 20) -> Client:
        """Raises Refused, OSError, Gone."""
        try:
            self._socket = await connect(
                self._url,
                additional_headers=self._headers,
                compression=None,
                max_size=4_000_000,
                ping_interval=None,
                proxy=None,
                ssl=self._tls,
                open_timeout=timeout,
                close_timeout=1,
            )
        except WebSocketException as error:
            raise Gone(str(error)) from None
        self._ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait_for(self._ready, timeout)
        except BaseException:
            # Whoever is refused has nothing to close: without this the socket would be left to the collector.
            await self.close()
            raise
        return self

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for packet in self._socket:
                if isinstance(packet, str):
                    await self._take(packet)
        except (WebSocketException, OSError):
            pass
        finally:
            self.closed.set()
            self._fail(Gone("the connection ended"))

    def _fail(self, error: Exception) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        for future in self._acks.values():
            if not future.done():
                future.set_exception(error)
        self._acks.clear()

    async def _take(self, packet: str) -> None:
        assert self._socket is not None and self._ready is not None
        if packet[0] == "0":
            await self._socket.send(f"40{self._namespace},{json.dumps(self._auth)}")
        elif packet[0] == "2":
            await self._socket.send("3")
        elif packet[0] == "4":
            kind, body = packet[1], packet[2:].removeprefix(f"{self._namespace},")
            if kind == "0" and not self._ready.done():
                self._ready.set_result(None)
            elif kind == "4":
                self._fail(Refused(json.loads(body)))
                await self._socket.close()
            elif kind == "1":
                await self._socket.close()
            elif kind == "3":
                digits, _, rest = body.partition("[")
                future = self._acks.pop(int(digits), None)
                if future is not None and not future.done():
                    future.set_result(json.loads("[" + rest)[0])
            elif kind in "25" and self.on_event is not None:
                # Of an event with bytes, the bytes themselves come in packets of their own, which nobody here reads.
                name, *data = json.loads(body if kind == "2" else packet[packet.index("[") :])
                self.on_event(name, data[0] if data else None)

    async def call(self, event: str, data: Any, timeout: float = 20) -> Json:
        """The acknowledgement. Raises Gone when the connection ended before it came."""
        assert self._socket is not None
        self._next += 1
        number = self._next
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._acks[number] = future
        try:
            await self._socket.send(f"42{self._namespace},{number}{json.dumps([event, data])}")
            answer: Json = await asyncio.wait_for(future, timeout)
            return answer
        except (WebSocketException, OSError):
            raise Gone("the connection ended") from None
        finally:
            self._acks.pop(number, None)

    def stop_reading(self) -> None:
        """As a client that hangs: nothing that arrives is taken from the connection any more."""
        assert self._socket is not None
        self._socket.transport.pause_reading()
        # The kernel reads on for a while; let it take little.
        self._socket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def abandon(self) -> None:
        """Ends the connection without waiting for the other side."""
        assert self._socket is not None
        self._socket.transport.abort()
        await self.close()

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader


def visitor(url: str, token: str | None = None, on_event: Callable[[str, Any], object] | None = None) -> Client:
    """A visitor of the demo's site."""
    return Client(url, "/visitor", {"site": "demo", "token": token}, on_event=on_event)


class SignedIn:
    """An agent's cookie and CSRF token, as his browser has them."""

    def __init__(self, url: str, username: str, password: str = "demo", *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        verify = tls or True
        with httpx.Client(base_url=url, trust_env=False, timeout=30, headers={"Origin": url}, verify=verify) as http:
            page = http.get("/login")
            answer = http.post(
                "/login",
                json={"username": username, "password": password},
                headers={"X-CSRF-Token": _csrf(page.text)},
            )
            assert answer.status_code == 200, answer.text
            self.csrf = _csrf(http.get("/agent").text)
            self.cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())

    def client(
        self, url: str, window: str = "window-1", on_event: Callable[[str, Any], object] | None = None
    ) -> Client:
        headers = {"Cookie": self.cookie, "Origin": url}
        auth = {"window": window, "csrf": self.csrf}
        return Client(url, "/agent", auth, headers=headers, on_event=on_event, tls=self._tls)


def _csrf(page: str) -> str:
    return page.partition('<meta name="csrf" content="')[2].partition('"')[0]
