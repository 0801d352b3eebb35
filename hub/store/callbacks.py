"""The rows of callbacks, of numbers that are never called, and of breakers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union,
)

from hub.callbacks.model import ON_THE_LINE, Callback, Result, State
from hub.callbacks.pacing import Rate
from hub.callbacks.records import Asked, Breaker, CallbackFilter, CallbackReport, DoNotCall, Spent
from hub.model import Millis
from hub.store import rows
from hub.store.append import Transaction
from hub.store.callback_tables import breakers, callback_agents, callback_attempts, callbacks, do_not_call
from hub.store.engine import Database
from hub.store.writer import Writer

_callback = msgspec.json.Decoder(Callback)
c, a, g, d, b = callbacks.c, callback_attempts.c, callback_agents.c, do_not_call.c, breakers.c
AT_ONCE = 500
# Asked most often, and made once: to make a statement takes as long as to carry it out.
_GET = select(c.data).where(c.id == bindparam("id"))
_BLOCKED = select(d.number, d.at, d.source, d.by).where(d.number == bindparam("number"))
_KNOWN = select(c.id, c.number, c.living, c.data).where(
    or_(c.id == bindparam("id"), and_(c.number == bindparam("number"), c.living))
)
_ASKED = select(
    *(
        # Only what stands in the indexes.
        select(func.count())
        .select_from(
            select(c.asked_at).where(c.asked_at >= bindparam("since"), *which).limit(bindparam("most")).subquery()
        )
        .scalar_subquery()
        for which in (*([c[name] == bindparam(name)] for name in ("number", "address", "site")), [])
    )
)


def _named(text: str) -> ColumnElement[bool]:
    """The end of its id is the reference; digits of a number, also with the zero before its area."""
    word = text.strip()
    digits = "".join(letter for letter in word if letter.isdigit() and letter.isascii()).lstrip("0")
    by_id = c.id.endswith(word.lower(), autoescape=True)
    return or_(by_id, c.number.contains(digits)) if len(digits) >= 3 else by_id


class SqlCallbacks:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def _read(self, statement: Select[Any], values: dict[str, Any] | None = None) -> list[Callback]:
        def read(connection: Connection) -> list[Callback]:
            return [_callback.decode(data) for data in connection.execute(statement, values).scalars()]

        return await self._database.read(read)

    async def _one(self, statement: Select[Any], values: dict[str, Any] | None = None) -> Callback | None:
        found = await self._read(statement, values)
        return found[0] if found else None

    async def get(self, id: str) -> Callback | None:
        return await self._one(_GET, {"id": id})

    async def by_contact(self, contact: str) -> Callback | None:
        newest = select(c.data).where(c.contact == contact).order_by(c.living.desc(), c.asked_at.desc())
        return await self._one(newest.limit(1))

    async def living(self, number: str) -> Callback | None:
        return await self._one(select(c.data).where(c.number == number, c.living))

    async def page(self, where: CallbackFilter, *, after: str | None = None, limit: int = 50) -> list[Callback]:
        asked_at, id = (c.asked_at, c.id) if where.agent is None else (g.asked_at, g.callback)
        page = select(c.data).order_by(asked_at.desc(), id.desc()).limit(limit)
        if where.states:
            page = page.where(c.state.in_(where.states))
        if where.queues:
            page = page.where(c.queue.in_(where.queues))
        if where.number is not None:
            page = page.where(c.number == where.number)
        if where.customer is not None:
            page = page.where(c.customer == where.customer)
        if where.agent is not None:
            page = page.join_from(callback_agents, callbacks).where(g.agent == where.agent)
        if where.text is not None:
            page = page.where(_named(where.text))
        if where.living is not None:
            page = page.where(c.living == where.living)
        for column, since, until in (
            (c.due_at, where.due_from, where.due_to),
            (c.asked_at, where.asked_from, where.asked_to),
        ):
            if since is not None:
                page = page.where(column >= since)
            if until is not None:
                page = page.where(column < until)
        if after is not None:
            last = callbacks.alias("last")
            place = select(last.c.asked_at, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(asked_at, id) < place.scalar_subquery())
        return await self._read(page)

    async def due(self, now: Millis, limit: int = 200) -> list[Callback]:
        found = select(c.data).where(c.next_at.is_not(None), c.next_at <= now)
        return await self._read(found.order_by(c.next_at, c.id).limit(limit))

    async def next_due(self) -> Millis | None:
        statement = select(func.min(c.next_at)).where(c.next_at.is_not(None))
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def under_way(self) -> list[Callback]:
        states = [str(state) for state in ON_THE_LINE | {State.QUEUED, State.CONNECTING}]
        return await self._read(select(c.data).where(c.next_at.is_not(None), c.state.in_(states)))

    async def loads(self, queue: str, since: Millis, until: Millis) -> dict[Millis, int]:
        statement = (
            select(c.slot, func.count())
            .where(c.queue == queue, c.slot.is_not(None), c.slot >= since, c.slot < until, c.living)
            .group_by(c.slot)
        )
        return await self._database.read(lambda connection: dict(iter(connection.execute(statement))))

    async def due_loads(self, queue: str, since: Millis, until: Millis, length: Millis) -> dict[Millis, int]:
        # Not bound, so that what is selected and what is grouped by are one expression to the database.
        start = c.due_at - c.due_at % literal_column(str(int(length)))
        statement = (
            select(start, func.count())
            .where(c.queue == queue, c.next_at.is_not(None), c.due_at >= since, c.due_at < until)
            .group_by(start)
        )
        return await self._database.read(lambda connection: dict(iter(connection.execute(statement))))

    async def known(self, id: str, number: str) -> tuple[Callback | None, Callback | None, bool]:
        values = {"id": id, "number": number}

        def read(connection: Connection) -> tuple[Callback | None, Callback | None, bool]:
            own = living = None
            for row in connection.execute(_KNOWN, values):
                callback = _callback.decode(row.data)
                own = callback if row.id == id else own
                living = callback if row.living and row.number == number else living
            return own, living, connection.execute(_BLOCKED, {"number": number}).one_or_none() is not None

        return await self._database.read(read)

    async def asked(self, since: Millis, *, number: str, address: str, site: str, most: int = 10**9) -> Asked:
        values = {"since": since, "number": number, "address": address, "site": site, "most": most}

        def read(connection: Connection) -> Asked:
            return Asked(*connection.execute(_ASKED, values).one())

        return await self._database.read(read)

    async def unconfirmed(self, since: Millis, number: str, address: str) -> int:
        said_no = exists().where(a.callback == c.id, a.result == str(Result.NOT_CONFIRMED))
        # Each by its own index.
        asked = [select(c.id).where(c.number == number, c.asked_at >= since, said_no)]
        if address:
            asked.append(select(c.id).where(c.address == address, c.asked_at >= since, said_no))
        statement = select(func.count()).select_from(
            union(*asked).subquery() if len(asked) > 1 else asked[0].subquery()
        )
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def spent(self, since: Millis) -> Spent:
        statement = select(
            func.coalesce(func.sum(a.talk_ms), 0),
            func.coalesce(func.sum(a.cost), 0),
        ).where(a.at >= since)
        running = select(func.count()).where(c.next_at.is_not(None), c.state.in_([str(state) for state in ON_THE_LINE]))

        def read(connection: Connection) -> Spent:
            talk, cost = connection.execute(statement).one()
            # PostgreSQL has sums of large whole numbers as decimals.
            return Spent(int(talk), int(cost), connection.execute(running).scalar_one())

        return await self._database.read(read)

    async def rate(self, queue: str, since: Millis, lasting: Millis) -> Rate:
        persons = [str(result) for result in (Result.REACHED, Result.UNSERVED)]
        ended = (
            select(a.result, a.at >= lasting, func.count())
            .select_from(callback_attempts.join(callbacks))
            .where(a.at >= since, a.result.in_(persons), c.queue == queue)
            .group_by(a.result, a.at >= lasting)
        )
        states = [str(State.DIALLING), str(State.RINGING)]
        called = select(c.data).where(c.next_at.is_not(None), c.state.in_(states), c.queue == queue)

        def read(connection: Connection) -> Rate:
            counts = [(result, lasts, number) for result, lasts, number in connection.execute(ended)]
            last = [_callback.decode(data).attempts[-1] for data in connection.execute(called).scalars()]
            return Rate(
                sum(number for _, _, number in counts),
                sum(number for result, _, number in counts if result == str(Result.UNSERVED)),
                sum(number for _, lasts, number in counts if lasts),
                sum(attempt.ahead for attempt in last),
                sum(attempt.answered_at is not None for attempt in last),
            )

        return await self._database.read(read)

    async def report(self, since: Millis, until: Millis, within: Millis, queues: Sequence[str] = ()) -> CallbackReport:
        def number(condition: Any) -> Any:
            return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

        wanted = [c.asked_at >= since, c.asked_at < until]
        if queues:
            wanted.append(c.queue.in_(queues))
        tried = c.tried_at.is_not(None)
        statement = select(
            func.count(),
            number(c.living),
            *(number(c.state == str(state)) for state in (State.REACHED, State.CLOSED, State.CANCELLED)),
            number(tried),
            number(and_(tried, c.tried_at <= c.promised_at + within)),
            func.avg(c.tried_at - c.promised_at),
        ).where(*wanted)
        attempts = (
            select(
                func.count(),
                number(a.result.in_([str(Result.REACHED), str(Result.UNSERVED)])),
                number(a.result == str(Result.UNSERVED)),
            )
            .select_from(callback_attempts.join(callbacks))
            .where(*wanted)
        )

        def read(connection: Connection) -> CallbackReport:
            asked, living, reached, closed, cancelled, first, on_time, delay = connection.execute(statement).one()
            total, answered, unserved = connection.execute(attempts).one()
            late = None if delay is None else float(delay)
            return CallbackReport(
                asked, living, reached, closed, cancelled, first, total, on_time, late, answered, unserved
            )

        return await self._database.read(read)

    # --- numbers that are never called, breakers ----------------------------------------------------------------------

    async def do_not_call(self, number: str) -> DoNotCall | None:
        def read(connection: Connection) -> DoNotCall | None:
            row = connection.execute(_BLOCKED, {"number": number}).one_or_none()
            return None if row is None else DoNotCall(*row)

        return await self._database.read(read)

    async def block(self, entries: Sequence[DoNotCall]) -> int:
        found = list({entry.number: msgspec.structs.asdict(entry) for entry in entries}.values())
        for entry in found:
            rows.check_text(entry["number"], entry["source"], entry["by"])
        new = 0
        for start in range(0, len(found), AT_ONCE):
            part = found[start : start + AT_ONCE]

            def write(transaction: Transaction, part: list[dict[str, Any]] = part) -> int:
                numbers = [entry["number"] for entry in part]
                known = select(func.count()).where(d.number.in_(numbers))
                before: int = transaction.connection.execute(known).scalar_one()
                statement = rows.upsert(transaction.dialect, do_not_call, nothing=True)
                rows.insert_many(transaction.connection, statement, part)
                return len(part) - before

            new += await self._writer.submit(write)
        return new

    async def known_blocked(self, numbers: Sequence[str]) -> int:
        found = list(dict.fromkeys(numbers))

        def count(connection: Connection) -> int:
            parts = (found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE))
            return sum(
                connection.execute(select(func.count()).where(d.number.in_(part))).scalar_one() for part in parts
            )

        return await self._database.read(count)

    async def unblock(self, number: str) -> bool:
        return await self._writer.execute(delete(do_not_call).where(d.number == number)) == 1

    async def blocked(self, *, after: str | None = None, limit: int = 50) -> list[DoNotCall]:
        page = select(d.number, d.at, d.source, d.by).order_by(d.number).limit(limit)
        if after is not None:
            page = page.where(d.number > after)
        return await self._database.read(lambda connection: [DoNotCall(*row) for row in connection.execute(page)])

    async def breakers(self) -> dict[str, Breaker]:
        statement = select(b.name, b.open_at, b.why, b.reset_at, b.reset_by)

        def read(connection: Connection) -> dict[str, Breaker]:
            return {row.name: Breaker(*row) for row in connection.execute(statement)}

        return await self._database.read(read)

    async def set_breaker(self, breaker: Breaker) -> None:
        row = msgspec.structs.asdict(breaker)

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(rows.upsert(transaction.dialect, breakers), row)

        await self._writer.submit(write)
