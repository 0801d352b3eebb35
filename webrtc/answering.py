"""Who answered a call, by cadence and tone: a person says a word and listens, a machine talks on and then beeps.

Works on 8 kHz samples in blocks of 40 ms; its only clock is how much it heard. The rules are those of the field (as in
Asterisk's AMD): what is said until a pause is short for a person and long for a machine.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import cache

from msgspec import Struct

from webrtc.g711 import audioop

BLOCK_MS = 40
BLOCK = 8 * BLOCK_MS
PURE = 0.7
"""The share of a block's power that lies in one frequency, for a tone."""
QUIET = 300
"""Root mean square (-41 dBFS) below which nobody speaks on the quietest line."""


class Cadence(Struct, frozen=True):
    """In milliseconds: speech of `greeting` before a pause of `pause` is a machine's, and so are more than `words`;
    a shorter one is a person's. Nothing clear for `longest` is taken for a person. A tone of one frequency that lasts
    for `beep` is a machine's. It is ready to record when its beep is over, or when it was silent for `clear`."""

    greeting: int = 1_600
    pause: int = 800
    gap: int = 120
    words: int = 5
    longest: int = 5_000
    beep: int = 200
    clear: int = 2_000


class AnswerReader:
    """`tell` is called with "human" or "machine", once, and after "machine" with "clear"."""

    def __init__(self, tell: Callable[[str], None], cadence: Cadence | None = None) -> None:
        self._tell = tell
        self._cadence = cadence or Cadence()
        self._samples = b""
        self._heard = self._spoken = self._still = 0
        self._words = 0
        self._floor = 4 * QUIET
        self._tone = self._crossings = 0
        self._machine = self.done = False

    def receive(self, samples: bytes) -> None:
        """More of what the party says, as 16-bit samples."""
        if self.done:
            return
        samples = self._samples + samples
        at = 0
        while len(samples) - at >= 2 * BLOCK and not self.done:
            self._block(samples[at : at + 2 * BLOCK])
            at += 2 * BLOCK
        self._samples = samples[at:]

    def _block(self, block: bytes) -> None:
        self._heard += BLOCK_MS
        loudness = audioop.rms(block, 2)
        # Down at once, up slowly: the line's own noise is what it never falls below.
        self._floor = loudness if loudness < self._floor else min(self._floor + 4, 4 * QUIET)
        speaks = loudness > max(QUIET, 3 * self._floor) or loudness > 8 * QUIET
        beeped = self._tone >= self._cadence.beep
        self._tone = self._tone + BLOCK_MS if speaks and self._is_tone(block, loudness) else 0
        if speaks:
            if self._still >= self._cadence.gap or not self._spoken:
                self._words += 1
            self._spoken += BLOCK_MS + (self._still if self._spoken else 0)
            self._still = 0
        else:
            self._still += BLOCK_MS
        if self._machine:
            self._wait(beeped)
        else:
            self._judge()

    def _judge(self) -> None:
        cadence = self._cadence
        long = self._spoken >= cadence.greeting or self._words > cadence.words
        if long or self._tone >= cadence.beep:
            self._machine = True
            self._tell("machine")
        elif (self._spoken and self._still >= cadence.pause) or self._heard >= cadence.longest:
            self.done = True
            self._tell("human")

    def _wait(self, beeped: bool) -> None:
        if (beeped and not self._tone) or self._still >= self._cadence.clear:
            self.done = True
            self._tell("clear")

    def _is_tone(self, block: bytes, loudness: int) -> bool:
        """Whether nearly all of it lies at one frequency, the same as in the block before."""
        crossings = audioop.cross(block, 2)
        same = abs(crossings - self._crossings) <= 1
        self._crossings = crossings
        if not same and self._tone:
            return False
        whole = 2 * (loudness / 16_384) ** 2
        return any(_power(block, crossings + near) >= PURE * whole for near in (0, -1, 1))


def _power(block: bytes, crossings: int) -> float:
    """Of the frequency that crosses zero so often in a block, in units of a full wave's."""
    sine, cosine = _waves(max(1, crossings))
    return float(audioop.findfactor(block, sine) ** 2 + audioop.findfactor(block, cosine) ** 2)


@cache
def _waves(crossings: int) -> tuple[bytes, bytes]:
    turn = math.pi * crossings / BLOCK
    return _wave(math.sin, turn), _wave(math.cos, turn)


def _wave(function: Callable[[float], float], turn: float) -> bytes:
    return b"".join(struct.pack("=h", int(16_384 * function(turn * n))) for n in range(BLOCK))
