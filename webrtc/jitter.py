"""A jitter buffer in samples, for those who need a steady flow: mixers. Legs that are passed through have none. Pure.

Packets are laid down where their timestamps say, so packet times, order and losses do not matter to the reader, who
takes as much as he likes each beat. A loss is bridged by the sound just before it, once, fading (G.711 appendix I in
its simplest form); what is missing longer is silence.
"""

from __future__ import annotations

from webrtc.g711 import audioop

DEPTH = 3 * 160
"""Samples that are held back before the first is given out (60 ms): three packets."""
MOST = 10 * 160
"""More than this waiting means that the other clock is faster, or a burst came: the oldest are dropped to DEPTH."""
FADE = 0.5


class JitterBuffer:
    """8 kHz mono 16-bit. Timestamps are in samples; the caller scales those of other clocks."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._depth = depth
        self._held = bytearray()
        self._filled: list[tuple[int, int]] = []
        self._start: int | None = None
        """The timestamp of the first held sample."""
        self._waiting = True
        self._last = b""
        self._faded = False

    def put(self, samples: bytes, timestamp: int) -> None:
        if self._start is None:
            self._start = timestamp
        offset = _signed(timestamp - self._start)
        count = len(samples) // 2
        if offset < -MOST or offset > 2 * MOST:
            # Another stream, or a step of the sender's clock.
            self.reset()
            self._start, offset = timestamp, 0
        if offset < 0:
            return
        end = 2 * (offset + count)
        if end > len(self._held):
            self._held += bytes(end - len(self._held))
        self._held[2 * offset : end] = samples
        self._filled.append((offset, offset + count))
        if len(self._held) // 2 > MOST:
            self._drop(len(self._held) // 2 - self._depth)
        if self._waiting and len(self._held) // 2 >= self._depth:
            self._waiting = False

    def _drop(self, count: int) -> None:
        del self._held[: 2 * count]
        assert self._start is not None
        self._start = self._start + count & 0xFFFFFFFF
        self._filled = [(max(0, a - count), b - count) for a, b in self._filled if b > count]

    def take(self, count: int) -> bytes | None:
        """The next `count` samples; None while nothing is there (the party is silent, or it has just begun)."""
        if self._waiting:
            return None
        if not self._held:
            # It ran dry: gather anew before going on, and anchor where the sender then is.
            self.reset()
            return None
        known = any(a < count for a, _ in self._filled)
        out = bytes(self._held[: 2 * count])
        if len(out) < 2 * count:
            out += bytes(2 * count - len(out))
        self._drop(count)
        if known:
            self._last, self._faded = out, False
            return out
        if not self._faded and len(self._last) == len(out):
            self._faded = True
            return audioop.mul(self._last, 2, FADE)
        return out

    def reset(self) -> None:
        self._held.clear()
        self._filled.clear()
        self._start = None
        self._waiting = True


def _signed(difference: int) -> int:
    difference &= 0xFFFFFFFF
    return difference - 0x100000000 if difference & 0x80000000 else difference
