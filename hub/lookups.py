"""Asks other servers for what a flow needs to know: JSON in bounded time and size, never out of the open internet
unless that is allowed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import structlog

from hub.errors import Refused
from hub.flows.walk import Fetch, Outcome
from hub.outbound import resolve

log = structlog.get_logger(__name__)

MOST_BYTES = 64 * 1024
AT_ONCE = 50
"""More lookups than these fail at once: who waits on the telephone does not wait for a server that is too slow."""
MISSING = (404, 410)
LONGEST = 500

Answer = tuple[Outcome, dict[str, str]]


class Lookups:
    """`allow_private`: also servers at private and loopback addresses."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self.allow_private = allow_private
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._running = 0

    async def ask(self, fetch: Fetch) -> Answer:
        """What became of it; whatever goes wrong is "failed", and the log says what."""
        if self._running >= AT_ONCE:
            log.warning("lookup.too_many", running=self._running)
            return "failed", {}
        self._running += 1
        host = httpx.URL(fetch.url).host
        try:
            async with asyncio.timeout(fetch.timeout_s):
                status, body = await self._get(fetch)
            if status in MISSING:
                return "missing", {}
            if not 200 <= status < 300:
                log.info("lookup.failed", host=host, status=status)
                return "failed", {}
            found = json.loads(body)
            return "found", {name: taken(found, pointer) for name, pointer in fetch.take.items()}
        except Refused as error:
            log.warning("lookup.refused", host=host, reason=error.code)
        except TimeoutError:
            log.info("lookup.late", host=host, seconds=fetch.timeout_s)
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            # Its words may hold what the caller typed.
            log.info("lookup.failed", host=host, error=type(error).__name__)
        finally:
            self._running -= 1
        return "failed", {}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _get(self, fetch: Fetch) -> tuple[int, bytes]:
        client = await self._opened()
        target = await resolve(fetch.url, allow_private=self.allow_private)
        content = json.dumps(fetch.body).encode() if fetch.method == "POST" else None
        headers = {"Host": target.header, "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        body = bytearray()
        async with client.stream(
            fetch.method, target.url, content=content, headers=headers, extensions={"sni_hostname": target.host}
        ) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError("the answer is too large")
            return response.status_code, bytes(body)

    async def _opened(self) -> httpx.AsyncClient:
        """Made for the first lookup. No connection is kept: one that was checked for one host must not serve another
        one at the same address."""
        async with self._opening:
            if self._client is None:
                self._client = httpx.AsyncClient(
                    verify=await asyncio.to_thread(ssl.create_default_context),
                    trust_env=False,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
                    headers={"User-Agent": "ContactHub-Flow/1"},
                )
        return self._client


def taken(found: Any, pointer: str) -> str:
    """What a JSON pointer (RFC 6901) leads to, as text; "" for what is not there, and for lists and objects."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and len(name) < 7:
            with contextlib.suppress(IndexError):
                found = found[int(name)]
                continue
            return ""
        else:
            return ""
    match found:
        case bool():
            return "yes" if found else "no"
        case str() | int() | float():
            return str(found)[:LONGEST]
        case _:
            return ""
