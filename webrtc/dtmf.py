"""Keys that a party presses: telephone-event packets (RFC 4733) both ways, and tones in the audio on receipt."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from webrtc import g711
from webrtc.g711 import audioop
from webrtc.stream import Codec

KEYS = "0123456789*#ABCD"
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
PAD = ("123A", "456B", "789C", "*0#D")
TONE_MS = 100
PAUSE_MS = 80
VOLUME = 10
"""-10 dBm0, the level that RFC 4733 2.5.2.3 and the networks expect."""
EVENT = struct.Struct("!BBH")
OnDigit = Callable[[str, int], None]
"""key, duration (ms)."""


class EventReader:
    """Turns a party's telephone-event packets into keys: each once, whatever was lost, repeated or reordered.

    One event is all packets with one timestamp. It is told at its first packet with the end bit or, if all of those
    were lost, when the next event begins or `flush` is called.
    """

    def __init__(self, on_digit: OnDigit, rate: int = 8000) -> None:
        self._on_digit = on_digit
        self._rate = rate
        self._timestamp = -1
        self._key = ""
        self._duration = 0
        self._seen = 0.0
        self._told = True

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        if len(payload) < 4:
            return
        event, flags, duration = EVENT.unpack_from(payload)
        if event >= len(KEYS):
            # Flash and the tones of fax machines are not keys.
            return
        if timestamp != self._timestamp:
            # An old event's packet that comes late must not begin it anew.
            if self._timestamp >= 0 and (timestamp - self._timestamp) & 0xFFFFFFFF >= 0x80000000:
                return
            self._tell()
            self._timestamp, self._key, self._duration, self._told = timestamp, KEYS[event], 0, False
        self._duration = max(self._duration, duration)
        self._seen = now
        if flags & 0x80:
            self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._on_digit(self._key, self._duration * 1000 // self._rate)

    def flush(self, now: float) -> None:
        """Ends an event of which nothing was heard for half a second."""
        if not self._told and now - self._seen > 0.5:
            self._tell()

    def reset(self) -> None:
        """A new stream begins, whose timestamps say nothing about the old one's."""
        self._tell()
        self._timestamp = -1


def event_packets(key: str, codec: Codec, ms: int = TONE_MS) -> list[bytes]:
    """The payloads of one key, one per packet time, the last three with the end bit (RFC 4733 2.5.1.4)."""
    count = max(1, ms // codec.ptime_ms)
    event = KEYS.index(key)
    going = [EVENT.pack(event, VOLUME, codec.frame * n) for n in range(1, count + 1)]
    return [*going, *[EVENT.pack(event, 0x80 | VOLUME, codec.frame * count)] * 3]


def tone(key: str, ms: int = TONE_MS, amplitude: float = 0.25) -> bytes:
    """The two tones of a key as 16-bit samples at 8 kHz; the higher 2 dB louder, against the line's loss."""
    row = next(n for n, keys in enumerate(PAD) if key in keys)
    low, high = ROWS[row], COLUMNS[PAD[row].index(key)]
    return b"".join(
        struct.pack(
            "=h",
            int(
                32_767
                * amplitude
                * (0.8 * math.sin(2 * math.pi * low * n / 8000) + math.sin(2 * math.pi * high * n / 8000))
            ),
        )
        for n in range(8 * ms)
    )


BLOCK = 205
"""Samples a block: what sets the eight tones apart at 8 kHz with the least leaking from one to another."""
LOUD = 400
"""The least root mean square of a block that is looked at (-38 dBFS)."""


def _wave(frequency: int, function: Callable[[float], float]) -> bytes:
    return b"".join(struct.pack("=h", int(16_384 * function(2 * math.pi * frequency * n / 8000))) for n in range(BLOCK))


WAVES = [(_wave(f, math.sin), _wave(f, math.cos)) for f in (*ROWS, *COLUMNS)]


class ToneReader:
    """Finds keys in G.711 audio, for parties without telephone-event.

    A key counts when two blocks (51 ms) in a row agree and ends with a block without it. Speech is told apart by how
    much of the whole power is in the two tones, their balance (twist) and their lead before the next best.
    Each frequency's power is found by correlation with its sine and cosine (a discrete Fourier term, which is what
    Goertzel's recursion computes); audioop does it in C.
    """

    def __init__(self, on_digit: OnDigit, law: str) -> None:
        self._on_digit = on_digit
        self._law = law
        self._samples = b""
        self._before = ""
        self._key = ""
        self._blocks = 0

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        samples = self._samples + g711.decode(self._law, payload)
        at = 0
        while len(samples) - at >= 2 * BLOCK:
            self._block(samples[at : at + 2 * BLOCK])
            at += 2 * BLOCK
        self._samples = samples[at:]

    def _block(self, samples: bytes) -> None:
        found = find_key(samples)
        if found and found == self._before and not self._key:
            self._key, self._blocks = found, 1
        if self._key:
            if found == self._key:
                self._blocks += 1
            elif self._before != self._key:
                # One torn block does not end a key, two do.
                self._end()
        self._before = found

    def _end(self) -> None:
        key, self._key = self._key, ""
        self._on_digit(key, self._blocks * BLOCK // 8)


def find_key(samples: bytes) -> str:
    """The key whose tones a block of BLOCK samples holds, or "" for none."""
    loudness = audioop.rms(samples, 2)
    if loudness < LOUD:
        return ""
    powers = []
    for sine, cosine in WAVES:
        powers.append(audioop.findfactor(samples, sine) ** 2 + audioop.findfactor(samples, cosine) ** 2)
    # A sine of amplitude a has power a*a/2; the factors are in units of 16384.
    row = max(range(4), key=powers.__getitem__)
    column = max(range(4, 8), key=powers.__getitem__)
    low, high = powers[row], powers[column]
    whole = 2 * (loudness / 16_384) ** 2
    if low + high < 0.75 * whole:
        return ""
    # Twist: the higher tone at most 8 dB louder or 8 dB softer than the lower.
    if high > 6.3 * low or low > 6.3 * high:
        return ""
    if any(4 * powers[n] > low for n in range(4) if n != row):
        return ""
    if any(4 * powers[n] > high for n in range(4, 8) if n != column):
        return ""
    return PAD[row][column - 4]
