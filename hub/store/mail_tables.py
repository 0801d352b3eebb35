"""The tables of e-mail, beside those of `hub/store/tables.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from hub.store.tables import metadata

mails = Table(
    "mails",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("contact", Text, ForeignKey("contacts.id"), nullable=False),
    Column("direction", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # Contents in the file store; empty for none.
    Column("raw", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("next_at", BigInteger),
    Column("data", Text, nullable=False),
    Index(None, "contact", "at"),
    Index(None, "message_id"),
    Index(None, "direction", "at", "id"),
)
_hash = (mails.c.direction == "in") & (mails.c.hash != "")
Index("uq_mails_hash", mails.c.hash, unique=True, sqlite_where=_hash, postgresql_where=_hash)
# Few are on their way among the many that went.
_going = mails.c.next_at.is_not(None)
Index("ix_mails_next_at", mails.c.next_at, sqlite_where=_going, postgresql_where=_going)

# Everybody whom a mail names, in lower case.
mail_addresses = Table(
    "mail_addresses",
    metadata,
    Column("address", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("mail", Text, ForeignKey("mails.id"), primary_key=True),
)

mail_folders = Table(
    "mail_folders",
    metadata,
    Column("account", Text, primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

# What providers gave, sealed; `held_until`: so long one of the nodes asks for another.
mail_tokens = Table(
    "mail_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("held_until", BigInteger, nullable=False),
    Column("sealed", Text, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "user", "updated_at"),
)

reminders = Table(
    "reminders",
    metadata,
    Column("contact", Text, ForeignKey("contacts.id"), primary_key=True),
    Column("agent", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "at"),
)
