"""A jitter buffer in samples, for those who need a steady flow: mixers. Legs that are passed through have none. Pure.

Packets are laid down where their timestamps say, so packet times, order and losses do not matter to the reader, who
takes as much as he likes each beat. A loss is bridged by repeating the last period of the voice, fading, and what comes
after it is faded in (ITU-T G.711 appendix I in short); what is missing longer is silence.
"""

from __future__ import annotations

from array import array

from webrtc.g711 import audioop

DEPTH = 3 * 160
"""Samples that are held back before the first is given out (60 ms): three packets."""
DEEPER, DEEPEST = 160, 10 * 160
"""Each time that it runs dry it is made deeper by so much."""
MOST = 20 * 160
"""More than this waiting means that the other clock is faster, or a burst came: the oldest are dropped to DEPTH."""
TEMPLATE, SHORTEST, LONGEST = 80, 40, 200
"""Samples: what is compared to find the voice's period, and the limits of that (200 to 40 Hz)."""
FADES = (0.9, 0.5, 0.2)
"""How loud the first, second and third missing part are; then there is silence."""
OVERLAP = 40
"""Samples over which the voice is faded in again."""
HISTORY = 2 * (TEMPLATE + LONGEST)


class JitterBuffer:
    """8 kHz mono 16-bit. Timestamps are in samples; the caller scales those of other clocks."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._depth = depth
        self._held = bytearray()
        self._filled: list[tuple[int, int]] = []
        self._start: int | None = None
        """The timestamp of the first held sample."""
        self._waiting = True
        self._history = b""
        self._missed = 0

    def put(self, samples: bytes, timestamp: int) -> None:
        if self._start is None:
            self._start = timestamp
        offset = _signed(timestamp - self._start)
        count = len(samples) // 2
        if offset < -MOST or offset > 2 * MOST:
            # Another stream, or a step of the sender's clock.
            self._restart()
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
            return self._bridge(count)
        if not self._held:
            # It ran dry: more is gathered before it goes on, and it is anchored where the sender then is.
            self._restart()
            self._depth = min(self._depth + DEEPER, DEEPEST)
            return self._bridge(count)
        known = any(a < count for a, _ in self._filled)
        out = bytes(self._held[: 2 * count])
        if len(out) < 2 * count:
            out += bytes(2 * count - len(out))
        self._drop(count)
        if known:
            if self._missed:
                out = self._fade_in(out)
                self._missed = 0
        else:
            out = self._bridge(count) or out
        self._history = (self._history + out)[-HISTORY:]
        return out

    def _bridge(self, count: int) -> bytes | None:
        """Sound in the place of what is missing; None when that is too much."""
        if len(self._history) < HISTORY or self._missed == len(FADES):
            return None
        self._missed += 1
        return audioop.mul(self._go_on(2 * count), 2, FADES[self._missed - 1])

    def _go_on(self, size: int) -> bytes:
        """`size` bytes more of the voice as it was: its last period again and again."""
        history = self._history
        offset, _ = audioop.findfit(history[: -2 * SHORTEST], history[-2 * TEMPLATE :])
        period = history[2 * offset - 2 * LONGEST :]
        return (period * (size // len(period) + 1))[:size]

    def _fade_in(self, out: bytes) -> bytes:
        size = min(2 * OVERLAP, len(out))
        before = memoryview(audioop.mul(self._go_on(size), 2, FADES[self._missed - 1])).cast("h")
        after = memoryview(out[:size]).cast("h")
        count = len(after)
        mixed = array("h", ((before[n] * (count - n) + after[n] * n) // count for n in range(count)))
        return mixed.tobytes() + out[size:]

    def _restart(self) -> None:
        self._held.clear()
        self._filled.clear()
        self._start = None
        self._waiting = True


def _signed(difference: int) -> int:
    difference &= 0xFFFFFFFF
    return difference - 0x100000000 if difference & 0x80000000 else difference
