"""A Redis server of our own on a free port, and a line to it that can be cut, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import require
from tests.ports import free_port


class RedisServer:
    """Keeps nothing on disk: whatever it held is gone with each restart."""

    def __init__(self, program: Path, folder: str) -> None:
        self._program, self._folder = program, folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(self._program), *options, "--dir", self._folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while self.ask("PING") != "+PONG":
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """As power failing does it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def ask(self, command: str) -> str:
        """The first line of the answer to an inline command; empty when nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                line.sendall(f"{command}\r\n".encode())
                return line.recv(4096).decode().partition("\r\n")[0]
        except OSError:
            return ""


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    program = require("redis")
    with tempfile.TemporaryDirectory(prefix="hub-redis-", dir="/tmp") as folder:
        server = RedisServer(program, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Line:
    """A TCP forwarder. While it is `cut`, what is sent vanishes and nothing is closed, as when a network is parted."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._whole = True
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self.port = 0
        self._thread.start()
        assert self._ready.wait(10)

    def cut(self) -> None:
        self._whole = False

    def mend(self) -> None:
        """What was sent meanwhile stays lost, so connections from before are of no use and are ended."""
        self._loop.call_soon_threadsafe(self._mend)

    def _mend(self) -> None:
        self._whole = True
        for task in list(self._pipes):
            task.cancel()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        self._pipes: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in list(self._pipes):
            task.cancel()
        await asyncio.gather(*self._pipes, *self._ends, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        pipes = [
            asyncio.create_task(self._pipe(reader, far_writer)),
            asyncio.create_task(self._pipe(far_reader, writer)),
        ]
        self._pipes.update(pipes)
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            pipe.cancel()
            self._pipes.discard(pipe)
        for end in (writer, far_writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._whole:
                    writer.write(data)
                    await writer.drain()
