"""Threads put together and taken apart by hand: mails move between contacts with their text, files and answers.

The log of a contact is never rewritten: where a mail was, its message stays, and names where the mail went. Answers to
a mail that moved come to where it is now (`channels/email/threading.py`).
"""

from __future__ import annotations

from msgspec.structs import replace

from channels.email.posting import Posting
from hub import commands as c
from hub.contacts import Words
from hub.errors import NotFound, Refused
from hub.ids import derived_id
from hub.mails import MailState, StoredMail
from hub.model import AuthorKind, Channel, Contact, FileRef, MessageKind, Phase, StoredFile, User
from hub.ports import ContactRow
from hub.service import Hub

UNDER_WAY = (MailState.QUEUED, MailState.SENDING)
MOST = 500


class Moving:
    def __init__(self, hub: Hub, posting: Posting) -> None:
        self._hub, self._posting = hub, posting

    async def merge(self, user: User, contact: str, into: str, key: str) -> ContactRow:
        """Raises NotFound, Forbidden, Refused."""
        if contact == into:
            raise Refused("A contact cannot be merged with itself.", code="mail.merge")
        source = (await self._hub.seen_by(user, contact)).contact
        target = (await self._hub.seen_by(user, into)).contact
        for each in (source, target):
            if each.channel is not Channel.EMAIL:
                raise Refused("Only e-mail contacts can be merged.", code="mail.merge")
            self._posting.guard(user)(each)
        mails = await self._mails(contact)
        if mails:
            steps: list[c.ContactCommand | Words] = [self._reopening(target, user)]
            for mail in mails:
                steps.append(await self._moved(mail, into))
            steps.append(_line("mail_merged_here", {"contact": contact, "subject": source.subject}))
            await self._hub.contacts.carry_out(into, steps, actor=user.id, command_id=f"merge-{key}")
        ended: list[c.ContactCommand | Words] = [_line("mail_merged", {"contact": into, "subject": target.subject})]
        if source.phase is not Phase.CLOSED:
            ended.append(c.End(user.id, "merged", 0))
            if source.agent is not None:
                ended.append(c.Finish(user.id, None, "merged"))
        await self._hub.contacts.carry_out(contact, ended, actor=user.id, command_id=f"merged-{key}")
        await self._hub.store.mails.forget_reminder(contact)
        return await self._hub.contacts.get(into)

    async def split(self, user: User, contact: str, mail: str, key: str) -> ContactRow:
        """The new contact waits in the old one's queue, for this user first. Raises NotFound, Forbidden, Refused."""
        id = derived_id("ct", 0, "split", user.id, key)
        source = (await self._hub.seen_by(user, contact)).contact
        if id not in await self._hub.contacts.many([id]):
            self._posting.guard(user)(source)
            mails = await self._mails(contact)
            found = next((each for each in mails if each.id == mail), None)
            if found is None:
                raise NotFound("mail", mail)
            if len(mails) == 1:
                raise Refused("This is the contact's only mail.", code="mail.split")
            create = c.Create(
                Channel.EMAIL, source.site, source.customer, None, found.subject or source.subject, source.language,
                source.fields,
            )  # fmt: skip
            queue = source.queue or next(iter(self._hub.directory.queues()), "")
            steps: list[c.ContactCommand | Words] = [
                c.Enqueue(queue, source.requirements, source.priority, user.id),
                await self._moved(found, id),
                _line("mail_split_from", {"contact": contact, "subject": source.subject}),
            ]
            await self._hub.contacts.create(id, create, steps, actor=user.id, command_id=f"split-{key}")
        line = _line("mail_split", {"contact": id, "mail": mail})
        await self._hub.contacts.carry_out(contact, [line], actor=user.id, command_id=f"split-off-{key}")
        return await self._hub.contacts.get(id)

    async def _mails(self, contact: str) -> list[StoredMail]:
        mails = await self._hub.store.mails.of_contact(contact)
        if any(mail.state in UNDER_WAY for mail in mails):
            raise Refused("A mail of this contact is on its way. Wait until it has gone.", code="mail.state")
        if len(mails) > MOST:
            raise Refused(f"A contact with more than {MOST} mails cannot be moved.", code="mail.merge")
        return mails

    def _reopening(self, contact: Contact, user: User) -> c.Reopen:
        queue = contact.queue or next(iter(self._hub.directory.queues()), "")
        return c.Reopen("merged", queue, contact.requirements, contact.priority, user.id)

    async def _moved(self, mail: StoredMail, contact: str) -> Words:
        """The mail as it is said in its new contact, with rows of its files that belong there."""
        said = await self._hub.contacts.message(mail.message)
        new: list[StoredFile] = []
        renamed: dict[str, FileRef] = {}
        for file in (*mail.attachments, *mail.inline.values()):
            stored = await self._hub.store.files.get(file.id)
            if stored is not None:
                row = replace(stored, id=derived_id("fi", 0, contact, file.id), contact=contact)
                new.append(row)
                renamed[file.id] = replace(file, id=row.id)
        message = derived_id("ms", 0, contact, mail.message)
        moved = replace(
            mail,
            contact=contact,
            message=message,
            attachments=tuple(renamed.get(file.id, file) for file in mail.attachments),
            inline={id: renamed.get(file.id, file) for id, file in mail.inline.items()},
            scans={renamed[id].id if id in renamed else id: said for id, said in mail.scans.items()},
        )
        kind = AuthorKind.VISITOR if mail.direction == "in" else AuthorKind.AGENT
        if said is not None:
            kind = said.author_kind
        return Words(
            kind,
            None if said is None else said.author,
            "" if said is None else said.author_name,
            "" if said is None else said.text,
            kind=MessageKind.MAIL,
            id=message,
            data={"mail": mail.id, "moved": True},
            mails=(moved,),
            files=tuple(new),
        )


def _line(code: str, data: dict[str, str]) -> Words:
    return Words(AuthorKind.SYSTEM, None, "", internal=True, kind=MessageKind.SYSTEM, code=code, data=data)
