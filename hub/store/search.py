"""Full-text search over messages, contacts' own words and customers, by FTS5 on SQLite and tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, cast, column, func, insert, literal, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from hub.model import Contact, Customer
from hub.ports import SearchHit
from hub.store import rows
from hub.store.append import contact_doc, customer_doc, message_doc
from hub.store.filters import ContactsWhere
from hub.store.tables import contacts, customers, messages, search_docs
from hub.store.words import Query, Term, parse, snippet

_BATCH = 1000
_index = table("search_index", column("rowid"), column("words"))


def matches(query: Query, dialect: str) -> ColumnElement[bool]:
    """The condition that a row of search_docs holds what is looked for."""
    if dialect == "postgresql":
        return search_docs.c.words.op("@@", is_comparison=True)(cast(_tsquery(query), TSQUERY))
    found = select(_index.c.rowid).where(text("search_index MATCH :words").bindparams(words=_fts(query)))
    return search_docs.c.id.in_(found)


def _fts(query: Query) -> str:
    """The query for FTS5. A word holds no quotation mark, see hub.store.words."""

    def term(term: Term) -> str:
        return f'"{term.word}"{"*" if term.prefix else ""}'

    words = " AND ".join(map(term, query.terms))
    return f"({words}) OR {term(query.phone)}" if query.phone else words


def _tsquery(query: Query) -> ColumnElement[str]:
    """The query for PostgreSQL, in the text form of a tsquery with every word quoted."""

    def term(term: Term) -> str:
        word = term.word.replace("\\", "\\\\").replace("'", "''")
        return f"'{word}'{':*' if term.prefix else ''}"

    words = " & ".join(map(term, query.terms))
    return literal(f"({words}) | {term(query.phone)}" if query.phone else words)


def search(
    connection: Connection, dialect: str, text: str, where: ContactsWhere, before: str | None, limit: int
) -> list[SearchHit]:
    """Contacts in which a message, the contact's own words or its customer's hold the query, newest contact first."""
    query = parse(text)
    if query is None:
        return []
    docs = (
        select(search_docs.c.contact, search_docs.c.customer, search_docs.c.n)
        .where(matches(query, dialect))
        .cte("docs")
    )
    by_contact = select(docs.c.contact).where(docs.c.contact.is_not(None))
    by_customer = select(docs.c.customer).where(docs.c.customer.is_not(None))
    page = (
        where.page(before, limit)
        .where(contacts.c.id.in_(by_contact) | contacts.c.customer.in_(by_customer))
        .with_only_columns(*rows.CONTACT_COLUMNS)
    )
    found = [rows.contact_row(row) for row in connection.execute(page)]
    ids = [row.contact.id for row in found]
    said = _found_messages(connection, dialect, query, ids)
    people = _customers(connection, [row.contact.customer for row in found])
    hits = []
    for row in found:
        if row.contact.id in said:
            n, words = said[row.contact.id]
            hits.append(SearchHit(row, snippet(words, query), n))
        else:
            hits.append(SearchHit(row, _own_words(row.contact, people.get(row.contact.customer), query)))
    return hits


def _found_messages(connection: Connection, dialect: str, query: Query, ids: list[str]) -> dict[str, tuple[int, str]]:
    """The newest message of each contact that holds the query: its number and text (or its file's name)."""
    newest = (
        select(search_docs.c.contact, func.max(search_docs.c.n).label("n"))
        .where(matches(query, dialect), search_docs.c.contact.in_(ids), search_docs.c.n.is_not(None))
        .group_by(search_docs.c.contact)
        .subquery()
    )
    found = connection.execute(
        select(*rows.MESSAGE_COLUMNS).join(
            newest, (messages.c.contact == newest.c.contact) & (messages.c.n == newest.c.n)
        )
    )
    result = {}
    for message in map(rows.message, found):
        shown = " · ".join(part for part in (message.text, message.file.name if message.file else "") if part)
        result[message.contact] = (message.n, shown)
    return result


def _own_words(contact: Contact, customer: Customer | None, query: Query) -> tuple[tuple[str, bool], ...]:
    """The contact's and the customer's words with the hit, shortest first."""
    texts = [contact.subject, *contact.fields.values()]
    if customer is not None:
        texts += [customer.name, customer.email, customer.phone, customer.external_id or "", customer.note]
    pieces = [snippet(text, query) for text in texts if text]
    hit = next((piece for piece in pieces if any(is_hit for _, is_hit in piece)), None)
    return hit or snippet(" · ".join(texts[:3]).strip(" ·"), query)


def _customers(connection: Connection, ids: list[str]) -> dict[str, Customer]:
    found = connection.execute(select(customers.c.data).where(customers.c.id.in_(sorted(set(ids)))))
    return {customer.id: customer for customer in map(rows.customer, found.scalars())}


def index_everything(connection: Connection) -> None:
    """Fills the empty index from all contacts, customers and messages."""
    for docs in _all_docs(connection):
        if found := [doc for doc in docs if doc and doc["words"]]:
            connection.execute(insert(search_docs), found)


def _all_docs(connection: Connection) -> Iterator[list[dict[str, Any] | None]]:
    def batches(statement: Select[Any], key: ColumnElement[Any], start: Any) -> Iterator[Sequence[Any]]:
        """The rows in batches, by the key that stands last in each."""
        after = start
        while batch := connection.execute(statement.where(key > after).order_by(key).limit(_BATCH)).all():
            yield batch
            after = batch[-1][-1]

    for batch in batches(select(*rows.CONTACT_COLUMNS, contacts.c.id), contacts.c.id, ""):
        yield [contact_doc(rows.contact_row(row).contact) for row in batch]
    for batch in batches(select(customers.c.data, customers.c.id), customers.c.id, ""):
        yield [customer_doc(rows.customer(row[0])) for row in batch]
    for batch in batches(select(*rows.MESSAGE_COLUMNS), messages.c.seq, 0):
        yield [message_doc(rows.message(row)) for row in batch]


def customers_with(text: str, dialect: str) -> ColumnElement[bool] | None:
    """The condition that a customer's words hold the query; None when it asks for nothing."""
    query = parse(text)
    if query is None:
        return None
    return customers.c.id.in_(
        select(search_docs.c.customer).where(matches(query, dialect), search_docs.c.customer.is_not(None))
    )
