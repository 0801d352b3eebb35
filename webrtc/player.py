"""Prompts, music and silence, played as packets: each file is read and encoded once for each codec, then only sent."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.errors import InvalidInput
from webrtc import speech, wav
from webrtc.stream import Codec, Outgoing

LATE = 5
"""So many packets behind, playing goes on from now instead of catching up."""
EARLY = 0.001
"""Timers may come up to a millisecond, uvloop's grain, before their time (s)."""
LARGEST = 64 * 1024 * 1024
SILENT_OPUS = b"\xf8\xff\xfe"
"""20 ms of silence in Opus (CELT, mono)."""


class Prompts:
    """The packets of sound files by file, codec and packet time, the least recently used dropped beyond `limit` bytes.

    A file that is replaced (another time of change or size) is read anew.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[tuple[str, int, int, str, int], tuple[bytes, ...]] = OrderedDict()
        self._loading: dict[tuple[str, str, int], asyncio.Task[tuple[bytes, ...]]] = {}

    async def load(self, files: Sequence[str], codec: Codec) -> list[tuple[bytes, ...]]:
        """InvalidInput names a file that cannot be read. Two that want the same wait for one reading."""
        found = []
        for file in files:
            key = (file, codec.name, codec.ptime_ms)
            task = self._loading.get(key)
            if task is None:
                task = self._loading[key] = asyncio.create_task(self._load(file, codec))
                task.add_done_callback(lambda _, key=key: self._loading.pop(key, None))  # type: ignore[misc]
            found.append(await asyncio.shield(task))
        return found

    async def _load(self, file: str, codec: Codec) -> tuple[bytes, ...]:
        path = Path(file)
        try:
            state = await asyncio.to_thread(path.stat)
        except OSError as error:
            raise InvalidInput(file, "there is no such sound file") from error
        key = (file, state.st_mtime_ns, state.st_size, codec.name, codec.ptime_ms)
        if key not in self._kept:
            if state.st_size > LARGEST:
                raise InvalidInput(file, "is too large to be played")
            packets = await asyncio.to_thread(read, path, codec)
            self._kept[key] = packets
            self._size += sum(map(len, packets))
            while self._size > self._limit and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._size -= sum(map(len, dropped))
        self._kept.move_to_end(key)
        return self._kept[key]


def read(path: Path, codec: Codec) -> tuple[bytes, ...]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(str(path), "cannot be read") from error
    return tuple(speech.packets(wav.samples(data, str(path)), codec))


_silences: dict[Codec, bytes] = {}


def silence(codec: Codec) -> bytes:
    """One packet of silence."""
    if codec not in _silences:
        made = SILENT_OPUS
        if codec.name != "opus" or codec.ptime_ms != 20:
            made = speech.packets(bytes(16 * codec.ptime_ms * 4), codec)[-1]
        _silences[codec] = made
    return _silences[codec]


class Player:
    """Plays runs of packets one after the other, paced by the loop's clock without drift; `on_end` when they are over.

    Each player keeps a beat of its own, so that a hundred of them do not all send in the same moment.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        parts: Sequence[Sequence[bytes]],
        *,
        loop: bool,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._outgoing = outgoing
        self._packets = parts[0] if len(parts) == 1 else [packet for part in parts for packet in part]
        self._loop = loop
        self._on_end = on_end
        self._at = 0
        self._beat = outgoing.codec.ptime_ms / 1000
        self._due = time.monotonic()
        self._call_at = asyncio.get_running_loop().call_at
        self._timer: asyncio.TimerHandle | None = None
        outgoing.switch()
        self._play()

    def _play(self) -> None:
        now = time.monotonic()
        if now - self._due > LATE * self._beat:
            self._due = now
            self._outgoing.switch()
        while self._due <= now + EARLY:
            if self._at == len(self._packets):
                if not self._loop or not self._packets:
                    self._timer = None
                    if self._on_end is not None:
                        self._on_end()
                    return
                self._at = 0
            self._outgoing.play(self._packets[self._at], now)
            self._at += 1
            self._due += self._beat
        self._timer = self._call_at(self._due, self._play)

    def stop(self) -> None:
        """`on_end` is not called any more."""
        self._on_end = None
        self._loop = False
        self._packets = ()
        self._at = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
