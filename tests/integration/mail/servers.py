"""Mail servers as tests need them: one that takes mail (aiosmtpd), and ones that play a part by a script."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Received:
    sender: str
    recipients: list[str]
    raw: bytes
    options: list[str]


@dataclass
class Box:
    """What a server has taken, and what it says in the place of 250. `sessions` counts connections."""

    mails: list[Received] = field(default_factory=list)
    sessions: int = 0
    rcpt: Callable[[str], str] = lambda address: "250 OK"
    data: Callable[[Received], str] = lambda mail: "250 taken"
    came: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def wait_for(self, count: int) -> list[Received]:
        while len(self.mails) < count:
            self.came.clear()
            await self.came.wait()
        return self.mails

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        mail = Received(envelope.mail_from or "", list(envelope.rcpt_tos), content, list(envelope.mail_options))
        answer = self.data(mail)
        if answer.startswith("250"):
            self.mails.append(mail)
            self.came.set()
        return answer


@asynccontextmanager
async def taking(
    box: Box,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    password: str = "",
    utf8: bool = False,
    port: int = 0,
) -> AsyncIterator[Box]:
    """A server that hands what comes to `box`."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        ok = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=ok, handled=False)

    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that passwords come in the clear; it is this machine's own line
            return SMTP(
                box,
                enable_SMTPUTF8=utf8,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=check if password else None,
                auth_required=bool(password),
                auth_require_tls=False,
                loop=loop,
            )

    server = await loop.create_server(
        session,
        "127.0.0.1",
        port,
        ssl=tls,
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


Scene = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def playing(scene: Scene) -> AsyncIterator[int]:
    """A server on whose every connection `scene` is played; the port."""
    actors: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        actors.add(task)
        try:
            await scene(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            actors.discard(task)
            writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(actors):
            task.cancel()
        await asyncio.gather(*actors, return_exceptions=True)


async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, until: bytes) -> bytes:
    """Greets, and says yes to everything until a line begins with `until`; that line."""
    writer.write(b"220 here\r\n")
    while True:
        line = await reader.readuntil(b"\n")
        if line.upper().startswith(until):
            return line
        writer.write(b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 fine\r\n")
