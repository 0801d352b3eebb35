"""Contacts and their messages, as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select

from hub.model import Message, Millis
from hub.ports import ContactFilter, ContactRow, SearchHit
from hub.store import rows, search
from hub.store.engine import Database
from hub.store.filters import ContactsWhere
from hub.store.tables import contacts, messages

c, m = contacts.c, messages.c

_GET = select(*rows.CONTACT_COLUMNS).where(c.id == bindparam("id"))
_MANY = select(*rows.CONTACT_COLUMNS).where(c.id.in_(bindparam("ids", expanding=True)))
_LIVING = (
    select(*rows.CONTACT_COLUMNS, c.id)
    .where(c.phase != "closed", c.id > bindparam("after"))
    .order_by(c.id)
    .limit(bindparam("most"))
)
_LIVING_BATCH = 500
_MESSAGE = select(*rows.MESSAGE_COLUMNS).where(m.id == bindparam("id"))
_SAID = and_(m.kind.not_in(("note", "system")), m.internal.is_(False))
_LAST = select(*rows.MESSAGE_COLUMNS).where(
    m.seq.in_(select(func.max(m.seq)).where(m.contact.in_(bindparam("ids", expanding=True)), _SAID).group_by(m.contact))
)
_UNREAD_AT_ONCE = 100


class SqlContacts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, id: str) -> ContactRow | None:
        def read(connection: Connection) -> ContactRow | None:
            row = connection.execute(_GET, {"id": id}).one_or_none()
            return None if row is None else rows.contact_row(row)

        return await self._database.read(read)

    async def many(self, ids: Sequence[str]) -> dict[str, ContactRow]:
        def read(connection: Connection) -> dict[str, ContactRow]:
            found = map(rows.contact_row, connection.execute(_MANY, {"ids": list(ids)}))
            return {row.contact.id: row for row in found}

        return await self._database.read(read) if ids else {}

    async def page(self, where: ContactFilter, *, after: str | None = None, limit: int = 50) -> list[ContactRow]:
        def read(connection: Connection) -> list[ContactRow]:
            return [rows.contact_row(row) for row in connection.execute(ContactsWhere(where).page(after, limit))]

        return await self._database.read(read)

    async def living(self) -> AsyncIterator[ContactRow]:
        def read(connection: Connection, after: str) -> list[tuple[str, ContactRow]]:
            found = connection.execute(_LIVING, {"after": after, "most": _LIVING_BATCH})
            return [(row.id, rows.contact_row(row)) for row in found]

        after = ""
        while batch := await self._database.read(partial(read, after=after)):
            for _, row in batch:
                yield row
            after = batch[-1][0]

    async def messages(
        self,
        contact: str,
        *,
        after_seq: int = 0,
        before_n: int | None = None,
        limit: int = 200,
        internal: bool = True,
    ) -> list[Message]:
        statement = select(*rows.MESSAGE_COLUMNS).where(m.contact == contact).limit(limit)
        if after_seq:
            statement = statement.where(m.seq > after_seq)
        if before_n is not None:
            statement = statement.where(m.n < before_n).order_by(m.n.desc())
        else:
            statement = statement.order_by(m.n)
        if not internal:
            statement = statement.where(m.internal.is_(False), m.kind != "note")

        def read(connection: Connection) -> list[Message]:
            return [rows.message(row) for row in connection.execute(statement)]

        found = await self._database.read(read)
        return found if before_n is None else found[::-1]

    async def message(self, id: str) -> Message | None:
        def read(connection: Connection) -> Message | None:
            row = connection.execute(_MESSAGE, {"id": id}).one_or_none()
            return None if row is None else rows.message(row)

        return await self._database.read(read)

    async def last_messages(self, contacts: Sequence[str]) -> dict[str, Message]:
        def read(connection: Connection) -> dict[str, Message]:
            found = map(rows.message, connection.execute(_LAST, {"ids": list(contacts)}))
            return {message.contact: message for message in found}

        return await self._database.read(read) if contacts else {}

    async def unread(self, contacts: Mapping[str, int]) -> dict[str, int]:
        def read(connection: Connection) -> dict[str, int]:
            counts = dict.fromkeys(contacts, 0)
            items = list(contacts.items())
            for start in range(0, len(items), _UNREAD_AT_ONCE):
                after = [and_(m.contact == id, m.n > n) for id, n in items[start : start + _UNREAD_AT_ONCE]]
                found = connection.execute(
                    select(m.contact, func.count()).where(m.author_kind == "visitor", or_(*after)).group_by(m.contact)
                )
                counts.update((contact, count) for contact, count in found)
            return counts

        return await self._database.read(read)

    async def search(
        self, query: str, where: ContactFilter, *, before: str | None = None, limit: int = 20
    ) -> list[SearchHit]:
        return await self._database.read(
            partial(
                search.search,
                dialect=self._database.dialect,
                text=query,
                where=ContactsWhere(where),
                before=before,
                limit=limit,
            )
        )

    async def queue_stats(self, since: Millis) -> dict[str, dict[str, int]]:
        statement = (
            select(
                c.queue,
                func.count(),
                func.sum(case((c.connected_at.is_not(None), 1), else_=0)),
                func.sum(case((c.abandoned.is_(True), 1), else_=0)),
            )
            .where(c.queue.is_not(None), c.queued_at >= since)
            .group_by(c.queue)
        )

        def read(connection: Connection) -> dict[str, dict[str, int]]:
            return {
                queue: {"offered": offered, "answered": answered, "abandoned": abandoned}
                for queue, offered, answered, abandoned in connection.execute(statement)
            }

        return await self._database.read(read)

    async def handle_times(self, since: Millis, limit: int = 2000) -> list[tuple[str, str, int, int | None, bool]]:
        # The wrap-up belongs to the handling; while it lasts, what is over counts.
        statement = (
            select(
                c.queue,
                c.channel,
                func.coalesce(c.connected_at, c.ended_at) - c.queued_at,
                func.coalesce(c.closed_at, c.ended_at) - c.connected_at,
                c.abandoned,
            )
            .where(c.queue.is_not(None), c.ended_at >= since)
            .order_by(c.ended_at.desc())
            .limit(limit)
        )

        def read(connection: Connection) -> list[tuple[str, str, int, int | None, bool]]:
            return [
                (queue, channel, waited, handled, bool(abandoned))
                for queue, channel, waited, handled, abandoned in connection.execute(statement)
            ]

        return await self._database.read(read)
