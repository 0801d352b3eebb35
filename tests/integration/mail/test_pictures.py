"""Pictures from elsewhere, fetched from real servers on this machine: what is asked for, and all that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO

import pytest
from PIL import Image

from channels.email import pictures
from channels.email.pictures import Fetched, RemotePictures
from hub.errors import NotFound

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def png(size: tuple[int, int] = (40, 30)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "#0b6e63").save(out, "PNG")
    return out.getvalue()


def whole(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a server, and the requests that it got."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            asked.append(head)
            await answer(head.split(" ")[1], writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", asked
    finally:
        listening.close()


def always(response: bytes) -> Answer:
    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        await writer.drain()

    return answer


@asynccontextmanager
async def inside() -> AsyncIterator[RemotePictures]:
    remote = RemotePictures(allow_private=True)
    try:
        yield remote
    finally:
        await remote.close()


async def refused(remote: RemotePictures, url: str) -> None:
    with pytest.raises(NotFound):
        await remote.fetch(url)


async def test_a_picture_is_what_its_bytes_are() -> None:
    answer = whole(png(), **{"Content-Type": "text/html", "Set-Cookie": "a=b"})
    async with server(always(answer)) as (url, asked), inside() as remote:
        for _ in range(2):
            assert await remote.fetch(f"{url}/x?y=1") == Fetched("image/png", png())
    assert asked[0].startswith("GET /x?y=1 HTTP/1.1")
    assert "cookie" not in asked[1].lower() and "referer" not in asked[1].lower()


@pytest.mark.parametrize(
    "body",
    [
        b"<script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%PDF-1.4\n",
        b"",
        b"II*\0" + b"\0" * 100,
        b"GIF8",
    ],
)
async def test_what_is_no_picture_is_refused(body: bytes) -> None:
    async with server(always(whole(body, **{"Content-Type": "image/png"}))) as (url, _), inside() as remote:
        await refused(remote, url)


async def test_too_much_is_cut_off() -> None:
    sent = 0

    async def endless(path: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + png())
        while True:
            writer.write(b"\0" * 65_536)
            await writer.drain()
            sent += 65_536

    async with server(endless) as (url, _), inside() as remote:
        await refused(remote, url)
    assert sent < 4 * pictures.LARGEST


async def test_slow_servers_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "TIMEOUT_S", 0.3)

    async def drip(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"\x89")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with server(drip) as (url, _), inside() as remote:
        await refused(remote, url)


async def test_redirects_are_followed_a_few_times() -> None:
    async def turn(path: str, writer: asyncio.StreamWriter) -> None:
        left = int(path.strip("/"))
        writer.write(whole(png()) if left == 0 else whole(b"", "302 Found", Location=f"/{left - 1}"))
        await writer.drain()

    async with server(turn) as (url, _), inside() as remote:
        assert (await remote.fetch(f"{url}/3")).type == "image/png"
        await refused(remote, f"{url}/4")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://localhost/x.png",
        "http://[::1]/x.png",
        "http://0.0.0.0/x.png",
        "http://10.0.0.1/x.png",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://[64:ff9b::7f00:1]/x.png",
        "http://2130706433/x.png",
        "http://0x7f.1/x.png",
        "http://user:pw@127.0.0.1/x.png",
        "https://127.0.0.1:22/",
        "ftp://192.0.2.1/x.png",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http:///x",
        "http://exa mple/",
        "http://[::1",
        "javascript:alert(1)",
        "",
    ],
)
async def test_nothing_inside_is_asked_for(url: str) -> None:
    remote = RemotePictures()
    try:
        await refused(remote, url)
    finally:
        await remote.close()


async def test_a_redirect_leads_nowhere_inside_and_no_name_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up again at each step, and what was looked up is what is connected to."""
    looked: list[str] = []
    loop = asyncio.get_running_loop()

    async def lookup(host: str, port: int, **options: object) -> list[object]:
        looked.append(host)
        address = {"rebind.example": "127.0.0.1", "mixed.example": "127.0.0.1"}.get(host, host)
        found: list[object] = [(2, 1, 6, "", (address, port))]
        return [(2, 1, 6, "", ("93.184.216.34", port)), *found] if host == "mixed.example" else found

    async with server(always(whole(png()))) as (url, asked):
        monkeypatch.setattr(loop, "getaddrinfo", lookup)
        remote = RemotePictures()
        try:
            await refused(remote, "http://rebind.example/x.png")
            await refused(remote, "http://mixed.example/x.png")
            await refused(remote, url)
        finally:
            await remote.close()
        assert asked == []
    assert looked[:2] == ["rebind.example", "mixed.example"]
