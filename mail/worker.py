"""`ParserPool`: mails are taken apart in processes of their own, which can be killed.

A mail that takes too long, too much memory or the worker's life is still a mail: with its headers, marked, and not
whole. The worker is replaced, and the other mails wait their turn.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from hub.errors import Unavailable
from mail.limits import MEMORY, PATIENCE, SECONDS, Limits, Problem
from mail.model import Mail
from mail.worker_messages import LENGTH, Begin, Done, Job, with_contents

log = structlog.get_logger(__name__)

QUEUE = 16
"""Mails that may wait for a worker; who brings more waits himself."""
START_S = 60.0
"""For a new worker to be ready: it has much to import, and the machine may be busy."""
TRANSFER_S = 30.0
"""For a mail on its way to the worker, and what became of it on its way back."""
MOST_STARTS = 3
"""A mail for which no worker can be started so often is given back."""
PAUSE_S = 0.5
AT_ONCE = 4_000_000
_CHUNK = 256 * 1024
_PAUSE_S = 0.002
"""After each chunk, in which others go on: mail can wait."""


class _Gone(Exception):
    """The worker died, or closed its end."""


class _TooLate(Exception):
    pass


class ParserPool:
    """`parse` may be called by any number of tasks; `workers` mails are taken apart at a time.

    A worker starts with its first mail, which waits half a second for it: a hub without mail has none (45 MB each).
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        limits: Limits | None = None,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        queue: int = QUEUE,
    ) -> None:
        self._begin = Begin(limits or Limits(), memory, seconds)
        self._jobs: asyncio.Queue[tuple[bytes, asyncio.Future[Mail]]] = asyncio.Queue(queue)
        self._places = [_Place(number, self._begin) for number in range(workers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    @property
    def pids(self) -> list[int]:
        """The processes that are there now."""
        return [place.pid for place in self._places if place.pid]

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(place), name=f"mail worker {place.number}") for place in self._places
        ]

    async def parse(self, raw: bytes) -> Mail:
        """The mail, whatever it is. Unavailable when there is no worker to be had, or the pool was stopped."""
        if self._stopped or not self._tasks:
            raise _unavailable()
        future: asyncio.Future[Mail] = asyncio.get_running_loop().create_future()
        await self._jobs.put((raw, future))
        if all(task.done() for task in self._tasks):
            self._refuse()  # it was stopped while this one waited for its place
        return await future

    async def stop(self) -> None:
        """Ends the workers; who still waits gets Unavailable."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._refuse()

    def _refuse(self) -> None:
        while not self._jobs.empty():
            _, future = self._jobs.get_nowait()
            if not future.done():
                future.set_exception(_unavailable())

    async def _run(self, place: _Place) -> None:
        try:
            while True:
                raw, future = await self._jobs.get()
                if future.done():
                    continue  # nobody waits any more
                try:
                    mail = await place.parse(raw)
                except Unavailable as error:
                    if not future.done():
                        future.set_exception(error)
                except BaseException:
                    if not future.done():
                        future.set_exception(_unavailable())
                    raise
                else:
                    if not future.done():
                        future.set_result(mail)
        finally:
            await place.stop()


def _unavailable() -> Unavailable:
    return Unavailable("Mail cannot be read at the moment; it is tried again.", code="mail.parser_unavailable")


class _Place:
    """A place for one worker: the process that is there now."""

    def __init__(self, number: int, begin: Begin) -> None:
        self.number = number
        self._begin = begin
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._handle = -1

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def parse(self, raw: bytes) -> Mail:
        limits = self._begin.limits
        problem = Problem.TOO_BIG if len(raw) > limits.size else await self._whole(raw)
        if isinstance(problem, Mail):
            return problem
        log.warning("mail.not_whole", problem=problem.value, size=len(raw))
        try:
            return await self._ask(raw[: limits.header_block], problem)
        except (_Gone, _TooLate):
            await self.stop()
            return Mail(problems=(problem,), whole=False)

    async def _whole(self, raw: bytes) -> Mail | Problem:
        """The mail, or why it cannot be had. A worker may have died of something else: one more is tried."""
        for attempt in range(2):
            try:
                return await self._ask(raw, None)
            except _TooLate:
                log.warning("mail.worker_hung", worker=self.number, pid=self.pid)
                await self.stop()
                return Problem.TIME
            except _Gone:
                pid, code = self.pid, await self.stop()
                log.warning("mail.worker_died", worker=self.number, pid=pid, code=code, attempt=attempt)
                if code == -signal.SIGXCPU:
                    return Problem.TIME
        return Problem.CRASHED

    async def _ask(self, raw: bytes, only_headers: Problem | None) -> Mail:
        await self._ready()
        reader, writer = self._reader, self._writer
        assert reader is not None and writer is not None
        try:
            async with asyncio.timeout(TRANSFER_S):
                await _send(writer, msgspec.msgpack.encode(Job(len(raw), only_headers)))
                for begin in range(0, len(raw), _CHUNK):
                    writer.write(raw[begin : begin + _CHUNK])
                    await writer.drain()
                    if begin + _CHUNK < len(raw):
                        await asyncio.sleep(_PAUSE_S)
            async with asyncio.timeout(self._begin.seconds * PATIENCE):
                length = LENGTH.unpack(await reader.readexactly(LENGTH.size))[0]
            async with asyncio.timeout(TRANSFER_S):
                done = msgspec.msgpack.decode(await _receive(reader, length), type=Done)
                contents = [await _receive(reader, size) for size in done.sizes]
        except TimeoutError:
            raise _TooLate from None
        except (OSError, EOFError, msgspec.MsgspecError):
            raise _Gone from None
        if done.last:
            await self.stop()
        return with_contents(done, contents)

    async def _ready(self) -> None:
        for attempt in range(MOST_STARTS):
            if self._writer is not None and self._reader is not None and not self._reader.at_eof():
                return
            try:
                await self.start()
            except (_Gone, OSError) as error:
                log.error("mail.worker_not_started", worker=self.number, reason=str(error), attempt=attempt)
                await asyncio.sleep(PAUSE_S * attempt)
        if self._writer is None:
            raise _unavailable()

    async def start(self) -> None:
        """A new process, ready to work; the old one is ended."""
        await self.stop()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *command(theirs.fileno()), pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL
                )
            with suppress(OSError):  # systems that do not allow it
                self._handle = os.pidfd_open(self._process.pid)
            ours.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        self._writer = writer
        try:
            await _send(writer, msgspec.msgpack.encode(self._begin))
            async with asyncio.timeout(START_S):
                await reader.readexactly(LENGTH.size)
        except (EOFError, OSError) as error:  # TimeoutError is an OSError
            await self.stop()
            raise _Gone(f"it did not begin: {error!r}") from None
        self._reader = reader
        log.info("mail.worker_started", worker=self.number, pid=self.pid)

    async def stop(self) -> int | None:
        """How the process ended; None if there was none."""
        process, self._process = self._process, None
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.transport.abort()
        if process is not None:
            # `Process.kill` would ask first whether it has ended, and so take its end from the loop that waits for it.
            handle, self._handle = self._handle, -1
            if handle >= 0:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                os.close(handle)
            elif process.returncode is None:
                process.kill()
            return await process.wait()
        return None


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(LENGTH.pack(len(message)) + message)
    await writer.drain()


async def _receive(reader: asyncio.StreamReader, size: int) -> bytes:
    """In pieces, which for large ones a thread puts together, so that no single step of the loop copies much."""
    chunks: list[bytes] = []
    large = size > AT_ONCE
    while size:
        chunk = await reader.read(min(size, _CHUNK))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        size -= len(chunk)
        if size > _CHUNK:
            await asyncio.sleep(_PAUSE_S)
    return await asyncio.to_thread(b"".join, chunks) if large else b"".join(chunks)


def command(descriptor: int) -> list[str]:
    """Starts a worker of this very code, wherever it is installed."""
    root = str(Path(__file__).resolve().parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); from mail.worker_process import main; main({descriptor})"
    return [sys.executable, "-c", code]
