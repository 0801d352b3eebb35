"""Outgoing mail as agents, programs and pages ask for it (`hub.mailing.Mailing`), over the parts that do it."""

from __future__ import annotations

from typing import Any

from channels.email.beginning import Beginning
from channels.email.drafts import Drafts
from channels.email.moving import Moving
from channels.email.outbox import Outbox
from channels.email.posting import Posting
from channels.email.reopening import Reopening
from channels.email.transcript import Transcripts
from hub.errors import NotFound
from hub.files import FileStore
from hub.mailing import DraftOfMail, NewMail
from hub.mails import Draft, StoredMail
from hub.model import User
from hub.ports import ContactRow
from hub.service import Hub


class Mailer:
    """`secret` is what reply tokens are made with, `domain` what stands in Message-IDs (empty: the mailbox's)."""

    def __init__(self, hub: Hub, files: FileStore, outbox: Outbox, secret: bytes, domain: str = "") -> None:
        self._hub, self.outbox = hub, outbox
        self.posting = Posting(hub, files, outbox, secret, domain)
        self._beginning = Beginning(hub, self.posting)
        self._moving = Moving(hub, self.posting)
        self._reopening = Reopening(hub, self.posting)
        self._drafts = Drafts(hub)
        self.transcripts = Transcripts(hub, self.posting, secret, domain)

    async def send(self, user: User, contact: str | None, mail: NewMail, key: str) -> tuple[ContactRow, StoredMail]:
        return await self.posting.send(user, contact, mail, key)

    async def undo(self, user: User, mail: str) -> StoredMail:
        await self._writable(user, mail)
        return await self.outbox.undo(mail)

    async def resend(self, user: User, mail: str) -> StoredMail:
        await self._writable(user, mail)
        return await self.outbox.resend(mail)

    async def _writable(self, user: User, mail: str) -> None:
        """Raises NotFound, Forbidden, Refused for a mail that this user could not have written."""
        found = await self._hub.store.mails.get(mail)
        if found is None or found.direction != "out":
            raise NotFound("mail", mail)
        row = await self._hub.seen_by(user, found.contact)
        if found.author != user.id:
            self.posting.guard(user)(row.contact)

    async def merge(self, user: User, contact: str, into: str, key: str) -> ContactRow:
        return await self._moving.merge(user, contact, into, key)

    async def split(self, user: User, contact: str, mail: str, key: str) -> ContactRow:
        return await self._moving.split(user, contact, mail, key)

    async def reopen(self, user: User, contact: str, key: str) -> ContactRow:
        return await self._reopening.reopen(user, contact, key)

    async def save_draft(self, user: User, id: str, draft: DraftOfMail) -> int:
        return await self._drafts.save(user, id, draft)

    async def drafts(self, user: User) -> list[Draft]:
        return await self._drafts.all(user)

    async def discard_draft(self, user: User, id: str) -> None:
        await self._drafts.discard(user, id)

    async def transcript(self, user: User, contact: str, to: str, key: str) -> StoredMail:
        row = await self._hub.seen_by(user, contact)
        self.posting.guard(user)(row.contact)
        return await self.transcripts.send(row.contact, to, user, key)

    async def transcript_for_visitor(self, row: ContactRow, key: str) -> StoredMail:
        # Nobody is sent words of a stranger's choice: there is no address to name.
        return await self.transcripts.send(row.contact, "", None, key)

    async def begin(self, user: User, contact: str | None, mail: str | None, how: str, mailbox: str | None) -> Any:
        return await self._beginning.begin(user, contact, mail, how, mailbox)

    async def fill_in(self, user: User, template: str, contact: str | None, mailbox: str | None) -> Any:
        return await self._beginning.fill_in(user, template, contact, mailbox)

    def mailboxes(self, user: User) -> Any:
        return self._beginning.mailboxes(user)
