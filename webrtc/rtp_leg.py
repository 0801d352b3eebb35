"""A plain leg: RTP and RTCP over UDP towards a trunk or a desk phone, in the clear or with keys from SDP (SDES-SRTP).

Symmetric RTP (RFC 4961), latched once: packets go where the description says until the first come in; from then on they
go to, and are taken from, only that source. The signalled address is taken at its first packet; another one (a phone
behind NAT) only after a run of packets that fit together, and never if the trunk's policy is `signalled`. A source
cannot be changed later except by a new description, so nobody talks into a running call.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from hub.errors import Unavailable
from hub.media import LegStats, RtpOptions
from webrtc import g711
from webrtc.leg import LegEvents
from webrtc.quality import mos
from webrtc.rtp import Reports, is_rtcp
from webrtc.sdp import Agreed, Crypto
from webrtc.stream import HEADER, Codec, Incoming, Outgoing

PROBATION = 3
"""So many packets in sequence from one unexpected source make it the source."""
CANDIDATES = 8
"""So many unexpected sources are watched at once."""
PROFILES = {
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
EXPEDITED = 46 << 2
"""DSCP EF: what networks put before other traffic as voice (RFC 3246)."""
Address = tuple[str, int]


class Ports:
    """Gives out pairs of UDP sockets: an even port for RTP and the next for RTCP, going round through the range."""

    def __init__(self, first: int, last: int, start: int = 0) -> None:
        self._first = first + first % 2
        self._pairs = (last + 1 - self._first) // 2
        self._next = start

    def take(self, host: str) -> tuple[socket.socket, socket.socket]:
        """Two bound sockets; Unavailable if the whole range is taken."""
        for _ in range(self._pairs):
            port = self._first + 2 * (self._next % self._pairs)
            self._next += 1
            pair = [bound(host, port), bound(host, port + 1)]
            if pair[0] is not None and pair[1] is not None:
                return pair[0], pair[1]
            for taken in pair:
                if taken is not None:
                    taken.close()
        raise Unavailable("All media ports are in use; widen the range of ports for voice.")


def bound(host: str, port: int) -> socket.socket | None:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    # Where marking is not allowed the packets go unmarked.
    with contextlib.suppress(OSError):
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
        else:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        return None
    return made


class Cipher:
    """SRTP in both directions with the keys of one agreement."""

    def __init__(self, ours: Crypto, theirs: Crypto) -> None:
        self.keys = (ours, theirs)
        self.send = Session(policy(ours, Policy.SSRC_ANY_OUTBOUND))
        self.receive = Session(policy(theirs, Policy.SSRC_ANY_INBOUND))


def policy(keys: Crypto, kind: int) -> Policy:
    made = Policy(key=keys.key, ssrc_type=kind, srtp_profile=PROFILES[keys.suite])
    made.allow_repeat_tx = True
    made.window_size = 1024
    return made


class _Port(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        # Straight into the leg: one call less a packet.
        self.datagram_received = receive  # type: ignore[assignment,method-assign]


class RtpLeg:
    """Made with `open`; `apply` gives it what the descriptions settled, at first and at each new one."""

    def __init__(self, id: str, options: RtpOptions, events: LegEvents, outgoing: Outgoing, cname: str) -> None:
        self.id = id
        self.options = options
        self.agreed: Agreed | None = None
        self.incoming = Incoming({})
        self.incoming.on_first = events.connected
        self.outgoing = outgoing
        self.reports = Reports(self.incoming, self.outgoing, cname)
        self.strangers = 0
        """Packets from elsewhere than the party, and such that could not be decrypted: none of them was let in."""
        self._rtp: asyncio.DatagramTransport | None = None
        self._rtcp: asyncio.DatagramTransport | None = None
        self._cipher: Cipher | None = None
        self._signalled: Address | None = None
        self._source: Address | None = None
        self._target: Address | None = None
        self._candidates: dict[Address, tuple[int, int, int]] = {}

    @classmethod
    async def open(
        cls,
        id: str,
        options: RtpOptions,
        events: LegEvents,
        outgoing: Outgoing,
        cname: str,
        sockets: tuple[socket.socket, socket.socket],
    ) -> RtpLeg:
        leg = cls(id, options, events, outgoing, cname)
        loop = asyncio.get_running_loop()
        outgoing.transmit = leg._send
        leg._rtp, _ = await loop.create_datagram_endpoint(lambda: _Port(leg._receive), sock=sockets[0])
        leg._rtcp, _ = await loop.create_datagram_endpoint(lambda: _Port(leg._receive_rtcp), sock=sockets[1])
        return leg

    @property
    def codec(self) -> Codec:
        return self.outgoing.codec

    @property
    def events(self) -> int | None:
        return self.outgoing.events

    def apply(self, agreed: Agreed) -> None:
        """`agreed.host` is a numeric address here. A changed address is latched anew, changed keys begin anew."""
        self.incoming.agree({codec.payload_type: codec for codec in agreed.accept}, agreed.events_in)
        self.outgoing.codec = agreed.codec
        self.outgoing.events = agreed.events if self.options.dtmf == "rfc4733" else None
        self.outgoing.muted = not agreed.receives
        self.outgoing.switch()
        place = (agreed.host, agreed.port)
        if place != self._signalled:
            self._signalled = place
            self._source = None
            self._candidates.clear()
            self._target = (place[0], place[1])
        if agreed.keys is None:
            self._cipher = None
        elif self._cipher is None or self._cipher.keys != agreed.keys:
            self._cipher = Cipher(*agreed.keys)
        self.agreed = agreed

    def _send(self, packet: bytes) -> None:
        if self._target is None or self._rtp is None:
            return
        if self._cipher is not None:
            packet = self._cipher.send.protect(packet)
        self._rtp.sendto(packet, self._target)

    def _receive(self, data: bytes, source: Address) -> None:
        if self.agreed is None:
            return
        if len(data) > 1 and 192 <= data[1] <= 223:
            self._receive_rtcp(data, source)
            return
        known = source == self._source
        if not known and (self._source is not None or not self._may_be(source)):
            self.strangers += 1
            return
        if self._cipher is not None:
            try:
                data = self._cipher.receive.unprotect(data)
            except SrtpError:
                self.strangers += 1
                return
        elif not known and not self._fits(data, source):
            return
        if not known:
            self._source = source
            self._target = source
        self.incoming.receive(data, time.monotonic())

    def _may_be(self, source: Address) -> bool:
        return self.options.latch == "first" or source[:2] == self._signalled

    def _fits(self, data: bytes, source: Address) -> bool:
        """Whether an unlatched source has shown by now that it sends this call's audio."""
        if len(data) < 12:
            return False
        first, second, sequence, _, ssrc = HEADER.unpack_from(data)
        kind = second & 0x7F
        if first >> 6 != 2 or (kind not in self.incoming.codecs and kind != self.incoming.events):
            self.strangers += 1
            return False
        if source[:2] == self._signalled:
            return True
        stream, before, count = self._candidates.get(source, (ssrc, sequence - 1, 0))
        seen = count + 1 if (stream, before + 1 & 0xFFFF) == (ssrc, sequence) else 1
        if source in self._candidates or len(self._candidates) < CANDIDATES:
            self._candidates[source] = (ssrc, sequence, seen)
        return seen >= PROBATION

    def _receive_rtcp(self, data: bytes, source: Address) -> None:
        """Taken from the party's host only, or from anywhere if SRTCP proves it."""
        if self._cipher is not None:
            try:
                data = self._cipher.receive.unprotect_rtcp(data)
            except SrtpError:
                self.strangers += 1
                return
        elif self._target is None or source[0] != self._target[0]:
            self.strangers += 1
            return
        if not is_rtcp(data):
            return
        # A BYE ends one stream, as gateways do when they change it; that the call is over is the signalling's to say.
        self.reports.receive(data, time.monotonic(), time.time())

    def tick(self, now: float) -> None:
        if self.agreed is not None and self.reports.due(now):
            self._report(now)

    def _report(self, now: float, *, bye: bool = False) -> None:
        if self.agreed is None or self._rtcp is None or self._rtp is None:
            return
        packet = self.reports.build(now, time.time(), bye=bye)
        if self._cipher is not None:
            packet = self._cipher.send.protect_rtcp(packet)
        if self.agreed.mux and self._target is not None:
            self._rtp.sendto(packet, self._target)
        elif self._source is not None and self._source[:2] != self._signalled and self._target is not None:
            # Behind NAT the described port is not where RTCP arrives; beside the latched one it may.
            self._rtcp.sendto(packet, (self._target[0], min(self._target[1] + 1, 65_535)))
        else:
            self._rtcp.sendto(packet, self.agreed.rtcp)

    def stats(self, now: float) -> LegStats:
        incoming, reports = self.incoming, self.reports
        expected = incoming.expected
        loss = incoming.lost / expected if expected else 0.0
        law = self.codec.name
        heard = incoming.packets > 0
        return LegStats(
            codec=law,
            packets_in=incoming.packets,
            packets_out=self.outgoing.packets,
            lost=incoming.lost,
            loss=loss,
            jitter_ms=incoming.jitter_ms,
            round_trip_ms=reports.round_trip_ms,
            remote_loss=reports.remote_loss,
            level=g711.level(law, incoming.last_payload) if law in g711.LAWS else 0.0,
            mos=mos(law, max(loss, reports.loss), incoming.jitter_ms, reports.round_trip_ms) if heard else None,
        )

    async def close(self) -> None:
        if self._rtp is None or self._rtcp is None:
            return
        if self.outgoing.packets:
            self._report(time.monotonic(), bye=True)
        self._rtp.close()
        self._rtcp.close()
        self._rtp = self._rtcp = None
