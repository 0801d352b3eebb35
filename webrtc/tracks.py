"""Where each packet of a recording belongs: one track a party, laid down by RTP timestamps on the time of the call.

A track is an `AudioSink`: it is handed every packet of its party. Its timestamps are anchored at the arrival of the
first and followed from there, so jitter does not show in the recording; when they stray too far from the arrivals (the
sender's clock stepped, or another leg came) they are anchored anew. A packet is laid down when it comes, and taken out
with the others of its second when nothing can come before it any more. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from webrtc import g711, ogg, wav
from webrtc.speech import Decoder, decoder
from webrtc.stream import Codec

ASTRAY_S = 0.4
"""How far timestamps and arrival may differ without a question."""
FAR_S = 2.0
"""When they differ by more the track is anchored anew at once."""
STRAYS = 3
"""So many packets that are late and do not catch up are a clock that stood still, not a burst: anchored anew."""
OGG_RATE = 48_000
HALF, WHOLE = 0x80000000, 0xFFFFFFFF


class Track:
    """`rate` is the track's own clock; `begun` the time (s) of its position 0."""

    def __init__(self, rate: int, begun: float) -> None:
        self.paused = False
        self.codec = ""
        self._rate = rate
        self._begun = begun
        self._astray = int(ASTRAY_S * rate)
        self._timestamp = 0
        self._far = int(FAR_S * rate)
        self._at = -self._far * 1000
        self._late = 0
        self._strays = 0
        self._up, self._down = 1, 1

    def speak(self, codec: Codec) -> None:
        """The codec of the packets from now on."""
        if codec.name != self.codec:
            self.codec = codec.name
            self._at = -self._far * 1000
            self._up, self._down = max(1, self._rate // codec.rate), max(1, codec.rate // self._rate)

    def _place(self, timestamp: int, now: float) -> int:
        step = ((timestamp - self._timestamp + HALF) & WHOLE) - HALF
        at = self._at + step * self._up // self._down
        arrival = int((now - self._begun) * self._rate)
        late = arrival - at
        if not -self._astray <= late <= self._astray and self._is_astray(late):
            at = arrival
        self._timestamp = timestamp
        self._at = at
        return at

    def _is_astray(self, late: int) -> bool:
        """A burst after a stall is late as well, but each of its packets less than the one before."""
        if late < 0 or late > self._far:
            return True
        self._strays = self._strays + 1 if late >= self._late else 0
        self._late = late
        if self._strays < STRAYS:
            return False
        self._strays = 0
        return True


class WavTrack(Track):
    """Samples in the law of the file; what is not laid down is silence."""

    def __init__(self, law: str, begun: float) -> None:
        super().__init__(g711.RATE, begun)
        self.row = bytearray()
        self.base = 0
        """The position of the row's first sample."""
        self._law = law
        self._silence = g711.SILENCE[law]
        self._change: Callable[[bytes], bytes] | None = None

    def speak(self, codec: Codec) -> None:
        if codec.name == self.codec:
            return
        super().speak(codec)
        self._change = None
        if codec.name in g711.LAWS:
            if codec.name != self._law:
                self._change = lambda payload: g711.convert(payload, codec.name, self._law)
        else:
            made: Decoder = decoder(codec)
            self._change = lambda payload: g711.encode(self._law, made.decode(payload))

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        if self.paused:
            return
        offset = self._place(timestamp, now) - self.base
        if self._change is not None:
            payload = self._change(payload)
        row = self.row
        gap = offset - len(row)
        if gap == 0:
            row += payload
        elif gap > 0:
            row += self._silence * gap
            row += payload
        else:
            if offset < 0:
                payload = payload[-offset:]
                offset = 0
            row[offset : offset + len(payload)] = payload

    def take(self, count: int) -> bytes:
        part = bytes(self.row[:count])
        del self.row[:count]
        self.base += count
        return part + self._silence * (count - len(part))


class OggTrack(Track):
    """Packets of 20 ms by their place."""

    def __init__(self, begun: float) -> None:
        super().__init__(OGG_RATE, begun)
        self.row: dict[int, bytes] = {}
        self.base = 0

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        if self.paused:
            return
        at = (self._place(timestamp, now) + ogg.FRAME // 2) // ogg.FRAME
        # Between two clocks that drift two packets fall into one place now and then; the next is free then.
        if at in self.row and at + 1 not in self.row:
            at += 1
        if at >= self.base:
            self.row[at] = ogg.fit(payload) if self.codec == "opus" else ogg.NOTHING

    def take(self, count: int) -> list[bytes]:
        part = [self.row.pop(at, ogg.NOTHING) for at in range(self.base, self.base + count)]
        self.base += count
        return part


class Sheet(Protocol):
    """Both tracks of a file, and the bytes that they make. `ms` is how much was taken."""

    ms: int

    @property
    def tracks(self) -> tuple[Track, Track]: ...

    def sink(self, channel: int) -> Callable[[bytes, int, int, bool, float], None]: ...

    def begin(self) -> bytes:
        """The head as it is written first."""

    def take(self, until: float, *, last: bool) -> bytes:
        """The bytes from where the last ended up to a position (s)."""

    def head(self) -> bytes:
        """The head that fits what was taken so far, of the size of the first; b"" if the first stays right."""


class WavSheet:
    """Two channels of G.711, interleaved."""

    def __init__(self, law: str, begun: float) -> None:
        self.law = law
        self.ms = 0
        self._left, self._right = WavTrack(law, begun), WavTrack(law, begun)

    @property
    def tracks(self) -> tuple[Track, Track]:
        return self._left, self._right

    def sink(self, channel: int) -> Callable[[bytes, int, int, bool, float], None]:
        return (self._left, self._right)[channel].receive

    def begin(self) -> bytes:
        return wav.head(self.law, 2, None)

    def take(self, until: float, *, last: bool) -> bytes:
        count = int(until * g711.RATE) - self._left.base
        if count <= 0:
            return b""
        out = bytearray(2 * count)
        out[0::2] = self._left.take(count)
        out[1::2] = self._right.take(count)
        self.ms = self._left.base // 8
        return bytes(out)

    def head(self) -> bytes:
        return wav.head(self.law, 2, self._left.base)


class OggSheet:
    """`serial` names the stream within the file; random."""

    def __init__(self, begun: float, serial: int) -> None:
        self.ms = 0
        self._left, self._right = OggTrack(begun), OggTrack(begun)
        self._writer = ogg.OggWriter(serial)

    @property
    def tracks(self) -> tuple[Track, Track]:
        return self._left, self._right

    def sink(self, channel: int) -> Callable[[bytes, int, int, bool, float], None]:
        return (self._left, self._right)[channel].receive

    def begin(self) -> bytes:
        return self._writer.head()

    def take(self, until: float, *, last: bool) -> bytes:
        count = max(0, int(until * 50) - self._left.base)
        if not count and not last:
            return b""
        pairs = list(zip(self._left.take(count), self._right.take(count), strict=True))
        self.ms = self._left.base * 20
        return self._writer.page(pairs, last=last)

    def head(self) -> bytes:
        return b""
