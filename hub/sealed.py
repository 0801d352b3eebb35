"""Files encrypted at rest that can be read from any offset, and up to the last whole chunk if writing was cut off.

    "CHSEAL1\\n" | salt (16) | chunk 0 | chunk 1 | ... | last chunk
    chunk = nonce (12) | AES-256-GCM of up to 4096 bytes | tag (16)

Every chunk is sealed by itself, with its number and whether it is the last as associated data, so none can be moved,
swapped, dropped or cut off unnoticed. The key is the file's own: HKDF-SHA256 of the configured key and the salt.
Nonces are random, so that a chunk may be written anew (a header whose sizes are known only at the end).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import HubError

MAGIC = b"CHSEAL1\n"
SALT = 16
HEAD = len(MAGIC) + SALT
CHUNK = 4096
NONCE = 12
SLOT = NONCE + CHUNK + 16
PLACE = struct.Struct("!Q?")


class Unreadable(HubError):
    """The file is not sealed, was sealed with another key, or was changed."""

    code = "file.unreadable"
    status = 500


def file_key(key: bytes, salt: bytes) -> AESGCM:
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return AESGCM(HKDF(SHA256(), 32, salt, b"contact hub sealed file").derive(key))


class SealedWriter:
    """Appends to a new file. Whole chunks are written as they fill; `close` writes the last."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        salt = os.urandom(SALT)
        self._file = file
        self._cipher = file_key(key, salt)
        self._pending = bytearray()
        self._first = b""
        self._chunks = 0
        self.size = 0
        """Of the plain text."""
        file.write(MAGIC + salt)

    def write(self, data: bytes | bytearray) -> None:
        self._pending += data
        self.size += len(data)
        while len(self._pending) > CHUNK:
            chunk = bytes(self._pending[:CHUNK])
            del self._pending[:CHUNK]
            if self._chunks == 0:
                self._first = chunk
            self._seal(self._chunks, chunk, last=False)
            self._chunks += 1

    def flush(self) -> None:
        self._file.flush()

    def close(self, head: bytes = b"") -> None:
        """Writes the last chunk. `head` replaces the file's first bytes."""
        if self._chunks == 0:
            self._pending[: len(head)] = head
        elif head:
            self._file.seek(HEAD)
            self._seal(0, head + self._first[len(head) :], last=False)
            self._file.seek(0, os.SEEK_END)
        self._seal(self._chunks, bytes(self._pending), last=True)
        self._file.close()

    def _seal(self, index: int, chunk: bytes, *, last: bool) -> None:
        nonce = os.urandom(NONCE)
        self._file.write(nonce + self._cipher.encrypt(nonce, chunk, PLACE.pack(index, last)))


class SealedReader:
    """Reads such a file. `size` is the plain text's; `complete` is false when its end is missing (a crash).

    Raises Unreadable where the key is wrong or the file was changed.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._file = path.open("rb")
        try:
            head = self._file.read(HEAD)
            if len(head) < HEAD or not head.startswith(MAGIC):
                raise Unreadable(f"{path.name} is not an encrypted file.")
            self._cipher = file_key(key, head[len(MAGIC) :])
            self._cached: tuple[int, bytes] = (-1, b"")
            whole, rest = divmod(path.stat().st_size - HEAD, SLOT)
            self.complete = False
            self._last = whole - (rest == 0)
            if self._last >= 0:
                self._find_end()
            else:
                self.size = 0
        except BaseException:
            self._file.close()
            raise

    def _find_end(self) -> None:
        tail = self._open(self._last, last=True)
        if tail is None:
            # Cut off while writing: the slot is torn, or whole but not the last that was meant to come.
            tail = self._open(self._last, last=False)
            if tail is None:
                self._last -= 1
                tail = b"" if self._last < 0 else self._open(self._last, last=False)
                if tail is None:
                    raise Unreadable("The file was encrypted with another key, or was changed.")
        else:
            self.complete = True
        self.size = max(0, self._last) * CHUNK + len(tail)
        self._cached = (self._last, tail)

    def _open(self, index: int, *, last: bool) -> bytes | None:
        self._file.seek(HEAD + index * SLOT)
        sealed = self._file.read(SLOT)
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], PLACE.pack(index, last))
        except (InvalidTag, ValueError):
            return None

    def _chunk(self, index: int) -> bytes:
        if self._cached[0] != index:
            opened = self._open(index, last=self.complete and index == self._last)
            if opened is None:
                raise Unreadable("The file was changed.")
            self._cached = (index, opened)
        return self._cached[1]

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            index, skip = divmod(offset, CHUNK)
            part = self._chunk(index)[skip : skip + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> SealedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
