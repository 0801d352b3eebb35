"""Recordings of calls and of shared pages: which are made, where they lie, what is known of them, who hears and sees
them, and when they go.

The media engine or `channels/cobrowse/taping.py` writes the file; here its row is written before and after. A file lies
under `<folder>/<year>/<month>/<day>/<id>`, encrypted when a key is configured. Nodes of one hub share the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from hub import events as e
from hub.config_rows import RecordingPolicy
from hub.errors import Forbidden, HubError, NotFound, Refused, Unavailable
from hub.film import length_of, open_film
from hub.media import Recorded, RecordingOptions
from hub.model import AuditEntry, Contact, Millis, User
from hub.permissions import Permission, may, require
from hub.recording import Recording, RecordingState
from hub.sealed import SealedReader, SealedWriter
from hub.service import Hub
from hub.sound import PlainFile, Sound, Source, Unplayable, open_sound
from hub.sound_export import peaks

log = structlog.get_logger(__name__)
T = TypeVar("T")

DAY_MS = 24 * 3_600_000
SWEEP_EVERY_S = 60.0
PEAKS = 1000
# Playing asks for one recording in many pieces; within this time that is one access.
ACCESS_MS = 10 * 60_000
# So long after a call's end its recording has to be complete.
SETTLED_MS = 30_000
CUSTOMER, AGENT = "customer", "agent"
SYSTEM = "system"


class RecordingSettings(Struct, frozen=True):
    """`key` encrypts new recordings; `former` are the keys of older ones."""

    folder: Path
    key: bytes | None = None
    former: tuple[bytes, ...] = ()
    min_free_bytes: int = 0


class Plan(Struct, frozen=True):
    """`record`: it begins by itself, for `reason`. `allowed`: the agent may begin it. `announce`: tell the customer."""

    record: bool
    allowed: bool
    announce: bool
    reason: str


class Peaks(Struct, frozen=True):
    """The loudest sample (0 to 255) of each part of the recording, by who spoke."""

    ms: int
    customer: list[int]
    agent: list[int]


def key_id(key: bytes | None) -> str:
    """A name of the key that tells nothing of it; "" for none."""
    return "" if key is None else hashlib.sha256(b"contact hub recording key" + key).hexdigest()[:12]


def plan_of(policy: RecordingPolicy, contact: str) -> Plan:
    """What the queue's policy means for this contact: by percentage the same at every node and at every retry."""
    drawn = int.from_bytes(hashlib.sha256(f"recording {contact}".encode()).digest()[:8]) / 2**64
    record = policy.mode == "always" or (policy.mode == "percentage" and drawn * 100 < policy.percent)
    allowed = policy.mode != "never"
    return Plan(record, allowed, policy.announce and allowed, policy.mode if record else "on_demand")


def pauses(id: str, begun: Millis, ms: int, events: Sequence[e.Recorded]) -> tuple[tuple[int, int], ...]:
    """The spans in which it was paused, in ms from its beginning."""
    spans: list[tuple[int, int]] = []
    since: int | None = None
    for recorded in events:
        event = recorded.event
        if not isinstance(event, e.CallRecording) or event.recording != id:
            continue
        at = min(max(0, recorded.at - begun), ms)
        if event.state == "paused" and since is None:
            since = at
        elif event.state != "paused" and since is not None:
            spans.append((since, at))
            since = None
    return (*spans, *([(since, ms)] if since is not None else []))


def its_call(events: Sequence[e.Recorded], at: Millis) -> Sequence[e.Recorded]:
    """Of a contact's events those of the call that ran at this time, from its start to its end."""
    starts = [n for n, recorded in enumerate(events) if isinstance(recorded.event, e.CallStarted)]
    begun = [n for n in starts if events[n].at <= at]
    if not begun:
        return events
    later = [n for n in starts if n > begun[-1]]
    return events[begun[-1] : later[0] if later else None]


class Recordings:
    """`failures` and `last_error` are of the sweeper."""

    def __init__(self, hub: Hub, settings: RecordingSettings) -> None:
        self._hub, self._table = hub, hub.store.recordings
        self._settings = settings
        self._keys = {key_id(key): key for key in (settings.key, *settings.former) if key is not None}
        # Reading blocks: files, decryption, decoding.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="recordings")
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        # A node that is alone is called the same at each start.
        self._node = f"{hub.bus.node} {secrets.token_hex(8)}"
        self._accesses: dict[tuple[str, str, str], Millis] = {}
        self.failures = 0
        self.last_error: str | None = None

    async def start(self) -> None:
        """Makes the folder, and begins to look for what is unfinished or over. Raises Unavailable."""
        try:
            await self.run(lambda: self._settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700))
        except OSError as error:
            raise _disk(f"{self._settings.folder} cannot be made ({error.strerror}).") from error
        self._hub.leadership.on_change(lambda leads: self._wake.set())
        self._task = asyncio.create_task(self._run(), name="recordings.sweep")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._threads.shutdown)

    async def run(self, work: Callable[[], T]) -> T:
        """Does blocking work in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- made -------------------------------------------------------------------------------------------------------

    def policy(self, queue: str | None) -> RecordingPolicy:
        found = self._hub.directory.queues().get(queue or "")
        return found.recording if found is not None else RecordingPolicy()

    def plan(self, queue: str | None, contact: str) -> Plan:
        """Whether the contact's call is recorded, as its queue has it."""
        return plan_of(self.policy(queue), contact)

    async def begin(self, contact: Contact, recording: str) -> RecordingOptions:
        """The row of a recording that begins now, and what the media engine is told; the same again for a retry.

        Raises Refused `recording.off` when the queue wants none, Unavailable `recordings.disk_full`,
        `recordings.unavailable`.
        """
        plan = self.plan(contact.queue, contact.id)
        if not plan.allowed:
            raise Refused("Calls of this queue are not recorded.", code="recording.off")
        known = await self._table.get(recording)
        if known is None:
            known = await self._new(recording, contact, plan)
        elif known.state is not RecordingState.RECORDING:
            raise Refused("This recording is over.", code="recording.over")
        return RecordingOptions(recording, str(self.path(known)), CUSTOMER, AGENT, self._keys.get(known.key))

    async def _new(self, id: str, contact: Contact, plan: Plan) -> Recording:
        now = self._hub.clock.now()
        expires_at = now + self.policy(contact.queue).keep_days * DAY_MS
        agents = (contact.agent,) if contact.agent else ()
        return await self._store(self._row(id, contact, now, plan.reason, expires_at, agents=agents))

    def _row(self, id: str, contact: Contact, at: Millis, reason: str, expires_at: Millis, **more: Any) -> Recording:
        day = datetime.fromtimestamp(at / 1000, UTC)
        return Recording(
            id,
            contact.id,
            at,
            f"{day:%Y/%m/%d}/{id}",
            queue=contact.queue,
            key=key_id(self._settings.key),
            reason=reason,
            node=self._node,
            expires_at=expires_at,
            **more,
        )

    async def _store(self, found: Recording) -> Recording:
        try:
            await self.run(lambda: self._make_room(found))
        except Unavailable as problem:
            # Whoever looks for the recording later shall find why there is none.
            ended_at = self._hub.clock.now()
            await self._table.add(replace(found, state=RecordingState.FAILED, ended_at=ended_at, error=problem.message))
            raise
        await self._table.add(found)
        return found

    async def begin_page(
        self, contact: Contact, id: str, agent: str, at: Millis, keep_days: int
    ) -> tuple[Path, bytes | None]:
        """The row of a shared page's recording: where its file goes, and the key that seals it.

        Raises Unavailable `recordings.disk_full`, `recordings.unavailable`.
        """
        expires_at = at + keep_days * DAY_MS
        found = await self._store(
            self._row(id, contact, at, "consent", expires_at, agents=(agent,), kind="page", announced=True)
        )
        return self.path(found), self._keys.get(found.key)

    async def page_over(self, id: str, error: str) -> None:
        await self._over(id, RecordingState.INTERRUPTED if error else RecordingState.COMPLETE, 0, error)

    def _make_room(self, recording: Recording) -> None:
        try:
            self.path(recording).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = shutil.disk_usage(self._settings.folder).free
        except OSError as error:
            raise _disk(f"The folder of recordings cannot be written to ({error.strerror}).") from error
        if free < self._settings.min_free_bytes:
            raise _disk("There is not enough room on the disk for recordings.", "recordings.disk_full", free=free)

    def path(self, recording: Recording) -> Path:
        return self._settings.folder / recording.path

    async def over(self, contact: str, recorded: Recorded) -> None:
        """The media engine has closed the file. Nothing when it is known to be over already."""
        state = RecordingState.INTERRUPTED if recorded.error else RecordingState.COMPLETE
        await self._over(recorded.recording, state, recorded.ms, recorded.error)

    async def interrupted(self, id: str) -> None:
        """What wrote it died; its length is taken from the file."""
        await self._over(id, RecordingState.INTERRUPTED, 0, "")

    async def _over(self, id: str, state: RecordingState, ms: int, error: str) -> None:
        known = await self._table.get(id)
        if known is None or known.state is not RecordingState.RECORDING:
            return
        try:
            format, length, size = await self.run(lambda: self._measure(known))
        except (OSError, HubError) as problem:
            log.warning("recording.lost", recording=id, reason=str(problem))
            format, length, size, state = "", 0, 0, RecordingState.FAILED
            error = error or ("Its file is not there." if isinstance(problem, FileNotFoundError) else str(problem))
        length = length or ms
        if known.kind == "page":
            ended_at = known.started_at + length
            page = replace(known, state=state, ended_at=ended_at, ms=length, bytes=size, format=format, error=error)
            await self._table.update(page)
            return
        events = its_call(await self._events(known.contact), known.started_at)
        happened = [recorded.event for recorded in events]
        agents = [event.agent for event in happened if isinstance(event, e.CallAnswered)]
        # Whom we call ourselves hears no greeting.
        dialled = any(isinstance(event, e.CallStarted) and event.way in ("dial", "callback") for event in happened)
        await self._table.update(
            replace(
                known,
                state=state,
                ended_at=known.started_at + length if state is RecordingState.INTERRUPTED else self._hub.clock.now(),
                ms=length,
                bytes=size,
                format=format,
                announced=self.policy(known.queue).announce and not dialled,
                error=error,
                agents=tuple(dict.fromkeys((*known.agents, *filter(None, agents)))),
                paused=pauses(id, known.started_at, length, events),
            )
        )

    def _measure(self, recording: Recording) -> tuple[str, int, int]:
        """Format, length in ms and size on the disk."""
        path = self.path(recording)
        if recording.kind == "page":
            with closing(open_film(path, self._keys.get(recording.key))) as film:
                return "page", length_of(film), path.stat().st_size
        with open_sound(path, self._keys.get(recording.key)) as sound:
            return sound.shape.format, sound.ms, path.stat().st_size

    async def _events(self, contact: str) -> list[e.Recorded]:
        found: list[e.Recorded] = []
        while batch := await self._hub.store.log.stream(contact, len(found)):
            found += batch
        return found

    # --- heard ------------------------------------------------------------------------------------------------------

    async def allowed(self, user: User, id: str, permission: Permission) -> Recording:
        """The recording, if this user may do this with it: agents only with those of contacts that they handled.

        Raises NotFound, Forbidden.
        """
        require(user, permission)
        found = await self._table.get(id)
        if found is None:
            raise NotFound("recording", id)
        if not may(user, Permission.CONTACT_READ_ALL) and user.id not in found.agents:
            row = await self._hub.contacts.get(found.contact)
            if user.id not in (row.contact.agent, *row.contact.participants, *row.contact.handled_by):
                raise Forbidden("This recording belongs to other agents.")
        return found

    async def note(
        self, user: str, action: str, recording: Recording, how: Mapping[str, str], *, again: bool = True
    ) -> None:
        """Writes the access into the audit log; unless `again`, only the first one of a while."""
        now = self._hub.clock.now()
        seen = (user, recording.id, action)
        if not again and now - self._accesses.get(seen, 0) < ACCESS_MS:
            return
        entry = AuditEntry(0, now, user, action, "recording", recording.id, None, {"contact": recording.contact, **how})
        await self._hub.store.configs.audit(entry)
        self._accesses = {key: at for key, at in self._accesses.items() if now - at < ACCESS_MS} | {seen: now}

    async def open(self, recording: Recording) -> Sound:
        """A call's recording, to be read in a thread. Raises NotFound `recording.gone`, Refused `recording.running`,
        Unplayable, sealed.Unreadable, Unavailable."""
        return await self._open(recording, "sound", open_sound)

    async def open_page(self, recording: Recording) -> Source:
        """A shared page's recording, to be read in a thread. Raises as `open` does."""
        return await self._open(recording, "page", open_film)

    async def _open(self, recording: Recording, kind: str, open: Callable[[Path, bytes | None], T]) -> T:
        if recording.kind != kind:
            raise NotFound("recording", recording.id)
        if recording.state is RecordingState.DELETED:
            raise _gone("This recording was deleted.")
        if recording.state is RecordingState.RECORDING:
            raise Refused("This is still being recorded.", code="recording.running")
        try:
            return await self.run(lambda: open(self.path(recording), self._keys.get(recording.key)))
        except FileNotFoundError:
            raise _gone("The file of this recording is not on the disk any more.") from None
        except OSError as error:
            raise _disk(f"The recording cannot be read ({error.strerror}).") from error

    async def peaks(self, recording: Recording) -> Peaks:
        """What its waveform is drawn from: computed once, then kept beside it. Raises as `open` does."""
        sound = await self.open(recording)

        def look() -> Peaks:
            with sound:
                kept = self._kept_peaks(recording)
                if kept is None:
                    kept = Peaks(sound.ms, *peaks(sound, PEAKS))
                    self._keep_peaks(recording, kept)
                return kept

        return await self.run(look)

    def _peaks_path(self, recording: Recording) -> Path:
        path = self.path(recording)
        return path.with_name(path.name + ".peaks")

    def _kept_peaks(self, recording: Recording) -> Peaks | None:
        path, key = self._peaks_path(recording), self._keys.get(recording.key)
        try:
            source: Source = SealedReader(path, key) if key is not None else PlainFile(path)
            try:
                return msgspec.json.decode(source.read_at(0, source.size), type=Peaks)
            finally:
                source.close()
        except (OSError, HubError, msgspec.DecodeError):
            return None  # made anew

    def _keep_peaks(self, recording: Recording, found: Peaks) -> None:
        path, key = self._peaks_path(recording), self._keys.get(recording.key)
        part = path.with_name(path.name + ".part")
        data = msgspec.json.encode(found)
        try:
            with part.open("wb") as file:
                if key is not None:
                    writer = SealedWriter(file, key)
                    writer.write(data)
                    writer.close()
                else:
                    file.write(data)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            log.warning("recording.peaks_not_kept", recording=recording.id, reason=error.strerror)

    # --- gone -------------------------------------------------------------------------------------------------------

    async def hold(self, recording: Recording, reason: str) -> Recording:
        """Keeps it whatever its age, or ("") no longer."""
        changed = replace(recording, hold=reason)
        await self._table.update(changed)
        return changed

    async def delete(self, recording: Recording, by: str) -> None:
        """Deletes the file and what was made of it; the row stays. Raises Refused `recording.held`, Unavailable."""
        if recording.state is RecordingState.DELETED:
            return
        if recording.hold:
            raise Refused(f"This recording is held: {recording.hold}", code="recording.held")
        if recording.state is RecordingState.RECORDING and by != SYSTEM:
            raise Refused("This is still being recorded.", code="recording.running")

        def remove() -> None:
            self._peaks_path(recording).unlink(missing_ok=True)
            self.path(recording).unlink(missing_ok=True)

        try:
            await self.run(remove)
        except OSError as error:
            raise _disk(f"The recording cannot be deleted ({error.strerror}).") from error
        now = self._hub.clock.now()
        await self._table.update(replace(recording, state=RecordingState.DELETED, deleted_at=now, deleted_by=by))

    # --- looked after ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        await self._hub.roster.settled()
        while True:
            try:
                if self._hub.leadership.leads:
                    await self.sweep()
            except Exception as problem:
                self.failures += 1
                self.last_error = f"{type(problem).__name__}: {problem}"
                log.exception("recordings.sweep_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()

    async def sweep(self) -> None:
        """Ends the recordings of processes that died, and deletes those whose time is over."""
        for recording in await self._table.unfinished():
            left = recording.kind == "sound" and await self._left_behind(recording)
            if left or not self._lives(recording.node):
                log.warning("recording.interrupted", recording=recording.id, node=recording.node)
                await self.interrupted(recording.id)
        while due := await self._table.due(self._hub.clock.now()):
            for recording in due:
                await self.note(SYSTEM, "delete", recording, {"reason": "retention"})
                await self.delete(recording, SYSTEM)

    def _lives(self, node: str) -> bool:
        """Whether the process that this names is there."""
        name = node.partition(" ")[0]
        return node == self._node if name == self._hub.bus.node else name in self._hub.roster.nodes

    async def _left_behind(self, recording: Recording) -> bool:
        """Whether the call ended a while ago and nobody has said what became of its recording: a media worker died."""
        latest = self._hub.clock.now() - SETTLED_MS
        events = await self._events(recording.contact)
        return any(isinstance(r.event, e.CallEnded) and recording.started_at < r.at < latest for r in events)


def _gone(sentence: str) -> HubError:
    error = NotFound("recording")
    error.message, error.code = sentence, "recording.gone"
    return error


def _disk(sentence: str, code: str = "recordings.unavailable", **details: int) -> Unavailable:
    return Unavailable(sentence, code=code, details=dict(details))


__all__ = ["Peaks", "Plan", "RecordingSettings", "Recordings", "Unplayable", "key_id", "pauses", "plan_of"]
