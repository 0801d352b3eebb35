"""How many mails a second the hub takes and sends, what that costs its chats, and how it takes a large mailbox.

    python -m bench.mail in                    mails by SMTP, as fast as they are taken; then 20 a second beside chats
    python -m bench.mail out                   mails to an SMTP server; then 10 a second beside chats
    python -m bench.mail backlog               an account of 100,000 mails, connected for the first time (Dovecot): so
                                               many as may wait for agents, then all, while these answer
    python -m bench.mail in --count 50 --visitors 4 --agents 2 --seconds 2 --rounds 1

The mails are those of the tests (tests/fixtures/mime) and everyday ones, a fifth of them answers to one before; each is
parsed, threaded, triaged and stored. The hub is `contacthub serve` in a process of its own with its workers; chats and
mails are made by other processes, so that on fewer than three cores they measure each other, too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pwd
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from bench.chat import CONFIG, Clock, Figures, Pair, conversations, cpu_s, load, megabytes, talk
from bench.chat import process as serving
from bench.mail_makers import ADDRESS, answer, fill, fresh, give, process, short, take, write
from hub import demo
from hub.auth import Auth, AuthSettings
from hub.clock import SystemClock
from hub.ids import new_id
from hub.model import Role, User
from hub.store import open_store
from tests.dovecot import PASSWORD, Dovecot
from tests.ports import free_port

EMAIL = """
[email]
enabled = true
listen = ["smtp:127.0.0.1:{smtp}"]
per_minute = 1000000
secrets = "."
workers = {workers}
backlog_waiting = {waiting}
"""
WRITERS = 4
ANSWERERS = 8
UNDO_S = 10
LATE_S = 600.0
ARRIVES_S = 300.0


@dataclass
class Hub:
    """A folder with a hub's settings and data. `tokens` are those of agents who write mails, `answerers` the user names
    of those who get them."""

    folder: Path
    tokens: list[str]
    port: int
    smtp: int
    answerers: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Any:
        config = ("-m", "server", "serve", "--config", str(self.folder / "hub.toml"))
        with serving(*config, url=self.url, cwd=self.folder) as (server, _):
            yield server


async def prepare(folder: Path, options: argparse.Namespace, **mailbox: Any) -> Hub:
    """The demo's queues and site, agents who chat and take no mail, some who write, some who take mail once they sign
    in, and one mailbox."""
    port, smtp = free_port(), free_port()
    settings = CONFIG.format(port=port) + EMAIL.format(smtp=smtp, workers=options.workers, waiting=options.waiting)
    (folder / "hub.toml").write_text(settings)
    (folder / "password").write_text(PASSWORD, "utf-8")
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    await store.open()
    await demo.seed(store, 1)
    row = {"name": "Bench", "address": ADDRESS, "queue": "support", "inbound": {"kind": "direct"}, **mailbox}
    await store.configs.put("mailbox", "bench", row, version=None, actor="system", at=1)
    auth = Auth(store, SystemClock(), AuthSettings(shortest_password=4))
    hashed = await auth.passwords.hash("demo")
    tokens = []
    for number in range(options.agents + WRITERS + ANSWERERS):
        writes = options.agents <= number < options.agents + WRITERS
        answers = number >= options.agents + WRITERS
        user = User(
            new_id("us", number),
            f"bench{number}",
            f"Bench {number}",
            Role.AGENT,
            password_hash=hashed,
            skills={"support": 5, "chinese": 5},
            units=100_000,
            maxima={"chat": 0 if writes or answers else 1000, "email": 20 if answers else 0},
        )
        made = await auth.create_user(user, None, by="system")
        if writes:
            tokens.append((await auth.create_token(made, "bench", by="system"))[1])
    await store.close()
    answerers = [f"bench{number}" for number in range(options.agents + WRITERS, options.agents + WRITERS + ANSWERERS)]
    return Hub(folder, tokens, port, smtp, answerers)


def workers_s(server: psutil.Process) -> float:
    """Of the processes that take mails apart."""
    total = 0.0
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += cpu_s(child)
    return total


def spread(found: Sequence[float]) -> str:
    ordered = sorted(found) or [float("nan")]
    middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {middle:.0f} ms, p99 {high:.0f} ms"


def goal(name: str, found: float, wanted: float, *, least: bool) -> None:
    met = found >= wanted if least else found <= wanted
    print(f"{name}: {found:.2f}, {'at least' if least else 'at most'} {wanted:g} wanted: {'met' if met else 'MISSED'}")


async def told(line: Connection) -> Any:
    return await asyncio.to_thread(line.recv)


class Beside:
    """Chats alone, with mails beside them, and alone again; each `rounds` times, by medians."""

    def __init__(self, hub: Hub, server: psutil.Process, options: argparse.Namespace) -> None:
        self._hub, self._server, self._options = hub, server, options
        self._clock = Clock()
        self._pairs: list[Pair] = []
        self._rounds: dict[str, list[Figures]] = {}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        options = self._options
        self._pairs = await talk(self._hub.url, self._clock, options.visitors, options.agents)
        async with conversations(self._pairs, stay=True):
            await load(self._server, self._pairs, self._clock, options.chat_rate, min(3, options.seconds))
            yield

    async def measure(self, name: str) -> None:
        for _ in range(self._options.rounds):
            found = await load(self._server, self._pairs, self._clock, self._options.chat_rate, self._options.seconds)
            self._rounds.setdefault(name, []).append(found)
            print(f"{name:>8}  {found}", flush=True)

    def judge(self) -> None:
        def p99(name: str) -> float:
            return statistics.median(found.percentile(0.99) for found in self._rounds[name])

        goal(
            f"chats' p99 beside mails ({p99('beside'):.1f} ms) by alone", p99("beside") / p99("alone"), 1.2, least=False
        )


# --- in -------------------------------------------------------------------------------------------------------------


async def mails_in(folder: Path, options: argparse.Namespace) -> None:
    hub = await prepare(folder, options)
    with hub.running() as server:
        async with process(give, hub.smtp, 0.0, max(10, options.count // 10), options.connections, 1) as line:
            await told(line)
            await told(line)  # workers and models are warm
        async with process(give, hub.smtp, 0.0, options.count, options.connections, 2) as line:
            await told(line)
            before, work_before = cpu_s(server), workers_s(server)
            seconds, taken, refused = await told(line)
        main, work = cpu_s(server) - before, workers_s(server) - work_before
        print(f"{len(taken)} mails in {seconds:.1f} s over {options.connections} connections, each {spread(taken)}")
        print(
            f"a mail costs {main / len(taken) * 1000:.1f} ms of the hub, {work / len(taken) * 1000:.1f} of its workers"
        )
        print(f"memory {megabytes(server):.0f} MB; refused: {refused[:3] or 0}")
        goal("mails/s in", len(taken) / seconds, options.rate or 20, least=True)
        goal("mails/s in, of one core", len(taken) / (main + work), options.rate or 20, least=True)
        rate = options.rate or 20
        chats = Beside(hub, server, options)
        async with chats.open():
            await chats.measure("alone")
            seconds = options.seconds * options.rounds
            async with process(give, hub.smtp, rate, int(rate * (seconds * 2 + 30)), options.connections, 3) as line:
                await told(line)
                await asyncio.sleep(1)
                await chats.measure("beside")
            await chats.measure("alone")
        chats.judge()


# --- out ------------------------------------------------------------------------------------------------------------


async def mails_out(folder: Path, options: argparse.Namespace) -> None:
    async with process(take) as box:
        port = await told(box)
        sends = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "per_minute": 100_000}
        hub = await prepare(folder, options, outbound=sends)

        async def came() -> list[float]:
            box.send("how many")
            return list(await told(box))

        with hub.running() as server:
            at = time.time() + UNDO_S + 5 + options.count / 40
            async with process(write, hub.url, hub.tokens, 0.0, options.count, int(at * 1000)) as line:
                await told(line)
                written, refused = await told(line)
            count = options.count - len(refused)
            print(f"{count} mails are written {at - written:.1f} s before they are to go; refused: {refused[:3] or 0}")
            await asyncio.sleep(max(0.0, at - time.time() - 1))
            before = cpu_s(server)
            deadline = time.time() + LATE_S
            while len(times := await came()) < count and time.time() < deadline:
                await asyncio.sleep(0.2)
            seconds = max(times) - max(at, written)
            main = cpu_s(server) - before
            print(f"{len(times)} mails in {seconds:.1f} s, {main / len(times) * 1000:.1f} ms of the hub's CPU a mail")
            goal("mails/s out", len(times) / seconds, options.rate or 10, least=True)
            goal("mails/s out, of one core", len(times) / main, options.rate or 10, least=True)
            rate = options.rate or 10
            chats = Beside(hub, server, options)
            async with chats.open():
                await chats.measure("alone")
                length = int(rate * (options.seconds * options.rounds * 2 + UNDO_S + 30))
                async with process(write, hub.url, hub.tokens, rate, length, None) as line:
                    await told(line)
                    await asyncio.sleep(UNDO_S + 2)
                    await chats.measure("beside")
                await asyncio.sleep(UNDO_S + 5)
                await chats.measure("alone")
            chats.judge()


# --- a large mailbox ------------------------------------------------------------------------------------------------


async def backlog(folder: Path, options: argparse.Namespace) -> None:
    dovecot = Dovecot()
    try:
        owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        maildir = dovecot.folder / "mail" / dovecot.user
        began = time.perf_counter()
        await asyncio.to_thread(fill, maildir, options.mails, (owner.pw_uid, owner.pw_gid))
        print(f"{options.mails} mails are written, in {time.perf_counter() - began:.0f} s", flush=True)
        await asyncio.to_thread(dovecot.start)
        inbound = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.port, "security": "none"}
        inbound |= {"username": dovecot.user, "secret": "file:password", "poll_s": 5}
        hub = await prepare(folder, options, inbound=inbound)
        await _backlog(hub, dovecot, options)
    finally:
        await asyncio.to_thread(dovecot.remove)


async def _backlog(hub: Hub, dovecot: Dovecot, options: argparse.Namespace) -> None:
    """Nobody answers until so many wait that older mail stays in its mailbox; then agents do, until all of it came."""
    with hub.running() as server:
        began, peak, last = time.perf_counter(), 0.0, 0.0
        arriving: asyncio.Task[float] | None = None
        print(f"{megabytes(server):.0f} MB before it begins", flush=True)
        async with contextlib.AsyncExitStack() as agents:
            answered = False
            while True:
                await asyncio.sleep(0.5)
                peak = max(peak, megabytes(server))
                found = await asyncio.to_thread(_progress, hub.folder)
                passed = time.perf_counter() - began
                if found is None:
                    continue
                taken, total, waiting = found
                if passed > last + 10:
                    last = passed
                    print(
                        f"{passed:6.0f} s  {taken} of {total}, {waiting} wait, {megabytes(server):.0f} MB", flush=True
                    )
                if arriving is None and taken * 4 >= min(total, options.waiting):
                    arriving = asyncio.create_task(_arrives(hub, dovecot))
                if not answered and waiting * 10 >= options.waiting * 9:
                    answered = True
                    print(f"{waiting} wait for agents, with {megabytes(server):.0f} MB; they begin", flush=True)
                    await told(await agents.enter_async_context(process(answer, hub.url, hub.answerers)))
                if taken >= total:
                    break
        seconds = time.perf_counter() - began
        children = sum(child.memory_info().rss for child in server.children(recursive=True)) / 1e6
        print(f"{total} mails in {seconds:.0f} s, {total / seconds:.0f} a second; workers {children:.0f} MB")
        print(
            f"{cpu_s(server) / total * 1000:.1f} ms of the hub's CPU a mail, with its answer,"
            f" {workers_s(server) / total * 1000:.1f} of its workers"
        )
        if arriving is not None:
            print(f"a mail that came meanwhile was a contact after {await arriving:.1f} s")
        goal("the hub's memory at its most, MB", peak, 300, least=False)
        goal("mails that are missing", options.mails - await asyncio.to_thread(_stored, hub.folder), 0, least=False)


async def _arrives(hub: Hub, dovecot: Dovecot) -> float:
    """Seconds from a new mail's coming into the mailbox until it is stored, with the backlog before it."""
    began = time.perf_counter()
    await asyncio.to_thread(dovecot.put, fresh(short()[0], 1))
    while time.perf_counter() - began < ARRIVES_S:
        if await asyncio.to_thread(_known, hub.folder, "1@berg.example"):
            return time.perf_counter() - began
        await asyncio.sleep(0.1)
    return float("nan")


def _ask(folder: Path, question: str, *values: str) -> Any:
    with contextlib.closing(sqlite3.connect(f"file:{folder}/hub.db?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(question, values).fetchone()


def _progress(folder: Path) -> tuple[int, int, int] | None:
    """(taken, total) of the one folder, once it is known, and how many mails wait for agents."""
    row = _ask(
        folder,
        "SELECT coalesce(json_extract(data, '$.taken'), 0), coalesce(json_extract(data, '$.total'), 0),"
        " (SELECT count(*) FROM contacts WHERE phase != 'closed') FROM mail_folders WHERE account = 'bench'",
    )
    return None if row is None or not row[1] else (int(row[0]), int(row[1]), int(row[2]))


def _known(folder: Path, message_id: str) -> bool:
    return _ask(folder, "SELECT 1 FROM mails WHERE message_id = ?", message_id) is not None


def _stored(folder: Path) -> int:
    """Mails of the backlog that are here."""
    return int(_ask(folder, "SELECT count(*) FROM mails WHERE direction = 'in' AND message_id != '1@berg.example'")[0])


MODES = {"in": mails_in, "out": mails_out, "backlog": backlog}


async def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        await MODES[options.mode](Path(name), options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--count", type=int, default=1000, help="mails that are taken or sent as fast as can be")
    parser.add_argument("--rate", type=float, help="mails a second beside chats (20 in, 10 out)")
    parser.add_argument("--connections", type=int, default=4, help="over which mails are given")
    parser.add_argument("--workers", type=int, default=2, help="processes that take mails apart")
    parser.add_argument("--mails", type=int, default=100_000, help="in the mailbox of `backlog`")
    parser.add_argument("--waiting", type=int, default=10_000, help="so many mails wait for agents, at most (backlog)")
    parser.add_argument("--visitors", type=int, default=100, help="who chat")
    parser.add_argument("--agents", type=int, default=10, help="whom they chat with")
    parser.add_argument("--chat-rate", type=int, default=50, help="messages a second")
    parser.add_argument("--seconds", type=float, default=15, help="of one measurement of chats")
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(parser.parse_args()))
