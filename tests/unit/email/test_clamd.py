"""What clamd is asked, and what becomes of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.email.check import check_mail
from channels.email.clamd import BLOCK, Clamd, Unscanned
from hub.config import parse
from hub.config_email import ClamdAddress, clamd_address
from hub.errors import ConfigError
from tests.clamd import EICAR, clam


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


@pytest.mark.parametrize("by_socket", [True, False])
async def test_what_is_clean_and_what_is_not(tmp_path: Path, by_socket: bool) -> None:
    async with clam(tmp_path / "clamd.ctl" if by_socket else None) as (server, where):
        clamd = Clamd(where)
        assert await clamd.scan(pieces(b"a letter")) == ""
        assert await clamd.scan(pieces(EICAR[:20], EICAR[20:])) == "Eicar-Test-Signature"
        assert await clamd.scan(pieces()) == ""
        assert server.streams == [8, len(EICAR), 0]


async def test_long_files_go_in_pieces() -> None:
    async with clam(limit=4 * BLOCK) as (server, where):
        assert await Clamd(where).scan(pieces(bytes(2 * BLOCK + 1), EICAR)) == "Eicar-Test-Signature"
        assert server.streams == [2 * BLOCK + 1 + len(EICAR)]


async def test_a_file_that_is_too_large_for_it_is_told_apart_from_a_server_that_is_away() -> None:
    async with clam(limit=1000) as (_, where):
        clamd = Clamd(where)
        with pytest.raises(Unscanned, match="size limit exceeded") as caught:
            await clamd.scan(pieces(*[bytes(600)] * 50))
        assert not caught.value.away
        assert await clamd.scan(pieces(b"a letter")) == ""


async def test_a_server_that_is_away_breaks_off_or_falls_silent(tmp_path: Path) -> None:
    for where in (ClamdAddress(path=str(tmp_path / "nothing")), ClamdAddress(host="127.0.0.1", port=1)):
        with pytest.raises(Unscanned, match="cannot be reached") as caught:
            await Clamd(where).scan(pieces(b"x"))
        assert caught.value.away
    async with clam() as (server, where):
        server.away = True
        with pytest.raises(Unscanned, match="broke off") as caught:
            await Clamd(where).scan(pieces(b"x"))
        assert caught.value.away
        server.away = False
        server.held.clear()
        with pytest.raises(Unscanned, match="in time") as caught:
            await Clamd(where, scan_s=0.05).scan(pieces(b"x"))
        assert caught.value.away


async def test_only_some_are_asked_about_at_once() -> None:
    async with clam() as (server, where):
        server.held.clear()
        clamd = Clamd(where, at_once=3)
        tasks = [asyncio.create_task(clamd.scan(pieces(b"x" * (i + 1)))) for i in range(10)]
        while len(server.streams) < 3:
            await asyncio.sleep(0)
        server.held.set()
        assert await asyncio.gather(*tasks) == [""] * 10
        assert server.most_at_once == 3


async def test_what_is_no_answer_of_clamds() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(bytes(4))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n\0")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        where = ClamdAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        with pytest.raises(Unscanned, match="clamd says: HTTP"):
            await Clamd(where).scan(pieces(b"x"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/run/clamav/clamd.ctl", ClamdAddress(path="/run/clamav/clamd.ctl")),
        ("127.0.0.1:3310", ClamdAddress(host="127.0.0.1", port=3310)),
        ("[::1]:3310", ClamdAddress(host="::1", port=3310)),
        ("scanner.internal:3310", ClamdAddress(host="scanner.internal", port=3310)),
    ],
)
def test_where_it_is(text: str, found: ClamdAddress) -> None:
    assert clamd_address(text) == found


@pytest.mark.parametrize("text", ["clamd", "clamd:port", "run/clamd.ctl", ":3310", "scanner:0", "scanner:99999"])
def test_settings_that_name_no_place_are_mistakes(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^email\.clamd: expected the path of a socket, or host:port"):
        parse({"email": {"clamd": text}})


async def test_check_tells_whether_it_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "clamd.ctl")
    settings = parse({"email": {"clamd": path}}).email
    (away,) = await asyncio.to_thread(check_mail, settings, {})
    assert (away.name, away.ok) == ("email.clamd", False)
    async with clam(Path(path)) as (server, _):
        (well,) = await asyncio.to_thread(check_mail, settings, {})
        assert well.ok and server.streams == [0]


def test_waiting_for_a_scanner_that_is_not_named_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"^email\.clamd: expected where clamd is"):
        parse({"email": {"clamd_required": True}})
    assert parse({"email": {"clamd": "/run/clamav/clamd.ctl", "clamd_required": True}}).email.clamd_required
