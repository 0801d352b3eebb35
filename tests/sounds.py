"""Recordings as the media plane writes them, of tones: who was heard when can be seen in the samples."""

from __future__ import annotations

import math
import struct
from pathlib import Path

from webrtc import g711, wav

RATE = 8000


def tone(hz: float, seconds: float, loud: int = 20_000) -> bytes:
    """16-bit samples at 8 kHz; 0 Hz is silence."""
    count = round(seconds * RATE)
    return struct.pack(f"<{count}h", *(round(loud * math.sin(2 * math.pi * hz * i / RATE)) for i in range(count)))


def recording(left: bytes, right: bytes, law: str = "PCMA", *, whole: bool = True) -> bytes:
    """A WAV of two channels of equal length; without `whole` as a crash leaves it, its sizes not known."""
    frames = len(left) // 2
    data = bytearray(2 * frames)
    data[::2], data[1::2] = g711.encode(law, left), g711.encode(law, right)
    return wav.head(law, 2, frames if whole else None) + bytes(data)


def conversation(seconds: float = 4.0) -> bytes:
    """The customer speaks in the first half (440 Hz), the agent in the second (880 Hz)."""
    half = seconds / 2
    return recording(tone(440, half) + tone(0, half), tone(0, half) + tone(880, half))


def strength(samples: bytes, hz: float) -> float:
    """How much of the tone is in the 16-bit samples, 0 to 1 of full scale (Goertzel)."""
    values = struct.unpack(f"<{len(samples) // 2}h", samples)
    factor = 2 * math.cos(2 * math.pi * hz / RATE)
    one = two = 0.0
    for value in values:
        one, two = value + factor * one - two, one
    power = one * one + two * two - factor * one * two
    return 2 * math.sqrt(max(0.0, power)) / max(1, len(values)) / 32_768


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
