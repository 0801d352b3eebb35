"""The mailboxes as senders: whom each one's mail is given to, signed how, how much of it in a minute."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Mapping

from msgspec import Struct

from channels.email.oauth import OAuthTokens
from channels.email.signing import Signer, read_key
from channels.email.smtp_out import Down, Server, Smtp
from hub.config_mail import Mailbox
from hub.errors import ConfigError, HubError
from hub.model import Millis

BURST = 10

ReadSecret = Callable[[str], str]
"""A secret by its reference. Raises ConfigError. Reads files, so not for the event loop."""


class Sender(Struct, frozen=True):
    """A mailbox's way out: `server` None keeps the mails here (the demo). `signer` None leaves them unsigned."""

    id: str
    row: Mailbox
    server: Server | None
    signer: Signer | None = None


def make_sender(
    id: str, row: Mailbox, read_secret: ReadSecret, tokens: OAuthTokens, tls: ssl.SSLContext | None, hostname: str
) -> Sender:
    """Raises Down with what is wrong with the row. Reads files."""
    out = row.outbound
    if not row.enabled or out.kind == "none":
        raise Down("This mailbox does not send.")
    try:
        signer = None
        if out.dkim is not None:
            signer = Signer(out.dkim.domain, out.dkim.selector, read_key(read_secret(out.dkim.key)))
        if out.kind == "demo":
            return Sender(id, row, None, signer)
        oauth = out.oauth
        server = Server(
            out.host,
            out.port,
            out.security,
            out.username,
            read_secret(out.secret) if out.secret else "",
            None if oauth is None else tokens.of(oauth),
            None if oauth is None else lambda: tokens.refused(oauth),
            tls,
            hostname or "localhost",
        )
    except (ConfigError, HubError, OSError) as error:
        raise Down(str(error)) from error
    return Sender(id, row, server, signer)


class Way(Struct, frozen=True):
    """A sender with its connections; `smtp` None keeps the mails here."""

    sender: Sender
    smtp: Smtp | None


class Senders:
    """The mailboxes' ways out, made at the first mail and again when the row has changed."""

    def __init__(
        self,
        mailboxes: Callable[[], Mapping[str, Mailbox]],
        read_secret: ReadSecret,
        tokens: OAuthTokens,
        tls: ssl.SSLContext | None = None,
        hostname: str = "",
    ) -> None:
        self._mailboxes = mailboxes
        self._read_secret, self._tokens, self._tls, self._hostname = read_secret, tokens, tls, hostname
        self._ways: dict[str, Way] = {}
        self._making = asyncio.Lock()

    async def get(self, id: str) -> Way:
        """Raises Down when the mailbox cannot send: it went, it is switched off, a secret is missing."""
        row = self._mailboxes().get(id)
        if row is None:
            raise Down("The mailbox that this mail is from is no longer there.")
        known = self._ways.get(id)
        if known is not None and known.sender.row is row:
            return known
        async with self._making:
            known = self._ways.get(id)
            if known is not None and known.sender.row is row:
                return known
            made = await asyncio.to_thread(
                make_sender, id, row, self._read_secret, self._tokens, self._tls, self._hostname
            )
            way = self._ways[id] = Way(made, None if made.server is None else Smtp(made.server))
        if known is not None and known.smtp is not None:
            await known.smtp.close()
        return way

    async def close(self) -> None:
        ways, self._ways = self._ways, {}
        for way in ways.values():
            if way.smtp is not None:
                await way.smtp.close()


class Pace:
    """At most so many mails a minute, a few of them at once, the others in line: each is given its time."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._spacing = 60_000 / per_minute
        self._next = 0.0
        self._given: dict[str, Millis] = {}

    def slot(self, mail: str, now: Millis) -> Millis:
        """When this mail may go: `now`, or later. The same mail keeps the time it was given."""
        given = self._given.get(mail)
        if given is not None:
            if given <= now:
                del self._given[mail]
                return now
            return given
        at = max(self._next, now - (BURST - 1) * self._spacing)
        self._next = at + self._spacing
        if at <= now:
            return now
        self._given[mail] = math.ceil(at)
        return math.ceil(at)
