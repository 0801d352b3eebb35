"""Mail that is given to us by SMTP or LMTP: for mailboxes of ours only, and answered with 250 once it is committed.

Who gives it keeps it until then, so whatever fails here is said with a 4xx and comes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from msgspec import Struct

from channels.email.receive import Envelope as Given
from channels.email.receive import Received
from channels.email.smtp_data import PIECE, take
from hub.config_email import Listener
from hub.errors import Forbidden, HubError, NotFound, RateLimited, Unavailable
from hub.limits import SlidingLimit
from hub.service import Hub

log = structlog.get_logger(__name__)
# It tells of addresses, and in its debug log of every line.
logging.getLogger("mail.log").setLevel(logging.WARNING)

MOST_RECIPIENTS = 1000
AT_ONCE = 6
"""So many mails are being given at one time; others are asked to wait. Bounds the memory, as each may be large."""
WAIT_S = 30.0
SILENT_S = 300.0
STOP_S = 5.0

Receive = Callable[[bytes, str, Given], Awaitable[Received]]


class Settings(Struct, frozen=True):
    """`networks` are those who may connect; `connections` at once, `per_minute` mails of one address."""

    networks: tuple[str, ...] = ("127.0.0.1", "::1")
    hostname: str = "localhost"
    max_size: int = 50_000_000
    connections: int = 50
    per_minute: int = 600
    tls: ssl.SSLContext | None = None
    tls_required: bool = False


def mailbox_of(hub: Hub, address: str) -> str | None:
    """The enabled mailbox of an address, its plus part aside."""
    local, _, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    found = sorted(hub.directory.mailboxes().items())
    # An alias may have a plus in its name.
    return next(
        (id for id, row in found if row.enabled and {address.lower(), plain} & set(row.addresses)),
        None,
    )


class SmtpServer:
    """Listens while it is started. `receive` commits a mail, or raises."""

    def __init__(self, hub: Hub, receive: Receive, settings: Settings) -> None:
        self.hub = hub
        self.receive = receive
        self.settings = settings
        self.room = asyncio.Semaphore(AT_ONCE)
        self.rate = SlidingLimit(settings.per_minute, 60_000)
        self.sessions: set[_Limited] = set()
        self.stopping = False
        self.addresses: list[tuple[str, int]] = []
        self._networks = [ipaddress.ip_network(text, strict=False) for text in settings.networks]
        self._servers: list[asyncio.Server] = []

    async def start(self, listeners: list[Listener]) -> None:
        """Raises OSError when an address cannot be had."""
        loop = asyncio.get_running_loop()
        self.stopping = False
        try:
            for protocol, host, port in listeners:
                kind = _Lmtp if protocol == "lmtp" else _Smtp
                server = await loop.create_server(lambda kind=kind: kind(self), host, port)  # type: ignore[misc]
                self._servers.append(server)
                self.addresses += [socket.getsockname()[:2] for socket in server.sockets]
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Takes no more, gives mails that are here a moment to be committed, then cuts the connections."""
        self.stopping = True
        for server in self._servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                for _ in range(AT_ONCE):
                    await self.room.acquire()
        self.room = asyncio.Semaphore(AT_ONCE)
        for session in list(self.sessions):
            session.cut()
        for server in self._servers:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await server.wait_closed()
        self._servers.clear()
        self.addresses.clear()

    def lets_in(self, address: str) -> str:
        """What is said to who may not connect; empty for who may."""
        try:
            near = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return "554 5.7.1 no address"
        if isinstance(near, ipaddress.IPv6Address) and near.ipv4_mapped is not None:
            near = near.ipv4_mapped
        if not any(near in network for network in self._networks):
            return "554 5.7.1 this server takes no mail from you"
        if self.stopping or len(self.sessions) >= self.settings.connections:
            return "421 4.3.2 too many connections, try again later"
        return ""

    # --- aiosmtpd's hooks -------------------------------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        try:
            self.rate.take(peer(session), self.hub.clock.now())
            self.hub.refuse_blocked(email=address.lower(), address=peer(session))
        except RateLimited:
            return "450 4.7.1 too many mails, try again later"
        except Forbidden:
            return "550 5.7.1 this sender is not served"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if mailbox_of(self.hub, address) is None:
            return "550 5.1.1 there is no such mailbox here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content
        assert content is not None
        mailbox = next(filter(None, (mailbox_of(self.hub, each) for each in envelope.rcpt_tos)), None)
        if mailbox is None:
            return "451 4.3.0 the mailbox was just taken away, try again"
        given = Given(envelope.mail_from or "", tuple(envelope.rcpt_tos), peer(session))
        try:
            received = await self.receive(bytes(content), mailbox, given)
        except Unavailable as error:
            return f"451 4.3.0 it could not be stored ({error.code}), try again later"
        except NotFound as error:
            log.error("mail.misplaced", mailbox=mailbox, error=error.code)
            return "451 4.3.5 this mailbox is not set up as it should be, try again later"
        except HubError as error:
            log.error("mail.refused", mailbox=mailbox, error=error.code)
            return "451 4.3.0 it could not be stored, try again later"
        except Exception:
            log.exception("mail.failed", mailbox=mailbox)
            return "451 4.3.0 it could not be stored, try again later"
        if received.outcome == "blocked":
            return "550 5.7.1 this sender is not served"
        return f"250 2.0.0 kept as {received.mail}"


def peer(session: Session) -> str:
    """The network address of the other side."""
    found: Any = session.peer
    return str(found[0]) if isinstance(found, tuple) and found else ""


class BareLineEnd(Exception):
    """The other side ends a line with an LF or a CR alone."""


class LineEnds:
    """Finds LF and CR that are not together, in whatever pieces a stream comes."""

    def __init__(self) -> None:
        self._after_cr = False

    def feed(self, data: bytes) -> str:
        """ "LF" or "CR", whichever stands alone in the stream up to here; empty for neither."""
        piece = b"\r" + data if self._after_cr else data
        self._after_cr = piece.endswith(b"\r")
        together = piece.count(b"\r\n")
        if piece.count(b"\n") != together:
            return "LF"
        return "CR" if piece.count(b"\r") - self._after_cr != together else ""


class _Limited(SMTP):
    """aiosmtpd's session with our way of taking DATA: bounded in memory, without a long turn at its end, and with
    nothing but CRLF for an end of line, in mails and between commands. What is taken for an end by some servers and not
    by others (bare LF or CR) is how mails are smuggled inside others: who says it is told so and hears no more."""

    line_length_limit = PIECE

    def __init__(self, server: SmtpServer) -> None:
        settings = server.settings
        super().__init__(
            server,
            data_size_limit=settings.max_size,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            ident="Contact Hub",
            tls_context=settings.tls,
            require_starttls=settings.tls_required,
            timeout=SILENT_S,
        )
        self._hub_server = server
        self._ends = LineEnds()
        self._bare = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("peername")
        refusal = "" if self in self._hub_server.sessions else self._hub_server.lets_in(address[0] if address else "")
        if refusal and isinstance(transport, asyncio.Transport):
            transport.write(refusal.encode() + b"\r\n")
            transport.close()
            return
        self._hub_server.sessions.add(self)
        self._ends = LineEnds()  # after STARTTLS nothing goes on from what was said before
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._bare or self not in self._hub_server.sessions:
            return
        self._bare = self._ends.feed(data)
        if self._bare:
            self._reader.set_exception(BareLineEnd(self._bare))
        else:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._hub_server.sessions:
            self._hub_server.sessions.discard(self)
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self in self._hub_server.sessions else False

    async def handle_exception(self, error: Exception) -> str:
        if not isinstance(error, BareLineEnd):
            return await super().handle_exception(error)
        log.warning("smtp.bare_line_end", address=peer(self._session()), character=self._bare)
        transport = self.transport
        assert isinstance(transport, asyncio.Transport)
        answer = f"521 5.5.2 bare {self._bare}: lines end with CRLF, and CR and LF stand nowhere else\r\n"
        transport.write(answer.encode())
        # What is not read when a connection closes would take the answer with it.
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
        self.loop.call_later(STOP_S, transport.abort)
        await asyncio.Future()  # until the connection is gone, which ends this task
        raise AssertionError("nothing sets it")

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.close()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        envelope = self.envelope
        assert envelope is not None
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 syntax: DATA")
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._hub_server.room.acquire()
        except TimeoutError:
            await self.push("452 4.3.1 too busy, try again later")
            return
        room = self._hub_server.room
        try:
            await self.push("354 end data with <CR><LF>.<CR><LF>")
            wrong, content = await take(self._reader, self._hub_server.settings.max_size)
            if wrong:
                await self._answers(envelope, wrong)
                return
            envelope.content = envelope.original_content = content
            status = await self._hub_server.handle_DATA(self, self._session(), envelope)
            await self._answers(envelope, status)
        finally:
            room.release()
            self._set_post_data_state()  # type: ignore[no-untyped-call]

    def _session(self) -> Session:
        assert self.session is not None
        return self.session

    async def _answers(self, envelope: Envelope, status: str) -> None:
        await self.push(status)


class _Smtp(_Limited):
    """By SMTP there is one answer for all recipients."""


class _Lmtp(_Limited, LMTP):
    """By LMTP there is one for each."""

    async def _answers(self, envelope: Envelope, status: str) -> None:
        for _ in envelope.rcpt_tos:
            await self.push(status)
