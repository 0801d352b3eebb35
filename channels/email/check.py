"""What `contacthub check` tells of mailboxes: whether each one's server answers, takes what it is shown, and has the
folders that are to be read; whether the one that mail is given to does; and whether clamd answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping

from channels.email.channel import trusted
from channels.email.clamd import Clamd, Unscanned
from channels.email.classifier import MISSING, installed
from channels.email.imap_client import ImapError
from channels.email.imap_in import Trouble, connect
from channels.email.oauth import NoToken, OAuthTokens
from channels.email.secrets import read_secret
from channels.email.senders import make_sender
from channels.email.smtp_out import Down, Smtp
from channels.email.tokens_kept import InStore, Keeper
from hub.cli.finding import Finding, Kept
from hub.config_email import Email, clamd_address
from hub.config_mail import Mailbox
from hub.errors import ConfigError
from hub.store import open_store

LONGEST_S = 30.0


def check_mail(email: Email, mailboxes: Mapping[str, Mailbox], kept: Kept | None = None) -> list[Finding]:
    """A line for each mailbox's way in and way out, all asked at once, for some seconds at most; and one for clamd.

    Tokens are those that the hub has `kept`: a provider that gives a new one here would take the hub's no longer.
    """
    return asyncio.run(_check(email, mailboxes, kept))


async def _check(email: Email, mailboxes: Mapping[str, Mailbox], kept: Kept | None) -> list[Finding]:
    boxes = [row for row in mailboxes.values() if row.enabled]
    if kept is None or not any(row.inbound.oauth or row.outbound.oauth for row in boxes):
        return await _look(email, mailboxes, None)
    store = open_store(kept.store_url)
    try:
        await store.open()
        return await _look(email, mailboxes, InStore(store.mails, kept.secret))
    finally:
        await store.close()


async def _clamd(text: str) -> Finding:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    try:
        await Clamd(clamd_address(text)).scan(nothing())
    except Unscanned as error:
        return Finding("email.clamd", False, str(error))
    return Finding("email.clamd", True, f"{text} answers")


async def _look(email: Email, mailboxes: Mapping[str, Mailbox], keeper: Keeper | None) -> list[Finding]:
    try:
        tls = trusted(email)
    except ConfigError as error:
        return [Finding("mail", False, str(error))]

    def secret_of(reference: str) -> str:
        return read_secret(reference, email.secrets)

    tokens = OAuthTokens(secret_of, keeper)

    async def way_in(id: str, row: Mailbox) -> Finding:
        name = f"mailbox {id}"
        try:
            async with asyncio.timeout(LONGEST_S):
                imap = await connect(row, tls, secret_of, tokens)
                try:
                    there = [(await imap.select(folder)).exists for folder in row.inbound.folders]
                finally:
                    await imap.close()
        except TimeoutError:
            return Finding(name, False, f"{row.inbound.host} does not answer in time")
        except (ImapError, NoToken, Trouble) as error:
            return Finding(name, False, str(error))
        return Finding(
            name, True, f"{row.inbound.host} lets us in, {sum(there)} mails in {', '.join(row.inbound.folders)}"
        )

    async def way_out(id: str, row: Mailbox) -> Finding:
        name = f"mailbox {id}, sending"
        smtp = None
        try:
            async with asyncio.timeout(LONGEST_S):
                sender = await asyncio.to_thread(
                    make_sender, id, row, secret_of, tokens, tls, email.hostname or socket.gethostname()
                )
                if sender.server is None:
                    return Finding(name, True, "keeps what it sends")
                smtp = Smtp(sender.server)
                await smtp.check()
        except TimeoutError:
            return Finding(name, False, f"{row.outbound.host} does not answer in time")
        except Down as error:
            return Finding(name, False, str(error))
        finally:
            if smtp is not None:
                await smtp.close()
        return Finding(name, True, f"{row.outbound.host} lets us in")

    enabled = {id: row for id, row in sorted(mailboxes.items()) if row.enabled}
    asked = [way_in(id, row) for id, row in enabled.items() if row.inbound.kind == "imap"]
    asked += [way_out(id, row) for id, row in enabled.items() if row.outbound.kind == "smtp"]
    found = list(await asyncio.gather(*asked))
    if email.classifier and not installed():
        found.append(Finding("email.classifier", False, MISSING))
    if email.clamd:
        found.append(await _clamd(email.clamd))
    if not email.listen and any(row.inbound.kind == "direct" for row in enabled.values()):
        names = ", ".join(id for id, row in enabled.items() if row.inbound.kind == "direct")
        found.append(Finding("email.listen", False, f"names nowhere to listen, where mail for {names} is to be given"))
    return found
