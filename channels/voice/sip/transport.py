"""The SIP user agent's only I/O: UDP, TCP and TLS sockets, names, and the clock that drives it.

Whoever runs the calls gives the agent its commands and calls `flush` after each; events come to the handler. Nothing
of a message's content is logged, as it holds credentials and numbers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

import structlog
from msgspec import Struct

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Event
from channels.voice.sip.gate import Gate, Rule
from channels.voice.sip.message import BadMessage, Request, parse
from channels.voice.sip.resolve import SipResolver, Target, Unresolved
from channels.voice.sip.transport_stream import Connection, StreamLimits
from channels.voice.sip.transport_tls import BadTls, Certificates, PeerTls, TlsFiles, reason
from channels.voice.sip.transport_udp import UdpSocket, bound_socket, udp_socket
from channels.voice.sip.uri import SipUri
from channels.voice.sip.wire import Destination, LookUp, Send, Source, Transport, is_address

ANSWERS_S = 600.0  # how long answers of somebody to whom we sent are let in; a call may ring for minutes
SWEEP_S = 5.0
LOOKUPS = 200  # at a time

_log = structlog.get_logger("sip")


class Listen(Struct, frozen=True):
    """`host` is an address of ours, "0.0.0.0" or "::"; port 0 takes a free one."""

    transport: Transport
    host: str
    port: int


class SipTransport:
    """Drives `agent`. `on_event` is called on the loop with each event, in order; what it raises is logged."""

    def __init__(
        self,
        agent: UserAgent,
        gate: Gate,
        listens: Sequence[Listen],
        on_event: Callable[[Event], None],
        *,
        tls: TlsFiles | None = None,
        limits: StreamLimits | None = None,
        resolver: SipResolver | None = None,
    ) -> None:
        self.agent, self.gate = agent, gate
        self.counts: Counter[str] = Counter()
        """Of messages and connections: received, sent, malformed, unwanted, undelivered, refused_connections."""
        self.bound: tuple[Listen, ...] = ()
        """Where we listen, with the ports that we got."""
        self.by_tls: dict[str, str] = {}
        """Of each trunk that was connected to by TLS: why the last try failed, "" if it did not."""
        self._listens, self._on_event = tuple(listens), on_event
        self._tls, self._limits = Certificates(tls or TlsFiles()), limits or StreamLimits()
        used = {listen.transport for listen in listens}
        kinds: tuple[Transport, ...] = ("udp", "tcp", "tls")
        families = sorted({6 if ":" in listen.host else 4 for listen in listens}) or [4]
        self._resolver = resolver or SipResolver([kind for kind in kinds if kind in used] or kinds, families)
        self._udp: dict[str, UdpSocket] = {}
        self._connections: dict[str, Connection] = {}
        self._outgoing: dict[tuple[Transport, str, int, str], Connection] = {}
        self._undelivered: dict[str, list[Destination]] = {}  # by flow, of connections that have brought nothing yet
        self._servers: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookups = 0
        self._flows = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due: float = 0.0
        self._flushing = False
        self._stopped = False

    async def start(self) -> None:
        """Raises OSError for an address that cannot be had, ssl.SSLError and OSError for unusable certificates."""
        await self._tls.load()
        bound = []
        try:
            for listen in self._listens:
                bound.append(await self._listen(listen))
        except OSError:
            await self.stop()
            raise
        self.bound = tuple(bound)
        self._spawn(self._sweep())
        self.flush()

    async def stop(self) -> None:
        """Close everything. What has to be said before (BYE, unregister) is the business of whoever runs the calls."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.close("stopped")
        for udp in self._udp.values():
            udp.close()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn

    def set_peers(self, peers: Mapping[str, PeerTls]) -> None:
        """TLS of the trunks by name, from now on. A connection judged by other rules serves the calls that have
        it, and nothing new."""
        changed = self._tls.set_peers(peers)
        self.by_tls = {peer: why for peer, why in self.by_tls.items() if peer not in changed}
        self._outgoing = {key: one for key, one in self._outgoing.items() if key[3] not in changed}

    def now(self) -> float:
        """The clock of the agent's commands."""
        return asyncio.get_running_loop().time()

    def flush(self) -> None:
        """Send and tell what the agent has to say; call it after every command."""
        if self._flushing or self._stopped:
            return
        self._flushing = True
        try:
            while outputs := self.agent.drain():
                for output in outputs:
                    if isinstance(output, Send):
                        self._send(output.destination, output.data)
                        continue
                    if isinstance(output, LookUp):
                        self._look_up(output.destination)
                        continue
                    try:
                        self._on_event(output)
                    except Exception:
                        _log.exception("sip.event_failed", kind=type(output).__name__)
        finally:
            self._flushing = False
        self._set_timer()

    async def locate(self, destination: Destination) -> list[Destination]:
        """The addresses behind a name, in order (RFC 3263). Raises Unresolved."""
        kinds: tuple[Transport, ...] | None = ("udp", "tcp") if destination.either else None
        return [_reached(destination, target) for target in await self._resolver.resolve(_uri_of(destination), kinds)]

    # What comes in

    def datagram_came(self, flow: str, data: bytes, host: str, port: int) -> None:
        rule = self.gate.rule_of(host)
        now = self.now()
        if rule is None:
            if not (data[:8] == b"SIP/2.0 " and self.gate.expects(host, now)):
                self.gate.strangers += 1
                return
        elif not self.gate.takes(rule, host, data, now):
            self.gate.strangers += 1
            return
        elif not self.gate.admit(rule, host, now):
            return
        if len(data) <= 8 and not data.strip(b"\r\n\0 "):
            return  # keeps a NAT's binding alive
        self._take(data, Source("udp", host, port, flow), rule, stream=False)

    def wait_for_token(self, connection: Connection) -> float:
        rule = self.gate.rule_of(connection.host)
        if rule is None:
            return 0.0
        now = self.now()
        wait = self.gate.wait(rule, connection.host, now)
        if wait == 0.0:
            self.gate.admit(rule, connection.host, now)
        return wait

    def message_came(self, connection: Connection, data: bytes) -> None:
        self._undelivered.pop(connection.flow, None)
        rule = self.gate.rule_of(connection.host)
        taken = rule is not None and self.gate.takes(rule, connection.host, data, self.now())
        if connection.inbound and not taken:
            self.gate.strangers += 1
            connection.close("not allowed any more", now=True)
            return
        source = Source(connection.kind, connection.host, connection.port, connection.flow, peer=connection.peer)
        self._take(data, source, rule, stream=True)

    def _take(self, data: bytes, source: Source, rule: Rule | None, *, stream: bool) -> None:
        self.counts["received"] += 1
        if rule is not None:
            source = Source(
                *(source.transport, source.host, source.port, source.flow),
                *(rule.trusted, rule.authenticate, source.peer or rule.name),
            )
        try:
            message = parse(data, stream=stream)
        except BadMessage as bad:
            self.counts["malformed"] += 1
            if rule is not None and bad.partial is not None:
                self._drive(self.agent.refuse, bad, source)
            return
        if rule is None and isinstance(message, Request):
            self.counts["unwanted"] += 1  # from where we only expect answers
            return
        self._drive(self.agent.receive, message, source)

    def _drive(self, step: Callable[..., None], *arguments: object) -> None:
        """One step of the agent. A fault in the handling of one message must not end all calls."""
        try:
            step(*arguments, self.now())
        except Exception:
            _log.exception("sip.agent_failed", step=step.__name__)
        self.flush()

    # What goes out

    def _send(self, destination: Destination, data: bytes) -> None:
        self.counts["sent"] += 1
        connection = self._connections.get(destination.flow or "")
        if connection is not None and connection.send(data):
            return
        if not is_address(destination.host):
            self._spawn(self._send_to_name(destination, data))
        elif not self._send_to_address(destination, destination, data):
            self._fail(destination)

    def _send_to_address(self, asked: Destination, to: Destination, data: bytes) -> bool:
        """False if it is certain already that it cannot be delivered. `asked` is what the agent said."""
        self.gate.expect(to.host, self.now() + ANSWERS_S)
        if to.transport != "udp":
            return self._send_by_stream(asked, to, data)
        udp = self._udp.get(asked.flow or "")
        version = 6 if ":" in to.host else 4
        if udp is None or udp.version != version:
            udp = next((other for other in self._udp.values() if other.version == version), None)
        return udp is not None and udp.send(data, to.host, to.port or 5060)

    def _send_by_stream(self, asked: Destination, to: Destination, data: bytes) -> bool:
        assert to.transport != "udp"
        key = (to.transport, to.host, to.port or (5061 if to.transport == "tls" else 5060), to.peer or to.name)
        connection = self._outgoing.get(key)
        if connection is not None and connection.broken is None and connection.send(data):
            if asked not in (waiting := self._undelivered.get(connection.flow, [asked])):
                waiting.append(asked)
            return True
        if len(self._connections) >= self._limits.connections:
            return False
        connection = self._connection(to.transport, key[1], key[2], inbound=False)
        connection.peer, connection.key = to.peer, key
        self._outgoing[key] = connection
        self._undelivered[connection.flow] = [asked]
        connection.send(data)
        self._spawn(self._connect(connection, to.name or to.host))
        return True

    async def _connect(self, connection: Connection, name: str) -> None:
        """`name` is what its certificate has to be for."""
        why: str | None
        try:
            async with asyncio.timeout(self._limits.connect_s):
                options = await self._client_options(connection, name)
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, connection.host, connection.port, **options
                )
        except (OSError, TimeoutError, BadTls) as error:
            why = reason(error)
            if isinstance(error, BadTls | ssl.SSLError):
                connection.flaw = why
        else:
            why = connection.flaw  # by what its certificate says
            if why is None:
                self._told_by_tls(connection, "")
                return
        _log.warning(
            "sip.connect_failed",
            transport=connection.kind,
            host=connection.host,
            port=connection.port,
            peer=connection.peer,
            error=why,
        )
        if connection.flow in self._connections:
            connection.broken = connection.broken or "not connected"
            self.connection_ended(connection)

    def _told_by_tls(self, connection: Connection, why: str) -> None:
        if connection.kind == "tls" and connection.peer:
            self.by_tls[connection.peer] = why

    async def _client_options(self, connection: Connection, name: str) -> dict[str, Any]:
        if connection.kind == "tcp":
            return {}
        context = await self._tls.client(connection.peer)
        connection.judge = lambda shown: self._tls.flaw(connection.peer, name, shown)
        return {"ssl": context, "server_hostname": name, "ssl_handshake_timeout": self._limits.handshake_s}

    def connection_ended(self, connection: Connection) -> None:
        self._connections.pop(connection.flow, None)
        if connection.is_mute and connection.kind == "tls" and connection.broken is None:
            connection.flaw = connection.flaw or "it hung up without a word; it may want another certificate of ours"
        if connection.flaw is not None:
            self._told_by_tls(connection, connection.flaw)
        if connection.key is not None and self._outgoing.get(connection.key) is connection:
            del self._outgoing[connection.key]
        for destination in dict.fromkeys(self._undelivered.pop(connection.flow, ())):
            self._fail(destination)
        if not self._stopped:
            asyncio.get_running_loop().call_soon(self._drive, self.agent.lost, connection.flow)

    def _look_up(self, destination: Destination) -> None:
        self._spawn(self._tell_located(destination))

    async def _tell_located(self, destination: Destination) -> None:
        found = await self._located(destination)
        if not self._stopped:
            self._drive(self.agent.located, destination, found)

    async def _send_to_name(self, destination: Destination, data: bytes) -> None:
        """To the first of the name's servers that can be reached at all: an ACK, for which nobody waits."""
        for to in await self._located(destination):
            if self._send_to_address(destination, to, data):
                return
        self._fail(destination)

    async def _located(self, destination: Destination) -> list[Destination]:
        if self._lookups >= LOOKUPS:
            return []
        self._lookups += 1
        try:
            return await self.locate(destination)
        except Unresolved as error:
            _log.warning("sip.unresolved", host=destination.host, error=str(error))
            return []
        finally:
            self._lookups -= 1

    def _fail(self, destination: Destination) -> None:
        """Tell the agent in the loop's next turn, as it may be in the middle of something now."""
        self.counts["undelivered"] += 1
        if not self._stopped:
            asyncio.get_running_loop().call_soon(self._drive, self.agent.failed, destination)

    # Sockets

    async def _listen(self, listen: Listen) -> Listen:
        loop = asyncio.get_running_loop()
        if listen.transport == "udp":
            sock = udp_socket(listen.host, listen.port)
            udp = UdpSocket(self, f"udp-{len(self._udp)}", 6 if ":" in listen.host else 4)
            await loop.create_datagram_endpoint(lambda: udp, sock=sock)
            self._udp[udp.flow] = udp
        else:
            if listen.transport == "tls" and self._tls.server is None:
                raise OSError(f"TLS at {listen.host} port {listen.port} needs a certificate and its key")
            sock = bound_socket(socket.SOCK_STREAM, listen.host, listen.port)
            sock.listen(128)
            self._servers.append(sock)
            self._spawn(self._accept(sock, listen.transport))
        return Listen(listen.transport, listen.host, sock.getsockname()[1])

    async def _accept(self, server: socket.socket, kind: Literal["tcp", "tls"]) -> None:
        """Judge by the address before the handshake, which costs a hundred times as much."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(server)
            except OSError as error:  # no more files, say
                _log.warning("sip.accept_failed", error=str(error))
                await asyncio.sleep(1.0)
                continue
            host, port = address[0], address[1]
            rule = self.gate.rule_of(host)
            if rule is None or (rule.only_register and not self.gate.admit(rule, host, self.now())):
                self.gate.strangers += 1
                sock.close()
            elif self._is_full(host, rule):
                self.counts["refused_connections"] += 1
                sock.close()
            else:
                self._spawn(self._welcome(sock, self._connection(kind, host, port, inbound=True)))

    async def _welcome(self, sock: socket.socket, connection: Connection) -> None:
        options: dict[str, Any] = {}
        if connection.kind == "tls":
            options = {"ssl": self._tls.server, "ssl_handshake_timeout": self._limits.handshake_s}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, sock, **options)
        except (OSError, ssl.SSLError):
            sock.close()
            self.connection_ended(connection)

    def _is_full(self, host: str, rule: Rule) -> bool:
        there = sum(connection.host == host for connection in self._connections.values())
        if rule.only_register:
            # They must not leave those whom we know without room.
            newcomers = sum(self._is_newcomer(connection) for connection in self._connections.values())
            if there >= self._limits.of_newcomer or newcomers >= self._limits.newcomers:
                return True
        return len(self._connections) >= self._limits.connections or there >= self._limits.of_source

    def _is_newcomer(self, connection: Connection) -> bool:
        """Whether it came from where no phone stands registered (yet)."""
        rule = self.gate.rule_of(connection.host)
        return connection.inbound and rule is not None and rule.only_register

    def _connection(self, kind: Literal["tcp", "tls"], host: str, port: int, *, inbound: bool) -> Connection:
        self._flows += 1
        connection = Connection(
            self, f"{kind}-{self._flows}", kind, host, port, self._limits, self.now, inbound=inbound
        )
        self._connections[connection.flow] = connection
        return connection

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._tls.renew()
            now = self.now()
            for connection in list(self._connections.values()):
                why = connection.overdue(now)
                if why is None and self._is_newcomer(connection) and now - connection.since > self._limits.newcomer_s:
                    why = "did not register"
                if why is not None:
                    connection.close(why, now=why != "idle")

    # Time

    def _set_timer(self) -> None:
        """A timer that is too early does no harm, so it stays until it runs."""
        deadline = self.agent.next_deadline()
        if deadline is None or self._stopped:
            return
        if self._timer is not None:
            if self._due <= deadline:
                return
            self._timer.cancel()
        # uvloop's handle of a timer that is due at once does not know its time.
        self._due = deadline
        self._timer = asyncio.get_running_loop().call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._drive(self.agent.tick)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            if (error := task.exception()) is not None:
                _log.error("sip.task_failed", exc_info=error)


def _uri_of(destination: Destination) -> SipUri:
    params = {} if destination.either else {"transport": destination.transport}
    return SipUri("sip", None, destination.host, destination.port or None, params)


def _reached(asked: Destination, target: Target) -> Destination:
    """An address of a name. UDP goes out by the same socket; a connection is used again if it is to this address."""
    flow = asked.flow if target.transport == "udp" == asked.transport else None
    return Destination(target.transport, target.host, target.port, flow, asked.peer, target.name)
