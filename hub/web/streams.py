"""Answers that are read from a file piece by piece, in threads, whole or in the part that `Range` asks for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import IO

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.errors import HubError

PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class RangeError(HubError):
    """`details.size` is the file's."""

    code = "http.range"
    status = 416


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Where the part begins and ends (excluded) that a Range header asks for; None for the whole file.

    What is no range of bytes, or several, is not heeded, as RFC 9110 14.2 allows. Raises RangeError for one past the
    end.
    """
    found = _RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    # Longer numbers than any file's are not worth their digits.
    first, last = found[1][:20], found[2][:20]
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= size or (first and last and int(last) < begin):
        raise RangeError("The file has no such part.", details={"size": size})
    return begin, end


class FileParts(Response):
    """`read(offset, length)` blocks and is called by `run`, in a thread; `close` is called in any case."""

    def __init__(
        self,
        request: Request,
        size: int,
        read: Callable[[int, int], bytes],
        close: Callable[[], None],
        run: Callable[[Callable[[], bytes]], Awaitable[bytes]],
        *,
        media_type: str,
        headers: dict[str, str],
        ranges: bool = True,
    ) -> None:
        part = range_of(request.headers.get("range"), size) if ranges else None
        self._begin, self._end = part or (0, size)
        super().__init__(status_code=206 if part else 200, media_type=media_type, headers=headers)
        self.headers["content-length"] = str(self._end - self._begin)
        self.headers["accept-ranges"] = "bytes" if ranges else "none"
        if part:
            self.headers["content-range"] = f"bytes {self._begin}-{self._end - 1}/{size}"
        self._request, self._read, self._close, self._run = request, read, close, run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            at, end = self._begin, self._end if scope["method"] != "HEAD" else self._begin
            while at < end and not await self._request.is_disconnected():
                length = min(PIECE, end - at)
                data = await self._run(lambda at=at, length=length: self._read(at, length))  # type: ignore[misc]
                if len(data) < length:
                    raise OSError("the file became shorter while it was read")
                await send({"type": "http.response.body", "body": data, "more_body": True})
                at += length
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._close()


def reader(file: IO[bytes]) -> Callable[[int, int], bytes]:
    """Reads a file at any place."""

    def read(offset: int, length: int) -> bytes:
        file.seek(offset)
        return file.read(length)

    return read
