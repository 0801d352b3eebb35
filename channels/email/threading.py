"""Finds a mail's thread in the store, by the rules of `channels/email/threads.py`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from channels.email import threads
from hub.config_rows import Mailbox
from hub.errors import NotFound
from hub.mails import StoredMail
from hub.model import Channel, Contact, Phase
from hub.service import Hub
from mail import token
from mail.model import Mail, MailKind

DAY_MS = 24 * 3_600_000
OTHER_SENDER = "other_sender"  # came by the right token, from somebody who was not in the thread
OWN_ADDRESS = "own_address"  # says that it comes from an address of ours
BY_SUBJECT = "by_subject"  # nothing but sender and subject led it here


class Found(Struct, frozen=True):
    """`contact` is empty for none; `continues` is false when the mail answers it but is to be a new one. `outgoing` are
    the mails of ours that a report is about. `ours`: it is a mail of ours that came back."""

    contact: str = ""
    continues: bool = False
    problems: tuple[str, ...] = ()
    outgoing: tuple[StoredMail, ...] = ()
    ours: bool = False


class Threads:
    """`secret` is what the reply tokens are made with."""

    def __init__(self, hub: Hub, secret: bytes) -> None:
        self._hub = hub
        self._secret = secret

    async def find(self, mail: Mail, mailbox: str, row: Mailbox, recipients: Iterable[str]) -> Found:
        """`recipients` are those of the envelope."""
        mails = self._hub.store.mails
        ours = {address for each in self._hub.directory.mailboxes().values() for address in each.addresses}
        own = (OWN_ADDRESS,) if mail.from_.address.lower() in ours else ()
        if mail.kind in (MailKind.BOUNCE, MailKind.FEEDBACK):
            found = await self._report(mail, recipients)
            if found is not None:
                return found
        answered = await mails.by_message_ids(threads.answered(mail))
        back = [each for each in await mails.by_message_ids([mail.message_id]) if each.direction == "out"]
        if back and any(each.account == mailbox for each in back):
            # Our own mail, that somebody sent back to us or that was addressed to ourselves.
            return Found(back[0].contact, True, own, ours=True)
        for id in threads.by_token(mail, recipients, self._secret):
            contact = await self._now(id, answered)
            if contact is not None:
                known = threads.people(await mails.of_contact(contact.id)) - ours
                other = () if mail.from_.address.lower() in known else (OTHER_SENDER,)
                return self._enter(contact, row, (*own, *other))
        for before in answered:
            contact = await self._open(before.contact)
            if contact is not None and threads.speaks_in(mail, await self._others(contact.id, ours)):
                return self._enter(contact, row, own)
        if threads.is_answer(mail.subject) and row.thread_days:
            since = self._hub.clock.now() - row.thread_days * DAY_MS
            for before in await mails.alike(mail.from_.address, threads.subject_key(mail.subject), since):
                contact = await self._open(before.contact)
                if contact is not None and threads.speaks_in(mail, await self._others(contact.id, ours)):
                    return self._enter(contact, row, (*own, BY_SUBJECT))
        return Found(problems=own)

    async def _others(self, contact: str, ours: set[str]) -> set[str]:
        """Who is in the thread besides ourselves."""
        return threads.people(await self._hub.store.mails.of_contact(contact)) - ours

    def _enter(self, contact: Contact, row: Mailbox, problems: tuple[str, ...]) -> Found:
        """Whether the thread goes on in its contact: not long after its end, and not where words go another way."""
        over = contact.closed_at if contact.phase is Phase.CLOSED else None
        late = over is not None and self._hub.clock.now() - over > row.reopen_days * DAY_MS
        return Found(contact.id, contact.channel is Channel.EMAIL and not late, problems)

    async def _open(self, id: str) -> Contact | None:
        try:
            return (await self._hub.contacts.get(id)).contact
        except NotFound:
            return None

    async def _now(self, id: str, answered: list[StoredMail]) -> Contact | None:
        """The contact of a token, or the one that its mails were moved to."""
        for before in answered:
            if before.contact != id and token.contact_of_message_id(before.message_id, self._secret) == id:
                return await self._open(before.contact)
        return await self._open(id)

    async def _report(self, mail: Mail, recipients: Iterable[str]) -> Found | None:
        """The mail of ours that a delivery report or a complaint is about."""
        mails = self._hub.store.mails
        named = [each.message_id for each in mail.bounced] + threads.answered(mail)
        sent = [each for each in await mails.by_message_ids(named) if each.direction == "out"]
        if not sent:
            for id in threads.by_token(mail, recipients, self._secret):
                refused = {each.recipient.lower() for each in mail.bounced}
                of_contact = [each for each in await mails.of_contact(id) if each.direction == "out"]
                about = [each for each in reversed(of_contact) if refused & threads.people([each])]
                sent = about[:1] or of_contact[-1:]
                if sent:
                    break
        if not sent:
            return None
        return Found(sent[0].contact, True, (), tuple(each for each in sent if each.contact == sent[0].contact))
