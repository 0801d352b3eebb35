"""What bad luck does to the store: a lock, a full disk, a lost server, a crash. What it acknowledged is there."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hub.errors import ConfigError, Unavailable
from hub.store import SqlStore, open_store
from tests.peers import CHECKOUT
from tests.postgres import PostgresServer
from tests.talk import Talk


def sqlite_path(url: str) -> Path:
    database = make_url(url).database
    assert database is not None
    return Path(database)


@pytest.fixture
async def hasty(url: str) -> AsyncIterator[SqlStore]:
    """A store that waits only briefly for a lock."""
    store = open_store(url, busy_timeout_ms=100)
    await store.open()
    yield store
    await store.close()


async def test_a_locked_database_refuses_and_comes_back(
    hasty: SqlStore, url: str, dialect: str, request: pytest.FixtureRequest
) -> None:
    """Another process holds the lock that every write needs."""
    talk = await Talk(hasty.log).begin()
    if dialect == "sqlite":
        connection = sqlite3.connect(sqlite_path(url), isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        release = connection.close
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        holder = server.session(url)
        holder.send("BEGIN; UPDATE log_head SET seq = seq;")
        release = holder.close
    try:
        with pytest.raises(Unavailable) as busy:
            await talk.say("while it is locked", command="c-1")
        assert busy.value.details == {"reason": "busy"}
        with pytest.raises(Unavailable):
            await hasty.check()
        # Reading goes on.
        assert await hasty.log.head() == 2
        assert await hasty.contacts.get(talk.contact.id) is not None
    finally:
        release()
    assert await hasty.log.find(talk.contact.id, "vi_1", "c-1") is None
    await talk.say("again", command="c-1")
    await hasty.check()
    assert [message.text for message in await hasty.contacts.messages(talk.contact.id)] == ["again"]
    assert await hasty.log.head() == 3


async def test_a_full_disk_refuses_and_comes_back(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/hub.db")
    await store.open()
    database = store._database
    try:
        talk = await Talk(store.log).begin()

        size = (await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())) + 4
        await database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={size}").close())
        refused = None
        acknowledged: list[str] = []
        for n in range(2000):
            try:
                acknowledged.append((await talk.say(f"{n} " + "x" * 500)).text)
            except Unavailable as error:
                refused = error
                break
        assert refused is not None
        assert refused.details == {"reason": "full"}
        head = await store.log.head()
        # Several at once are all told, and the writer lives on.
        others = [Talk(store.log) for _ in range(5)]
        outcomes = await asyncio.gather(*(other.begin("y" * 5000) for other in others), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert await store.log.head() == head
        await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000").close())
        acknowledged.append((await talk.say("there is room again")).text)
        stored = await store.contacts.messages(talk.contact.id, limit=5000)
        assert [message.text for message in stored] == acknowledged
    finally:
        await store.close()


async def test_a_full_queue_refuses(url: str) -> None:
    store = open_store(url, longest_queue=5)
    await store.open()
    outcomes = await asyncio.gather(*(Talk(store.log).begin() for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 15
    assert await store.log.head() == 10
    await Talk(store.log).begin()
    await store.close()


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_a_lost_server_refuses_and_comes_back(postgres: PostgresServer, url: str) -> None:
    """Its connections are cut while writers write; then it is stopped and started."""
    name = make_url(url).database
    store = open_store(url, busy_timeout_ms=500)
    await store.open()
    try:
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        talks = [await Talk(store.log).begin() for _ in range(5)]
        acknowledged: dict[str, list[str]] = {talk.contact.id: [] for talk in talks}
        refusals = 0

        async def write(talk: Talk) -> None:
            nonlocal refusals
            for n in range(40):
                # The same command again until it is acknowledged, as a browser's outbox does.
                for _ in range(100):
                    try:
                        message = await talk.say(f"{n}", command=f"c-{talk.contact.id}-{n}")
                    except Unavailable:
                        refusals += 1
                        row = None
                        while row is None:
                            try:
                                row = await store.contacts.get(talk.contact.id)
                            except Unavailable:
                                await asyncio.sleep(0.05)
                        talk.contact = row.contact
                        continue
                    acknowledged[talk.contact.id].append(message.text)
                    break
                else:
                    raise AssertionError("not written in 100 attempts")
                await asyncio.sleep(0.01)

        writing = asyncio.gather(*(write(talk) for talk in talks))
        for _ in range(3):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(postgres.sql, cut)
        await asyncio.to_thread(postgres.stop, "immediate")
        with pytest.raises(Unavailable):
            await store.log.head()
        await asyncio.to_thread(postgres.start)
        await writing
        assert refusals > 0
        for talk in talks:
            stored = [message.text for message in await store.contacts.messages(talk.contact.id)]
            assert stored == [f"{n}" for n in range(40)]
        assert [r.seq for r in await store.log.read(0, 1000)] == list(range(1, await store.log.head() + 1))
    finally:
        await store.close()


WRITER = """
import asyncio, sys
from hub.model import Contact
from hub.store import open_store
from tests.talk import Talk

async def main():
    store = open_store(sys.argv[1])
    await store.open()

    async def named(k):
        talk = Talk(store.log, Contact(f"ct_{sys.argv[2]}_{k}"))
        await talk.begin()
        for n in range(1, 1_000_000):
            message = await talk.say(f"{n}", id=f"ms_{sys.argv[2]}_{k}_{n}")
            print(talk.contact.id, message.text, flush=True)

    await asyncio.gather(*(named(k) for k in range(10)))

asyncio.run(main())
"""


async def test_killed_at_any_moment_it_has_what_it_acknowledged(url: str, tmp_path: Path) -> None:
    """A process that appends and prints each acknowledgement is killed with SIGKILL, again and again."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    acknowledged: dict[str, list[str]] = {}
    for round_number in range(4):
        with subprocess.Popen(
            [sys.executable, str(script), url, str(round_number)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            text=True,
        ) as process:
            assert process.stdout is not None
            # At another moment each time, but never before it has written.
            for _ in range(25 + 40 * round_number):
                line = await asyncio.to_thread(process.stdout.readline)
                contact, text = line.split()
                acknowledged.setdefault(contact, []).append(text)
            process.send_signal(signal.SIGKILL)
            for line in await asyncio.to_thread(process.stdout.readlines):
                if line.endswith("\n"):
                    contact, text = line.split()
                    acknowledged.setdefault(contact, []).append(text)
    store = open_store(url)
    await store.open()
    try:
        for contact, texts in acknowledged.items():
            stored = [message.text for message in await store.contacts.messages(contact, limit=10_000)]
            # What was written but not yet acknowledged may follow: at most one, for each waits for its answer.
            assert stored[: len(texts)] == texts
            assert len(stored) <= len(texts) + 1
        head = await store.log.head()
        assert [r.seq for r in await store.log.read(0, head + 10)] == list(range(1, head + 1))
        rows = {row.contact.id: row async for row in store.contacts.living()}
        for id, row in rows.items():
            assert row.contact.version == len(await store.log.stream(id, limit=10_000))
    finally:
        await store.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/n", "nonsense", "", "postgresql"],
)
def test_a_url_that_names_no_database_says_so(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: expected sqlite") as error:
        open_store(url)
    assert "secret" not in str(error.value)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/none/hub.db")
    with pytest.raises(Unavailable):
        await store.open()
    await store.close()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("certainly no database " * 100)
    store = open_store(f"sqlite:///{tmp_path}/hub.db")
    with pytest.raises(Unavailable):
        await store.open()
    await store.close()
