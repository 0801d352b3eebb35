"""The frames of one shared page on their way: checked, kept for whoever comes late, sent to whoever keeps up.

Pure: frames in, frames out. A page is told in epochs; each begins with a snapshot, and what follows is worth nothing
without everything before it. So a frame that is missing, doubled or late is never handed on as if nothing were: what
comes after a gap is dropped, and a new snapshot is asked for. Memory has bounds whatever a page sends and however slow
its viewers are. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import Struct

from hub.errors import InvalidInput, TooLarge
from hub.model import Millis

LARGEST_PART: Final = 256 * 1024
LARGEST_SNAPSHOT: Final = 8 * 1024 * 1024
LARGEST_TAIL: Final = 2 * 1024 * 1024
WINDOW_FRAMES: Final = 64
WINDOW_BYTES: Final = 1024 * 1024
RESYNC_EVERY_MS: Final = 2_000


class Frame(Struct, frozen=True):
    """One part of one frame; `body` is compressed or plain JSON that nobody on the way looks into."""

    epoch: int
    seq: int
    kind: Literal["snapshot", "increment"]
    part: int
    parts: int
    encoding: Literal["gzip", "json"]
    body: bytes

    @property
    def last(self) -> bool:
        return self.part == self.parts - 1


def check(frame: Frame) -> None:
    """Raises InvalidInput or TooLarge for a frame that no page of ours sends."""
    if len(frame.body) > LARGEST_PART:
        raise TooLarge(f"A part has at most {LARGEST_PART} bytes.")
    if not 0 <= frame.part < frame.parts <= LARGEST_SNAPSHOT // LARGEST_PART:
        raise InvalidInput("part", f"expected 0 to parts - 1, at most {LARGEST_SNAPSHOT // LARGEST_PART} parts")
    if frame.epoch < 1 or frame.seq < 0:
        raise InvalidInput("seq", "expected numbers from 0 in epochs from 1")
    if (frame.kind == "snapshot") != (frame.seq == 0):
        raise InvalidInput("kind", "expected a snapshot as number 0 of its epoch, and no other")


@dataclass(slots=True)
class _Viewer:
    """`at` is how many parts of the current epoch he was sent; those from `acked` on are on their way to him."""

    at: int = 0
    acked: int = 0
    behind: bool = False


@dataclass(slots=True)
class Relay:
    """`take`, `join` and `ack` answer what is to be sent: (viewer, frame)."""

    _parts: list[Frame] = field(default_factory=list)  # of the current epoch, without a gap
    _ends: list[int] = field(default_factory=list)  # after how many bytes each of them ends
    _snapshot_parts: int = 0
    _viewers: dict[str, _Viewer] = field(default_factory=dict)
    _epoch: int = 0
    _broken: bool = True  # something is missing: nothing of this epoch is taken any more
    _asked_at: Millis | None = None
    dropped: int = 0

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def kept_bytes(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def viewers(self) -> frozenset[str]:
        return frozenset(self._viewers)

    def take(self, frame: Frame) -> list[tuple[str, Frame]]:
        """A frame from the page. Raises InvalidInput or TooLarge."""
        check(frame)
        if frame.epoch < self._epoch or (frame.epoch == self._epoch and self._broken):
            self.dropped += 1
            return []
        if frame.epoch > self._epoch:
            self._begin(frame.epoch)
        if not self._follows(frame):
            self.dropped += 1
            # One that came before is not missing; anything else is a gap.
            if not self._known(frame):
                self._broken = True
            return []
        self._parts.append(frame)
        self._ends.append(self.kept_bytes + len(frame.body))
        if frame.kind == "snapshot":
            self._snapshot_parts = len(self._parts)
            if self.kept_bytes > LARGEST_SNAPSHOT:
                self._forget()
                raise TooLarge(f"A snapshot has at most {LARGEST_SNAPSHOT} bytes.", code="cobrowse.too_large")
        elif self.kept_bytes - self._ends[self._snapshot_parts - 1] > LARGEST_TAIL:
            # Whoever came late would have too much to catch up with: the page is told anew.
            self._forget()
            return []
        return self._send()

    def join(self, viewer: str) -> list[tuple[str, Frame]]:
        """Somebody watches from now on, or again: he is sent everything from the snapshot on."""
        self._viewers[viewer] = _Viewer()
        return self._send()

    def leave(self, viewer: str) -> None:
        self._viewers.pop(viewer, None)

    def ack(self, viewer: str, epoch: int, seq: int) -> list[tuple[str, Frame]]:
        """He has shown everything up to this frame. What he cannot have shown is not believed."""
        watching = self._viewers.get(viewer)
        if watching is None or epoch != self._epoch:
            return []
        while watching.acked < watching.at and self._parts[watching.acked].seq <= seq:
            watching.acked += 1
        return self._send()

    def missing(self, viewer: str) -> None:
        """He has found a gap of his own, or cannot show what he got: he waits for the next snapshot."""
        if (watching := self._viewers.get(viewer)) is not None:
            watching.behind = True

    def wants_snapshot(self, now: Millis) -> bool:
        """Whether the page is to be asked for a snapshot now; it is asked once in two seconds at most."""
        needed = bool(self._viewers) and (self._broken or any(v.behind for v in self._viewers.values()))
        if not needed or (self._asked_at is not None and now - self._asked_at < RESYNC_EVERY_MS):
            return False
        self._asked_at = now
        return True

    def _begin(self, epoch: int) -> None:
        self._forget()
        self._epoch, self._broken = epoch, False
        for watching in self._viewers.values():
            watching.at = watching.acked = 0
            watching.behind = False

    def _forget(self) -> None:
        self._broken = True
        self._parts.clear()
        self._ends.clear()
        self._snapshot_parts = 0
        for watching in self._viewers.values():
            watching.at = watching.acked = 0

    def _follows(self, frame: Frame) -> bool:
        if not self._parts:
            return frame.kind == "snapshot" and frame.part == 0
        before = self._parts[-1]
        if before.last:
            return (frame.seq, frame.part) == (before.seq + 1, 0)
        return (frame.seq, frame.part, frame.parts) == (before.seq, before.part + 1, before.parts)

    def _known(self, frame: Frame) -> bool:
        if not self._parts:
            return False
        before = self._parts[-1]
        return (frame.seq, frame.part) <= (before.seq, before.part)

    def _send(self) -> list[tuple[str, Frame]]:
        return [sent for name, watching in self._viewers.items() for sent in self._send_to(name, watching)]

    def _send_to(self, name: str, watching: _Viewer) -> Iterator[tuple[str, Frame]]:
        while not watching.behind and watching.at < len(self._parts):
            on_way = watching.at - watching.acked
            start = self._ends[watching.acked - 1] if watching.acked else 0
            size = (self._ends[watching.at - 1] if watching.at else 0) - start
            # A snapshot is one thing, however large; the window is for what follows.
            if watching.at >= self._snapshot_parts and (on_way >= WINDOW_FRAMES or size >= WINDOW_BYTES):
                if watching.acked >= self._snapshot_parts:
                    watching.behind = True
                return
            yield name, self._parts[watching.at]
            watching.at += 1
