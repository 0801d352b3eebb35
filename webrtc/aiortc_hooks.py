"""Where we reach below aiortc's and aioice's public names, and nowhere else. tests/unit/webrtc/test_aiortc_hooks.py
holds what is relied on; aiortc is pinned to the versions that this was read in.

aiortc's tracks cost 4 % of a core a call (a jitter buffer, a decoder thread, queues and tasks a packet). A bridge needs
none of it, only ICE (aioice), DTLS and the SRTP keys. So here are the three parts without the tracks:

    MediaSocket   one UDP port (or TURN allocation): tells STUN, DTLS and SRTP apart by the first byte (RFC 7983)
    IceLink       aioice's Connection with our ports, addresses and receive path
    SecureLink    aiortc's RTCDtlsTransport on top, and the two ways for packets

Two ways. "fast": a packet is unprotected and handed on within the socket's callback, and sent straight through the
nominated pair's socket; everything but SRTP is left to the libraries. "tap", the fallback, uses fewer of their
internals: SRTP goes through aioice's queue and aiortc's receive task, and comes out where aiortc would parse it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import ipaddress
import random
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import aioice.ice
import pylibsrtp
from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol
from aiortc import RTCIceServer
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcicetransport import RTCIceTransport, connection_kwargs

from webrtc import srtp
from webrtc.settings import IceServer, MediaSettings

Way = Literal["fast", "tap"]
PacketSink = Callable[[bytes, float], None]
"""An unprotected packet and when it arrived (time.monotonic)."""

BINDS = 200
"""Ports of the range tried, each at random, before giving up."""
GATHERING = 5.0
"""Seconds that a STUN or TURN server may take."""
BACKLOG = 64
"""Datagrams that wait for the DTLS task; a handshake has a dozen."""
RECEIVE_BUFFER = 256 * 1024
EXPEDITED = 46 << 2
"""DSCP EF: what networks put before other traffic as voice (RFC 3246, RFC 8837)."""


def drop(packet: bytes) -> None:
    """Where packets go while there is no connection."""


def ignore(packet: bytes, now: float) -> None:
    """The same, after the end."""


def nothing() -> None:
    """Nobody is to be told any more."""


class MediaSocket(StunProtocol):
    """One local candidate's socket."""

    receiver: IceLink

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        data = cast(bytes, data)
        link, first = self.receiver, data[0] if data else 255
        if 127 < first < 192:
            if addr in link.peers or link.is_peer(addr):
                link.on_srtp(data)
            else:
                link.foreign += 1
        elif first < 4:
            super().datagram_received(data, addr)
        elif 19 < first < 64 and link.is_peer(addr):
            link.data_received(data, self.local_candidate.component)
        else:
            link.foreign += 1


class IceLink(Connection):
    """One party's ICE, always the answering side.

    Unlike its base it binds within a port range and to loopback too, if asked, and takes DTLS and SRTP from addresses
    only that the party named in its SDP or has proven to be his by a STUN request with the right password.
    """

    def __init__(self, settings: MediaSettings, *, controlling: bool = False) -> None:
        super().__init__(ice_controlling=controlling, **chosen_servers(settings.ice_servers))
        self._settings = settings
        self.peers: set[tuple[Any, ...]] = set()
        """Addresses that `is_peer` has found to be his."""
        self.on_srtp: Callable[[bytes], None] = self.queue
        """What becomes of SRTP and SRTCP of the party; it takes the way of everything else unless this is set."""
        self.foreign = 0
        """Datagrams that came from elsewhere, or were none of STUN, DTLS and SRTP."""
        self.ended = False
        """True once there is no way to the party any more: closed by us, or consent to send has expired (RFC 7675)."""

    async def close(self) -> None:
        """Leaves no cycle of references: the sockets' buffers are freed now and not at some collection of garbage."""
        self.ended = True
        await super().close()
        self.on_srtp = drop
        self._check_list.clear()
        self._early_checks.clear()

    # What comes in.

    def is_peer(self, addr: tuple[Any, ...]) -> bool:
        host, port = str(addr[0]).partition("%")[0], addr[1]
        known = any(candidate.host == host and candidate.port == port for candidate in self.remote_candidates)
        if known:
            self.peers.add(addr)
        return known

    def queue(self, data: bytes) -> None:
        self.data_received(data, 1)

    def data_received(self, data: bytes, component: int) -> None:
        # The base class also passes on what looked like STUN and was not.
        if len(data) > 1 and data[0] > 19 and self._queue.qsize() < BACKLOG:
            super().data_received(data, component)
        else:
            self.foreign += 1

    # What we are reached at.

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        """As the base class's, with our addresses and ports."""
        sockets = [
            bound for host in self._addresses(addresses) if (bound := await self._bind(host, component)) is not None
        ]
        self._protocols += sockets
        found = [bound.local_candidate for bound in sockets]
        tasks: list[asyncio.Task[tuple[Candidate, StunProtocol | None]]] = []
        if self.stun_server is not None:
            for bound in sockets:
                address = ipaddress.ip_address(bound.local_candidate.host)
                if address.version == 4 and not address.is_loopback:
                    tasks.append(asyncio.create_task(aioice.ice.server_reflexive_candidate(bound, self.stun_server)))
        if self.turn_server is not None:
            tasks.append(
                asyncio.create_task(
                    aioice.ice.relayed_candidate(
                        component=component,
                        hide_related_address=False,
                        protocol_factory=lambda: MediaSocket(self),
                        turn_server=self.turn_server,
                        turn_username=self.turn_username,
                        turn_password=self.turn_password,
                        turn_ssl=self.turn_ssl,
                        turn_transport=self.turn_transport,
                    )
                )
            )
        if tasks:
            done, late = await asyncio.wait(tasks, timeout=GATHERING)
            for task in late:
                task.cancel()
            for task in done:
                # A server that does not answer only costs its candidate.
                if task.exception() is None:
                    candidate, relay = task.result()
                    found.append(candidate)
                    if relay is not None:
                        self._protocols.append(relay)
        return found

    def _addresses(self, found: list[str]) -> list[str]:
        host = self._settings.host
        addresses = [host] if host not in ("", "0.0.0.0", "::") else found  # noqa: S104
        # Link-local and multicast addresses would have to say on which interface.
        addresses = [a for a in addresses if not (ip := ipaddress.ip_address(a)).is_link_local and not ip.is_multicast]
        return [*addresses, "127.0.0.1"] if self._settings.loopback and "127.0.0.1" not in addresses else addresses

    async def _bind(self, host: str, component: int) -> MediaSocket | None:
        loop = asyncio.get_running_loop()
        first, last = self._settings.ports
        ports = [0] if first == 0 else random.sample(range(first, last + 1), min(BINDS, last - first + 1))
        for port in ports:
            try:
                transport, bound = await loop.create_datagram_endpoint(
                    lambda: MediaSocket(self), local_addr=(host, port)
                )
            except OSError:
                continue
            own = transport.get_extra_info("sockname")
            _mark(transport.get_extra_info("socket"))
            bound.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", own[0]),
                component=component,
                transport="udp",
                # Loopback last: two browsers on one machine should still prefer the real address.
                priority=candidate_priority(component, "host", 65535 if not own[0].startswith("127.") else 1),
                host=own[0],
                port=own[1],
                type="host",
            )
            return bound
        return None


def _mark(bound: socket.socket) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    # Where marking is not allowed the packets go unmarked.
    with contextlib.suppress(OSError):
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
        else:
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)


def chosen_servers(servers: tuple[IceServer, ...]) -> dict[str, Any]:
    """The first STUN and the first TURN server, as aioice's Connection takes them: it knows one of each."""
    return connection_kwargs(
        [RTCIceServer(urls=list(s.urls), username=s.username, credential=s.credential) for s in servers]
    )


class _IceFace:
    """What aiortc's DTLS transport needs of its ICE transport."""

    def __init__(self, link: IceLink) -> None:
        self._link = link
        self._send = link.send
        self._recv = link.recv

    @property
    def role(self) -> str:
        return "controlling" if self._link.ice_controlling else "controlled"


class SecureLink(RTCDtlsTransport):
    """DTLS over an IceLink, and RTP and RTCP in the clear above it.

    `on_rtp` and `on_rtcp` get what was unprotected, `on_end` is called when the other side has closed. Nothing is let
    in or out before the party's certificate has been found to be the signalled one, and nothing after the end.
    """

    def __init__(
        self,
        ice: IceLink,
        *,
        way: Way,
        on_rtp: PacketSink,
        on_rtcp: PacketSink,
        on_end: Callable[[], None],
        server: bool,
    ) -> None:
        super().__init__(cast(RTCIceTransport, _IceFace(ice)), [certificate()])
        self._ice = ice
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_end = on_end
        self._open = False
        self._sending: set[asyncio.Task[None]] = set()
        self.send_rtp: Callable[[bytes], None] = drop
        """Sends an RTP packet; dropped while there is no connection."""
        self.send_rtcp: Callable[[bytes], None] = drop
        self.way = way
        self.refused = 0
        """Packets whose SRTP did not fit (fast way): wrong key, replayed, damaged."""
        self._set_role("server" if server else "client")
        self.on("statechange", self._changed)
        if way == "fast":
            ice.on_srtp = drop

    async def handshake(self, fingerprints: Sequence[tuple[str, str]]) -> bool:
        """(algorithm, value) as signalled. True when the party has proven to be the one that the SDP names."""
        await self.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints]))
        return self._open

    async def stop(self) -> None:
        """Says goodbye and frees the keys. Nothing is called any more. Harmless twice."""
        await super().stop()
        self.remove_all_listeners()
        self.send_rtp = self.send_rtcp = drop
        self._ice.on_srtp = drop
        self._on_rtp = self._on_rtcp = ignore
        self._on_end = nothing
        self._ssl = None
        self._rx_srtp = self._tx_srtp = cast(pylibsrtp.Session, None)

    def _changed(self) -> None:
        was, self._open = self._open, self.state == "connected"
        if was and not self._open:
            self.send_rtp = self.send_rtcp = drop
            if self.way == "fast":
                self._ice.on_srtp = drop
            self._on_end()
        elif self._open and self.way == "fast":
            self._ice.on_srtp = self._receiver()
            self.send_rtp = self._sender(srtp.protector(self._tx_srtp))
            self.send_rtcp = self._sender(srtp.rtcp_protector(self._tx_srtp))
        elif self._open:
            self.send_rtp = self.send_rtcp = self._send_later

    # The fast way. Functions with all they need at hand, as they run for each packet.

    def _receiver(self) -> Callable[[bytes], None]:
        unprotect, unprotect_rtcp = srtp.unprotector(self._rx_srtp), srtp.rtcp_unprotector(self._rx_srtp)
        on_rtp, on_rtcp, clock = self._on_rtp, self._on_rtcp, time.monotonic

        def receive(data: bytes) -> None:
            rtcp = len(data) > 1 and 191 < data[1] < 224
            try:
                packet = unprotect_rtcp(data) if rtcp else unprotect(data)
            except pylibsrtp.Error:
                self.refused += 1
                return
            (on_rtcp if rtcp else on_rtp)(packet, clock())

        return receive

    def _sender(self, protect: srtp.Cipher) -> Callable[[bytes], None]:
        nominated = self._ice._nominated
        known: object = None
        sendto: Callable[[bytes, tuple[str, int]], object] = lambda data, addr: None  # noqa: E731
        address = ("", 0)

        def send(packet: bytes) -> None:
            nonlocal known, sendto, address
            pair = nominated.get(1)
            if pair is not known:
                # The browser may move to another pair at any time; without one there is nobody to send to.
                if pair is None:
                    return
                known, sendto, address = pair, pair.protocol.transport.sendto, pair.remote_addr
            sendto(protect(packet), address)

        return send

    # The tap.

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._on_rtp(data, time.monotonic())

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._on_rtcp(data, time.monotonic())

    def _send_later(self, packet: bytes) -> None:
        task = asyncio.create_task(self._send(packet))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, packet: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self._send_rtp(packet)


_certificate: RTCCertificate | None = None


def certificate() -> RTCCertificate:
    """This process's certificate: made once, as that takes as long as a handshake, and renewed before it is too old."""
    global _certificate
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    if _certificate is None or _certificate.expires < soon:
        _certificate = RTCCertificate.generateCertificate()
    return _certificate


def ice_candidate(foundation: str, priority: int, host: str, port: int, type: str) -> Candidate:
    # aioice knows no peer-reflexive candidate in SDP, nor is there a difference for whom it is reached.
    return Candidate(foundation, 1, "udp", priority, host, port, "srflx" if type == "prflx" else type)


@functools.cache
def missing() -> tuple[str, ...]:
    """What the fast way stands on and these versions of the libraries do not have: () when all is there."""
    lacking: list[str] = []
    secure = RTCDtlsTransport(cast(RTCIceTransport, _IceFace(IceLink(MediaSettings()))), [certificate()])
    for thing, names in (
        (Connection(ice_controlling=False), ("_nominated", "_queue", "_protocols", "get_component_candidates")),
        (StunProtocol, ("datagram_received",)),
        (CandidatePair, ("remote_addr",)),
        (secure, ("_rx_srtp", "_tx_srtp", "_set_role")),
    ):
        lacking += [f"{type(thing).__name__}.{name}" for name in names if not hasattr(thing, name)]
    return tuple(lacking)
