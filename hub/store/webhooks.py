"""Webhook deliveries: an outbox in which every webhook gets a contact's events one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, tuple_, update

from hub.model import Millis
from hub.ports import Delivery
from hub.store import rows
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.log import write_cursor
from hub.store.tables import deliveries
from hub.store.writer import Writer

_delivery = msgspec.json.Decoder(Delivery)
_TABLE = deliveries
d = deliveries.c


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook": delivery.webhook,
        "seq": delivery.seq,
        "contact": delivery.contact or "",
        "state": delivery.state,
        "next_at": delivery.created_at if delivery.next_at is None else delivery.next_at,
        "data": rows.pack(delivery),
    }


def _first_in_line() -> ColumnElement[bool]:
    """Nothing older for the same webhook and contact waits."""
    older = deliveries.alias("older")
    return ~exists(
        select(older.c.id).where(
            older.c.state == "pending",
            older.c.webhook == d.webhook,
            older.c.contact == d.contact,
            tuple_(older.c.seq, older.c.id) < tuple_(d.seq, d.id),
        )
    )


_WAITING = (d.state == "pending", _first_in_line())


class SqlWebhooks:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def enqueue(self, deliveries: Sequence[Delivery], *, reader: str, cursor: int) -> None:
        found = [_row(delivery) for delivery in deliveries]

        def write(transaction: Transaction) -> None:
            if found:
                transaction.connection.execute(rows.upsert(transaction.dialect, _TABLE, nothing=True), found)
            write_cursor(transaction, reader, cursor)

        await self._writer.submit(write)

    async def due(self, now: Millis, limit: int = 50) -> list[Delivery]:
        return await self._read(
            select(d.data).where(*_WAITING, d.next_at <= now).order_by(d.next_at, d.seq).limit(limit)
        )

    async def next_due(self) -> Millis | None:
        statement = select(func.min(d.next_at)).where(*_WAITING)
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def update(self, delivery: Delivery) -> None:
        await self._writer.execute(update(deliveries).where(d.id == delivery.id).values(_row(delivery)))

    async def get(self, id: str) -> Delivery | None:
        found = await self._read(select(d.data).where(d.id == id))
        return found[0] if found else None

    async def page(self, webhook: str, *, after: str | None = None, limit: int = 50) -> list[Delivery]:
        page = select(d.data).where(d.webhook == webhook).order_by(d.seq.desc(), d.id.desc()).limit(limit)
        if after is not None:
            last = deliveries.alias("last")
            place = select(last.c.seq, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(d.seq, d.id) < place.scalar_subquery())
        return await self._read(page)

    async def prune(self, before: Millis, limit: int = 1000) -> int:
        # Sought by a reader: without an index it looks at every row, and the writer must not wait for that.
        over = select(d.id).where(d.state != "pending", d.next_at < before).limit(limit)
        ids = await self._database.read(lambda connection: list(connection.execute(over).scalars()))
        return await self._writer.execute(delete(deliveries).where(d.id.in_(ids))) if ids else 0

    async def _read(self, statement: Any) -> list[Delivery]:
        def read(connection: Connection) -> list[Delivery]:
            return [_delivery.decode(data) for data in connection.execute(statement).scalars()]

        return await self._database.read(read)
