"""The outgoing half of the e-mail channel, put together: outbox, what agents ask of it, reminders, acknowledgements."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

import socketio

from channels.email.acknowledge import Acknowledger
from channels.email.channel import trusted
from channels.email.desk import MailDesk, Session
from channels.email.mailer import Mailer
from channels.email.oauth import OAuthTokens
from channels.email.outbox import Outbox
from channels.email.reminders import Reminders
from channels.email.secrets import read_secret
from channels.email.senders import Senders
from channels.email.tokens_kept import InStore
from hub.config_email import Email
from hub.files import FileStore
from hub.service import Hub
from hub.sockets import EventTable


class Outgoing:
    """`secret` is what reply tokens are made with; `domain` stands in Message-IDs (empty: the mailbox's own);
    `hostname` in EHLO. `tls` holds the authorities that servers are checked by (None: the machine's)."""

    def __init__(
        self,
        hub: Hub,
        files: FileStore,
        *,
        secret: bytes,
        read_secret: Callable[[str], str],
        tokens: OAuthTokens,
        domain: str = "",
        hostname: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hub = hub
        senders = Senders(hub.directory.mailboxes, read_secret, tokens, tls, hostname)
        self.outbox = Outbox(hub, files, senders)
        self.mailer = Mailer(hub, files, self.outbox, secret, domain)
        self.acknowledger = Acknowledger(hub, secret, domain)
        self._reminders = Reminders(hub, self.outbox.outcomes)
        self._desk: MailDesk | None = None
        hub.mailing = self.mailer

    def serve_agents(self, sio: socketio.AsyncServer, table: EventTable, sessions: Mapping[str, Session]) -> None:
        """Adds what agents' windows may ask to the events of /agent."""
        self._desk = MailDesk(self._hub, sio, table, sessions, self.mailer)

    def problem(self, mailbox: str) -> str:
        """Why the mailbox cannot send now; empty when nothing is known against it."""
        trouble = self.outbox.troubles.get(mailbox)
        return "" if trouble is None else trouble.sentence

    async def start(self) -> None:
        """After the hub has started."""
        await self.outbox.start()
        await self._reminders.start()

    async def stop(self) -> None:
        await self._reminders.stop()
        await self.outbox.stop()
        if self._desk is not None:
            await self._desk.stop()


def configured(hub: Hub, files: FileStore, email: Email, secret: bytes) -> Outgoing:
    """As hub.toml has it. Reads the file of authorities. Raises ConfigError."""

    def secret_of(reference: str) -> str:
        return read_secret(reference, email.secrets)

    return Outgoing(
        hub,
        files,
        secret=secret,
        read_secret=secret_of,
        tokens=OAuthTokens(secret_of, InStore(hub.store.mails, secret)),
        domain=email.domain,
        hostname=email.hostname,
        tls=trusted(email),
    )
