"""Recordings of calls and shared pages: the list, what is known of each, listening, exporting, keeping and deleting."""

from __future__ import annotations

import os
from typing import IO, Annotated, Any, Literal

from msgspec import Meta
from starlette.responses import Response

from hub.call_tables import RecordingFilter
from hub.errors import InvalidInput
from hub.model import User
from hub.permissions import Permission, may
from hub.recording import Recording, RecordingState
from hub.sound import Sound
from hub.sound_export import FORMATS, export
from hub.web import shapes as s
from hub.web.api.contacts import Word
from hub.web.api.names import named_queue, named_user, queue_id
from hub.web.streams import FileParts, reader
from hub.web.table import Call, Input, Nothing, Table

table = Table("Recordings")
_GONE = (RecordingState.DELETED, RecordingState.FAILED, RecordingState.RECORDING)
# A browser must neither guess what it is nor keep it.
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def recording_view(call: Call[Any, Any], recording: Recording) -> s.RecordingView:
    return s.RecordingView(
        recording.id,
        recording.contact,
        recording.kind,
        str(recording.state),
        named_queue(call, recording.queue),
        [named_user(call, agent) for agent in recording.agents],
        recording.started_at,
        recording.ended_at,
        recording.ms,
        recording.bytes,
        recording.format,
        list(recording.paused),
        bool(recording.key),
        recording.reason,
        recording.announced,
        recording.error,
        recording.expires_at,
        recording.hold,
        recording.deleted_at,
        named_user(call, recording.deleted_by) if recording.deleted_by else None,
        _rights(call.user, recording),
    )


def _rights(user: User, recording: Recording) -> list[str]:
    found = []
    if recording.state not in _GONE:
        if may(user, Permission.RECORDING_LISTEN):
            found.append("listen")
        if may(user, Permission.RECORDING_DOWNLOAD) and recording.kind == "sound":
            found.append("download")
    if may(user, Permission.RECORDING_DELETE) and recording.state is not RecordingState.DELETED:
        found.append("hold")
        if not recording.hold and recording.state is not RecordingState.RECORDING:
            found.append("delete")
    return found


class RecordingQuery(s.PageQuery, frozen=True):
    """`queue` is an id or a name; `started_to` is the first time past the end; `deleted`: those too."""

    contact: Word | None = None
    queue: Annotated[str, Meta(max_length=120)] | None = None
    agent: Word | None = None
    state: RecordingState | None = None
    started_from: s.At | None = None
    started_to: s.At | None = None
    deleted: bool = False


@table.add(
    "GET",
    "/recordings",
    Permission.RECORDING_LISTEN,
    query=RecordingQuery,
    result=s.RecordingPage,
    summary="The recordings you may hear, newest first",
)
async def list_recordings(call: Call[None, RecordingQuery]) -> object:
    query, limit = call.query, call.query.limit
    agent = query.agent
    if not may(call.user, Permission.CONTACT_READ_ALL):
        if agent not in (None, call.user.id):
            return s.RecordingPage([], None)
        agent = call.user.id
    where = RecordingFilter(
        contact=query.contact,
        queues=(queue_id(call, query.queue),) if query.queue else (),
        agent=agent,
        states=(query.state,) if query.state else (),
        started_from=query.started_from,
        started_to=query.started_to,
        deleted=query.deleted or query.state is RecordingState.DELETED,
    )
    rows = await call.store.recordings.page(where, after=query.after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return s.RecordingPage([recording_view(call, row) for row in rows], rows[-1].id if more else None)


@table.add("GET", "/recordings/{id}", Permission.RECORDING_LISTEN, result=s.RecordingView, summary="One recording")
async def get_recording(call: Call[None, Nothing]) -> object:
    return recording_view(
        call, await call.web.recordings.allowed(call.user, call.path("id"), Permission.RECORDING_LISTEN)
    )


@table.add(
    "GET",
    "/recordings/{id}/peaks",
    Permission.RECORDING_LISTEN,
    result=s.PeaksView,
    summary="What its waveform is drawn from",
)
async def get_peaks(call: Call[None, Nothing]) -> object:
    recordings = call.web.recordings
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_LISTEN)
    found = await recordings.peaks(recording)
    return s.PeaksView(found.ms, found.customer, found.agent)


def _how(call: Call[Any, Any]) -> dict[str, str]:
    """By what the access came, for the audit log."""
    assert call.who is not None
    client = call.request.client
    return {"by": "session" if call.who.session else "token", "address": client.host if client else ""}


@table.add(
    "GET",
    "/recordings/{id}/audio",
    Permission.RECORDING_LISTEN,
    media="audio/*",
    ranges=True,
    summary="The sound as it was recorded (WAV or Ogg), whole or in parts, for listening; written into the audit log",
)
async def get_audio(call: Call[None, Nothing]) -> Response:
    recordings = call.web.recordings
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_LISTEN)
    sound = await recordings.open(recording)
    try:
        # A player asks for many parts; the first of them, or what begins at the beginning, is the access.
        begins = call.request.headers.get("range", "bytes=0-").strip().startswith("bytes=0-")
        await recordings.note(call.user.id, "listen", recording, _how(call), again=begins)
        return FileParts(
            call.request,
            sound.size,
            sound.read_at,
            sound.close,
            recordings.run,
            media_type=sound.shape.media_type,
            headers=_HEADERS,
        )
    except BaseException:
        sound.close()
        raise


@table.add(
    "GET",
    "/recordings/{id}/frames",
    Permission.RECORDING_LISTEN,
    media="application/octet-stream",
    ranges=True,
    summary="What was shown of a shared page, as docs/howto/cobrowse.md describes it; written into the audit log",
)
async def get_frames(call: Call[None, Nothing]) -> Response:
    recordings = call.web.recordings
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_LISTEN)
    film = await recordings.open_page(recording)
    try:
        begins = call.request.headers.get("range", "bytes=0-").strip().startswith("bytes=0-")
        await recordings.note(call.user.id, "watch", recording, _how(call), again=begins)
        return FileParts(
            call.request,
            film.size,
            film.read_at,
            film.close,
            recordings.run,
            media_type="application/octet-stream",
            headers=_HEADERS,
        )
    except BaseException:
        film.close()
        raise


class ExportQuery(s.Query, frozen=True):
    """`format` original is the file as it was recorded; alaw and ulaw are WAV, raw is 16-bit PCM without a head, all
    at 8 kHz; gsm is GSM 06.10 in WAV. `channel`: both sides, one of them, or both in one channel."""

    format: Literal["original", "alaw", "ulaw", "raw", "gsm"] = "original"
    channel: Literal["both", "customer", "agent", "mixed"] | None = None


@table.add(
    "GET",
    "/recordings/{id}/export",
    Permission.RECORDING_DOWNLOAD,
    query=ExportQuery,
    media="audio/*",
    summary="The recording as a file, in a format of your choice; written into the audit log",
)
async def export_recording(call: Call[None, ExportQuery]) -> Response:
    recordings, query = call.web.recordings, call.query
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_DOWNLOAD)
    if query.format == "original" and query.channel not in (None, "both"):
        raise InvalidInput("format", "expected alaw, ulaw, raw or gsm for one channel only")
    channel = query.channel or ("mixed" if query.format == "gsm" else "both")
    sound = await recordings.open(recording)
    try:
        how = _how(call) | {"format": query.format, "channel": channel}
        await recordings.note(call.user.id, "download", recording, how)
        if query.format == "original":
            name = f"{recording.id}.{sound.shape.format}"
            return _download(call, name, sound.size, sound.read_at, sound.close, sound.shape.media_type)
        format = query.format
        made, size = await recordings.run(lambda: _made(sound, format, channel))
    except BaseException:
        sound.close()
        raise
    sound.close()
    kind = FORMATS[query.format]
    return _download(call, recording.id + kind.ending, size, reader(made), made.close, kind.media_type)


def _made(sound: Sound, format: str, channel: str) -> tuple[IO[bytes], int]:
    """The exported file, and its size."""
    file = export(sound, format, channel)
    return file, os.fstat(file.fileno()).st_size


def _download(call: Call[Any, Any], name: str, size: int, read: Any, close: Any, type: str) -> FileParts:
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return FileParts(
        call.request, size, read, close, call.web.recordings.run, media_type=type, headers=headers, ranges=False
    )


class HoldInput(Input, frozen=True, forbid_unknown_fields=True):
    """`hold` is why the recording is kept whatever its age; empty: it is kept no longer than others."""

    hold: Annotated[str, Meta(max_length=300)]


@table.add(
    "PATCH",
    "/recordings/{id}",
    Permission.RECORDING_DELETE,
    body=HoldInput,
    result=s.RecordingView,
    summary="Keep it whatever its age, or no longer",
)
async def hold_recording(call: Call[HoldInput, Nothing]) -> object:
    recordings = call.web.recordings
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_DELETE)
    changed = await recordings.hold(recording, call.body.hold.strip())
    action = "hold" if changed.hold else "release"
    await recordings.note(call.user.id, action, changed, _how(call) | {"reason": changed.hold})
    return recording_view(call, changed)


@table.add(
    "DELETE",
    "/recordings/{id}",
    Permission.RECORDING_DELETE,
    summary="Delete the sound; that there was a recording stays known",
)
async def delete_recording(call: Call[None, Nothing]) -> object:
    recordings = call.web.recordings
    recording = await recordings.allowed(call.user, call.path("id"), Permission.RECORDING_DELETE)
    await recordings.note(call.user.id, "delete", recording, _how(call))
    await recordings.delete(recording, call.user.id)
    return None
