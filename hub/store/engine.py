"""A database: where functions over a SQLAlchemy connection run, what its errors mean, and the embedded one, SQLite.

All SQL of the store is written once, as plain functions over `sqlalchemy.Connection`. SQLite runs a whole function in a
thread (one hop a transaction instead of four a statement); PostgreSQL is in `hub/store/postgres.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from hub.errors import InvalidInput, Refused, Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]

READERS = 4


class Database(Protocol):
    """Where functions over a connection run. All raise Unavailable for what the database cannot do now."""

    dialect: str

    async def read(self, work: Work[T]) -> T:
        """Runs `work`, which only reads. On SQLite all its statements see one moment."""
        ...

    async def snapshot(self, work: Work[T]) -> T:
        """Runs `work`, which only reads and may take long; all its statements see one moment."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in a transaction and returns after the commit; nothing is stored when it raises."""
        ...

    async def alone(self, work: Work[T]) -> T:
        """As `write`, for work that may take long or do other things than SQL: migrations, a restore."""
        ...

    async def close(self) -> None: ...


class SqliteDatabase:
    """One file, one thread that writes, a few that read. WAL, so that neither waits for the other."""

    dialect = "sqlite"

    def __init__(self, path: Path, *, busy_timeout_ms: int) -> None:
        self.path = path
        self._busy_timeout_ms = busy_timeout_ms
        self._writer = self._engine(1, ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"), "BEGIN IMMEDIATE")
        self._reader = self._engine(READERS, ("PRAGMA query_only=ON",), "BEGIN")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    def _engine(self, connections: int, pragmas: tuple[str, ...], begin: str) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=1,
            # The sqlite3 module must not begin transactions by itself: it does so too late, and never for DDL.
            connect_args={
                "check_same_thread": False,
                "isolation_level": None,
                "timeout": self._busy_timeout_ms / 1000,
            },
        )

        @event.listens_for(engine, "connect")
        def connected(connection: sqlite3.Connection, record: object) -> None:
            for pragma in (
                *pragmas,
                "PRAGMA foreign_keys=ON",
                "PRAGMA temp_store=MEMORY",
                "PRAGMA cache_size=-8000",
                "PRAGMA mmap_size=33554432",
                "PRAGMA journal_size_limit=67108864",
            ):
                connection.execute(pragma)

        @event.listens_for(engine, "begin")
        def began(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    async def read(self, work: Work[T]) -> T:
        return await self._run(self._read_threads, self._reader, work)

    async def snapshot(self, work: Work[T]) -> T:
        # Not in one of the readers' threads: a long dump must not take one from them.
        return await self._run(None, self._reader, work)

    async def write(self, work: Work[T]) -> T:
        return await self._run(self._write_thread, self._writer, work)

    alone = write

    async def _run(self, threads: ThreadPoolExecutor | None, engine: Engine, work: Work[T]) -> T:
        def run() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            return await asyncio.get_running_loop().run_in_executor(threads, run)
        except Exception as error:
            raise translated(error) from error

    async def close(self) -> None:
        def close() -> None:
            self._reader.dispose()
            self._writer.dispose()

        await asyncio.get_running_loop().run_in_executor(self._write_thread, close)
        self._write_thread.shutdown()
        self._read_threads.shutdown()


# Primary result codes of SQLite: busy, locked, no memory, read-only, interrupted, I/O, corrupt, full, cannot open,
# protocol, not a database.
_SQLITE_AWAY = frozenset({5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26})
_SENTENCES = {
    "busy": "The database is busy. Nothing was stored; please try again.",
    "full": "The database has no space left. Nothing was stored.",
    "away": "The database does not answer. Nothing was stored; please try again.",
}
# Classes of SQLSTATE that say the server cannot now: connection, transaction rollback, resources, operator, system.
_POSTGRES_AWAY = ("08", "40", "53", "57", "58", "55P03", "25006", "25P03", "XX")


def unavailable(why: str) -> Unavailable:
    """`why` is busy, full or away."""
    return Unavailable(_SENTENCES[why], details={"reason": why})


def translated(error: Exception) -> Exception:
    """What a database's error is to a caller; errors of other kinds as they are."""
    if isinstance(error, DBAPIError):
        return _translated_dbapi(error)
    if isinstance(error, OSError | TimeoutError | PoolTimeout):
        return unavailable("away")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("", "expected text without lone surrogates")
    # asyncpg raises its own errors while it connects; those of a server that closes meanwhile have no state.
    if type(error).__module__.startswith("asyncpg."):
        return unavailable("away")
    return error


def _translated_dbapi(error: DBAPIError) -> Exception:
    if isinstance(error, IntegrityError):
        return Refused("That is there already, or refers to something that is not.", code="store.constraint")
    if error.connection_invalidated:
        return unavailable("away")
    origin = error.orig
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
        if code in _SQLITE_AWAY:
            return unavailable({5: "busy", 6: "busy", 13: "full"}.get(code, "away"))
        return error
    state = str(getattr(origin, "sqlstate", None) or "")
    if state.startswith(_POSTGRES_AWAY):
        return unavailable({"55P03": "busy", "53100": "full"}.get(state, "busy" if state.startswith("40") else "away"))
    if state.startswith("22"):
        return InvalidInput("", "expected text that can be stored")
    return error if state else unavailable("away")
