"""What both Socket.IO namespaces share: the server, the table of events, acknowledgements, limits.

Every event a client may send stands in a table with its input's shape and the permission it needs; what is not in the
table is refused. An acknowledgement is `{"ok": true, ...}` or `{"ok": false, "error": {...}}`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import socketio
import structlog

from hub.config_rows import invalid
from hub.errors import HubError, InvalidInput, NotSignedIn, TooLarge
from hub.limits import SlidingLimit
from hub.permissions import Permission
from hub.ports import Clock

log = structlog.get_logger(__name__)

LARGEST_EVENT = 64 * 1024
EVENTS_PER_MINUTE = 1200
# The ASGI extension by which a connection is cut without waiting for its client (`hub/web/protocol.py`).
ABORT = "contacthub.abort"
OUTGOING_LIMIT = 512  # packets waiting for a client that does not read
Ack = dict[str, Any]
S = TypeVar("S")
T = TypeVar("T", bound=msgspec.Struct)


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what clients send: unknown fields are errors."""


class Nothing(Input, frozen=True, forbid_unknown_fields=True):
    pass


@dataclass(frozen=True)
class SocketEvent(Generic[S]):
    """`handle(sid, session, input)` answers the acknowledgement's fields; `permission` None: any session may."""

    name: str
    input: type[msgspec.Struct]
    handle: Callable[[str, S, Any], Awaitable[Ack]]
    permission: Permission | None = None


class JsonCodec:
    """msgspec in the place of the standard library's json, as python-socketio wants it."""

    @staticmethod
    def dumps(data: Any, **_: Any) -> str:
        return msgspec.json.encode(data).decode()

    @staticmethod
    def loads(data: str | bytes, **_: Any) -> Any:
        return msgspec.json.decode(data)


def make_server() -> socketio.AsyncServer:
    """Origins are checked before the request gets here (`hub/web`), for the polling transport too."""
    return socketio.AsyncServer(
        async_mode="asgi",
        cors_allowed_origins="*",
        cors_credentials=False,
        json=JsonCodec,
        ping_interval=15,
        ping_timeout=10,
        max_http_buffer_size=1_000_000,
        http_compression=False,
        logger=False,
        engineio_logger=False,
    )


class Session(Protocol):
    """What an event's session has to tell for the permission check and the limits."""

    @property
    def key(self) -> str: ...

    def require(self, permission: Permission) -> None: ...


class EventTable:
    """Registers a namespace's events and turns every outcome into an acknowledgement."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        namespace: str,
        clock: Clock,
        sessions: Mapping[str, Session],
        per_minute: int = EVENTS_PER_MINUTE,
    ) -> None:
        self._sio = sio
        self._namespace = namespace
        self._clock = clock
        self._sessions = sessions
        self._limit = SlidingLimit(per_minute, 60_000)
        self.events: dict[str, SocketEvent[Any]] = {}
        sio.on("*", namespace=namespace, handler=self._unknown)

    def add(self, *events: SocketEvent[Any]) -> None:
        for event in events:
            self.events[event.name] = event
            self._sio.on(event.name, namespace=self._namespace, handler=self._handler(event))

    def _handler(self, event: SocketEvent[Any]) -> Callable[..., Awaitable[Ack]]:
        decode = event.input

        async def handle(sid: str, data: Any = None, *_: Any) -> Ack:
            try:
                session = self._sessions.get(sid)
                if session is None:
                    raise NotSignedIn("Please connect again.")
                self._limit.take(session.key, self._clock.now())
                if event.permission is not None:
                    session.require(event.permission)
                return {"ok": True, **await event.handle(sid, session, read_input(decode, data))}
            except HubError as error:
                return {"ok": False, "error": error.to_json()}
            except Exception:
                log.exception("socket.failed", socket_event=event.name)
                failure = HubError("Something went wrong on our side. Please try again.", code="server.error")
                return {"ok": False, "error": failure.to_json()}

        return handle

    async def _unknown(self, event: str, sid: str, *_: Any) -> Ack:
        return {"ok": False, "error": InvalidInput("event", "expected an event of this namespace").to_json()}


def read_input(kind: type[T], data: Any) -> T:
    """What a client sent, as its struct. Raises TooLarge, InvalidInput."""
    try:
        size = len(msgspec.json.encode(data))
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("", "expected JSON") from None
    if size > LARGEST_EVENT:
        raise TooLarge(f"This is too large: {size} bytes, at most {LARGEST_EVENT} are taken.")
    try:
        return msgspec.convert({} if data is None else data, kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


class SlowReaders:
    """Closes sockets whose client does not read what is sent, before their queues eat the memory."""

    def __init__(self, sio: socketio.AsyncServer) -> None:
        self._sio = sio
        self._task: asyncio.Task[None] | None = None
        self.closed = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sockets.slow_readers")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(1)
            for sid, socket in list(self._sio.eio.sockets.items()):
                if socket.queue.qsize() > OUTGOING_LIMIT:
                    self.closed += 1
                    log.warning("socket.too_slow", sid=sid)
                    scope = (self._sio.environ.get(sid) or {}).get("asgi.scope") or {}
                    await socket.close(wait=False, abort=True)
                    if (abort := (scope.get("extensions") or {}).get(ABORT)) is not None:
                        abort["cut"]()


def handshake(auth: Any, kind: type[T]) -> T:
    """The namespace handshake's data as its struct; refuses the connection otherwise."""
    try:
        return read_input(kind, auth)
    except HubError as error:
        raise refused(error) from None


def refused(error: HubError) -> socketio.exceptions.ConnectionRefusedError:
    """What to raise in a connect handler: the client's connect_error holds the code as data."""
    return socketio.exceptions.ConnectionRefusedError(error.message, error.to_json())


def client_address(environ: Mapping[str, Any]) -> str:
    """The peer's address as the ASGI server gives it (it resolves trusted proxies)."""
    scope = environ.get("asgi.scope") or {}
    client = scope.get("client")
    return str(client[0]) if client else ""


def cookie(environ: Mapping[str, Any], name: str) -> str | None:
    for part in str(environ.get("HTTP_COOKIE", "")).split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None
