"""Mailboxes of a hub over a real Dovecot: the account that reads, a wire that fails, and who gives tokens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from channels.email import imap_in
from channels.email.imap_in import Around, Budget, ImapAccount, Queues
from channels.email.oauth import OAuthTokens
from channels.email.receive import Envelope, Received
from channels.email.secrets import read_secret
from hub.mails import MailHealth
from hub.model import Channel, Contact, Millis
from hub.ports import ContactFilter
from tests.dovecot import PASSWORD, Dovecot
from tests.integration.mail.receiving import Post, post

PATIENCE_S = 30.0


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_in, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(imap_in, "LONG_PAUSE_S", 0.05)
    monkeypatch.setattr(imap_in, "LONGEST_PAUSE_S", 0.2)


@contextlib.contextmanager
def served(**settings: Any) -> Iterator[Dovecot]:
    made = Dovecot(**settings)
    try:
        yield made.start()
    finally:
        made.remove()


def letter(number: int, text: str = "", size: int = 0) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"c{number}@berg.example", "support@hub.test", f"Mail {number}"
    mail["Message-ID"] = f"<{number}@berg.example>"
    mail.set_content(text or f"This is number {number}.")
    if size:
        mail.add_attachment(os.urandom(size), maintype="application", subtype="zip", filename="large.zip")
    return mail.as_bytes(policy=SMTP)


class Reader:
    """A mailbox of the hub over an account of a server."""

    def __init__(self, hub: Post, folder: Path) -> None:
        self.hub, self._secrets = hub, folder / "secrets"
        self._secrets.mkdir(exist_ok=True)
        self.secret("password", PASSWORD)
        tokens = OAuthTokens(self._read)
        self.around = Around(
            hub.hub.store.mails, hub.clock, self._receive, self._read, tokens,
            ssl.create_default_context(), Budget(64_000_000), self.queues(10_000), 50_000_000,
        )  # fmt: skip
        self.account: ImapAccount | None = None
        self.received: list[Received] = []
        self.failing: Exception | None = None
        self.before: Callable[[], Awaitable[None]] | None = None

    def queues(self, most: int) -> Queues:
        return Queues(most, lambda: self.hub.hub.living.waiting(Channel.EMAIL))

    def secret(self, name: str, value: str) -> None:
        (self._secrets / name).write_text(value, "utf-8")

    def _read(self, reference: str) -> str:
        return read_secret(reference, str(self._secrets))

    async def _receive(self, raw: bytes, mailbox: str, at: Millis | None) -> Received:
        if self.before is not None:
            await self.before()
        if self.failing is not None:
            raise self.failing
        self.received.append(await self.hub.receiver.receive(raw, mailbox, Envelope(), at))
        return self.received[-1]

    async def begin(self, port: int, **inbound: Any) -> ImapAccount:
        row = {"kind": "imap", "host": "127.0.0.1", "port": port, "security": "none", "username": "support"}
        row |= {"secret": "" if "oauth" in inbound else "file:password", "poll_s": 3600} | inbound
        await self.hub.mailbox("support", inbound=row)
        self.account = ImapAccount("support", self.hub.hub.directory.mailboxes()["support"], self.around)
        self.account.start()
        return self.account

    async def end(self) -> None:
        if self.account is not None:
            await self.account.stop()

    async def contacts(self, count: int) -> list[Contact]:
        """Oldest first, once there are so many; there may never be more."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                rows = await self.hub.hub.store.contacts.page(ContactFilter(), limit=500)
                assert len(rows) <= count
                if len(rows) == count:
                    return [row.contact for row in reversed(rows)]
                await asyncio.sleep(0.02)

    async def is_(self, state: str, code: str = "") -> MailHealth:
        assert self.account is not None
        async with asyncio.timeout(PATIENCE_S):
            while (health := self.account.health()).state != state or (code and health.code != code):
                await asyncio.sleep(0.01)
        return health


@pytest.fixture
async def reader(hub: Post, tmp_path: Path) -> AsyncIterator[Reader]:
    made = Reader(hub, tmp_path)
    yield made
    await made.end()


async def put(server: Dovecot, *raws: bytes, folder: str = "INBOX") -> None:
    await asyncio.to_thread(lambda: server.put(*raws, folder=folder))


async def flags(server: Dovecot) -> list[bytes]:
    return await asyncio.to_thread(server.flags)


class Wire:
    """Between the hub and the server: it can be cut after so many bytes or at a command, or go dead in silence."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.cut_after: int | None = None
        self.cut_at = b""
        self.dead = False
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, far_writer}
        await asyncio.gather(
            self._pump(reader, far_writer), self._pump(far_reader, writer, cuts=True), return_exceptions=True
        )
        for each in (writer, far_writer):
            each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool = False) -> None:
        while data := await reader.read(4096):
            if self.dead:
                continue
            if not cuts and self.cut_at and self.cut_at in data:
                self.cut()
                return
            if cuts and self.cut_after is not None:
                self.cut_after -= len(data)
                if self.cut_after < 0:
                    self.cut_after = None
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    self.cut()
                    return
            writer.write(data)
            await writer.drain()
        writer.close()


class Provider:
    """Who gives tokens and tells the server whose they are. When it `rotates`, each refresh token is good once: one
    that is shown again was stolen, and ends them all."""

    def __init__(self) -> None:
        self.valid: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.refuses = False
        self.rotates = False
        self.good = "refresh1"
        self._number = 0

    async def __aenter__(self) -> Provider:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *headers = head.split("\r\n")
        method, target, _ = line.split(" ")
        length = next((int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length")), 0)
        body = (await reader.readexactly(length)).decode()
        status, told = 200, dict[str, Any]()
        if method == "POST":
            self.asked.append(dict(parse_qsl(body)))
            stale = self.rotates and self.asked[-1].get("refresh_token") != self.good
            self.refuses = self.refuses or stale
            if self.refuses:
                status, told = 400, {"error": "invalid_grant", "error_description": "consent was withdrawn"}
            else:
                self._number += 1
                self.valid.add(f"token{self._number}")
                self.good = f"refresh{self._number + 1}" if self.rotates else "refresh2"
                told = {"access_token": f"token{self._number}", "expires_in": 3600, "refresh_token": self.good}
        else:
            token = dict(parse_qsl(urlsplit(target).query)).get("access_token", "")
            if token in self.valid:
                told = {"email": "support", "expires_in": 100}
            else:
                status, told = 401, {"error": "invalid_token"}
        data = json.dumps(told).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        writer.close()
