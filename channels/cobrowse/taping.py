"""Recordings of shared pages: where the site wants them and the customer has allowed it, what an agent would be sent is
written into a file beside the recordings of calls (`hub/film.py`), at the node that the customer's page is at.

Nothing waits for the disk: what it cannot take ends the recording, not the sharing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from channels.cobrowse.relay import RESYNC_EVERY_MS, Frame
from channels.cobrowse.session import Capability, Session
from hub.errors import HubError
from hub.film import FilmWriter, entry
from hub.ids import new_id
from hub.model import Millis
from hub.recordings import Recordings
from hub.service import Hub

log = structlog.get_logger(__name__)

LARGEST_FILM: Final = 64 * 1024 * 1024
MOST_WAITING: Final = 8 * 1024 * 1024
CURSOR_EVERY_MS: Final = 100


@dataclass
class Film:
    """`broken`: something is missing, so that nothing makes sense before the next snapshot."""

    session: str
    begun: Millis
    queue: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    waiting: int = 0
    size: int = 0
    full: bool = False
    broken: bool = True
    place: tuple[int, int, int] = (0, 0, 0)  # epoch, seq and part that are next
    asked_at: Millis = 0
    cursor_at: Millis = 0
    last: Millis = 0
    task: asyncio.Task[None] | None = None

    def follows(self, frame: Frame) -> bool:
        """Whether it is what comes next, or the beginning of a snapshot."""
        if frame.kind == "snapshot" and frame.part == 0:
            self.broken = False
        elif self.broken or (frame.epoch, frame.seq, frame.part) != self.place:
            self.broken = True
            return False
        ends = frame.part == frame.parts - 1
        self.place = (frame.epoch, frame.seq + 1, 0) if ends else (frame.epoch, frame.seq, frame.part + 1)
        return True

    def add(self, data: bytes) -> None:
        if self.full:
            return
        if self.size + len(data) > LARGEST_FILM or self.waiting + len(data) > MOST_WAITING:
            self.full = True
            return
        self.size += len(data)
        self.waiting += len(data)
        self.queue.put_nowait(data)


class Taping:
    """`resync` asks the contact's page to be told anew."""

    def __init__(self, hub: Hub, recordings: Recordings, resync: Callable[[str], None]) -> None:
        self._hub, self._recordings, self._resync = hub, recordings, resync
        self._films: dict[str, Film] = {}  # by contact
        self._ending: set[asyncio.Task[None]] = set()

    def _wanted(self, sharing: Session) -> bool:
        return sharing.may(Capability.RECORD) and self._hub.records_pages(sharing.site)

    def take(self, contact: str, sharing: Session, frame: Frame) -> None:
        """A part of a frame that the page may show at this moment."""
        if not self._wanted(sharing):
            return self._end(contact)
        film, now = self._films.get(contact), self._hub.clock.now()
        if film is not None and film.session != sharing.id:
            self._end(contact)
            film = None
        if film is None:
            film = self._films[contact] = Film(sharing.id, now)
            film.task = asyncio.create_task(self._write(contact, sharing, film), name="cobrowse.film")
        if film.follows(frame):
            film.last = now - film.begun
            head = {
                "at": film.last,
                "epoch": frame.epoch,
                "seq": frame.seq,
                "kind": frame.kind,
                "part": frame.part,
                "parts": frame.parts,
                "encoding": frame.encoding,
            }
            film.add(entry(head, frame.body))
        elif now - film.asked_at >= RESYNC_EVERY_MS:
            film.asked_at = now
            self._resync(contact)

    def cursor(self, contact: str, sharing: Session, x: float, y: float) -> None:
        film, now = self._films.get(contact), self._hub.clock.now()
        if film is None or film.broken or now - film.cursor_at < CURSOR_EVERY_MS or not self._wanted(sharing):
            return
        film.cursor_at, film.last = now, now - film.begun
        film.add(entry({"at": film.last, "x": round(x), "y": round(y)}))

    def changed(self, contact: str, sharing: Session) -> None:
        """Paused is no end; whatever else ends it, or takes its permission away, is."""
        film = self._films.get(contact)
        if film is not None and (sharing.id != film.session or Capability.RECORD not in sharing.granted):
            self._end(contact)

    def _end(self, contact: str) -> None:
        film = self._films.pop(contact, None)
        if film is not None and film.task is not None:
            film.queue.put_nowait(None)
            self._ending.add(film.task)
            film.task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        for contact in list(self._films):
            self._end(contact)
        for task in list(self._ending):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _write(self, contact: str, sharing: Session, film: Film) -> None:
        recordings = self._recordings
        id = new_id("rc", film.begun)
        writer, error = None, ""
        try:
            row = (await self._hub.contacts.get(contact)).contact
            site = self._hub.directory.site(sharing.site)
            path, key = await recordings.begin_page(row, id, sharing.agent, film.begun, site.cobrowse.keep_days)
            writer = await recordings.run(lambda: FilmWriter(path, key))
            while (data := await film.queue.get()) is not None:
                gathered = bytearray(data)
                ended = False
                while not film.queue.empty() and not ended:
                    more = film.queue.get_nowait()
                    ended = more is None
                    gathered += more or b""
                film.waiting -= len(gathered)
                await recordings.run(lambda whole=bytes(gathered), to=writer: to.write(whole))  # type: ignore[misc]
                if ended:
                    break
        except (OSError, HubError) as problem:
            error = str(problem)
            film.full = True
            log.warning("cobrowse.not_recorded", contact=contact, reason=error)
        finally:
            if writer is not None:
                with contextlib.suppress(OSError):
                    await recordings.run(writer.close)
                await recordings.page_over(id, error or ("It grew too large." if film.full else ""))
