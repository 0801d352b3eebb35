"""Who writes and takes the mails of `python -m bench.mail`, in processes of their own, which give way to what is
measured."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import re
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import aiosmtplib
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.mail_parse import corpus, everyday
from tests.clients import Client, Gone, SignedIn

ADDRESS = "bench@demo.test"
_HEADER = re.compile(rb"(?:from|to|cc|message-id|in-reply-to|references|reply-to):[^\n]*\n(?:[ \t][^\n]*\n)*", re.I)
REPLIES = 0.2
"""So many mails answer the one that the same customer wrote before."""


def fresh(raw: bytes, number: int, answers: int | None = None) -> bytes:
    """A mail of the corpus as another customer's, who is known by `number`, or as an answer of customer `answers`."""
    head, gap, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept = b"".join(b"" if _HEADER.fullmatch(header) else header for header in _headers(head + b"\n"))
    customer = number if answers is None else answers
    own = f"From: Customer {customer} <c{customer}@berg.example>\nTo: {ADDRESS}\nMessage-ID: <{number}@berg.example>\n"
    if answers is not None:
        own += f"In-Reply-To: <{answers}@berg.example>\n"
    return (own.encode() + kept.rstrip(b"\n") + (gap or b"\n\n") + body).replace(b"\n", b"\r\n")


def _headers(head: bytes) -> Iterator[bytes]:
    """Each with its further lines, as they are, whatever they are."""
    found = b""
    for line in head.splitlines(keepends=True):
        if found and not line.startswith((b" ", b"\t")):
            yield found
            found = b""
        found += line
    if found:
        yield found


def mix(seed: int, mails: Sequence[bytes] = ()) -> Iterator[tuple[int, bytes]]:
    """Mails without end, by number: those of the corpus in random order, some of them as answers to one before."""
    random = Random(seed)
    found = mails or [raw for _, raw in corpus()]
    firsts: list[int] = []
    for number in itertools.count(seed * 10_000_000):
        answers = random.choice(firsts) if firsts and random.random() < REPLIES else None
        if answers is None:
            firsts = [*firsts[-99:], number]
        yield number, fresh(random.choice(found), number, answers)


def short() -> list[bytes]:
    """For mailboxes of very many: what people write every day, without the photos."""
    return [raw for name, raw in everyday() if len(raw) < 100_000 and name != "a newsletter"]


# --- processes ------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def process(work: Any, *arguments: object) -> AsyncIterator[Connection]:
    """`work(line, *arguments)` in a process of its own, which ends when the line is closed."""
    ours, theirs = multiprocessing.Pipe()
    made = multiprocessing.get_context("spawn").Process(target=_nicely, args=(work, theirs, *arguments))
    made.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        await asyncio.to_thread(made.join)


def _nicely(work: Any, line: Connection, *arguments: object) -> None:
    os.nice(5)
    with contextlib.suppress(EOFError, BrokenPipeError):
        asyncio.run(work(line, *arguments))


async def _closed(line: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        await asyncio.to_thread(line.recv)


async def _worked(line: Connection, work: Sequence[Coroutine[Any, Any, None]]) -> bool:
    """Whether all of the work was done; false when the line was closed before."""
    tasks = [asyncio.create_task(each) for each in work]
    closed = asyncio.create_task(asyncio.to_thread(line.poll, None))
    left = {*tasks}
    while left and not closed.done():
        done, _ = await asyncio.wait({*left, closed}, return_when=asyncio.FIRST_COMPLETED)
        for task in done & left:
            task.result()
        left -= done
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return not left


async def give(line: Connection, port: int, rate: float, count: int, connections: int, seed: int) -> None:
    """Gives the hub `count` mails by SMTP, `rate` a second (0: as fast as it takes them), over so many connections.
    Tells when it begins, and in the end (seconds, milliseconds of each, what was refused)."""
    mails = mix(seed)
    taken: list[float] = []
    refused: list[str] = []
    next(mails)  # the corpus is read
    began = time.perf_counter()
    line.send("begun")
    due = iter(range(count))

    async def sender() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=120) as smtp:
            for n in due:
                if rate and (pause := began + n / rate - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                _, raw = next(mails)
                at = time.perf_counter()
                try:
                    await smtp.sendmail("customer@berg.example", [ADDRESS], raw)
                except aiosmtplib.SMTPResponseException as error:
                    refused.append(f"{error.code} {error.message}")
                else:
                    taken.append((time.perf_counter() - at) * 1000)

    if await _worked(line, [sender() for _ in range(connections)]):
        line.send((time.perf_counter() - began, taken, refused))
        await _closed(line)


async def take(line: Connection) -> None:
    """Takes what the hub sends; tells its port, then to each question the times at which mails came."""
    times: list[float] = []

    class Box:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            times.append(time.time())
            return "250 taken"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Box(), loop=loop), "127.0.0.1", 0)
    async with server:
        line.send(server.sockets[0].getsockname()[1])
        with contextlib.suppress(EOFError, OSError):
            while True:
                await asyncio.to_thread(line.recv)
                line.send(times)


async def write(line: Connection, url: str, tokens: list[str], rate: float, count: int, send_at: int | None) -> None:
    """Has the hub send `count` mails by REST, `rate` a second, to go at `send_at` (ms; None: after ten seconds). Tells
    when it begins, and in the end (when the last was written, what was refused)."""
    refused: list[str] = []
    began = time.perf_counter()
    line.send("begun")
    due = iter(range(count))
    text = "Dear customer,\n\nthank you for your patience. It is on its way.\n\nKind regards\n" * 3

    async def writer(token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as http:
            for n in due:
                if rate and (pause := began + n / rate - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                body = {
                    "client_id": f"bench-{os.getpid()}-{n:08d}",
                    "mailbox": "bench",
                    "to": [{"address": f"o{n}@berg.example", "name": f"Customer {n}"}],
                    "subject": f"Your order {n}",
                    "text": text,
                    "html": "".join(f"<p>{part}</p>" for part in text.split("\n\n")),
                    "send_at": send_at,
                }
                answer = await http.post("/api/v1/mails", json=body)
                if answer.status_code != 201:
                    refused.append(f"{answer.status_code} {answer.text[:100]}")

    if await _worked(line, [writer(token) for token in tokens]):
        line.send((time.time(), refused))
        await _closed(line)


async def answer(line: Connection, url: str, names: Sequence[str]) -> None:
    """Agents who take every mail that they are offered and are done with it at once, until the line is closed."""
    numbers = itertools.count()
    tasks: set[asyncio.Task[None]] = set()

    async def done_with(desk: Client, offer: Any) -> None:
        contact = offer["contact"]["id"]
        for event, data in (
            ("offer:accept", {"fence": offer["fence"]}),
            ("contact:close", {}),
            ("wrapup:finish", {}),
        ):
            told = {"contact": contact, "client_id": f"answer-{next(numbers):09d}", **data}
            with contextlib.suppress(Gone):  # the measurement is over
                if not (await desk.call(event, told, timeout=120))["ok"]:
                    return

    async def agent(name: str) -> Client:
        def heard(event: str, data: Any) -> None:
            if event == "offer":
                task = asyncio.create_task(done_with(desk, data))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        desk = (await asyncio.to_thread(SignedIn, url, name)).client(url, f"window-{name}", heard)
        await desk.open()
        await desk.call("presence:set", {"state": "available"})
        return desk

    desks = [await agent(name) for name in names]
    line.send("begun")
    closed = asyncio.create_task(_closed(line))
    while not closed.done():
        # Whoever missed an offer while the machine was busy is there again.
        for desk in desks:
            await desk.call("heartbeat", {}, timeout=60)
            await desk.call("presence:set", {"state": "available"}, timeout=60)
        await asyncio.wait({closed}, timeout=5)
    for desk in desks:
        await desk.close()


def fill(folder: Path, count: int, owner: tuple[int, int]) -> None:
    """A maildir with `count` mails, the oldest first, as Dovecot reads it."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    began = int(time.time()) - count
    for n, (_, raw) in enumerate(itertools.islice(mix(9, short()), count)):
        path = folder / "cur" / f"{began + n}.M{n}P1.bench,S={len(raw)}:2,"
        path.write_bytes(raw)
        os.utime(path, (began + n, began + n))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *owner)
