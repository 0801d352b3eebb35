"""How much a request may send, and how often a caller may ask."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from hub.errors import HubError, InvalidInput, TooLarge
from hub.web.text import check_json

LARGEST_BODY = 256 * 1024
_BODY_SECONDS = 30


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """The whole body. Raises TooLarge before more than `largest` bytes were taken, and gives up on a trickle."""
    said = request.headers.get("content-length", "0")
    too_large = TooLarge(f"The request is too large: at most {largest} bytes are taken.", details={"limit": largest})
    if not said.isdecimal() or int(said) > largest:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > largest:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError:
        raise _Broken("The request came too slowly.") from None
    except ClientDisconnect:
        raise _Broken("The request ended early.") from None
    return b"".join(chunks)


async def read_json(request: Request, largest: int = LARGEST_BODY) -> Any:
    """The body as JSON of harmless text. Raises InvalidInput, TooLarge, and HubError `input.type` for another type."""
    body = await read_body(request, largest)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _WrongType("Expected a body of JSON (Content-Type: application/json).")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("", f"expected JSON: {error}") from None
    try:
        check_json(value)
    except RecursionError:
        raise InvalidInput("", "expected JSON that is not nested so deeply") from None
    return value


class _Broken(HubError):
    code = "input.timeout"
    status = 408


class _WrongType(HubError):
    code = "input.type"
    status = 415
