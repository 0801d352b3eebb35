"""The tables, the same on both dialects. The migrations make them; a test holds the two together.

A row's whole value is JSON in `data` (so a new field needs no migration), beside the columns that are asked for. A
message's text is a column of its own and in no JSON, so that it can be erased.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine, UserDefinedType

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite counts up by itself only in a column that is INTEGER to the letter.
Number = BigInteger().with_variant(Integer(), "sqlite")


class to_words(FunctionElement[str]):  # noqa: N801 - it is used as a function
    """Words parted by spaces as the index keeps them."""

    inherit_cache = True
    name = "to_words"


@compiles(to_words)
def _to_words(element: to_words, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(to_words, "postgresql")
def _to_words_postgresql(element: to_words, compiler: Any, **kw: Any) -> str:
    # Not to_tsvector: its parser drops Chinese in a database with the C locale, and cuts addresses its own way.
    return f"array_to_tsvector(string_to_array(CAST({compiler.process(element.clauses, **kw)} AS TEXT), ' '))"


class Words(UserDefinedType[str]):
    """Words of `hub.store.words`: text on SQLite (the FTS5 table search_index follows by triggers) or tsvector."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "TEXT"

    def bind_expression(self, bindvalue: Any) -> Any:
        return to_words(bindvalue)


WordsColumn: TypeEngine[str] = Words().with_variant(TSVECTOR(), "postgresql")

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),
    # The command that these events follow from, and the how manieth of its events each is.
    Column("command", Text),
    Column("part", Integer, nullable=False),
    UniqueConstraint("stream", "version"),
)
Index(
    "uq_events_command",
    events.c.stream,
    events.c.actor,
    events.c.command,
    events.c.part,
    unique=True,
    sqlite_where=events.c.command.is_not(None),
    postgresql_where=events.c.command.is_not(None),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("visitor", Text),
    Column("customer", Text, nullable=False),
    Column("queue", Text),
    Column("agent", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("connected_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("abandoned", Boolean, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "created_at", "id"),
    Index(None, "customer", "created_at"),
    Index(None, "visitor"),
    Index(None, "agent", "created_at"),
    Index(None, "queue", "queued_at"),
    Index(None, "ended_at"),
)
# The living ones are few among the many that are closed.
_living = contacts.c.phase != "closed"
Index("ix_contacts_living", contacts.c.id, sqlite_where=_living, postgresql_where=_living)

# Every agent who ever had a part in a contact.
contact_agents = Table(
    "contact_agents",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("contact", Text, ForeignKey("contacts.id"), primary_key=True),
    Index(None, "contact"),
)

messages = Table(
    "messages",
    metadata,
    # The number of its MessageAdded event, so that what came after a number is read by the key.
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("contact", Text, ForeignKey("contacts.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("author_kind", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("contact", "n"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "created_at", "id"),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Index(None, "customer"),
)

visitors = Table(
    "visitors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    # Whom the browser was made for; it is his again when a binding is forgotten.
    Column("first_customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "customer"),
)

presences = Table(
    "presences",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

nonces = Table(
    "nonces",
    metadata,
    Column("site", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index(None, "until"),
)

config_rows = Table(
    "config_rows",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Number, Identity(), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index(None, "kind", "row", "id"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    # The name without case.
    Column("username", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("data", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("previous_hash", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "user"),
    Index(None, "previous_hash"),
    Index(None, "seen_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("data", Text, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact", Text, nullable=False),
    Column("uploader", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "uploader", "created_at"),
    Index(None, "contact"),
    Index(None, "sha256"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    # Empty when the event is about no contact: such deliveries keep their order among themselves.
    Column("contact", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_at", BigInteger),
    Column("data", Text, nullable=False),
    Index(None, "webhook", "seq", "id"),
)
_pending = deliveries.c.state == "pending"
Index(
    "ix_deliveries_pending",
    deliveries.c.webhook,
    deliveries.c.contact,
    deliveries.c.seq,
    sqlite_where=_pending,
    postgresql_where=_pending,
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact", Text, nullable=False),
    Column("queue", Text),
    Column("state", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("data", Text, nullable=False),
    Index(None, "started_at", "id"),
    Index(None, "contact"),
    Index(None, "expires_at"),
)
# Few are being written among the many that are complete.
_recording = recordings.c.state == "recording"
Index("ix_recordings_unfinished", recordings.c.id, sqlite_where=_recording, postgresql_where=_recording)

calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("queue", Text),
    # The caller's and the called number, their digits only.
    Column("numbers", Text, nullable=False),
    Column("data", Text, nullable=False),
    # What lists are narrowed and sorted by; `mos` is of the worst line.
    Column("result", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("outcome", Text),
    Column("recorded", Boolean, nullable=False),
    Column("wait_ms", BigInteger, nullable=False),
    Column("talk_ms", BigInteger, nullable=False),
    Column("mos", Float),
    Index(None, "started_at", "id"),
    Index(None, "contact"),
    Index(None, "queue", "started_at"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# What search looks through: a message (`contact` and `n`), a contact's own words (`contact`), or a customer's.
search_docs = Table(
    "search_docs",
    metadata,
    Column("id", Number, Identity(), primary_key=True),
    Column("contact", Text),
    Column("customer", Text),
    Column("n", Integer),
    Column("words", WordsColumn, nullable=False),
    Index(None, "contact", "n"),
    Index(None, "customer"),
)
Index("ix_search_docs_words", search_docs.c.words, postgresql_using="gin").ddl_if(dialect="postgresql")
