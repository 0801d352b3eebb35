"""The rows of calls, as the reader of the log makes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, and_, func, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from hub.call_records import CallRecord
from hub.call_tables import NEWEST_FIRST, CallFilter, CallOrder, CallSummary
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
        "result": call.result,
        "cause": call.cause,
        "outcome": call.outcome,
        "recorded": bool(call.recordings),
        "wait_ms": call.wait_ms,
        "talk_ms": call.talk_ms,
        "mos": call.mos,
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

    async def page(
        self, where: CallFilter, *, order: CallOrder = NEWEST_FIRST, after: str | None = None, limit: int = 50
    ) -> list[CallRecord]:
        page = select(c.data).where(*_conditions(where)).limit(limit)
        key = _key(order, c)
        down = c.started_at.desc(), c.id.desc()
        if key is None:
            page = page.order_by(*(down if order.down else (c.started_at, c.id)))
        else:
            page = page.order_by(key.desc() if order.down else key, *down)
        return await self._read(page if after is None else _past(page, after, order))

    async def summary(self, where: CallFilter) -> CallSummary:
        def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
            return func.count().filter(condition)

        statement = select(
            func.count(),
            *(number(c.result == result) for result in ("answered", "abandoned", "unanswered", "running")),
            number(c.recorded),
            func.avg(c.wait_ms).filter(c.direction == "in", c.result != "running"),
            func.avg(c.talk_ms).filter(c.result == "answered"),
            func.avg(c.mos),
        ).where(*_conditions(where))

        def read(connection: Connection) -> CallSummary:
            *counts, wait, talk, mos = connection.execute(statement).one()
            # PostgreSQL has means of whole numbers as decimals.
            return CallSummary(*counts, *(None if mean is None else float(mean) for mean in (wait, talk, mos)))

        return await self._database.read(read)

    async def _read(self, statement: Any) -> list[CallRecord]:
        def read(connection: Connection) -> list[CallRecord]:
            return [_call.decode(data) for data in connection.execute(statement).scalars()]

        return await self._database.read(read)


def _key(order: CallOrder, of: ReadOnlyColumnCollection[str, Column[Any]]) -> ColumnElement[Any] | None:
    """What goes before the time in the order, of these columns; None when the time alone decides."""
    match order.by:
        case "started":
            return None
        case "wait":
            return of.wait_ms
        case "talk":
            return of.talk_ms
        case "mos":
            # Better or worse than any there is, so that it comes last.
            return func.coalesce(of.mos, -1.0 if order.down else 9.0)


def _past(page: Select[Any], after: str, order: CallOrder) -> Select[Any]:
    """What follows the call `after`; nothing when there is none."""
    last = calls.alias("last")

    def of_last(value: ColumnElement[Any]) -> ColumnElement[Any]:
        return select(value).where(last.c.id == after).scalar_subquery()

    at, id = of_last(last.c.started_at), of_last(last.c.id)
    key, place = _key(order, c), _key(order, last.c)
    if key is None and not order.down:
        return page.where(or_(c.started_at > at, and_(c.started_at == at, c.id > id)))
    older = or_(c.started_at < at, and_(c.started_at == at, c.id < id))
    if key is None or place is None:
        return page.where(older)
    there = of_last(place)
    return page.where(or_(key < there if order.down else key > there, and_(key == there, older)))


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
    for column, wanted in (
        (c.result, where.result),
        (c.cause, where.cause),
        (c.outcome, where.outcome),
        (c.recorded, where.recorded),
    ):
        if wanted is not None:
            found.append(column == wanted)
    if where.started_from is not None:
        found.append(c.started_at >= where.started_from)
    if where.started_to is not None:
        found.append(c.started_at < where.started_to)
    return found
