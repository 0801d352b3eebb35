"""PostgreSQL: functions over a SQLAlchemy connection run over asyncpg on the loop.

Only a hub whose store.url says so imports this module, so that others need neither asyncpg nor greenlet.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Literal

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hub.store.engine import READERS, T, Work, translated

IsolationLevel = Literal["READ COMMITTED", "REPEATABLE READ"]


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
