"""What rules of triage would have made of mails that are here already. Nothing is changed by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from channels.email.triage import past_facts
from hub.config_mail import MailRule
from hub.errors import HubError, Refused
from hub.files import FileStore
from hub.mail_rules import Facts, needs_headers, sort_mail
from hub.mails import StoredMail
from hub.model import Contact, Millis
from hub.ports import ContactFilter
from hub.service import Hub
from hub.sorting import DryMail, DryRun
from mail.model import Mail

PAGE = 100
SECONDS = 20.0
"""So long it may take; what it has by then is what is shown."""
HEAD = 64 * 1024


class Parser(Protocol):
    async def parse(self, raw: bytes) -> Mail: ...


class DryRuns:
    """One at a time: it reads much."""

    def __init__(self, hub: Hub, files: FileStore, parser: Parser) -> None:
        self._hub, self._files, self._parser = hub, files, parser
        self._running = False

    async def run(
        self, rules: Mapping[str, MailRule], mailbox: str | None, since: Millis | None, until: Millis | None, limit: int
    ) -> DryRun:
        """Raises Refused `triage.busy`."""
        if self._running:
            raise Refused("Somebody else tries the rules at this moment. Please try again.", code="triage.busy")
        self._running = True
        try:
            return await self._run(rules, mailbox, since, until, limit)
        finally:
            self._running = False

    async def _run(
        self, rules: Mapping[str, MailRule], mailbox: str | None, since: Millis | None, until: Millis | None, limit: int
    ) -> DryRun:
        where = ContactFilter(channels=("email",), created_from=since, created_to=until)
        found: list[DryMail] = []
        with_headers = needs_headers(rules)
        after: str | None = None
        end = time.monotonic() + SECONDS
        while True:
            rows = await self._hub.store.contacts.page(where, after=after, limit=PAGE)
            for row in rows:
                mail = await self._first(row.contact)
                if mail is None or (mailbox is not None and mail.account != mailbox):
                    continue
                found.append(await self._try(rules, row.contact, mail, with_headers))
                if len(found) >= limit:
                    return DryRun(found)
                if time.monotonic() > end:
                    return DryRun(found, whole=False)
            if len(rows) < PAGE:
                return DryRun(found)
            if time.monotonic() > end:
                return DryRun(found, whole=False)
            after = rows[-1].contact.id

    async def _first(self, contact: Contact) -> StoredMail | None:
        """The mail that began the contact, unless an agent wrote it."""
        mails = await self._hub.store.mails.of_contact(contact.id)
        return mails[0] if mails and mails[0].direction == "in" else None

    async def _try(
        self, rules: Mapping[str, MailRule], contact: Contact, mail: StoredMail, with_headers: bool
    ) -> DryMail:
        hub = self._hub
        message = await hub.contacts.message(mail.message)
        customer = (await hub.contacts.customers([contact.customer])).get(contact.customer)
        headers = await self._headers(mail) if with_headers else {}
        facts = past_facts(mail, message.text if message else "", customer, headers)
        row = hub.directory.mailboxes().get(mail.account)
        usual = row.queue if row is not None else contact.placed or ""
        would = await asyncio.to_thread(sort_mail, rules, facts, time.monotonic, home=usual)
        known = would.queue if would.queue in hub.directory.queues() else None
        return DryMail(
            contact.id,
            mail.id,
            mail.at,
            mail.account,
            mail.from_.address,
            mail.subject,
            contact.placed or "",
            contact.queue or "",
            would,
            known or usual,
        )

    async def _headers(self, mail: StoredMail) -> Facts:
        """What the mail's head says; nothing when its raw file cannot be read any more."""

        def read() -> bytes:
            with self._files.path(mail.raw).open("rb") as file:
                return file.read(HEAD)

        try:
            parsed = await self._parser.parse(await asyncio.to_thread(read))
        except (OSError, HubError):
            return {}
        headers: dict[str, list[str]] = {}
        for name, value in parsed.headers:
            headers.setdefault(f"header.{name}", []).append(value)
        return headers
