"""Tones that prove who hears whom: each party has its own, and Goertzel's filter finds it in what another one hears."""

from __future__ import annotations

import math
import statistics
import struct
import wave
from collections.abc import Sequence
from pathlib import Path

FRAME = 160
"""Samples of a packet of 20 ms at 8 kHz."""


def tone(hertz: float, seconds: float, rate: int = 8000, peak: int = 12_000) -> list[int]:
    """16-bit samples. Whole numbers of hertz and of seconds repeat without a click."""
    return [round(peak * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate))]


def share(samples: Sequence[float], hertz: float, rate: int = 8000) -> float:
    """The share of the energy that lies at `hertz`, 0 to 1: the median over blocks of 100 ms, as a fake microphone's
    file has a jump where it begins anew. `hertz` should be a multiple of 10."""
    size = rate // 10
    blocks = [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]
    return statistics.median(_goertzel(block, hertz, rate) for block in blocks)


def _goertzel(samples: Sequence[float], hertz: float, rate: int) -> float:
    total = sum(sample * sample for sample in samples)
    if not total:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * hertz / rate)
    one = two = 0.0
    for sample in samples:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    return 2 * power / (len(samples) * total)


def to_ulaw(sample: int) -> int:
    """ITU-T G.711 mu-law."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32_635) + 132
    exponent = value.bit_length() - 8
    return ~(sign | exponent << 4 | value >> (exponent + 3) & 15) & 0xFF


def from_ulaw(byte: int) -> int:
    byte = ~byte & 0xFF
    value = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -value if byte & 0x80 else value


def ulaw(samples: Sequence[int]) -> bytes:
    return bytes(map(to_ulaw, samples))


def samples(payload: bytes) -> list[int]:
    return [from_ulaw(byte) for byte in payload]


def write_wav(path: Path, samples: Sequence[int], rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path
