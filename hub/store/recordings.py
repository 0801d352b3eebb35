"""The rows of recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select, tuple_, update

from hub.call_tables import RecordingFilter
from hub.model import Millis
from hub.recording import Recording, RecordingState
from hub.store import rows
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.tables import contact_agents, recordings
from hub.store.writer import Writer

_recording = msgspec.json.Decoder(Recording)
r = recordings.c


def _row(recording: Recording) -> dict[str, Any]:
    rows.check_text(recording.id, recording.contact, recording.queue)
    gone = recording.deleted_at is not None or bool(recording.hold)
    return {
        "id": recording.id,
        "contact": recording.contact,
        "queue": recording.queue,
        "state": str(recording.state),
        "started_at": recording.started_at,
        # Only what the sweeper shall come for has a time here.
        "expires_at": None if gone else recording.expires_at,
        "data": rows.pack(recording),
    }


class SqlRecordings:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def add(self, recording: Recording) -> bool:
        row = _row(recording)

        def write(transaction: Transaction) -> bool:
            statement = rows.upsert(transaction.dialect, recordings, nothing=True)
            return transaction.connection.execute(statement, row).rowcount == 1

        return await self._writer.submit(write)

    async def update(self, recording: Recording) -> None:
        await self._writer.execute(update(recordings).where(r.id == recording.id).values(_row(recording)))

    async def get(self, id: str) -> Recording | None:
        found = await self._read(select(r.data).where(r.id == id))
        return found[0] if found else None

    async def page(self, where: RecordingFilter, *, after: str | None = None, limit: int = 50) -> list[Recording]:
        page = select(r.data).where(*_conditions(where)).order_by(r.started_at.desc(), r.id.desc()).limit(limit)
        if after is not None:
            last = recordings.alias("last")
            place = select(last.c.started_at, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(r.started_at, r.id) < place.scalar_subquery())
        return await self._read(page)

    async def of_contacts(self, contacts: Sequence[str]) -> dict[str, list[Recording]]:
        found: dict[str, list[Recording]] = defaultdict(list)
        statement = select(r.data).where(r.contact.in_(contacts)).order_by(r.started_at, r.id)
        for recording in await self._read(statement) if contacts else ():
            found[recording.contact].append(recording)
        return dict(found)

    async def unfinished(self) -> list[Recording]:
        return await self._read(select(r.data).where(r.state == str(RecordingState.RECORDING)).order_by(r.id))

    async def due(self, now: Millis, limit: int = 100) -> list[Recording]:
        return await self._read(select(r.data).where(r.expires_at <= now).order_by(r.expires_at, r.id).limit(limit))

    async def _read(self, statement: Any) -> list[Recording]:
        def read(connection: Connection) -> list[Recording]:
            return [_recording.decode(data) for data in connection.execute(statement).scalars()]

        return await self._database.read(read)


def _conditions(where: RecordingFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.contact is not None:
        found.append(r.contact == where.contact)
    if where.queues:
        found.append(r.queue.in_(where.queues))
    if where.agent is not None:
        found.append(r.contact.in_(select(contact_agents.c.contact).where(contact_agents.c.agent == where.agent)))
    if where.states:
        found.append(r.state.in_([str(state) for state in where.states]))
    if where.started_from is not None:
        found.append(r.started_at >= where.started_from)
    if where.started_to is not None:
        found.append(r.started_at < where.started_to)
    if not where.deleted:
        found.append(r.state != str(RecordingState.DELETED))
    return found
