"""Reading recorded sound: what a file is, its head made whole, and the peaks that a waveform is drawn from. Blocks."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hub.errors import HubError
from hub.sealed import SealedReader, is_sealed

with warnings.catch_warnings():
    # Python 3.11 and 3.12 say that it will go; from 3.13 on the package audioop-lts brings it back.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

HEAD = 4096
RATE = 8000
PCM, A_LAW, MU_LAW = 1, 6, 7
_TAIL = 128 * 1024


class Unplayable(HubError):
    """It is no sound that we know, or what it needs is not installed."""

    code = "recording.unplayable"
    status = 500


class Source(Protocol):
    """Bytes that can be read from any place."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes: ...

    def close(self) -> None: ...


class PlainFile:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def read_at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(max(0, min(length, self.size - offset)))

    def close(self) -> None:
        self._file.close()


class Shape(Struct, frozen=True):
    """`format` is wav or ogg. Of a WAV: its format tag, channels, rate, a frame's bytes, and where the sound begins."""

    format: str
    tag: int = 0
    channels: int = 2
    rate: int = RATE
    frame: int = 2
    data_at: int = 0

    @property
    def media_type(self) -> str:
        return "audio/wav" if self.format == "wav" else "audio/ogg"


def shape_of(head: bytes) -> Shape | None:
    """What the file is whose first bytes (up to HEAD) these are; None for anything else."""
    if head[:4] == b"OggS":
        return Shape("ogg", rate=48_000)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    form: tuple[int, ...] | None = None
    for kind, at, size in _chunks(head):
        if kind == b"fmt " and size >= 16 and at + 16 <= len(head):
            form = struct.unpack_from("<HHIIHH", head, at)
        elif kind == b"data" and form is not None:
            tag, channels, rate, _, frame, bits = form
            sensible = channels in (1, 2) and rate > 0 and frame == channels * bits // 8
            if not sensible or (tag, bits) not in ((PCM, 16), (A_LAW, 8), (MU_LAW, 8)):
                return None
            return Shape("wav", tag, channels, rate, frame, at)
    return None


def _chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and size of each chunk."""
    at = 12
    while at + 8 <= len(head):
        (size,) = struct.unpack_from("<I", head, at + 4)
        yield head[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def whole_head(head: bytes, shape: Shape, size: int) -> bytes:
    """The WAV's head, up to its sound, as it is right for a file of `size` bytes: one cut off tells no sizes."""
    made = bytearray(head[: shape.data_at])
    sound = size - shape.data_at
    struct.pack_into("<I", made, 4, size - 8)
    struct.pack_into("<I", made, shape.data_at - 4, sound)
    for kind, at, length in _chunks(bytes(made)):
        if kind == b"fact" and length >= 4:
            struct.pack_into("<I", made, at, sound // shape.frame)
    return bytes(made)


class Sound:
    """A recording that is open for reading, decrypted if need be, with its head made whole."""

    def __init__(self, source: Source) -> None:
        self._source = source
        head = source.read_at(0, HEAD)
        shape = shape_of(head)
        if shape is None:
            source.close()
            raise Unplayable("The file is no recording.")
        self.shape = shape
        # Half a frame at the end of what a crash left would put the channels into each other's place.
        self.size = source.size
        if shape.format == "wav":
            self.size -= (source.size - shape.data_at) % shape.frame
        self._head = whole_head(head, shape, self.size) if shape.format == "wav" else b""

    @property
    def ms(self) -> int:
        if self.shape.format == "wav":
            return (self.size - self.shape.data_at) * 1000 // (self.shape.frame * self.shape.rate)
        return self._last_granule() // 48

    def _last_granule(self) -> int:
        """The samples at 48 kHz that the last whole page of an Ogg file ends with."""
        tail = self._source.read_at(max(0, self.size - _TAIL), _TAIL)
        at = len(tail)
        while (at := tail.rfind(b"OggS\0", 0, at)) >= 0:
            if at + 14 <= len(tail):
                (granule,) = struct.unpack_from("<q", tail, at + 6)
                if granule >= 0:
                    return int(granule)
        return 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises sealed.Unreadable."""
        length = max(0, min(length, self.size - offset))
        first = self._head[offset : offset + length]
        return first + self._source.read_at(offset + len(first), length - len(first))

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_sound(path: Path, key: bytes | None = None) -> Sound:
    """The recording at `path`; an encrypted one is opened by `key`.

    Raises FileNotFoundError, Unplayable `recording.no_key`, `recording.unplayable`, sealed.Unreadable.
    """
    if not is_sealed(path):
        return Sound(PlainFile(path))
    if key is None:
        raise Unplayable("This recording is encrypted with a key that the hub does not have.", code="recording.no_key")
    return Sound(SealedReader(path, key))


# --- peaks ----------------------------------------------------------------------------------------------------------


def wav_peaks(sound: Sound, count: int) -> list[list[int]]:
    """The loudest sample (0 to 255) of each of `count` parts of equal length, by channel."""
    shape = sound.shape
    frames = (sound.size - shape.data_at) // shape.frame
    peaks: list[list[int]] = [[] for _ in range(shape.channels)]
    for part in range(count):
        begin, end = frames * part // count, frames * (part + 1) // count
        data = sound.read_at(shape.data_at + begin * shape.frame, (end - begin) * shape.frame)
        for channel, found in enumerate(peaks):
            found.append(loudest(_side(data, shape, channel)))
    return peaks


def _side(data: bytes, shape: Shape, channel: int) -> bytes:
    """One channel of a WAV's sound as 16-bit samples."""
    if shape.tag == PCM:
        sides = (float(channel == 0), float(channel == 1))
        return audioop.tomono(data, 2, *sides) if shape.channels == 2 else data
    codes = data[channel :: shape.channels]
    return audioop.ulaw2lin(codes, 2) if shape.tag == MU_LAW else audioop.alaw2lin(codes, 2)


def loudest(samples: bytes) -> int:
    """Of 16-bit samples, as 0 to 255 of full scale."""
    return min(255, audioop.max(samples, 2) >> 7)
