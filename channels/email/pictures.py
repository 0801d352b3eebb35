"""Pictures that a mail wants from elsewhere, fetched by the hub when an agent has asked for them.

The sender chooses the address, so nothing about it is trusted: only the web, only hosts in the open internet (looked at
again after each redirect; what was looked up is what is connected to), only pictures by their bytes, and bounded in
size and time. The agent's browser tells the sender nothing: no cookie, no referrer, no address of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import httpx
import structlog
from msgspec import Struct

from hub.errors import HubError, NotFound, RateLimited
from hub.file_types import HEAD, kind_of
from hub.outbound import resolve

log = structlog.get_logger(__name__)

SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
TIMEOUT_S = 10.0
LARGEST = 8_000_000
REDIRECTS = 3
PORTS = frozenset({None, 80, 443})
AT_ONCE = 16
WAITING = 200


class Fetched(Struct, frozen=True):
    type: str
    data: bytes


class RemotePictures:
    """`allow_private`: also from hosts inside, and at any port."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def fetch(self, url: str) -> Fetched:
        """Raises NotFound for what is no picture, cannot be had or may not be asked for; RateLimited."""
        if self._waiting >= WAITING:
            raise RateLimited(5000, "Too many pictures are being fetched.")
        self._waiting += 1
        try:
            async with self._room, asyncio.timeout(TIMEOUT_S):
                return await self._follow(url)
        except (HubError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            # Where it lies is between sender and recipient; why it is not shown is no more than this.
            log.info("mail.picture_refused", reason=getattr(error, "code", type(error).__name__))
            raise NotFound("picture") from None
        finally:
            self._waiting -= 1

    async def _follow(self, url: str) -> Fetched:
        client = await self._opened()
        for _ in range(REDIRECTS + 1):
            parts = urlsplit(url)
            if not self._allow_private and parts.port not in PORTS:
                raise NotFound("picture")
            target = await resolve(url, allow_private=self._allow_private)
            headers = {"Host": target.header, "Accept": ", ".join(sorted(SHOWN)), "Accept-Encoding": "identity"}
            async with client.stream(
                "GET", target.url, headers=headers, extensions={"sni_hostname": target.host}
            ) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    raise NotFound("picture")
                return await _read(response)
        raise NotFound("picture")

    async def _opened(self) -> httpx.AsyncClient:
        """Made at the first picture: reading the machine's certificates takes a while."""
        async with self._opening:
            if self._client is None:
                # No connection is kept: one that was checked for one host must not serve another one.
                self._client = httpx.AsyncClient(
                    verify=await asyncio.to_thread(ssl.create_default_context),
                    timeout=TIMEOUT_S,
                    trust_env=False,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
                    headers={"User-Agent": "ContactHub-Pictures/1"},
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # takes none, so sends none
                )
        return self._client


async def _read(response: httpx.Response) -> Fetched:
    """The bytes as they came: a server that compresses all the same sends something that is no picture."""
    data = bytearray()
    async for block in response.aiter_raw():
        data += block
        if len(data) > LARGEST:
            raise NotFound("picture")
    type = kind_of(bytes(data[:HEAD]), "", lambda: None).type
    if type not in SHOWN:
        raise NotFound("picture")
    return Fetched(type, bytes(data))
