"""One TCP or TLS connection that carries SIP: bytes to whole messages, bounded in both directions."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol, cast

from msgspec import Struct

from channels.voice.sip.framing import PONG, Framer
from channels.voice.sip.transport_tls import reason
from channels.voice.sip.wire import Transport


class StreamLimits(Struct, frozen=True):
    """Times are seconds. `first_s`: until a connection has brought its first message; `message_s`: for one message to
    come whole; `idle_s`: without any. `queue` bytes may wait for a peer that does not read. `of_source`: connections
    from one address. Of addresses from which no phone stands registered there may be `newcomers` in all, `of_newcomer`
    each, and none for longer than `newcomer_s`."""

    connections: int = 1_000
    of_source: int = 200
    queue: int = 262_144
    connect_s: float = 4.0
    handshake_s: float = 10.0
    first_s: float = 30.0
    message_s: float = 30.0
    idle_s: float = 3_600.0
    newcomers: int = 200
    of_newcomer: int = 20
    newcomer_s: float = 60.0


class StreamOwner(Protocol):
    def wait_for_token(self, connection: Connection) -> float:
        """0 if a message of this connection may be taken now, else the seconds until then."""

    def message_came(self, connection: Connection, data: bytes) -> None: ...

    def connection_ended(self, connection: Connection) -> None:
        """Called once, whatever ended it, after it had begun."""


class Connection(asyncio.Protocol):
    """`inbound` says who opened it; `host` and `port` are the other side's. What is sent before it is up waits.

    One that we open has the trunk that it is to (`peer`), under which `key` it is found again, and who judges the
    certificate that is shown before anything is said: it gives what is wrong with it, or None.
    """

    def __init__(
        self,
        owner: StreamOwner,
        flow: str,
        kind: Literal["tcp", "tls"],
        host: str,
        port: int,
        limits: StreamLimits,
        now: Callable[[], float],
        *,
        inbound: bool,
    ) -> None:
        self.flow, self.kind, self.host, self.port, self.inbound = flow, kind, host, port, inbound
        self.broken: str | None = None
        self.flaw: str | None = None  # of TLS
        self.peer = ""
        self.key: tuple[Transport, str, int, str] | None = None
        self.judge: Callable[[ssl.SSLObject | None], str | None] = lambda shown: None
        self._owner, self._limits, self._now = owner, limits, now
        self._transport: asyncio.Transport | None = None
        self._framer = Framer()
        self._pending: deque[bytes] = deque()
        self._waiting: list[bytes] = []  # until the connection is up
        self._later: asyncio.TimerHandle | None = None
        self._heard = self._started = self.since = now()
        self._taken = 0

    @property
    def up(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_mute(self) -> bool:
        """We opened it, and it has brought no message."""
        return not (self.inbound or self._taken)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.flaw = self.judge(transport.get_extra_info("ssl_object"))
        if self.flaw is not None:
            self.broken = self.flaw
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is of no common class
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._transport.set_write_buffer_limits(high=self._limits.queue)
        self._heard = self._started = self._now()
        for data in self._waiting:
            self._transport.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._framer.idle:
            self._started = self._now()
        self._heard = self._now()
        self._pending.extend(self._framer.feed(data))
        if self._framer.pings and self._transport is not None:
            self._framer.pings = 0
            self.send(PONG)
        self._work()

    def eof_received(self) -> bool:
        return False  # close our side, too

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, ssl.SSLError) and self.flaw is None:
            self.flaw = reason(error)  # an alert: ours was not good enough, say
        self._transport = None
        self._pending.clear()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._owner.connection_ended(self)

    def send(self, data: bytes) -> bool:
        """False if it cannot be delivered: the connection is closing, or its peer does not read."""
        if self._transport is None:
            if sum(map(len, self._waiting)) + len(data) > self._limits.queue:
                return False
            self._waiting.append(data)
            return True
        if self._transport.is_closing():
            return False
        if self._transport.get_write_buffer_size() + len(data) > self._limits.queue:
            self.close("the peer does not read", now=True)
            return False
        self._transport.write(data)
        return True

    def overdue(self, now: float) -> str | None:
        """Why the connection has lasted too long without what it is for, if it has."""
        if not self._framer.idle and now - self._started > self._limits.message_s:
            return "a message did not come whole"
        if self.inbound and not self._taken and now - self._started > self._limits.first_s:
            return "nothing came"
        if now - self._heard > self._limits.idle_s:
            return "idle"
        return None

    def close(self, why: str, *, now: bool = False) -> None:
        """After what is waiting to be sent, or `now`."""
        self.broken = self.broken or why
        if self._transport is not None:
            if now:
                self._transport.abort()
            else:
                self._transport.close()

    def _work(self) -> None:
        """Take what has come, as fast as the gate lets it; who sends faster has to wait, as nothing more is read."""
        self._later = None
        while self._pending and self.up:
            wait = self._owner.wait_for_token(self)
            if wait > 0.0:
                assert self._transport is not None
                self._transport.pause_reading()
                self._later = asyncio.get_running_loop().call_later(wait, self._resume)
                return
            self._taken += 1
            self._owner.message_came(self, self._pending.popleft())
        if self._framer.broken is not None:
            self.close(self._framer.broken)

    def _resume(self) -> None:
        if self.up and self._transport is not None:
            self._transport.resume_reading()
        self._work()
