"""Every store test runs on both databases; PostgreSQL is started here, on a socket in a temporary folder."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.store import SqlStore, open_store
from hub.store.tables import metadata
from tests.peers import require
from tests.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    require("postgres")
    with postgres_server() as server:
        assert server is not None
        yield server


@pytest.fixture
def new_database(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes an empty database of a dialect, without a schema, and returns its URL."""
    names = itertools.count(1)

    def new(dialect: str) -> str:
        if dialect == "sqlite":
            return f"sqlite:///{tmp_path}/new{next(names)}.db"
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()

    return new


def _migrate(url: str) -> str:
    async def migrate() -> None:
        store = open_store(url)
        await store.open()
        await store.close()

    # In a thread: a test's loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate()).result()
    return url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite store, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "hub.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> str:
    """The URL of a PostgreSQL store, to be emptied before each use."""
    return _migrate(postgres.new_database())


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty store."""
    if dialect == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "hub.db")
        return f"sqlite:///{tmp_path}/hub.db"
    url: str = request.getfixturevalue("migrated_database")
    server: PostgresServer = request.getfixturevalue("postgres")
    tables = ", ".join(f'"{name}"' for name in metadata.tables if name != "log_head")
    server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid();"
        f" TRUNCATE {tables} RESTART IDENTITY; UPDATE log_head SET seq = 0",
        url.split("/")[3].split("?")[0],
    )
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(url)
    await opened.open()
    yield opened
    await opened.close()
