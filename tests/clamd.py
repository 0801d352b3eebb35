"""A server on this machine that speaks clamd's INSTREAM, for tests that need no real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hub.config_email import ClamdAddress

# The test file of the anti-virus industry, in two pieces so that nobody's scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clam:
    """`limit` is the longest stream that it takes. While `held` is cleared it says nothing."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit = limit
        self.held = asyncio.Event()
        self.held.set()
        self.streams: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.away = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                if not self.away:
                    await self._talk(reader, writer)
        finally:
            self.at_once -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\0") != b"zINSTREAM\0":
            writer.write(b"UNKNOWN COMMAND\0")
            return
        data = b""
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            if len(data) + length > self.limit:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                return
            data += await reader.readexactly(length)
        self.streams.append(len(data))
        await self.held.wait()
        writer.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0")
        await writer.drain()


@asynccontextmanager
async def clam(path: Path | None = None, limit: int = 1_000_000) -> AsyncIterator[tuple[Clam, ClamdAddress]]:
    """At the Unix socket `path`, or at a port of the loopback."""
    found = Clam(limit)
    if path is not None:
        server = await asyncio.start_unix_server(found.serve, path)
        where = ClamdAddress(path=str(path))
    else:
        server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
        where = ClamdAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    try:
        yield found, where
    finally:
        found.held.set()
        server.close()
