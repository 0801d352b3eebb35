"""Values to rows and back: JSON that both dialects can hold, and inserts that may find their row there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Insert, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from hub.errors import InvalidInput
from hub.events import Recorded, decode
from hub.model import Contact, Customer, Message
from hub.ports import ContactRow
from hub.store.tables import contacts, events, messages

AnyRow = Row[*tuple[Any, ...]]

_encoder = msgspec.json.Encoder()
_contact = msgspec.json.Decoder(Contact)
_message = msgspec.json.Decoder(Message)
_customer = msgspec.json.Decoder(Customer)
# NUL as JSON writes it; an escaped backslash before it would make it six harmless characters.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def pack(value: Any) -> str:
    """`value` as JSON. Raises InvalidInput when a text holds NUL or half a surrogate pair: PostgreSQL takes neither."""
    try:
        data = _encoder.encode(value)
    except UnicodeEncodeError:
        raise InvalidInput("", "expected text without half characters (lone surrogates)") from None
    if b"\\u0000" in data and _NUL.search(data):
        raise InvalidInput("", "expected text without NUL characters")
    return data.decode()


def check_text(*texts: str | None) -> None:
    """Raises InvalidInput for what `pack` refuses; for texts that stand in columns of their own."""
    for text in texts:
        if text is None:
            continue
        if "\0" in text:
            raise InvalidInput("", "expected text without NUL characters")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise InvalidInput("", "expected text without half characters (lone surrogates)") from None


@cache
def upsert(dialect: str, table: Table, *, keep: tuple[str, ...] = (), nothing: bool = False) -> Insert:
    """An insert that overwrites the row with the same key, except the columns `keep`, or leaves it when `nothing`."""
    keys = list(table.primary_key.columns)
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    if nothing:
        return statement.on_conflict_do_nothing(index_elements=keys)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def insert_many(connection: Connection, statement: Insert, found: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns, at least two of them.

    What SQLAlchemy does to each row to make parameters of it takes as long as the database takes to write it; the
    values of our tables need none of it.
    """
    sql, values = _positional(connection.dialect, statement, tuple(found[0]))
    connection.exec_driver_sql(sql, [values(row) for row in found])


@lru_cache(64)
def _positional(
    dialect: Dialect, statement: Insert, columns: tuple[str, ...]
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """The statement's text and what takes a row's values in the order of its parameters."""
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    names = compiled.positiontup
    assert names is not None, "both drivers take parameters by their places"
    return str(compiled), itemgetter(*names)


EVENT_COLUMNS = (events.c.seq, events.c.stream, events.c.version, events.c.at, events.c.actor, events.c.data)


def recorded(row: AnyRow) -> Recorded:
    """An event from EVENT_COLUMNS."""
    seq, stream, version, at, actor, data = row[:6]
    return Recorded(seq, stream, version, at, actor, decode(data))


CONTACT_COLUMNS = (contacts.c.data, contacts.c.seq)


def contact_row(row: AnyRow) -> ContactRow:
    """A contact from CONTACT_COLUMNS."""
    return ContactRow(_contact.decode(row[0]), row[1])


MESSAGE_COLUMNS = (messages.c.data, messages.c.text, messages.c.seq)


def message(row: AnyRow) -> Message:
    """A message from MESSAGE_COLUMNS."""
    data, text, seq = row[:3]
    return msgspec.structs.replace(_message.decode(data), text=text, seq=seq)


def customer(data: str) -> Customer:
    """A customer from the column `data`."""
    return _customer.decode(data)
