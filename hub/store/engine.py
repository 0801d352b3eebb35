"""The two databases: how a function over a SQLAlchemy connection runs on each, and what their errors mean.

All SQL of the store is written once, as plain functions over `sqlalchemy.Connection`. SQLite runs a whole function in a
thread (one hop a transaction instead of four a statement); PostgreSQL runs it over asyncpg on the loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool

from hub.errors import ConfigError, InvalidInput, Refused, Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]
IsolationLevel = Literal["READ COMMITTED", "REPEATABLE READ"]

READERS = 4


class Database(Protocol):
    """Where functions over a connection run. Both methods raise HubErrors for what the database cannot do now."""

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
                "PRAGMA mmap_size=268435456",
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
        # Not one of the readers' threads: a long dump must not take one from them.
        with ThreadPoolExecutor(1, thread_name_prefix="store-snapshot") as thread:
            return await self._run(thread, self._reader, work)

    async def write(self, work: Work[T]) -> T:
        return await self._run(self._write_thread, self._writer, work)

    alone = write

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Work[T]) -> T:
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


class PostgresDatabase:
    """PostgreSQL over asyncpg. Reads are single statements, each committed by itself; writes have one connection."""

    dialect = "postgresql"

    def __init__(self, url: URL, *, busy_timeout_ms: int) -> None:
        settings = {
            "application_name": "contacthub",
            "lock_timeout": str(busy_timeout_ms),
            "idle_in_transaction_session_timeout": "60000",
        }
        arguments = {"timeout": busy_timeout_ms / 1000 + 3, "command_timeout": 30, "server_settings": settings}
        url = url.set(drivername="postgresql+asyncpg")

        def engine(size: int, **options: Any) -> AsyncEngine:
            return create_async_engine(
                url,
                pool_size=size,
                max_overflow=0,
                pool_timeout=10,
                # A connection that the server has closed meanwhile is noticed before it is used.
                pool_pre_ping=True,
                connect_args=arguments,
                **options,
            )

        self._writer = engine(1)
        self._reader = engine(READERS * 2, isolation_level="AUTOCOMMIT")
        self._apart = partial(create_async_engine, url, poolclass=NullPool, connect_args=arguments)

    async def read(self, work: Work[T]) -> T:
        try:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work)
        except Exception as error:
            raise translated(error) from error

    async def snapshot(self, work: Work[T]) -> T:
        return await self._begin_apart("REPEATABLE READ", work)

    async def alone(self, work: Work[T]) -> T:
        return await self._begin_apart("READ COMMITTED", work)

    async def _begin_apart(self, isolation: IsolationLevel, work: Work[T]) -> T:
        # In a thread with a loop of its own: work that takes long, or reads files, would hold up this one.
        def run() -> T:
            return asyncio.run(self._begin(self._apart(isolation_level=isolation), work))

        return await asyncio.to_thread(run)

    async def write(self, work: Work[T]) -> T:
        return await self._begin(self._writer, work)

    async def _begin(self, engine: AsyncEngine, work: Work[T]) -> T:
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        except Exception as error:
            raise translated(error) from error

    async def close(self) -> None:
        for engine in (self._reader, self._writer):
            await engine.dispose()


def database(url: str, *, busy_timeout_ms: int) -> Database:
    """The database that `url` names: `sqlite:///path/hub.db` or `postgresql://user@host/name`."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(f'store.url: expected sqlite:///path or postgresql://host/name, got "{url}"') from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return SqliteDatabase(Path(parsed.database), busy_timeout_ms=busy_timeout_ms)
        case "postgresql":
            return PostgresDatabase(parsed, busy_timeout_ms=busy_timeout_ms)
    shown = parsed.render_as_string(hide_password=True)
    raise ConfigError(f'store.url: expected sqlite:///path or postgresql://host/name, got "{shown}"')


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
    # asyncpg raises its own errors while it connects.
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
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
