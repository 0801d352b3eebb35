"""Mails are taken apart in processes: nothing that a mail does to them holds up the hub or loses a mail."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
import zipfile
from collections.abc import AsyncIterator
from random import Random

import psutil
import pytest

from hub.errors import Unavailable
from mail.limits import MEMORY, Limits, Problem
from mail.model import Address
from mail.worker import ParserPool
from tests.unit.mail.letters import base64, mail, multipart, part

HELLO = mail(b"hello world", Subject="hello")


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    # Tests run on busy machines, and slowness is not what they look for.
    pool = ParserPool(1, seconds=60)
    await pool.start()
    yield pool
    await pool.stop()


def big(size: int) -> bytes:
    """A mail with one file of so many bytes."""
    data = Random(1).randbytes(size)
    return multipart(part(b"see there"), base64(data, "application/pdf; name=a.pdf"), Subject="big")


async def worker(pool: ParserPool) -> int:
    """The worker's process, as soon as there is one that works."""
    await pool.parse(HELLO)
    (pid,) = pool.pids
    return pid


async def test_reads(pool: ParserPool) -> None:
    found = await pool.parse(multipart(part("Grüße".encode()), base64(b"%PDF-1", "image/png; name=a.pdf")))
    assert found.text == "Grüße"
    assert [(each.name, each.type, each.data) for each in found.attachments] == [
        ("a.pdf", "application/pdf", b"%PDF-1")
    ]
    assert found.whole


async def test_many_at_once_by_several() -> None:
    pool = ParserPool(2, queue=3)
    await pool.start()
    try:
        found = await asyncio.gather(*(pool.parse(mail(str(number).encode())) for number in range(50)))
        assert [each.text for each in found] == [str(number) for number in range(50)]
        assert len(set(pool.pids)) == 2
    finally:
        await pool.stop()


async def test_the_loop_goes_on_beside_fifty_megabytes(pool: ParserPool) -> None:
    raw = big(37_000_000)
    assert len(raw) > 49_000_000
    pid = await worker(pool)
    longest = 0.0
    done = False

    async def watch() -> None:
        # The processor's time of this thread between two turns of the loop, which no other process lengthens.
        nonlocal longest
        last = time.thread_time()
        while not done:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    found = await pool.parse(raw)
    done = True
    await watching
    assert found.problems == () and found.whole
    assert found.text == "see there"
    assert [len(each.data) for each in found.attachments] == [37_000_000]
    assert longest < 0.05
    assert pool.pids == [pid]


async def test_a_mail_that_takes_too_long_is_its_headers() -> None:
    pool = ParserPool(1, seconds=1, limits=Limits(depth=10_000))
    await pool.start()
    try:
        first = await worker(pool)
        # Parts that are searched again at each of many levels.
        nested = b"".join(
            f"Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n".encode()
            for number in range(999)
        )
        slow = b"Subject: slow\r\nFrom: a@example.com\r\n" + nested + b"\r\n" + b"\r\n--" * 15_000_000
        found = await pool.parse(slow)
        assert (found.subject, found.from_, found.whole) == ("slow", Address("a@example.com"), False)
        assert Problem.TIME in found.problems
        assert not psutil.pid_exists(first)
        # Another one is there for the next.
        assert (await pool.parse(HELLO)).text == "hello world"
        assert pool.pids != [first]
    finally:
        await pool.stop()


async def test_a_mail_that_takes_too_much_memory_is_its_headers() -> None:
    pool = ParserPool(1, memory=96 * 1024 * 1024)
    await pool.start()
    try:
        found = await pool.parse(big(37_000_000))
        assert found.subject == "big" and not found.whole
        assert {Problem.MEMORY, Problem.CRASHED} & set(found.problems)
        assert (await pool.parse(HELLO)).whole
    finally:
        await pool.stop()


async def test_memory_of_a_worker_is_bounded(pool: ParserPool) -> None:
    pid = await worker(pool)
    await pool.parse(big(37_000_000))
    assert psutil.Process(pid).memory_info().rss < MEMORY


async def test_a_mail_that_is_too_big_is_its_headers() -> None:
    pool = ParserPool(1, limits=Limits(size=1_000_000))
    await pool.start()
    try:
        found = await pool.parse(big(1_000_000))
        assert found.subject == "big" and found.problems == (Problem.TOO_BIG,) and not found.whole
    finally:
        await pool.stop()


async def test_a_worker_that_is_killed_is_replaced_and_its_mail_read(pool: ParserPool) -> None:
    pid = await worker(pool)
    reading = asyncio.create_task(pool.parse(big(37_000_000)))
    process = psutil.Process(pid)
    begun = process.cpu_times().user
    while process.cpu_times().user == begun and not reading.done():
        await asyncio.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    found = await reading
    assert found.whole and len(found.attachments[0].data) == 37_000_000
    assert pool.pids != [pid]


async def test_a_worker_that_dies_while_nothing_is_to_do(pool: ParserPool) -> None:
    pid = await worker(pool)
    os.kill(pid, signal.SIGKILL)
    assert (await pool.parse(HELLO)).whole
    assert pool.pids != [pid]


async def test_a_worker_that_stands_still() -> None:
    pool = ParserPool(1, seconds=0.3)
    await pool.start()
    try:
        pid = await worker(pool)
        os.kill(pid, signal.SIGSTOP)
        found = await pool.parse(HELLO)
        assert (found.subject, found.problems) == ("hello", (Problem.TIME,))
        assert not psutil.pid_exists(pid)
    finally:
        await pool.stop()


async def test_bombs(pool: ParserPool) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(20):
            archive.writestr(str(number), b"\0" * 10_000_000)
    found = await pool.parse(multipart(part(b"x"), base64(target.getvalue(), "application/zip")))
    assert found.problems == (Problem.ZIP_BOMB,)
    assert found.attachments[0].data == target.getvalue()


ENDLESS = {
    "parts": b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 500_000,
    "depth": b"Subject: s\n"
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
    "headers": b"Subject: s\n" + b"X: y\n" * 1_000_000 + b"\nbody",
    "recipients": b"Subject: s\nTo: " + b"a@b.c, " * 1_000_000 + b"\n\nbody",
    "folding": b"Subject: s\nX: " + b"\n x" * 2_000_000 + b"\n\nbody",
    "div": b"Subject: s\nContent-Type: text/html\n\n" + b"<div>" * 300_000,
    "formatting": b"Subject: s\nContent-Type: text/html\n\n" + b"<p><b><i><font>" * 100_000,
    "tables": b"Subject: s\nContent-Type: text/html\n\n" + b"<table><tr><td>x" * 90_000,
    "css": b"Subject: s\nContent-Type: text/html\n\n<style>" + b"a{b:c}" * 20_000 + b"{" * 50_000 + b"</style>",
    "styles": b"Subject: s\nContent-Type: text/html\n\n" + b"<style></style>" * 100_000,
    "quotes": b"Subject: s\n\n" + b"On " * 300_000 + b"\n> a\n" * 200_000,
    "heads": b"Subject: s\n\n" + b"From: a\nTo: b\n\n" * 300_000,
    "uuencode": b"Subject: s\n\n" + b"begin 644 x\n" * 500_000,
    "yenc": b"Subject: s\n\n" + b"=ybegin line=1 name=a\n" * 300_000,
    "dashes": b'Subject: s\nContent-Type: multipart/mixed; boundary="-"\n\n' + b"-" * 5_000_000 + b"\n--- \n" * 300_000,
    "starts of words": b"Subject: s\n" + b"X: " + b"=?x?q?a" * 100_000 + b"\n\nx",
    "attributions": b"Subject: s\n\n" + b"On 1 Jan 2024 a@b.c wrote:\n> x\ny\n" * 60_000,
    "functions": b"Subject: s\nContent-Type: text/html\n\n<p style='width:"
    + b"calc(" * 3000
    + b"'>x"
    + b"<p>y" * 600_000,
    "words": b"Subject: s\nX: " + b"=?utf-8?q?a?= " * 100_000 + b"=?" * 100_000 + b"\n\nx",
    "base64": b"Subject: s\nContent-Transfer-Encoding: base64\n\n" + b"YWFh=" * 1_500_000,
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_endless(pool: ParserPool, name: str) -> None:
    pid = await worker(pool)
    found = await pool.parse(ENDLESS[name])
    assert found.subject == "s"
    # Style sheets that are left out take nothing from what is said.
    assert found.whole == (name in ("css", "styles"))
    # Within its limits: nothing had to be killed.
    assert pool.pids == [pid]


async def test_after_the_end() -> None:
    pool = ParserPool(1, queue=1)
    with pytest.raises(Unavailable):
        await pool.parse(HELLO)
    await pool.start()
    waiting = [asyncio.create_task(pool.parse(big(1_000_000))) for _ in range(5)]
    await asyncio.sleep(0)
    pids = pool.pids
    await pool.stop()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(Unavailable):
        await pool.parse(HELLO)


async def test_who_no_longer_waits_costs_nothing(pool: ParserPool) -> None:
    pid = await worker(pool)
    waiting = [asyncio.create_task(pool.parse(HELLO)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await worker(pool) == pid


async def test_a_worker_ends_with_its_hub(pool: ParserPool) -> None:
    """Its end of the line is closed, however the hub ended."""
    process = psutil.Process(await worker(pool))
    for place in pool._places:
        assert place._writer is not None
        place._writer.transport.abort()
    await asyncio.to_thread(process.wait)
