"""WAV files: prompts in (G.711 or 16-bit PCM, any rate, mono or stereo), and the head of a recording. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hub.errors import InvalidInput
from webrtc import g711

PCM = 1
EXTENSIBLE = 0xFFFE
LAWS = {tag: name for name, tag in g711.FORMATS.items()}
UNKNOWN = 0xFFFFFFFF
"""The size in a head whose end is not known yet; players then read up to the end of the file."""
HEAD_SIZE = 58


def samples(data: bytes, name: str = "wav") -> bytes:
    """The sound of a WAV file as 8 kHz mono 16-bit samples; InvalidInput if it cannot be read."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InvalidInput(name, "is not a WAV file")
    shape: tuple[int, int, int, int] | None = None
    for kind, body in chunks(data):
        if kind == b"fmt " and len(body) >= 16:
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if tag == EXTENSIBLE and len(body) >= 26:
                (tag,) = struct.unpack_from("<H", body, 24)
            shape = (tag, channels, rate, bits)
        elif kind == b"data":
            if shape is None:
                break
            tag, channels, rate, bits = shape
            if channels not in (1, 2) or not 4000 <= rate <= 192_000:
                raise InvalidInput(name, "must have one or two channels and 4 to 192 kHz")
            if tag in LAWS and bits == 8:
                body = g711.decode(LAWS[tag], body)
            elif tag != PCM or bits != 16:
                raise InvalidInput(name, "must be 16-bit PCM, mu-law or A-law")
            width = 2 * channels
            return g711.resample(body[: len(body) // width * width], channels, rate)
    raise InvalidInput(name, "has no sound in it")


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def head(law: str, channels: int, frames: int | None) -> bytes:
    """The head of a G.711 file with `frames` samples a channel, None while that is unknown."""
    size = UNKNOWN if frames is None else frames * channels
    form = struct.pack("<HHIIHHH", g711.FORMATS[law], channels, 8000, 8000 * channels, channels, 8, 0)
    fact = struct.pack("<I", UNKNOWN if frames is None else frames)
    rest = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + struct.pack("<I", 4) + fact
    total = UNKNOWN if frames is None else 4 + len(rest) + 8 + size
    return b"RIFF" + struct.pack("<I", total) + b"WAVE" + rest + b"data" + struct.pack("<I", size)
