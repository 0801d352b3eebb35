"""The log: append, and read from a number on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, bindparam, select

from hub.events import Recorded
from hub.ports import Appended, Change
from hub.store import rows
from hub.store.append import Transaction, known_commands, prepare
from hub.store.engine import Database
from hub.store.tables import cursors, events, log_head
from hub.store.writer import Writer

LONG_TEXT = 20_000
_HEAD = select(log_head.c.seq)
_READ = (
    select(*rows.EVENT_COLUMNS).where(events.c.seq > bindparam("after")).order_by(events.c.seq).limit(bindparam("most"))
)
_STREAM = (
    select(*rows.EVENT_COLUMNS)
    .where(events.c.stream == bindparam("stream"), events.c.version > bindparam("after"))
    .order_by(events.c.version)
    .limit(bindparam("most"))
)
_CURSOR = select(cursors.c.seq).where(cursors.c.reader == bindparam("reader"))


class SqlLog:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def on_commit(self, listener: Callable[[Sequence[Recorded]], None]) -> None:
        self._writer.on_commit(listener)

    async def append(self, change: Change) -> Appended:
        # Long texts are cut into words elsewhere: a mail of a hundred thousand characters takes a quarter of a second.
        long = sum(len(message.text) for message in change.messages) > LONG_TEXT
        return await self._writer.append(await asyncio.to_thread(prepare, change) if long else prepare(change))

    async def find(self, stream: str, actor: str, command_id: str) -> Appended | None:
        command = (stream, actor, command_id)
        found = await self._database.read(partial(known_commands, commands=[command]))
        return Appended(found[command], repeated=True) if command in found else None

    async def head(self) -> int:
        return await self._database.read(lambda connection: int(connection.execute(_HEAD).scalar_one()))

    async def read(self, after: int, limit: int = 500) -> list[Recorded]:
        def read(connection: Connection) -> list[Recorded]:
            return [rows.recorded(row) for row in connection.execute(_READ, {"after": after, "most": limit})]

        return await self._database.read(read)

    async def stream(self, stream: str, after_version: int = 0, limit: int = 500) -> list[Recorded]:
        def read(connection: Connection) -> list[Recorded]:
            found = connection.execute(_STREAM, {"stream": stream, "after": after_version, "most": limit})
            return [rows.recorded(row) for row in found]

        return await self._database.read(read)


def read_cursor(connection: Connection, reader: str) -> int:
    """Where a reader stands; 0 for one that has never said so."""
    return int(connection.execute(_CURSOR, {"reader": reader}).scalar_one_or_none() or 0)


def write_cursor(transaction: Transaction, reader: str, seq: int) -> None:
    transaction.connection.execute(rows.upsert(transaction.dialect, cursors), {"reader": reader, "seq": seq})
