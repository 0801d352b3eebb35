"""The tables of callbacks, beside those of `hub/store/tables.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from hub.store.tables import metadata

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("living", Boolean, nullable=False),
    Column("number", Text, nullable=False),  # who is called: `Callback.callee`
    Column("address", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("slot", BigInteger),
    Column("next_at", BigInteger),
    # When it was promised for, and when it was first tried.
    Column("promised_at", BigInteger, nullable=False),
    Column("tried_at", BigInteger),
    Column("data", Text, nullable=False),
    Index(None, "contact"),
    Index(None, "asked_at", "id"),
    Index(None, "number", "asked_at"),
    Index(None, "address", "asked_at"),
    Index(None, "site", "asked_at"),
)
_living = callbacks.c.living
Index("uq_callbacks_number", callbacks.c.number, unique=True, sqlite_where=_living, postgresql_where=_living)
# Few live among the many that were.
_due = callbacks.c.next_at.is_not(None)
Index("ix_callbacks_next_at", callbacks.c.next_at, sqlite_where=_due, postgresql_where=_due)
Index("ix_callbacks_state", callbacks.c.state, sqlite_where=_due, postgresql_where=_due)
_slot = callbacks.c.slot.is_not(None)
Index("ix_callbacks_slot", callbacks.c.queue, callbacks.c.slot, sqlite_where=_slot, postgresql_where=_slot)

callback_attempts = Table(
    "callback_attempts",
    metadata,
    Column("callback", Text, ForeignKey("callbacks.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("agent", Text, nullable=False),
    Column("result", Text),
    Column("talk_ms", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Index(None, "at"),
)

# Who has or had a callback, was given it, or tried it: so that an agent's are found among all.
callback_agents = Table(
    "callback_agents",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("callback", Text, ForeignKey("callbacks.id"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
    Index(None, "agent", "asked_at", "callback"),
)

do_not_call = Table(
    "do_not_call",
    metadata,
    Column("number", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
)

breakers = Table(
    "breakers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("open_at", BigInteger),
    Column("why", Text, nullable=False),
    Column("reset_at", BigInteger, nullable=False),
    Column("reset_by", Text, nullable=False),
)
