"""Recordings of two channels (the customer on the left, the agent on the right), aligned by RTP timestamps.

The loop only notes packets; one thread a worker lays them down and writes, once a second, whatever is older than
`HELD` (packets may come late till then). So a file is playable at any moment up to the last second or so, also when the
process is killed. G.711 becomes a WAV of its own law, Opus an Ogg, both without decoding; G.722 is decoded for a WAV.
A pause leaves silence, so times in the file stay times of the call.
"""

from __future__ import annotations

import io
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from hub.media import RecordingOptions
from hub.sealed import SealedWriter
from webrtc import g711, ogg, wav
from webrtc.speech import Decoder, decoder
from webrtc.stream import Codec

log = structlog.get_logger(__name__)

HELD = 0.4
"""Seconds a packet may come late."""
ASTRAY = 0.4
"""When timestamps and arrival differ by more seconds than this the sender's clock has stepped: anchored anew."""
WAITING = 50_000
"""Packets noted and not yet written. More means a disk that does not follow; they are dropped and counted."""
Note = tuple[int, bytes, int, float, str]
"""channel (0 left, 1 right), payload, RTP timestamp, arrival, name of the codec."""


class Sheet(Protocol):
    """What lays down packets and makes bytes of them. Positions and counts are in milliseconds of the recording."""

    def head(self, *, whole: bool) -> bytes: ...
    def place(self, channel: int, payload: bytes, codec: str, at_ms: float) -> None: ...
    def take(self, until_ms: float, *, last: bool) -> bytes: ...


class WavSheet:
    """Two channels of G.711, interleaved. Samples before `_from` are written."""

    def __init__(self, law: str) -> None:
        self._law = law
        self._rows = (bytearray(), bytearray())
        self._from = 0
        self._decoders: dict[int, Decoder] = {}

    def head(self, *, whole: bool) -> bytes:
        return wav.head(self._law, 2, self._from if whole else None)

    def place(self, channel: int, payload: bytes, codec: str, at_ms: float) -> None:
        if codec in g711.LAWS:
            payload = g711.convert(payload, codec, self._law)
        else:
            if channel not in self._decoders:
                self._decoders[channel] = decoder(Codec(codec, 0, 48_000 if codec == "opus" else 8000))
            payload = g711.encode(self._law, self._decoders[channel].decode(payload))
        offset = round(at_ms * 8) - self._from
        if offset < 0:
            payload, offset = payload[-offset:], 0
        row = self._rows[channel]
        if offset > len(row):
            row += g711.SILENCE[self._law] * (offset - len(row))
        row[offset : offset + len(payload)] = payload

    def take(self, until_ms: float, *, last: bool) -> bytes:
        count = round(until_ms * 8) - self._from
        if count <= 0:
            return b""
        out = bytearray(2 * count)
        for channel, row in enumerate(self._rows):
            part = row[:count]
            out[channel::2] = part + g711.SILENCE[self._law] * (count - len(part))
            del row[:count]
        self._from += count
        return bytes(out)


class OggSheet:
    def __init__(self) -> None:
        self._rows: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})
        self._from = 0
        self._writer = ogg.OggWriter(secrets.randbits(32))

    def head(self, *, whole: bool) -> bytes:
        return b"" if whole else self._writer.head()

    def place(self, channel: int, payload: bytes, codec: str, at_ms: float) -> None:
        at = round(at_ms / 20)
        row = self._rows[channel]
        # Two clocks that drift put two packets into one place now and then: the next is free then.
        if at in row and at + 1 not in row:
            at += 1
        if at >= self._from:
            row[at] = ogg.fit(payload) if codec == "opus" else ogg.NOTHING

    def take(self, until_ms: float, *, last: bool) -> bytes:
        until = int(until_ms / 20)
        pairs = [
            (self._rows[0].pop(at, ogg.NOTHING), self._rows[1].pop(at, ogg.NOTHING)) for at in range(self._from, until)
        ]
        self._from = max(self._from, until)
        return self._writer.page(pairs, last=last) if pairs or last else b""


class Anchor:
    """Where one channel's timestamps are on the recording's time line."""

    __slots__ = ("at_ms", "codec", "rate", "timestamp")

    def __init__(self) -> None:
        self.timestamp: int | None = None
        self.at_ms = 0.0
        self.codec = ""
        self.rate = 8000

    def place(self, timestamp: int, arrival_ms: float, codec: str) -> float:
        if self.timestamp is not None and codec == self.codec:
            step = (timestamp - self.timestamp) & 0xFFFFFFFF
            step -= 0x100000000 if step & 0x80000000 else 0
            at = self.at_ms + step * 1000 / self.rate
            if abs(at - arrival_ms) <= ASTRAY * 1000:
                self.timestamp, self.at_ms = timestamp, at
                return at
        self.timestamp, self.at_ms, self.codec = timestamp, arrival_ms, codec
        self.rate = 48_000 if codec == "opus" else 8000
        return arrival_ms


class Recording:
    """One file. `note` is called on the loop, everything with an underscore on the recorder's thread."""

    def __init__(self, options: RecordingOptions, codec: str, begun: float) -> None:
        self.options = options
        self.begun = begun
        self.failed = ""
        """Why nothing is written any more, e.g. a full disk."""
        self.bytes = 0
        self.ms = 0
        self.dropped = 0
        self.over: float | None = None
        self._notes: list[Note] = []
        self._pauses: list[tuple[float, float | None]] = []
        self._anchors = (Anchor(), Anchor())
        self._sheet: Sheet = OggSheet() if codec == "opus" else WavSheet(codec if codec in g711.LAWS else "PCMU")
        self._sealed: SealedWriter | None = None
        self._file: BinaryIO | None = None

    def note(self, channel: int, payload: bytes, timestamp: int, now: float, codec: str) -> None:
        if len(self._notes) < WAITING:
            self._notes.append((channel, payload, timestamp, now, codec))
        else:
            self.dropped += 1

    def pause(self, paused: bool, now: float) -> None:
        open_pause = bool(self._pauses) and self._pauses[-1][1] is None
        if paused and not open_pause:
            self._pauses.append((now, None))
        elif not paused and open_pause:
            self._pauses[-1] = (self._pauses[-1][0], now)

    def _paused(self, at: float) -> bool:
        return any(begin <= at and (end is None or at < end) for begin, end in self._pauses)

    def _open(self) -> None:
        path = Path(self.options.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only the hub's own user may read what people said.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w+b", buffering=0)
        if self.options.key is not None:
            self._sealed = SealedWriter(self._file, self.options.key)
        self._write(self._sheet.head(whole=False))

    def _write(self, data: bytes) -> None:
        if self._sealed is not None:
            self._sealed.write(data)
        elif self._file is not None:
            self._file.write(data)

    def _advance(self, now: float) -> bool:
        """Writes what is due; true when the file is complete (or cannot be written)."""
        notes, self._notes = self._notes, []
        over = self.over
        try:
            if self._file is None and not self.failed:
                self._open()
            for channel, payload, timestamp, arrival, codec in notes:
                at = self._anchors[channel].place(timestamp, (arrival - self.begun) * 1000, codec)
                if not self._paused(arrival) and (over is None or arrival <= over):
                    self._sheet.place(channel, payload, codec, at)
            until = (over if over is not None else now - HELD) - self.begun
            if not self.failed:
                self._write(self._sheet.take(until * 1000, last=over is not None))
                self._sync(whole=over is not None)
                self.ms = max(self.ms, int(until * 1000))
        except (OSError, ValueError) as error:
            self.failed = str(error)
            log.error("recording.failed", recording=self.options.id, reason=self.failed)
        if over is None:
            return False
        if self._file is not None and not self._file.closed:
            self._file.close()
        return True

    def _sync(self, *, whole: bool) -> None:
        """Makes the file playable as it is: the head of a WAV tells how much is there."""
        assert self._file is not None
        head = self._sheet.head(whole=True)
        if self._sealed is not None:
            if whole:
                self._sealed.close(head)
        elif head:
            self._file.seek(0)
            self._file.write(head)
            self._file.seek(0, io.SEEK_END)
        self.bytes = Path(self.options.path).stat().st_size


class Recorder:
    """The thread that writes all recordings of a worker, every `PERIOD` seconds. `done` is called on it."""

    PERIOD = 0.5

    def __init__(self, done: Callable[[Recording], None]) -> None:
        self._done = done
        self._recordings: list[Recording] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, recording: Recording) -> None:
        with self._lock:
            self._recordings.append(recording)
        self._wake.set()

    def finish(self, recording: Recording, now: float) -> None:
        recording.over = now
        self._wake.set()

    def stop(self) -> None:
        """Completes all files; blocks until they are."""
        now = time.monotonic()
        with self._lock:
            for recording in self._recordings:
                recording.over = recording.over or now
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(self.PERIOD)
            self._wake.clear()
            stopping = self._stopping
            with self._lock:
                recordings = list(self._recordings)
            for recording in recordings:
                if recording._advance(time.monotonic()):
                    with self._lock:
                        self._recordings.remove(recording)
                    self._done(recording)
            if stopping:
                return
