"""The recording of a shared page as a file: what the agent was sent, each thing with its time.

    "CHPAGE1\\n" | entry | entry | ...
    entry = length of the head (4 bytes, big-endian) | length of the body (4) | head, JSON | body

A head has `at`, in ms from the beginning. One with `seq` is a part of a frame, as it came from the customer's page:
`epoch`, `seq`, `kind`, `part`, `parts`, `encoding`, with its bytes as the body; one with `x` and `y` is where the
customer's pointer was. The file is sealed (`hub/sealed.py`) if there is a key, and readable up to where it was cut off.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from hub.sealed import SealedReader, SealedWriter
from hub.sound import PlainFile, Source, Unplayable

MAGIC: Final = b"CHPAGE1\n"
LENGTHS: Final = struct.Struct("!II")
# Of one entry; more is nonsense.
LARGEST: Final = 1024 * 1024


class _Head(Struct):
    at: int


def entry(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    told = msgspec.json.encode(head)
    return LENGTHS.pack(len(told), len(body)) + told + body


class FilmWriter:
    """A new file; blocks. What was written is on the disk after each `write`, but for a sealed file's last 4 KB."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self._file = path.open("xb")
        self._sealed = SealedWriter(self._file, key) if key is not None else None
        self.write(MAGIC)

    def write(self, data: bytes) -> None:
        if self._sealed is not None:
            self._sealed.write(data)
        else:
            self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        if self._sealed is not None:
            self._sealed.close()
        else:
            self._file.close()


def open_film(path: Path, key: bytes | None) -> Source:
    """Blocks. Raises OSError, sealed.Unreadable, Unplayable."""
    source: Source = SealedReader(path, key) if key is not None else PlainFile(path)
    if source.read_at(0, len(MAGIC)) != MAGIC:
        source.close()
        raise Unplayable("The file is no recording of a page.")
    return source


def length_of(source: Source) -> int:
    """In ms, up to the last entry that is whole."""
    at, ms = len(MAGIC), 0
    while len(lengths := source.read_at(at, LENGTHS.size)) == LENGTHS.size:
        head, body = LENGTHS.unpack(lengths)
        after = at + LENGTHS.size + head + body
        if max(head, body) > LARGEST or after > source.size:
            break
        try:
            ms = msgspec.json.decode(source.read_at(at + LENGTHS.size, head), type=_Head).at
        except msgspec.DecodeError:
            break
        at = after
    return ms
