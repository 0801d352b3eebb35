"""A user agent behind real sockets, for tests that call it or let it call."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Event, Invited, Offered
from channels.voice.sip.gate import Gate, Rule
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.resolve import SipResolver
from channels.voice.sip.settings import Local, PeerOptions, Settings
from channels.voice.sip.transaction import Timing
from channels.voice.sip.transport import Listen, SipTransport
from channels.voice.sip.transport_stream import StreamLimits
from channels.voice.sip.transport_tls import TlsFiles
from channels.voice.sip.wire import Destination, Transport

E = TypeVar("E")

LOOPBACK = Rule("trunk", ("127.0.0.0/8", "::1"), trusted=True, rate=5_000.0, burst=5_000.0, total_rate=5_000.0)

QUICK = Timing(0.05, 0.4, 0.5, 3.2)
"""A tenth of the RFC's, so that nobody has to wait half a minute for the last transaction to end."""


def sdp(host: str = "127.0.0.1", port: int = 40_000) -> str:
    kind = "IP6" if ":" in host else "IP4"
    return (
        f"v=0\r\no=- 1 1 IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )


def free_port(host: str = "127.0.0.1") -> int:
    """Free for UDP and TCP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            tcp.bind((host, 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind((host, port))
            except OSError:
                continue
            return port


class Line:
    """Events are kept in `events`; `on_event` may act on each. `answering` takes every call and offer at once."""

    def __init__(self, agent: UserAgent, gate: Gate) -> None:
        self.agent, self.gate = agent, gate
        self.transport: SipTransport
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = lambda event: None
        self.host = "127.0.0.1"
        self._news = asyncio.Event()

    def heard(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()
        self.on_event(event)

    def answering(self, event: Event) -> None:
        if isinstance(event, Invited):
            self.agent.ring(event.call, self.now)
            self.agent.answer(event.call, sdp(self.host), self.now)
        elif isinstance(event, Offered):
            self.agent.accept_offer(event.call, sdp(self.host), self.now)

    @property
    def now(self) -> float:
        return self.transport.now()

    def port(self, transport: Transport) -> int:
        return next(listen.port for listen in self.transport.bound if listen.transport == transport)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[E], count: int = 1) -> E:
        """The `count`-th event of the kind, when it has come."""
        while len(found := self.of(kind)) < count:
            self._news.clear()
            await self._news.wait()
        return found[count - 1]

    async def until_idle(self) -> None:
        while not self.agent.idle:
            await asyncio.sleep(0.02)

    def call(
        self, port: int, transport: Transport = "udp", *, options: PeerOptions | None = None, host: str | None = None
    ) -> str:
        return self.call_at([Destination(transport, host or self.host, port)], options=options)

    def call_at(self, destinations: Sequence[Destination], *, options: PeerOptions | None = None) -> str:
        first = destinations[0]
        host = f"[{first.host}]" if ":" in first.host else first.host
        suffix = "" if first.transport == "udp" else f";transport={first.transport}"
        port = f":{first.port}" if first.port else ""
        call = self.agent.invite(
            NameAddr("", f"sip:service@{host}{port}{suffix}"),
            NameAddr("Hub", f"sip:hub@{'[::1]' if ':' in self.host else self.host}"),
            sdp(self.host),
            destinations,
            self.now,
            options=options,
        )
        self.transport.flush()
        return call

    def hang_up(self, call: str) -> None:
        self.agent.hang_up(call, self.now)
        self.transport.flush()


@asynccontextmanager
async def a_line(
    transports: Sequence[Transport] = ("udp", "tcp"),
    *,
    host: str = "127.0.0.1",
    rules: Sequence[Rule] = (LOOPBACK,),
    settings: dict[str, object] | None = None,
    tls: TlsFiles | None = None,
    limits: StreamLimits | None = None,
    resolver: SipResolver | None = None,
    timing: Timing = QUICK,
) -> AsyncIterator[Line]:
    port = free_port(host)
    ports = {kind: port if kind != "tls" else free_port(host) for kind in transports}
    locals_ = tuple(Local(kind, host, ports[kind]) for kind in transports)
    agent = UserAgent(
        Settings(locals_, timing=timing, **(settings or {})),  # type: ignore[arg-type]
        secrets.token_hex,
    )
    line = Line(agent, Gate(rules))
    line.host = host
    line.transport = SipTransport(
        agent,
        line.gate,
        [Listen(kind, host, ports[kind]) for kind in transports],
        line.heard,
        tls=tls,
        limits=limits,
        resolver=resolver,
    )
    await line.transport.start()
    try:
        yield line
    finally:
        await line.transport.stop()
