"""The record: an append-only log and the tables that are read, on SQLite or PostgreSQL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy import update

from hub.ports import FilePlaces
from hub.store.accounts import SqlAccounts
from hub.store.append import Transaction
from hub.store.backup import Manifest, Progress, dump, restore
from hub.store.callbacks import SqlCallbacks
from hub.store.calls import SqlCalls
from hub.store.configs import SqlConfigs
from hub.store.contacts import SqlContacts
from hub.store.databases import database
from hub.store.engine import Database
from hub.store.files import SqlFiles
from hub.store.log import SqlLog, read_cursor, write_cursor
from hub.store.mails import SqlMails
from hub.store.people import SqlPeople
from hub.store.recordings import SqlRecordings
from hub.store.schema import migrate
from hub.store.tables import log_head
from hub.store.webhooks import SqlWebhooks
from hub.store.writer import LONGEST_QUEUE, Writer

__all__ = ["Manifest", "SqlStore", "open_store", "restore_store"]


class SqlStore:
    """The one implementation of `hub.ports.Store`."""

    def __init__(self, database: Database, *, longest_queue: int = LONGEST_QUEUE) -> None:
        self._closed = False
        self._database = database
        self._writer = Writer(database, longest_queue=longest_queue)
        self.log = SqlLog(database, self._writer)
        self.contacts = SqlContacts(database)
        self.people = SqlPeople(database, self._writer)
        self.configs = SqlConfigs(database, self._writer)
        self.accounts = SqlAccounts(database, self._writer)
        self.files = SqlFiles(database, self._writer)
        self.webhooks = SqlWebhooks(database, self._writer)
        self.recordings = SqlRecordings(database, self._writer)
        self.calls = SqlCalls(database, self._writer)
        self.mails = SqlMails(database, self._writer)
        self.callbacks = SqlCallbacks(database, self._writer)

    async def open(self) -> None:
        await self._database.alone(migrate)
        self._writer.start()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._writer.stop()
        await self._database.close()

    @property
    def waiting_writes(self) -> int:
        """How many writes are in the queue; for the metrics."""
        return self._writer.waiting

    async def check(self) -> None:
        def write(transaction: Transaction) -> None:
            transaction.connection.execute(update(log_head).values(seq=log_head.c.seq))

        await self._writer.submit(write)
        await self.log.head()

    async def backup(
        self, target: Path, progress: Progress | None = None, *, files: FilePlaces | None = None
    ) -> Manifest:
        return await self._database.snapshot(partial(dump, target=target, files=files, progress=progress))

    async def cursor(self, reader: str) -> int:
        return await self._database.read(lambda connection: read_cursor(connection, reader))

    async def set_cursor(self, reader: str, seq: int) -> None:
        await self._writer.submit(lambda transaction: write_cursor(transaction, reader, seq))


def open_store(url: str, *, busy_timeout_ms: int = 2000, longest_queue: int = LONGEST_QUEUE) -> SqlStore:
    """The store at `url` (`sqlite:///path/hub.db`, `postgresql://user@host/name`), not yet connected: see `open`.

    A write that waits longer than `busy_timeout_ms` for another process's lock is refused as Unavailable, and so is one
    that finds `longest_queue` others waiting. Raises ConfigError for a URL that names no such database.
    """
    return SqlStore(database(url, busy_timeout_ms=busy_timeout_ms), longest_queue=longest_queue)


async def restore_store(
    url: str,
    source: Path,
    *,
    files: FilePlaces | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Loads a backup into the empty database at `url`, which no hub may be using, and its files into their places.

    All of it or nothing; `force` empties the database first. Raises Refused (`backup.damaged`, `backup.format`,
    `backup.not_empty`), ConfigError for a backup of a newer version, Unavailable.
    """
    target = database(url, busy_timeout_ms=2000)
    try:
        return await restore(target, source, files, force=force, progress=progress)
    finally:
        await target.close()
