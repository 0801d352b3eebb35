"""The migrations make exactly the tables that the code works with."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from hub.call_records import CallRecord
from hub.callbacks.model import Attempt, Callback, Result, State
from hub.errors import ConfigError
from hub.events import CallbackMoved
from hub.ports import Change
from hub.store import open_store
from hub.store.databases import database
from hub.store.schema import SCHEMA, alembic_config, known_schemas, newest_schema
from hub.store.tables import metadata


def test_the_code_names_the_newest_revision() -> None:
    assert newest_schema(alembic_config()) == SCHEMA
    assert SCHEMA in known_schemas(alembic_config())


async def test_migrations_make_the_tables(dialect: str, new_database: Callable[[str], str]) -> None:
    def differences(connection: Connection) -> list[Any]:
        def compared(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
            # FTS5 keeps tables of its own; the index of words is PostgreSQL's way.
            return not (dialect == "sqlite" and name and name.startswith(("search_index", "ix_search_docs_words")))

        context = MigrationContext.configure(connection, opts={"include_object": compared, "compare_type": True})
        return list(compare_metadata(context, metadata))

    url = new_database(dialect)
    store = open_store(url)
    await store.open()
    await store.close()
    opened = database(url, busy_timeout_ms=1000)
    try:
        assert await opened.alone(differences) == []
    finally:
        await opened.close()


async def test_a_database_of_a_newer_version_is_refused(dialect: str, new_database: Callable[[str], str]) -> None:
    url = new_database(dialect)
    store = open_store(url)
    await store.open()
    await store.close()
    opened = database(url, busy_timeout_ms=1000)
    await opened.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")).close())
    await opened.close()
    store = open_store(url)
    with pytest.raises(ConfigError, match=r"newer Contact Hub \(schema 9999"):
        await store.open()
    await store.close()


async def test_somebody_elses_database_is_refused(dialect: str, new_database: Callable[[str], str]) -> None:
    url = new_database(dialect)
    opened = database(url, busy_timeout_ms=1000)
    await opened.write(lambda c: c.execute(text("CREATE TABLE contacts (id INTEGER)")).close())
    await opened.close()
    store = open_store(url)
    with pytest.raises(ConfigError, match="expected an empty database"):
        await store.open()
    await store.close()


async def test_nodes_that_start_together_migrate_once(dialect: str, new_database: Callable[[str], str]) -> None:
    url = new_database(dialect)
    stores = [open_store(url, busy_timeout_ms=10_000) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        assert await store.log.head() == 0
        await store.close()


async def test_callbacks_of_before_are_found_by_their_agents(dialect: str, new_database: Callable[[str], str]) -> None:
    """What 0007 makes of rows of 0006 is what is written today."""
    attempts = (Attempt(1, "us_1", result=Result.BUSY), Attempt(2, ""))
    found = Callback("cb_1", 1, State.CONNECTING, number="+493012345", agent="us_1", attempts=attempts, asked_at=7)
    other = Callback("cb_2", 1, State.QUEUED, number="+493012346", only_agent="us_2", asked_at=8)
    url = new_database(dialect)
    store = open_store(url)
    await store.open()
    for callback in (found, other):
        await store.log.append(Change(callback.id, 0, (CallbackMoved("queued", ""),), 1, "test", callback=callback))
    await store.close()
    opened = database(url, busy_timeout_ms=1000)
    try:
        select = text("SELECT agent, callback, asked_at FROM callback_agents ORDER BY callback")
        today = await opened.read(lambda c: [tuple(row) for row in c.execute(select)])
        assert today == [("us_1", "cb_1", 7), ("us_2", "cb_2", 8)]
        config = alembic_config()

        def back_and_forth(connection: Connection) -> None:
            connection.execute(text("DROP TABLE callback_agents"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
            config.attributes["connection"] = connection
            upgrade(config, "0007")

        await opened.alone(back_and_forth)
        assert await opened.read(lambda c: [tuple(row) for row in c.execute(select)]) == today
    finally:
        await opened.close()


async def test_calls_of_before_get_their_figures(dialect: str, new_database: Callable[[str], str]) -> None:
    """What 0003 makes of rows of 0002 is what is written today."""
    records = [
        CallRecord("c1", "ct_1", "trunk", "in", "+49", "+50", "main", 7, cause="left", abandoned=True, ended_at=9),
        CallRecord("c2", "ct_2", "dial", "out", "+49", "+50", "main", 7, ended_at=8, cause="busy"),
        CallRecord("c3", "ct_3", "web", "in", "", "", "", 7),
        CallRecord(
            *("c4", "ct_4", "web", "in", "", "", "", 7),
            connected_at=8,
            ended_at=99,
            wait_ms=1,
            talk_ms=91,
            outcome="solved",
            recordings=("rc_1",),
            legs={"customer": {"mos": 4.2}, "agent": {"mos": 3.9}},
        ),
    ]
    url = new_database(dialect)
    store = open_store(url)
    await store.open()
    await store.calls.put(records, reader="calls", cursor=1)
    await store.close()
    names = "result, cause, outcome, recorded, wait_ms, talk_ms, mos"
    opened = database(url, busy_timeout_ms=1000)
    try:
        select = text(f"SELECT id, {names}, data FROM calls ORDER BY id")
        today = await opened.read(lambda c: c.execute(select).all())
        assert [row.result for row in today] == ["abandoned", "unanswered", "running", "answered"]
        config = alembic_config()

        def back_and_forth(connection: Connection) -> None:
            for name in names.split(", "):
                connection.execute(text(f"ALTER TABLE calls DROP COLUMN {name}"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
            config.attributes["connection"] = connection
            upgrade(config, "0003")

        await opened.alone(back_and_forth)
        assert await opened.read(lambda c: c.execute(select).all()) == today
    finally:
        await opened.close()
