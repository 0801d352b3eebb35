"""Recordings of two channels (the customer on the left, the agent on the right).

Packets are laid down by the loop (`tracks.py`); twice a second what is older than `HELD_S` goes as bytes to one thread
a worker, which writes. So a file plays at any moment up to the last second or so, also when the process is killed.
G.711 becomes a WAV of its own law and Opus an Ogg, both without decoding; G.722 is decoded for a WAV. A pause leaves
silence, so times in the file stay times of the call.
"""

from __future__ import annotations

import io
import os
import queue
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import structlog

from hub.media import RecordingOptions
from hub.sealed import SealedWriter
from webrtc import g711
from webrtc.stream import AudioSink, Codec
from webrtc.tracks import OggSheet, Sheet, WavSheet

log = structlog.get_logger(__name__)

HELD_S = 0.8
"""How late a packet may come."""
PERIOD_S = 0.5
MOST_WAITING = 8 * 1024 * 1024
"""Bytes of one recording that wait for the disk; with more it is given up."""


class Recording:
    """One file. Methods with an underscore run on the recorder's thread, all others on the loop."""

    def __init__(self, options: RecordingOptions, codec: str, begun: float) -> None:
        self.options = options
        self.begun = begun
        self.failed = ""
        """Why nothing is written any more, e.g. a full disk."""
        self.bytes = 0
        self.next = begun + PERIOD_S
        self.sheet: Sheet = (
            OggSheet(begun, secrets.randbits(32))
            if codec == "opus"
            else WavSheet(codec if codec in g711.LAWS else "PCMU", begun)
        )
        self.waiting = 0
        self._sealed: SealedWriter | None = None
        self._file: BinaryIO | None = None
        self._written = 0

    @property
    def ms(self) -> int:
        return self.sheet.ms

    def sink(self, channel: int, codec: Codec) -> AudioSink:
        """Where the packets of a party go; `channel` 0 is left."""
        self.sheet.tracks[channel].speak(codec)
        return self.sheet.sink(channel)

    def pause(self, paused: bool) -> None:
        for track in self.sheet.tracks:
            track.paused = paused

    def _open(self, begin: bytes) -> None:
        path = Path(self.options.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only the hub's own user may read what people said.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w+b", buffering=0)
        if self.options.key is not None:
            self._sealed = SealedWriter(self._file, self.options.key)
        self._put(begin)

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        if self._sealed is not None:
            self._sealed.write(data)
        else:
            self._file.write(data)
            self._written += len(data)

    def _write(self, data: bytes, head: bytes, *, last: bool) -> None:
        """Appends, and makes the file playable as it is: the head of a WAV tells how much is there."""
        try:
            if self._file is None and not self.failed:
                self._open(data)
            elif not self.failed:
                self._put(data)
            if self._sealed is None and head and self._file is not None and not self.failed:
                self._file.seek(0)
                self._file.write(head)
                self._file.seek(0, io.SEEK_END)
            if last and self._sealed is not None and not self.failed:
                self._sealed.close(head)
        except OSError as error:
            self.failed = str(error)
            log.error("recording.failed", recording=self.options.id, reason=self.failed)
        self.waiting -= len(data)
        if last and self._file is not None:
            self._file.close()
            self.bytes = Path(self.options.path).stat().st_size


Job = tuple[Recording, bytes, bytes, bool]
"""The recording, bytes to append, the head that then fits, whether these are the last."""


class Recorder:
    """All recordings of a worker. `done` is called on the thread when a file is complete."""

    def __init__(self, done: Callable[[Recording], None]) -> None:
        self._done = done
        self._recordings: set[Recording] = set()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, recording: Recording) -> None:
        self._recordings.add(recording)
        self._give(recording, recording.sheet.begin(), b"", last=False)

    def tick(self, now: float) -> None:
        """Called several times a second, so that not all recordings have their second in the same moment."""
        for recording in self._recordings:
            if now >= recording.next:
                recording.next += PERIOD_S
                sheet = recording.sheet
                data = sheet.take(now - HELD_S - recording.begun, last=False)
                if recording.waiting > MOST_WAITING and not recording.failed:
                    recording.failed = "the disk does not follow"
                    log.error("recording.failed", recording=recording.options.id, reason=recording.failed)
                if data and not recording.failed:
                    self._give(recording, data, sheet.head(), last=False)

    def finish(self, recording: Recording, now: float) -> None:
        if recording in self._recordings:
            self._recordings.remove(recording)
            data = recording.sheet.take(now - recording.begun, last=True)
            self._give(recording, data, recording.sheet.head(), last=True)

    def _give(self, recording: Recording, data: bytes, head: bytes, *, last: bool) -> None:
        recording.waiting += len(data)
        self._jobs.put((recording, data, head, last))

    def stop(self, now: float) -> None:
        """Completes all files; the thread ends when they are written."""
        for recording in list(self._recordings):
            self.finish(recording, now)
        self._jobs.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            recording, data, head, last = job
            recording._write(data, head, last=last)
            if last:
                self._done(recording)
