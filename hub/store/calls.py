"""The rows of calls, as the reader of the log makes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select, tuple_

from hub.call_records import CallRecord
from hub.call_tables import CallFilter
from hub.store import rows
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.log import write_cursor
from hub.store.tables import calls, contact_agents
from hub.store.writer import Writer

_call = msgspec.json.Decoder(CallRecord)
c = calls.c


def _digits(text: str) -> str:
    return re.sub(r"[^0-9a-z@._-]", "", text.lower())


def _row(call: CallRecord) -> dict[str, Any]:
    return {
        "id": call.id,
        "contact": call.contact,
        "started_at": call.started_at,
        "direction": call.direction,
        "queue": call.queue,
        "numbers": f"{_digits(call.caller)} {_digits(call.called)}",
        "data": rows.pack(call),
    }


class SqlCalls:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def put(self, records: Sequence[CallRecord], *, reader: str, cursor: int) -> None:
        found = [_row(record) for record in records]

        def write(transaction: Transaction) -> None:
            if found:
                transaction.connection.execute(rows.upsert(transaction.dialect, calls), found)
            write_cursor(transaction, reader, cursor)

        await self._writer.submit(write)

    async def get(self, id: str) -> CallRecord | None:
        found = await self._read(select(c.data).where(c.id == id))
        return found[0] if found else None

    async def page(self, where: CallFilter, *, after: str | None = None, limit: int = 50) -> list[CallRecord]:
        page = select(c.data).where(*_conditions(where)).order_by(c.started_at.desc(), c.id.desc()).limit(limit)
        if after is not None:
            last = calls.alias("last")
            place = select(last.c.started_at, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(c.started_at, c.id) < place.scalar_subquery())
        return await self._read(page)

    async def _read(self, statement: Any) -> list[CallRecord]:
        def read(connection: Connection) -> list[CallRecord]:
            return [_call.decode(data) for data in connection.execute(statement).scalars()]

        return await self._database.read(read)


def _conditions(where: CallFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.contact is not None:
        found.append(c.contact == where.contact)
    if where.queues:
        found.append(c.queue.in_(where.queues))
    if where.agent is not None:
        found.append(c.contact.in_(select(contact_agents.c.contact).where(contact_agents.c.agent == where.agent)))
    if where.direction is not None:
        found.append(c.direction == where.direction)
    if where.number is not None:
        found.append(c.numbers.contains(_digits(where.number), autoescape=True))
    if where.started_from is not None:
        found.append(c.started_at >= where.started_from)
    if where.started_to is not None:
        found.append(c.started_at < where.started_to)
    return found
