"""Customers, by what they are known; visitors, agents' presence, and the nonces of signed identities."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, tuple_, update

from hub.errors import NotFound, Refused
from hub.model import Customer, Millis, Presence, Visitor
from hub.store import rows, search
from hub.store.append import Transaction
from hub.store.engine import Database
from hub.store.tables import customers, identities, nonces, presences, visitors
from hub.store.writer import Writer

_CUSTOMERS = select(customers.c.data).where(customers.c.id.in_(bindparam("ids", expanding=True)))
_BY_IDENTITY = (
    select(customers.c.data)
    .join(identities, identities.c.customer == customers.c.id)
    .where(identities.c.kind == bindparam("kind"), identities.c.value == bindparam("value"))
)
_BY_VISITOR = (
    select(customers.c.data)
    .join(visitors, visitors.c.customer == customers.c.id)
    .where(visitors.c.id == bindparam("value"))
)
_VISITOR = select(
    visitors.c.id, visitors.c.site, visitors.c.customer, visitors.c.created_at, visitors.c.user_agent
).where(visitors.c.id == bindparam("id"))
_presence = msgspec.json.Decoder(Presence)


class SqlPeople:
    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def customer(self, id: str) -> Customer | None:
        return (await self.customers([id])).get(id)

    async def customers(self, ids: Sequence[str]) -> dict[str, Customer]:
        def read(connection: Connection) -> dict[str, Customer]:
            found = connection.execute(_CUSTOMERS, {"ids": list(ids)}).scalars()
            return {customer.id: customer for customer in map(rows.customer, found)}

        return await self._database.read(read) if ids else {}

    async def list_customers(self, *, query: str = "", after: str | None = None, limit: int = 50) -> list[Customer]:
        """Newest first. A query without a word in it (only signs) finds nobody."""
        c = customers.c
        page = select(c.data).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        if query.strip():
            found = search.customers_with(query, self._database.dialect)
            if found is None:
                return []
            page = page.where(found)
        if after is not None:
            last = customers.alias("last")
            place = select(last.c.created_at, last.c.id).where(last.c.id == after)
            page = page.where(tuple_(c.created_at, c.id) < place.scalar_subquery())

        def read(connection: Connection) -> list[Customer]:
            return [rows.customer(data) for data in connection.execute(page).scalars()]

        return await self._database.read(read)

    async def by_identity(self, kind: str, value: str) -> Customer | None:
        def read(connection: Connection) -> Customer | None:
            statement = _BY_VISITOR if kind == "visitor" else _BY_IDENTITY
            parameters = {"value": value} if kind == "visitor" else {"kind": kind, "value": value}
            data = connection.execute(statement, parameters).scalar_one_or_none()
            return None if data is None else rows.customer(data)

        return await self._database.read(read)

    async def add_identity(self, customer: str, kind: str, value: str) -> None:
        """Raises Refused `identity.taken` when it is another customer's already."""
        rows.check_text(kind, value)

        def write(transaction: Transaction) -> None:
            owner = transaction.connection.execute(
                select(identities.c.customer).where(identities.c.kind == kind, identities.c.value == value)
            ).scalar_one_or_none()
            if owner not in (None, customer):
                raise Refused("Another customer is known by this.", code="identity.taken", details={"customer": owner})
            transaction.connection.execute(
                rows.upsert(transaction.dialect, identities, nothing=True),
                {"customer": customer, "kind": kind, "value": value},
            )

        await self._writer.submit(write)

    async def visitor(self, id: str) -> Visitor | None:
        def read(connection: Connection) -> Visitor | None:
            row = connection.execute(_VISITOR, {"id": id}).one_or_none()
            return None if row is None else Visitor(*row)

        return await self._database.read(read)

    async def bind_visitor(self, visitor: str, customer: str) -> None:
        def write(transaction: Transaction) -> None:
            bound = transaction.connection.execute(
                update(visitors).where(visitors.c.id == visitor).values(customer=customer)
            )
            if bound.rowcount == 0:
                raise NotFound("visitor", visitor)

        await self._writer.submit(write)

    async def forget_visitor_binding(self, visitor: str) -> None:
        """The visitor is whom he was first made for again."""

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(visitors).where(visitors.c.id == visitor).values(customer=visitors.c.first_customer)
            )

        await self._writer.submit(write)

    async def presences(self) -> dict[str, Presence]:
        def read(connection: Connection) -> dict[str, Presence]:
            found = map(_presence.decode, connection.execute(select(presences.c.data)).scalars())
            return {presence.agent: presence for presence in found}

        return await self._database.read(read)

    async def nonce_used(self, site: str, nonce: str, until: Millis, now: Millis) -> bool:
        rows.check_text(site, nonce)

        def write(transaction: Transaction) -> bool:
            transaction.connection.execute(delete(nonces).where(nonces.c.until < now))
            written = transaction.connection.execute(
                rows.upsert(transaction.dialect, nonces, nothing=True), {"site": site, "nonce": nonce, "until": until}
            )
            return written.rowcount == 0

        return await self._writer.submit(write)
