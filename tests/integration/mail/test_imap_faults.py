"""Reading mailboxes from servers that fail, and with tokens: told clearly, nothing lost or doubled, well by itself."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from channels.email import imap_client
from tests.dovecot import PASSWORD
from tests.integration.mail.mailboxes import Provider, Reader, Wire, hasty, hub, letter, put, reader, served
from tests.integration.sip.certificates import Authority

__all__ = ["hasty", "hub", "reader"]


async def test_a_connection_cut_within_a_fetch(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        raws = [letter(number, size=30_000) for number in range(20)]
        await put(server, *raws)
        async with Wire(server.port) as wire:
            wire.cut_after = 200_000
            await reader.begin(wire.port)
            health = await reader.is_("trouble", "connection")
            assert "connection" in health.problem
            wire.cut_after = 300_000
            contacts = await reader.contacts(20)
            await reader.is_("idle")
            assert wire.connections >= 3
            kept = {(await reader.hub.mails(contact.id))[0].size for contact in contacts}
            assert kept == {len(raw) for raw in raws}


async def test_an_idle_that_died_in_silence(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_client, "COMMAND_S", 0.5)
    with served() as server:
        async with Wire(server.port) as wire:
            await reader.begin(wire.port, poll_s=5)
            await reader.is_("idle")
            wire.dead = True
            await put(server, letter(1))
            # Nobody says that the connection is gone; the next look finds it out.
            await reader.is_("trouble", "silent")
            wire.dead = False
            await reader.contacts(1)
            assert (await reader.is_("idle")).problem == ""


async def test_a_server_that_restarts(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await reader.begin(server.port)
        await reader.is_("idle")
        await asyncio.to_thread(server.stop)
        health = await reader.is_("trouble", "connection")
        assert "127.0.0.1" in health.problem or "server" in health.problem
        await asyncio.to_thread(server.start)
        await put(server, letter(1))
        await reader.contacts(1)
        await reader.is_("idle")


async def test_a_wrong_password(reader: Reader, tmp_path: Path) -> None:
    reader.secret("password", "wrong")
    with served(more="auth_failure_delay = 0") as server:
        await put(server, letter(1))
        await reader.begin(server.port)
        health = await reader.is_("trouble", "auth")
        assert "refuses" in health.problem
        assert "wrong" not in health.problem
        reader.secret("password", PASSWORD)
        await reader.contacts(1)
        await reader.is_("idle")


async def test_a_secret_that_is_not_there(reader: Reader, tmp_path: Path) -> None:
    await reader.begin(1, secret="env:CONTACTHUB_NOT_SET")
    assert "CONTACTHUB_NOT_SET" in (await reader.is_("trouble", "secret")).problem
    await reader.end()
    await reader.begin(1, secret="env:PATH")
    assert "CONTACTHUB_" in (await reader.is_("trouble", "secret")).problem


async def test_a_server_that_is_full(reader: Reader, tmp_path: Path) -> None:
    with served(connections=1) as server:
        await put(server, letter(1))
        other = await asyncio.to_thread(server.box)
        await reader.begin(server.port)
        health = await reader.is_("trouble", "full")
        assert health.problem
        await asyncio.to_thread(other.logout)
        await reader.contacts(1)
        await reader.is_("idle")


async def test_a_folder_that_is_not_there(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await reader.begin(server.port, folders=["Nowhere"])
        await reader.is_("trouble", "folder")
        await put(server, letter(1), folder="Nowhere")
        await reader.contacts(1)


async def test_certificates(reader: Reader, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    right, wrong = authority.issue("127.0.0.1"), authority.issue("other.example")
    with served(certificate=wrong.certificate, key=wrong.key) as server:
        await put(server, letter(1))
        for security, port in (("tls", server.tls_port), ("starttls", server.port)):
            await reader.begin(port, security=security)
            assert "certificate" in (await reader.is_("trouble", "tls")).problem
            await reader.end()
        assert reader.received == []
    reader.around.tls.load_verify_locations(authority.path)
    with served(certificate=right.certificate, key=right.key) as server:
        for number, (security, port) in enumerate((("tls", server.tls_port), ("starttls", server.port)), 1):
            await put(server, letter(number))
            await reader.begin(port, security=security)
            await reader.contacts(number)
            await reader.end()
    with served() as server:
        await reader.begin(server.port, security="starttls")
        assert "STARTTLS" in (await reader.is_("trouble", "tls")).problem


async def test_what_is_no_imap_server(reader: Reader) -> None:
    async def answer(near: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            await near.read()
        writer.close()

    answers = iter(
        [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"* OK hi\r\n* (((((\r\n", b"x" * 9_000_000, *[b"\0" * 99] * 999]
    )
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    await reader.begin(server.sockets[0].getsockname()[1])
    for _ in range(3):
        await reader.is_("trouble", "protocol")
    await reader.end()
    server.close()


# --- tokens in the place of passwords ---------------------------------------------------------------------------------


async def test_tokens_are_fetched_and_renewed(reader: Reader, tmp_path: Path) -> None:
    reader.secret("refresh", "refresh1")
    reader.secret("client", "shh")
    async with Provider() as provider:
        oauth = {"token_url": f"{provider.url}/token", "client_id": "us", "secret": "file:client"}
        oauth |= {"refresh_token": "file:refresh", "scope": "imap"}
        with served(token_info=f"{provider.url}/?access_token=", more="auth_failure_delay = 0") as server:
            await reader.begin(server.port, oauth=oauth)
            await reader.is_("idle")
            assert provider.asked == [
                {
                    "client_id": "us",
                    "client_secret": "shh",
                    "grant_type": "refresh_token",
                    "refresh_token": "refresh1",
                    "scope": "imap",
                }
            ]
            # The token is withdrawn before its time: a new one is had by the newer refresh token.
            await reader.end()
            provider.valid.clear()
            await put(server, letter(1))
            await reader.begin(server.port, oauth=oauth)
            await reader.contacts(1)
            assert [each["refresh_token"] for each in provider.asked] == ["refresh1", "refresh2"]
            # Nobody gives tokens any more, until somebody consents again.
            await reader.end()
            provider.valid.clear()
            provider.refuses = True
            await reader.begin(server.port, oauth=oauth)
            assert "consent was withdrawn" in (await reader.is_("trouble", "token")).problem
            provider.refuses = False
            await put(server, letter(2))
            await reader.contacts(2)


async def test_a_token_service_that_is_away(reader: Reader) -> None:
    reader.secret("refresh", "refresh1")
    oauth = {"token_url": "http://127.0.0.1:9/token", "refresh_token": "file:refresh"}
    await reader.begin(1, oauth=oauth)
    assert "reached" in (await reader.is_("trouble", "token")).problem
