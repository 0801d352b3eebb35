"""Asks clamd (ClamAV's daemon) about bytes, by INSTREAM (https://docs.clamav.net/manual/Usage/ClamdProtocol.html).

A client of our own, as the protocol is one command: aioclamd has seen no release since 2022, knows no Unix sockets and
no limits of time, and cannot be told early that a stream was too large; pyvalve brings a package for files.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable

from hub.config_email import ClamdAddress

CONNECT_S = 5.0
SCAN_S = 60.0
"""For one file, from the first byte to the verdict."""
AT_ONCE = 4
BLOCK = 256 * 1024
LONGEST_ANSWER = 4096
NAME_LIMIT = 200


class Unscanned(Exception):
    """There is no verdict: `away` when clamd cannot be reached or does not answer, so that asking about another file
    is of no use now; else it is this file that it will not look at."""

    def __init__(self, message: str, *, away: bool) -> None:
        super().__init__(message)
        self.away = away


class Clamd:
    """Asked by any number of tasks; `at_once` files are looked at at a time."""

    def __init__(
        self, where: ClamdAddress, *, at_once: int = AT_ONCE, connect_s: float = CONNECT_S, scan_s: float = SCAN_S
    ) -> None:
        self._where, self._connect_s, self._scan_s = where, connect_s, scan_s
        self._room = asyncio.Semaphore(at_once)

    async def scan(self, blocks: AsyncIterable[bytes]) -> str:
        """The name of what was found, empty for nothing. Raises Unscanned."""
        async with self._room:
            try:
                async with asyncio.timeout(self._connect_s):
                    reader, writer = await self._connect()
            except (OSError, TimeoutError) as error:
                raise Unscanned(f"clamd cannot be reached ({str(error) or 'no answer'}).", away=True) from None
            try:
                async with asyncio.timeout(self._scan_s):
                    return _verdict(await _ask(reader, writer, blocks))
            except TimeoutError:
                raise Unscanned("clamd does not answer in time.", away=True) from None
            except (OSError, EOFError, asyncio.LimitOverrunError):
                raise Unscanned("clamd broke off.", away=True) from None
            finally:
                writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        where = self._where
        if where.path:
            return await asyncio.open_unix_connection(where.path, limit=LONGEST_ANSWER)
        return await asyncio.open_connection(where.host, where.port, limit=LONGEST_ANSWER)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, blocks: AsyncIterable[bytes]) -> bytes:
    # It may answer, and close, before it has everything: what was said first is what counts.
    answer = asyncio.create_task(reader.readuntil(b"\0"), name="clamd.answer")
    try:
        with contextlib.suppress(OSError):
            writer.write(b"zINSTREAM\0")
            async for block in blocks:
                for start in range(0, len(block), BLOCK):
                    piece = block[start : start + BLOCK]
                    writer.write(len(piece).to_bytes(4, "big") + piece)
                    await writer.drain()
                if answer.done():
                    break
            else:
                writer.write(bytes(4))
                await writer.drain()
        return await answer
    finally:
        answer.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, EOFError, asyncio.LimitOverrunError):
            await answer


def _verdict(answer: bytes) -> str:
    """Raises Unscanned."""
    text = answer.rstrip(b"\0").decode("utf-8", "replace").strip()
    said = text.partition(": ")[2] if text.startswith("stream: ") else text
    if said == "OK":
        return ""
    if said.endswith(" FOUND"):
        name = "".join(ch if ch.isprintable() else "?" for ch in said.removesuffix(" FOUND").strip())
        return name[:NAME_LIMIT] or "unknown"
    raise Unscanned(f"clamd says: {text[:200] or 'nothing'}", away=False)
