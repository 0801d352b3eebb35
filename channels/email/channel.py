"""The incoming half of the e-mail channel, put together: what reads mails, who listens, and the mailboxes that are
fetched from; `server.py` starts and stops it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog
from msgspec.structs import replace

from channels.email.classifier import Classifier
from channels.email.dry_run import DryRuns
from channels.email.imap_in import Around, Budget, ImapAccount, Queues
from channels.email.oauth import OAuthTokens, row_id
from channels.email.receive import Envelope, Received, Receiver
from channels.email.secrets import read_secret
from channels.email.smtp_in import Settings, SmtpServer
from channels.email.tokens_kept import InStore
from channels.email.triage import Sorter
from channels.email.triaging import Triaging
from hub.config_email import Email, listener
from hub.config_mail import Mailbox
from hub.errors import ConfigError, Unavailable
from hub.files import FileStore
from hub.mails import MailHealth
from hub.model import Channel, Millis
from hub.service import Hub
from mail.worker import ParserPool

log = structlog.get_logger(__name__)


class EmailChannel:
    """`secret` is what reply tokens are made with. `sends` says why a mailbox cannot send, empty when it can.

    Raises ConfigError for certificates and authorities that cannot be read.
    """

    def __init__(
        self,
        hub: Hub,
        files: FileStore,
        email: Email,
        secret: bytes,
        *,
        tokens: OAuthTokens | None = None,
        sends: Callable[[str], str] = lambda mailbox: "",
    ) -> None:
        self._hub = hub
        self._email = email
        self._sends = sends
        self._parser = ParserPool(email.workers)
        self.receiver = Receiver(hub, files, self._parser, secret)
        self.classifier = Classifier(hub, email)
        self.receiver.triage = Sorter(hub.directory, self.classifier if email.classifier else None)
        hub.sorting = Triaging(DryRuns(hub, files, self._parser), self.classifier)
        self.smtp = SmtpServer(hub, self.receiver.receive, _listening(email))

        def secret_of(reference: str) -> str:
            return read_secret(reference, email.secrets)

        self._around = Around(
            hub.store.mails,
            hub.clock,
            self._fetched,
            secret_of,
            tokens or OAuthTokens(secret_of, InStore(hub.store.mails, secret)),
            trusted(email),
            Budget(email.fetch_bytes),
            Queues(email.backlog_waiting, lambda: hub.living.waiting(Channel.EMAIL)),
            email.max_size,
        )
        self._accounts: dict[str, ImapAccount] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """After the hub has started. Raises Unavailable when an address to listen on cannot be had."""
        await self._parser.start()
        listeners = [listener(text) for text in self._email.listen]
        try:
            await self.smtp.start(listeners)
        except OSError as error:
            await self._parser.stop()
            raise Unavailable(f"The e-mail channel cannot listen: {error}.", code="email.address") from None
        for host, port in self.smtp.addresses:
            log.info("email.listening", host=host, port=port)
        await self.classifier.start()
        self._hub.mail_health = self.health
        self._hub.directory.on_change(self._configured)
        self._hub.leadership.on_change(self._leads)
        # Not when a mailbox changes: what was changed by mistake is changed back, and its refresh token came once.
        await self._hub.store.mails.keep_tokens(self._signed_in_to())
        self._task = asyncio.create_task(self._follow(), name="mailboxes")
        self._changed.set()

    async def stop(self) -> None:
        """Mails under way are finished or come again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self.smtp.stop()
        await asyncio.gather(*(account.stop() for account in self._accounts.values()))
        self._accounts.clear()
        await self.classifier.stop()
        await self._parser.stop()

    async def _fetched(self, raw: bytes, mailbox: str, at: Millis | None) -> Received:
        return await self.receiver.receive(raw, mailbox, Envelope(), at)

    # --- mailboxes that are fetched from: by one node only, the one that leads ----------------------------------------

    def _configured(self, kind: str, id: str) -> None:
        if kind == "mailbox":
            self._changed.set()

    def _leads(self, leads: bool) -> None:
        self._changed.set()

    async def _follow(self) -> None:
        """Starts and stops accounts as their rows, and who leads, change."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._arrange()

    def _signed_in_to(self) -> set[str]:
        """Which rows of tokens belong to mailboxes that there are."""
        ways = [way for row in self._hub.directory.mailboxes().values() for way in (row.inbound, row.outbound)]
        return {row_id(oauth) for way in ways if (oauth := way.oauth) is not None}

    async def _arrange(self) -> None:
        wanted = self._fetched_from() if self._hub.leadership.leads and not self._hub.stopping else {}
        for id, account in list(self._accounts.items()):
            if wanted.get(id) != account.row:
                del self._accounts[id]
                await account.stop()
        for id, row in wanted.items():
            if id not in self._accounts:
                self._accounts[id] = account = ImapAccount(id, row, self._around)
                account.start()

    def _fetched_from(self) -> dict[str, Mailbox]:
        rows = self._hub.directory.mailboxes()
        return {id: row for id, row in rows.items() if row.enabled and row.inbound.kind == "imap"}

    # --- how they do --------------------------------------------------------------------------------------------------

    def health(self) -> list[MailHealth]:
        """All mailboxes', by id."""
        return [
            self._with_sending(self._health(id, row)) for id, row in sorted(self._hub.directory.mailboxes().items())
        ]

    def _health(self, id: str, row: Mailbox) -> MailHealth:
        account = self._accounts.get(id)
        if account is not None:
            return account.health()
        if not row.enabled or row.inbound.kind == "none":
            return MailHealth(id, row.name, "off")
        if row.inbound.kind == "imap":
            return MailHealth(id, row.name, "elsewhere")
        if not self.smtp.addresses:
            return MailHealth(id, row.name, "trouble", "hub.toml names nowhere to listen (email.listen).", "config")
        return MailHealth(id, row.name, "direct")

    def _with_sending(self, health: MailHealth) -> MailHealth:
        problem = self._sends(health.id)
        if not problem or health.problem:
            return health
        return replace(health, problem=f"It cannot send: {problem}", code="sending")


def trusted(email: Email) -> ssl.SSLContext:
    """By whom mail servers' certificates may be signed. Reads a file. Raises ConfigError."""
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    if email.authorities:
        try:
            tls.load_verify_locations(cafile=email.authorities)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"email.authorities: cannot be read ({error})") from None
    return tls


def _listening(email: Email) -> Settings:
    tls = None
    if email.tls_certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            tls.load_cert_chain(email.tls_certificate, email.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"email.tls_certificate: cannot be used ({error})") from None
    return Settings(
        networks=email.networks,
        hostname=email.hostname or socket.gethostname() or "localhost",
        max_size=email.max_size,
        connections=email.connections,
        per_minute=email.per_minute,
        tls=tls,
        tls_required=email.tls_required,
    )


def demo(email: Email, port: int) -> Email:
    """The demo's: beside what hub.toml says, programs of this machine may give it mail."""
    own = f"smtp:127.0.0.1:{port}"
    listen = email.listen if own in email.listen else (*email.listen, own)
    return replace(email, enabled=True, listen=listen)
