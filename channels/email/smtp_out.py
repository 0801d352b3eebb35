"""Giving mails to a server: one account's connections, kept for the next mail, and what the server said of each.

What goes wrong is of two kinds. `Down` is the account's: no connection, no TLS, a wrong certificate or password; no
mail of it can go now, and none is to blame. A `Verdict` is the mail's: for whom it was taken, for whom it never will
be, and who may be tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import aiosmtplib
from msgspec import Struct, field

from channels.email.oauth import NoToken

CONNECT_S = 30.0
COMMAND_S = 60.0
# After the last byte a server may take its time: RFC 5321 (4.5.3.2.6) asks for ten minutes, but who has not answered
# after three is as good as lost, and the mail comes again.
DATA_S = 180.0
IDLE_S = 15.0
MAILS_PER_CONNECTION = 100
CONNECTIONS = 4

Security = Literal["tls", "starttls", "none"]
Sentence = str


class Server(Struct, frozen=True):
    """Where an account's mail is given to. `token` answers an OAuth2 access token and stands in a password's place;
    `refused` is told when the server did not take it."""

    host: str
    port: int
    security: Security = "tls"
    username: str = ""
    password: str = ""
    token: Callable[[], Awaitable[str]] | None = None
    refused: Callable[[], None] | None = None
    tls: ssl.SSLContext | None = None  # None: the machine's authorities
    name: str = "localhost"  # in EHLO


class Reply(Struct, frozen=True):
    """What a server said; `code` None when it said nothing."""

    code: int | None
    text: Sentence


class Verdict(Struct, frozen=True):
    """Every recipient is in one of the three."""

    taken: tuple[str, ...] = ()
    refused: dict[str, Reply] = field(default_factory=dict)
    later: dict[str, Reply] = field(default_factory=dict)


class Down(Exception):
    """The account cannot send now. The sentence is for its administrator."""

    def __init__(self, sentence: Sentence, code: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.code = sentence, code


class Lost(Exception):
    """The connection broke or nothing came while a mail was given over it; whether it was taken is not known."""


class _Connection:
    """One session with the server. Not used by two at once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._smtp: aiosmtplib.SMTP | None = None
        self.mails = 0
        self.began = False  # it may have been taken, whatever happens now

    @property
    def fresh(self) -> bool:
        return self.mails == 0

    async def open(self) -> None:
        """Raises Down."""
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.tls if server.security != "none" else None,
            local_hostname=server.name,
            timeout=COMMAND_S,
        )
        try:
            try:
                async with asyncio.timeout(CONNECT_S):
                    await smtp.connect(timeout=CONNECT_S)
                    await self._sign_in(smtp)
            except BaseException:
                smtp.close()
                raise
        except aiosmtplib.SMTPAuthenticationError as error:
            if server.refused is not None:
                server.refused()
            raise Down(f"The server refused the sign-in: {said(error.message)}", error.code) from error
        except aiosmtplib.SMTPConnectResponseError as error:
            raise Down(f"The server does not take mail now: {said(error.message)}", error.code) from error
        except (ssl.SSLCertVerificationError, ssl.CertificateError) as error:
            raise Down(f"The server's certificate is not valid: {error.verify_message}.") from error
        except NoToken as error:
            raise Down(str(error)) from error
        except TimeoutError as error:
            raise Down(f"{server.host} port {server.port} does not answer.") from error
        except aiosmtplib.SMTPResponseException as error:
            raise Down(f"The server said: {said(error.message)}", error.code) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Down(_why(server, error)) from error
        self._smtp = smtp

    async def _sign_in(self, smtp: aiosmtplib.SMTP) -> None:
        server = self._server
        if smtp.is_ehlo_or_helo_needed:
            with contextlib.suppress(aiosmtplib.SMTPHeloError):
                await smtp.ehlo()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.helo()
        if server.token is not None:
            await smtp.auth_xoauth2(server.username, await server.token())
        elif server.username:
            await smtp.login(server.username, server.password)

    async def give(self, sender: str, recipients: Sequence[str], raw: bytes, utf8: bool) -> Verdict:
        """Raises Lost, Down."""
        smtp = self._smtp
        assert smtp is not None
        try:
            return await self._give(smtp, sender, recipients, raw, utf8)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, ConnectionError, TimeoutError) as error:
            raise Lost(str(error) or "the connection was lost") from error

    async def _give(
        self, smtp: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], raw: bytes, utf8: bool
    ) -> Verdict:
        options = [f"SIZE={len(raw)}"] if smtp.supports_extension("size") else []
        if utf8:
            if not smtp.supports_extension("smtputf8"):
                reply = Reply(None, "The server cannot send to addresses with letters beyond ASCII.")
                return Verdict(refused=dict.fromkeys(recipients, reply))
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        encoding = "utf-8" if utf8 else "ascii"
        self.mails += 1
        self.began = False
        try:
            await smtp.mail(sender, options=options, encoding=encoding)
        except aiosmtplib.SMTPSenderRefused as error:
            await self._reset(smtp)
            if error.code in (530, 535):
                raise Down(f"The server wants a sign-in: {said(error.message)}", error.code) from error
            return _all(recipients, error.code, error.message)
        accepted: list[str] = []
        refused: dict[str, Reply] = {}
        later: dict[str, Reply] = {}
        for recipient in recipients:
            try:
                await smtp.rcpt(recipient, encoding=encoding)
                accepted.append(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                # 452 is also "too many recipients in one mail" (RFC 5321, 4.5.3.1.10): the rest goes next time.
                (refused if error.code >= 500 else later)[recipient] = Reply(error.code, said(error.message))
                if error.code == 421:
                    raise aiosmtplib.SMTPServerDisconnected(said(error.message)) from error
        if not accepted:
            await self._reset(smtp)
            return Verdict((), refused, later)
        self.began = True
        try:
            await smtp.data(raw, timeout=DATA_S)
        except aiosmtplib.SMTPDataError as error:
            await self._reset(smtp)
            whole = _all(accepted, error.code, error.message)
            return Verdict((), refused | whole.refused, later | whole.later)
        return Verdict(tuple(accepted), refused, later)

    async def _reset(self, smtp: aiosmtplib.SMTP) -> None:
        """Ready for another mail, or closed."""
        try:
            await smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            smtp.close()

    @property
    def open_still(self) -> bool:
        return self._smtp is not None and self._smtp.is_connected and self.mails < MAILS_PER_CONNECTION

    async def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None and smtp.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await smtp.quit(timeout=2)
            smtp.close()


class Smtp:
    """An account's way out. Mails may be given at once, each over a connection of its own, at most `connections`."""

    def __init__(self, server: Server, connections: int = CONNECTIONS) -> None:
        self.server = server
        self._idle: list[_Connection] = []
        self._room = asyncio.Semaphore(connections)
        self._closing: asyncio.TimerHandle | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def send(self, sender: str, recipients: Sequence[str], raw: bytes, *, utf8: bool = False) -> Verdict:
        """Gives the mail to the server. Raises Down, Lost."""
        async with self._room:
            while True:
                connection = self._idle.pop() if self._idle else _Connection(self.server)
                reused = not connection.fresh
                try:
                    if not reused:
                        await connection.open()
                    elif not connection.open_still:
                        await connection.close()
                        continue
                    verdict = await connection.give(sender, recipients, raw, utf8)
                except Lost:
                    await connection.close()
                    if reused and not connection.began:
                        continue  # the server had left it, as it may at any time
                    raise
                except BaseException:
                    await asyncio.shield(connection.close())
                    raise
                self._keep(connection)
                return verdict

    async def check(self) -> None:
        """Connects and signs in, and leaves again. Raises Down."""
        connection = _Connection(self.server)
        await connection.open()
        await connection.close()

    def _keep(self, connection: _Connection) -> None:
        if connection.open_still:
            self._idle.append(connection)
        else:
            self._leave(connection)
        if self._closing is not None:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(IDLE_S, self._tired)

    def _tired(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            self._leave(connection)

    def _leave(self, connection: _Connection) -> None:
        task = asyncio.create_task(connection.close())
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def close(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()
        for task in list(self._goodbyes):
            await task


def _all(recipients: Sequence[str], code: int, message: str) -> Verdict:
    replies = dict.fromkeys(recipients, Reply(code, said(message)))
    return Verdict(refused=replies) if code >= 500 else Verdict(later=replies)


def said(text: str) -> Sentence:
    """A server's words on one line, bounded: they are shown to people."""
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:300]


def _why(server: Server, error: Exception) -> Sentence:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The server's certificate is not valid: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return f"{server.host} port {server.port} does not speak TLS as it should: {cause.reason or cause}."
        cause = cause.__cause__ or cause.__context__
    return f"{server.host} port {server.port}: {said(str(error)) or type(error).__name__}"
