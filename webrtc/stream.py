"""A leg's two packet streams: `Incoming` reads, counts and hands on; `Outgoing` is the one stream that the party hears.

However often the source of what a party hears is switched, he gets one SSRC, one run of sequence numbers and one
timeline: at a switch the timestamp steps on by the time that has passed and the marker bit is set (RFC 3550 5.1,
RFC 3551 4.1). Within one source gaps and reordering are passed on as they came, so the party's own decoder conceals
the losses.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from msgspec import Struct

from webrtc import g711

HEADER = struct.Struct("!BBHII")
JUMP = 10
"""A source whose timestamps leap by more seconds than this has begun a new stream."""
DROPOUT = 3000
MISORDER = 100
"""So many packets forward or back are losses or lateness, more is a new stream (RFC 3550 A.1)."""


class Codec(Struct, frozen=True):
    """`rate` is the RTP clock (G722: 8000, whatever it samples at); `frame` the clock units of one packet we send."""

    name: str
    payload_type: int
    rate: int = 8000
    ptime_ms: int = 20

    @property
    def frame(self) -> int:
        return self.rate * self.ptime_ms // 1000


AudioSink = Callable[[bytes, int, int, bool, float], None]
"""payload, RTP timestamp, sequence number, marker, arrival (s)."""
EventSink = Callable[[bytes, int, int, bool, float], None]
"""The same with a telephone-event payload (RFC 4733)."""


def nobody(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
    """Where packets go that nobody listens to."""


class Incoming:
    """Reads what the party sends. Only packets of the agreed payload types are handed on; the rest is counted.

    `transport` has decided that the packet comes from the right place and has decrypted it.
    """

    __slots__ = (
        "_arrival",
        "_cycles",
        "_expected_before",
        "_name",
        "_received_before",
        "_table",
        "_transit",
        "base",
        "codecs",
        "discarded",
        "events",
        "highest",
        "jitter",
        "last_payload",
        "last_seen",
        "on_audio",
        "on_event",
        "on_first",
        "packets",
        "payload_type",
        "rate",
        "ssrc",
    )

    def __init__(self, codecs: Mapping[int, Codec], events: int | None = None) -> None:
        self.on_audio: AudioSink = nobody
        self.on_event: EventSink = nobody
        self.on_first: Callable[[], None] | None = None
        """Called once, with the first valid packet."""
        self.packets = 0
        self.discarded = 0
        self.last_seen: float | None = None
        self.last_payload = b""
        self.ssrc: int | None = None
        self._table: bytes | None = None
        self._name = ""
        self.agree(codecs, events)
        self._start(0, 0, 0.0)

    def agree(self, codecs: Mapping[int, Codec], events: int | None) -> None:
        """What the party may send from now on, by payload type. All is handed on in the first's codec: beside it the
        other law of G.711 may stand, which is turned into it."""
        self.codecs = dict(codecs)
        self._table = None
        self._name = next((codec.name for codec in codecs.values()), "")
        self.events = events
        self.payload_type = next(iter(self.codecs), -1)
        self.rate = self.codecs[self.payload_type].rate if self.codecs else 8000

    def _start(self, sequence: int, timestamp: int, now: float) -> None:
        self.base = self.highest = sequence
        self._cycles = 0
        self.jitter = 0.0
        self._transit = 0.0
        self._arrival = now
        self._expected_before = 0
        self._received_before = 0
        self.packets = 0

    def receive(self, packet: bytes, now: float) -> None:
        """One RTP packet, unprotected. Malformed ones are discarded without an error."""
        size = len(packet)
        if size < 12:
            self.discarded += 1
            return
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(packet)
        if first == 0x80:
            payload = packet[12:]
        else:
            start, end = bounds(packet, first)
            if start < 0:
                self.discarded += 1
                return
            payload = packet[start:end]
        kind = second & 0x7F
        audio = kind == self.payload_type
        if not audio and kind != self.events:
            if kind not in self.codecs:
                self.discarded += 1
                # Comfort noise (13) is a sign of life all the same.
                if kind == 13 and ssrc == self.ssrc:
                    self.last_seen = now
                return
            self.payload_type = kind
            self.rate = self.codecs[kind].rate
            self._table = g711.table(self.codecs[kind].name, self._name)
            audio = True
        if ssrc != self.ssrc:
            self.ssrc = ssrc
            self._start(sequence, timestamp, now)
            if self.on_first is not None and self.last_seen is None:
                self.last_seen = now
                self.on_first()
        self.last_seen = now
        self.packets += 1
        step = (sequence - self.highest) & 0xFFFF
        if step < 0x8000:
            if sequence < self.highest:
                self._cycles += 0x10000
            self.highest = sequence
        if audio:
            transit = now * self.rate - timestamp
            if self.packets > 1:
                wander = abs(transit - self._transit)
                # The timestamp wrapped or the source stepped: no jitter.
                if wander < self.rate:
                    self.jitter += (wander - self.jitter) / 16
            self._transit = transit
            if self._table is not None:
                payload = payload.translate(self._table)
            self.last_payload = payload
            self.on_audio(payload, timestamp, sequence, second > 0x7F, now)
        else:
            self.on_event(payload, timestamp, sequence, second > 0x7F, now)

    @property
    def extended_highest(self) -> int:
        return (self._cycles + self.highest) & 0xFFFFFFFF

    @property
    def expected(self) -> int:
        return 0 if self.ssrc is None else self._cycles + self.highest - self.base + 1

    @property
    def lost(self) -> int:
        """Packets missing since the stream began (RFC 3550 A.3); duplicates can make up for some, never below 0."""
        return max(0, self.expected - self.packets)

    def fraction(self) -> float:
        """The share lost since this was last asked: what the next RTCP report says."""
        expected, received = self.expected - self._expected_before, self.packets - self._received_before
        self._expected_before, self._received_before = self.expected, self.packets
        return max(0.0, (expected - received) / expected) if expected > 0 else 0.0

    @property
    def jitter_ms(self) -> float:
        return self.jitter * 1000 / self.rate


def bounds(packet: bytes, first: int) -> tuple[int, int]:
    """Where the payload of a packet with CSRCs, header extension or padding begins and ends; (-1, -1) if malformed."""
    if first >> 6 != 2:
        return -1, -1
    start, end = 12 + 4 * (first & 15), len(packet)
    if first & 0x10:
        if end < start + 4:
            return -1, -1
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    if first & 0x20 and end > start:
        end -= packet[-1] or end
    return (start, end) if start <= end else (-1, -1)


class Outgoing:
    """The one stream a party hears. `transmit` gets each complete RTP packet (not yet protected).

    `ssrc`, `sequence` and `timestamp` should be random (RFC 3550 5.1).
    """

    __slots__ = (
        "_fresh",
        "_passing",
        "_sequence_offset",
        "_source_sequence",
        "_source_timestamp",
        "_span",
        "_timestamp_offset",
        "_units",
        "codec",
        "events",
        "muted",
        "octets",
        "packets",
        "paused",
        "sent_at",
        "sequence",
        "ssrc",
        "timestamp",
        "transmit",
    )

    def __init__(
        self,
        codec: Codec,
        transmit: Callable[[bytes], object],
        *,
        ssrc: int,
        sequence: int,
        timestamp: int,
        events: int | None = None,
    ) -> None:
        self.codec = codec
        self.events = events
        self.transmit = transmit
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        """Of the packet sent last; the next to come is one more."""
        self.timestamp = timestamp & 0xFFFFFFFF
        """Of the audio packet sent last, at `sent_at`: the stream's clock."""
        self.sent_at: float | None = None
        self.packets = 0
        self.octets = 0
        self.muted = False
        """While true nothing is sent: the party has put us on hold, or does not want to receive."""
        self.paused = False
        """While true only `event` and `say` send: keys are being sent and interrupt whatever the party hears."""
        self._fresh = True
        self._passing = False
        self._units = codec.frame
        self._span = 0
        self._source_sequence = 0
        self._source_timestamp = 0
        self._sequence_offset = 0
        self._timestamp_offset = 0

    def switch(self) -> None:
        """The next packet comes from another source."""
        self._fresh = True

    def clock(self, now: float) -> int:
        """The stream's RTP timestamp at this moment, as sender reports need it."""
        if self.sent_at is None:
            return self.timestamp
        return (self.timestamp + int((now - self.sent_at) * self.codec.rate)) & 0xFFFFFFFF

    def _step(self, now: float) -> int:
        """The timestamp of the first packet of another source."""
        if self.sent_at is None:
            return self.timestamp
        return (self.timestamp + max(self._units, int((now - self.sent_at) * self.codec.rate))) & 0xFFFFFFFF

    def _follow(self, timestamp: int, sequence: int, now: float) -> bool:
        """Fits a forwarded packet into the stream; false if it came too late for it."""
        if not self._passing:
            self._passing = self._fresh = True
        if not self._fresh:
            leap = (timestamp - self._source_timestamp) & 0xFFFFFFFF
            ahead = (sequence - self._source_sequence) & 0xFFFF
            limit = JUMP * self.codec.rate
            if limit < leap < 0x100000000 - limit or DROPOUT < ahead < 0x10000 - MISORDER:
                self._fresh = True
            else:
                if ahead <= DROPOUT:
                    self._span += ahead
                    self._source_sequence = sequence
                    self._source_timestamp = timestamp
                # Else it was overtaken: it has its place if it is not older than the switch.
                elif 0x10000 - ahead > self._span:
                    return False
                return True
        self._timestamp_offset = self._step(now) - timestamp
        self._sequence_offset = self.sequence + 1 - sequence
        self._source_sequence = sequence
        self._source_timestamp = timestamp
        self._span = 0
        return True

    def forward(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        """Passes on an audio packet of the current source, with the source's own timestamp and sequence number."""
        if self.muted or self.paused or not self._follow(timestamp, sequence, now):
            return
        out = (sequence + self._sequence_offset) & 0xFFFF
        at = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        kind = self.codec.payload_type | 0x80 if marker or self._fresh else self.codec.payload_type
        self._fresh = False
        self.transmit(HEADER.pack(0x80, kind, out, at, self.ssrc) + payload)
        if sequence == self._source_sequence:
            self.sequence = out
            self.timestamp = at
            self.sent_at = now
        self.packets += 1
        self.octets += len(payload)

    def forward_event(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        """Passes on a telephone-event packet of the current source; dropped if the party takes none."""
        if self.muted or self.paused or not self._follow(timestamp, sequence, now):
            return
        self._fresh = False
        out = (sequence + self._sequence_offset) & 0xFFFF
        at = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        if sequence == self._source_sequence:
            self.sequence = out
            if marker or self.sent_at is None:
                self.timestamp = at
                self.sent_at = now
        if self.events is None:
            return
        kind = self.events | 0x80 if marker else self.events
        self.transmit(HEADER.pack(0x80, kind, out, at, self.ssrc) + payload)
        self.packets += 1
        self.octets += len(payload)

    def play(self, payload: bytes, now: float, units: int | None = None) -> None:
        """Sends the next packet of a source without timestamps of its own: a prompt, a mix. `units`: its duration."""
        if not self.paused:
            self.say(payload, now, units)

    def say(self, payload: bytes, now: float, units: int | None = None) -> None:
        """As `play`, also while paused."""
        if self.muted:
            return
        fresh = self._fresh
        self.timestamp = self._step(now) if fresh else (self.timestamp + self._units) & 0xFFFFFFFF
        self._units = self.codec.frame if units is None else units
        self._passing = False
        self.sequence = (self.sequence + 1) & 0xFFFF
        kind = self.codec.payload_type | 0x80 if fresh else self.codec.payload_type
        self.sent_at = now
        self._fresh = False
        self.transmit(HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + payload)
        self.packets += 1
        self.octets += len(payload)

    def event(self, payload: bytes, now: float, *, first: bool) -> None:
        """Sends a telephone-event packet of our own. All packets of one event carry its begin as their timestamp.

        Whatever is sent next steps on by the time that has passed.
        """
        if self.muted or self.events is None:
            return
        if first:
            self.timestamp = self._step(now)
            self.sent_at = now
        self._fresh = True
        self.sequence = (self.sequence + 1) & 0xFFFF
        kind = self.events | 0x80 if first else self.events
        self.transmit(HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + payload)
        self.packets += 1
        self.octets += len(payload)
