"""RTCP (RFC 3550 6): our own sender and receiver reports with true NTP times, BYE, and reading the peer's. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from webrtc.stream import Incoming, Outgoing

SR, RR, SDES, BYE = 200, 201, 202, 203
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
INTERVAL_S = 5.0
HEAD = struct.Struct("!BBHI")
SENDER = struct.Struct("!QIII")
BLOCK = struct.Struct("!IIIIII")


def is_rtcp(packet: bytes) -> bool:
    """On a socket that carries both (RFC 5761 4)."""
    return len(packet) >= 8 and 192 <= packet[1] <= 223


def ntp(wall: float) -> int:
    """Seconds since 1970 as a 64-bit NTP time."""
    seconds = int(wall)
    return ((seconds + NTP_EPOCH) << 32) + int((wall - seconds) * 4294967296)


class Block(Struct, frozen=True):
    """A report block: how the reporter hears the stream `ssrc`. `loss` is the share lost since its last report."""

    ssrc: int
    loss: float
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


class Report(Struct, frozen=True):
    """An SR (`ntp` is its middle 32 bits) or RR (`ntp` None)."""

    ssrc: int
    ntp: int | None
    blocks: tuple[Block, ...]


class Bye(Struct, frozen=True):
    ssrcs: tuple[int, ...]


def parse(packet: bytes) -> Iterator[Report | Bye]:
    """The reports of a compound packet; reading ends where it is malformed."""
    at = 0
    while at + 4 <= len(packet):
        first, kind, words = struct.unpack_from("!BBH", packet, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(packet):
            return
        count = first & 31
        if kind in (SR, RR):
            start = at + (28 if kind == SR else 8)
            if start + 24 * count > end:
                return
            (ssrc,) = struct.unpack_from("!I", packet, at + 4)
            middle = struct.unpack_from("!I", packet, at + 10)[0] if kind == SR else None
            yield Report(ssrc, middle, tuple(read_block(packet, start + 24 * n) for n in range(count)))
        elif kind == BYE and at + 4 + 4 * count <= end:
            yield Bye(struct.unpack_from(f"!{count}I", packet, at + 4))
        at = end


def read_block(packet: bytes, at: int) -> Block:
    ssrc, losses, highest, jitter, last, delay = BLOCK.unpack_from(packet, at)
    lost = losses & 0xFFFFFF
    return Block(
        ssrc, (losses >> 24) / 256, lost - 0x1000000 if lost & 0x800000 else lost, highest, jitter, last, delay
    )


class Reports:
    """One leg's side of RTCP. `wall` is time.time(): the NTP times in our reports must be true ones."""

    def __init__(self, incoming: Incoming, outgoing: Outgoing, cname: str) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._cname = cname.encode()[:255]
        self._peer_report = 0
        self._peer_report_at = 0.0
        self._due = 0.0
        self.loss = 0.0
        """The share of the peer's packets lost in the last interval."""
        self.remote_loss: float | None = None
        self.remote_jitter_ms: float | None = None
        self.round_trip_ms: float | None = None

    def due(self, now: float) -> bool:
        """Whether the next report should be sent: the first after a second, then every five."""
        if not self._due:
            self._due = now + 1
        if now < self._due:
            return False
        self._due = now + INTERVAL_S
        return True

    def build(self, now: float, wall: float, *, bye: bool = False) -> bytes:
        """A compound packet: SR (RR while nothing was sent), SDES, BYE at the end."""
        incoming, outgoing = self._incoming, self._outgoing
        blocks = b""
        if incoming.ssrc is not None:
            self.loss = incoming.fraction()
            delay = int((now - self._peer_report_at) * 65_536) if self._peer_report else 0
            blocks = BLOCK.pack(
                incoming.ssrc,
                min(255, int(self.loss * 256)) << 24 | min(incoming.lost, 0x7FFFFF),
                incoming.extended_highest,
                int(incoming.jitter),
                self._peer_report,
                min(delay, 0xFFFFFFFF),
            )
        count = 1 if blocks else 0
        if outgoing.packets:
            report = HEAD.pack(0x80 | count, SR, 6 + 6 * count, outgoing.ssrc) + SENDER.pack(
                ntp(wall), outgoing.clock(now), outgoing.packets & 0xFFFFFFFF, outgoing.octets & 0xFFFFFFFF
            )
        else:
            report = HEAD.pack(0x80 | count, RR, 1 + 6 * count, outgoing.ssrc)
        item = bytes((1, len(self._cname))) + self._cname
        item += bytes(4 - len(item) % 4)
        packet = report + blocks + HEAD.pack(0x81, SDES, 1 + len(item) // 4, outgoing.ssrc) + item
        if bye:
            packet += HEAD.pack(0x81, BYE, 1, outgoing.ssrc)
        return packet

    def receive(self, packet: bytes, now: float, wall: float) -> bool:
        """Reads the peer's packet; true if he says that his stream is over."""
        over = False
        for found in parse(packet):
            if isinstance(found, Bye):
                over = over or self._incoming.ssrc in found.ssrcs
                continue
            if found.ntp is not None:
                self._peer_report, self._peer_report_at = found.ntp, now
            for block in found.blocks:
                if block.ssrc == self._outgoing.ssrc:
                    self._heard(block, wall)
        return over

    def _heard(self, block: Block, wall: float) -> None:
        self.remote_loss = block.loss
        self.remote_jitter_ms = block.jitter * 1000 / self._outgoing.codec.rate
        if block.last_report:
            passed = ((ntp(wall) >> 16) & 0xFFFFFFFF) - block.last_report - block.delay & 0xFFFFFFFF
            if passed < 30 * 65_536:
                self.round_trip_ms = passed / 65.536
