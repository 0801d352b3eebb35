"""The log's speed: appends a second on SQLite with synchronous=FULL (and PostgreSQL), and reading 100,000 events.

    python bench/log.py [--events 100000] [--seconds 5] [--postgres URL]

Without --postgres a server is started in a temporary folder when its programs are installed. An append is what a
visitor's message costs: its event, the contact's row, the message and its words in the search index, committed. Beside
it stands what the disk alone gives: one bare SQLite insert, committed, at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hub import commands as c
from hub import machine
from hub.model import AuthorKind, Channel, Contact, Message, MessageKind
from hub.ports import Change
from hub.store import SqlStore, open_store
from tests.postgres import postgres_server

TEXT = "Hello, I would like to return the blue jacket of order {}: it is too small. 我想退货"
# Messages of one conversation.
LENGTH = 40
numbers = itertools.count(1)


class Talk:
    """One contact that is written to."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.contact = Contact(f"ct_{next(numbers):026d}")

    async def begin(self) -> None:
        await self._do(c.Create(Channel.CHAT, "demo", "cu_1"))

    async def say(self) -> None:
        number = next(numbers)
        id = f"ms_{number:026d}"
        message = Message(
            id=id,
            contact=self.contact.id,
            n=self.contact.messages + 1,
            at=number,
            author_kind=AuthorKind.VISITOR,
            kind=MessageKind.TEXT,
            text=TEXT.format(number),
            client_id=f"client-{number}",
        )
        await self._do(c.Say(id, "visitor", "text", "vi_1"), message)

    async def _do(self, command: c.ContactCommand, *messages: Message) -> None:
        at = int(time.time() * 1000)
        events = machine.decide(self.contact, command, at)
        contact = machine.apply(self.contact, events, at)
        await self._store.log.append(
            Change(
                stream=contact.id,
                expected_version=self.contact.version,
                events=tuple(events),
                at=at,
                actor="vi_1",
                command_id=f"client-{next(numbers)}",
                contact=contact,
                messages=messages,
            )
        )
        self.contact = contact


async def appends(store: SqlStore, writers: int, seconds: float) -> tuple[float, float]:
    """Appends a second by so many concurrent writers, and the 99th percentile of one append's time in ms."""
    end = time.perf_counter() + seconds
    times: list[float] = []

    async def write() -> None:
        while time.perf_counter() < end:
            talk = Talk(store)
            await talk.begin()
            for _ in range(LENGTH):
                start = time.perf_counter()
                await talk.say()
                times.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(writers)))
    rate = len(times) / (time.perf_counter() - start)
    return rate, sorted(times)[int(len(times) * 0.99)] * 1000


async def fill(store: SqlStore, events: int) -> None:
    async def write() -> None:
        while await missing() > 0:
            talk = Talk(store)
            await talk.begin()
            for _ in range(LENGTH):
                await talk.say()

    async def missing() -> int:
        return events - await store.log.head()

    await asyncio.gather(*(write() for _ in range(128)))


async def catch_up(store: SqlStore, events: int) -> float:
    start = time.perf_counter()
    after = 0
    while after < events:
        after = (await store.log.read(after, 1000))[-1].seq
    return time.perf_counter() - start


def bare_sqlite(folder: Path, seconds: float) -> float:
    """Commits a second of a bare sqlite3 connection with synchronous=FULL: what one writer at a time could get."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        connection.execute("INSERT INTO t (text) VALUES (?)", (TEXT,))
        count += 1
    connection.close()
    return count / seconds


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    store = open_store(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def measure(name: str, url: str, events: int, seconds: float) -> None:
    async with opened(url) as store:
        for writers in (1, 64, 256):
            rate, p99 = await appends(store, writers, seconds)
            print(f"{name:<11} {writers:>4} concurrent   {rate:>8,.0f} appends/s   p99 {p99:>6.1f} ms")
        await fill(store, events)
        took = await catch_up(store, events)
        print(f"{name:<11} catch-up of {events:,} events   {took:.2f} s   {events / took:,.0f} events/s")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--postgres", help="URL of an empty database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_sqlite(Path(folder), min(options.seconds, 2.0))
        print(f"{'sqlite':<11}    1 bare insert     {bare:>8,.0f} commits/s   (the disk's limit for one at a time)")
        await measure("sqlite", f"sqlite:///{folder}/hub.db", options.events, options.seconds)
    if options.postgres:
        await measure("postgresql", options.postgres, options.events, options.seconds)
        return
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres_server(durable=True))
        if server is None:
            print("postgresql   not installed here; give --postgres URL")
        else:
            await measure("postgresql", server.new_database(), options.events, options.seconds)


if __name__ == "__main__":
    asyncio.run(main())
