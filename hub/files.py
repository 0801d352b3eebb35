"""Uploaded files on disk, under the hash of their content.

An upload is streamed into a temporary file, measured and hashed while it comes in, looked into (its declared type and
its name prove nothing), made durable and only then given its place. Whatever blocks runs in threads.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import zipfile
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, TypeVar

from msgspec import Struct

from hub.errors import HubError, InvalidInput, NotFound, TooLarge, Unavailable, UnsupportedType
from hub.file_types import HEAD, Archive, Kind, allowed_by, kind_of, look_into, safe_name
from hub.pictures import PICTURES, Picture, look_at

T = TypeVar("T")

_BLOCK = 256 * 1024
_STALE_S = 24 * 3600
_FRESH_S = 3600
_ASIDE = "aside-"


class Blob(Struct, frozen=True):
    """A file that was stored. `name` and `type` are what we make of what the sender said; `width` and `height` (as
    shown, after rotation) and `thumb` only for pictures that we can read."""

    sha256: str
    size: int
    name: str
    type: str
    width: int | None = None
    height: int | None = None
    thumb: bool = False


class FileStore:
    """A folder of files by content. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._disk = ThreadPoolExecutor(2, thread_name_prefix="files")
        # Decoding takes much memory: one picture at a time.
        self._pictures = ThreadPoolExecutor(1, thread_name_prefix="pictures")

    async def open(self) -> None:
        """Makes the folder, and removes uploads that a crash has left half done."""

        def prepare() -> None:
            self._incoming.mkdir(parents=True, exist_ok=True)
            for left in self._incoming.iterdir():
                with suppress(FileNotFoundError):
                    if left.name.startswith(_ASIDE):
                        self._put_back(left, self.path(left.name.removeprefix(_ASIDE)))
                    elif left.stat().st_mtime < time.time() - _STALE_S:
                        left.unlink()

        await self._run(prepare)

    async def close(self) -> None:
        self._disk.shutdown(wait=True)
        self._pictures.shutdown(wait=True)

    async def save(
        self, chunks: AsyncIterable[bytes], *, name: str, declared: str, max_bytes: int, allowed: Sequence[str]
    ) -> Blob:
        """Stores what `chunks` brings. `allowed` are types such as `application/pdf` or `image/*`.

        Raises TooLarge (`file.too_large`; also for pictures with too many pixels), UnsupportedType (`file.type`),
        InvalidInput for an empty file, Unavailable when the disk is full; nothing is kept then.
        """
        incoming = await self._run(_Incoming, self._incoming)
        try:
            await self._receive(chunks, incoming, max_bytes)
            kind = await self._run(sniff, incoming.path, declared)
            if not allowed_by(kind, allowed):
                raise UnsupportedType("Files of this type are not accepted here.", details={"type": kind.type})
            picture = await self._look(incoming, kind.type)
            sha256 = await self._run(self._place, incoming, picture)
        finally:
            await asyncio.shield(self._run(incoming.discard))
        blob = Blob(sha256, incoming.size, safe_name(name, kind.type), kind.type)
        if picture is None:
            return blob
        return Blob(blob.sha256, blob.size, blob.name, blob.type, picture.width, picture.height, True)

    async def keep(self, data: bytes) -> str:
        """Stores what the hub itself wants kept, of whatever type, and returns its SHA-256. Raises Unavailable."""

        def write() -> str:
            incoming = _Incoming(self._incoming)
            try:
                incoming.write(data)
                return self._place(incoming, None)
            finally:
                incoming.discard()

        return await self._run(write)

    async def _receive(self, chunks: AsyncIterable[bytes], incoming: _Incoming, max_bytes: int) -> None:
        waiting: list[bytes] = []
        waits = 0
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge("This file is too large.", code="file.too_large", details={"max_bytes": max_bytes})
            waiting.append(chunk)
            waits += len(chunk)
            if waits >= _BLOCK:
                await self._run(incoming.write, b"".join(waiting))
                waiting, waits = [], 0
        await self._run(incoming.write, b"".join(waiting))
        if not size:
            raise InvalidInput("file", "expected a file that is not empty")

    async def _look(self, incoming: _Incoming, type: str) -> Picture | None:
        if type not in PICTURES:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._pictures, look_at, incoming.path, type)

    def path(self, sha256: str) -> Path:
        """Where the content lies. Raises NotFound for what is no hash (the path is never built from other text)."""
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise NotFound("file", sha256)
        return self._folder / "content" / sha256[:2] / sha256[2:4] / sha256

    def thumb_path(self, sha256: str) -> Path:
        """Where the picture's thumbnail (WebP, at most 480 px a side, without metadata) lies."""
        return self._folder / "thumbs" / self.path(sha256).relative_to(self._folder / "content").with_suffix(".webp")

    async def has(self, sha256: str) -> bool:
        return await self._run(self.path(sha256).is_file)

    async def remove(self, sha256: str, wanted: Callable[[], Awaitable[bool]]) -> bool:
        """Deletes content that no row names any more; whether it is gone.

        It is put out of reach first, so that whoever stores the same now makes it anew; `wanted` is asked then. What
        was stored of late, and may have no row yet, stays.
        """
        aside = await self._run(self._set_aside, sha256)
        if aside is None:
            return not await self.has(sha256)
        keep = True
        try:
            keep = await wanted()
        finally:
            await asyncio.shield(self._run(self._settle, sha256, aside, keep))
        return not keep

    def _set_aside(self, sha256: str) -> Path | None:
        source, target = self.path(sha256), self._incoming / f"{_ASIDE}{sha256}"
        try:
            if source.stat().st_mtime > time.time() - _FRESH_S:
                return None
            source.replace(target)
        except FileNotFoundError:
            return None
        if target.stat().st_mtime > time.time() - _FRESH_S:
            self._put_back(target, source)
            return None
        return target

    def _settle(self, sha256: str, aside: Path, keep: bool) -> None:
        thumb = self.thumb_path(sha256)
        if keep:
            self._put_back(aside, self.path(sha256))
            return
        aside.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            if thumb.stat().st_mtime < time.time() - _FRESH_S:
                thumb.unlink()

    def _put_back(self, aside: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(place)

    async def read(self, path: Path) -> AsyncGenerator[bytes, None]:
        """The bytes of a file of this store, in blocks. Raises NotFound."""
        try:
            file: BinaryIO = await self._run(path.open, "rb")
        except FileNotFoundError:
            raise NotFound("file") from None
        try:
            while block := await self._run(file.read, _BLOCK):
                yield block
        finally:
            await asyncio.shield(self._run(file.close))

    def _place(self, incoming: _Incoming, picture: Picture | None) -> str:
        """Makes the content durable under its hash; content that is there already stays."""
        sha256 = incoming.finish()
        target = self.path(sha256)
        if picture is not None:
            self._put(self.thumb_path(sha256), picture.thumb)
        if not _touch(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            incoming.path.replace(target)
            _sync_folder(target.parent)
        return sha256

    def _put(self, target: Path, data: bytes) -> None:
        if _touch(target):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._incoming, delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(target)
        _sync_folder(target.parent)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._disk, work, *arguments)
        except (HubError, FileNotFoundError):
            raise
        except OSError as error:
            raise Unavailable(
                "The file could not be stored. Please try again.", code="file.unavailable", details={"reason": "disk"}
            ) from error


class _Incoming:
    """A file that is being received. Its methods block."""

    def __init__(self, folder: Path) -> None:
        self._file = NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - `discard` closes it
        self._hash = hashlib.sha256()
        self.path = Path(self._file.name)
        self.size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self._file.write(data)
        self._file.flush()

    def finish(self) -> str:
        """Puts the bytes on the disk; returns their SHA-256."""
        os.fsync(self._file.fileno())
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Closes it, and removes it unless it was given its place."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def _touch(path: Path) -> bool:
    """Whether it is there; it counts as stored now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """A new name is durable only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sniff(path: Path, declared: str) -> Kind:
    """The type of the file at `path`, by its bytes; `declared` decides only between kinds of plain text."""
    with path.open("rb") as file:
        return kind_of(file.read(HEAD), declared, lambda: _archive(path))


def _archive(path: Path) -> Archive | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return look_into(archive)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError):
        return None
