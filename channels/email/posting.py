"""Mails of agents and programs: checked, put together and written to the outbox in the step that says them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from channels.email.html_out import Written, written
from channels.email.outbox import Outbox
from channels.email.threads import is_answer, is_forward, subject_key
from hub import commands as c
from hub.config_mail import Mailbox
from hub.contacts import Outcome, Words, clean_text
from hub.errors import Forbidden, InvalidInput, NotFound, Refused, TooLarge
from hub.files import FileStore
from hub.ids import derived_id
from hub.mailing import NewMail, Recipient
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import (
    AuthorKind,
    Channel,
    Contact,
    Customer,
    FileRef,
    MessageKind,
    Millis,
    Phase,
    StoredFile,
    User,
)
from hub.permissions import Permission, may
from hub.ports import ContactRow
from hub.service import Hub
from mail.compose import LARGEST, RECIPIENTS
from mail.compose_headers import clean, spec
from mail.fold import fold_at
from mail.html_text import text_of
from mail.token import make_token, message_id, reply_address

UNDO_MS = 10_000
LATEST_MS = 366 * 24 * 3600_000
DRAFT = "draft:"
"""What the contact of a file begins with that was uploaded to a draft (`hub/web/files.py`)."""
OVER = (Phase.WRAPPING, Phase.CLOSED)


class Attached(NamedTuple):
    """A mail's files: as it names them, those the HTML shows by Content-ID, and rows that are new with it."""

    files: tuple[FileRef, ...]
    inline: dict[str, FileRef]
    new: tuple[StoredFile, ...]
    size: int


class Posting:
    """`domain` stands in our Message-IDs; empty: the mailbox's own."""

    def __init__(self, hub: Hub, files: FileStore, outbox: Outbox, secret: bytes, domain: str = "") -> None:
        self._hub, self._files, self._outbox, self._secret, self._domain = hub, files, outbox, secret, domain
        self.admit: Callable[[StoredFile], Awaitable[None]] | None = None

    # --- who may, from where --------------------------------------------------------------------------------------

    def may_use(self, user: User, row: Mailbox) -> bool:
        """Whether mail may go out from this mailbox at all, and by this user."""
        if not row.enabled or row.outbound.kind == "none":
            return False
        return may(user, Permission.CONTACT_READ_ALL) or self._hub.directory.serves(user, row.queue)

    def mailbox(
        self, user: User, asked: str | None, contact: Contact | None, mails: Sequence[StoredMail]
    ) -> tuple[str, Mailbox]:
        """The mailbox that is asked for, or the contact's. Raises NotFound, Forbidden, Refused `mailbox.none`."""
        boxes = self._hub.directory.mailboxes()
        own = [mail.account for mail in reversed(mails) if mail.account in boxes]
        if asked is not None:
            row = boxes.get(asked)
            if row is None:
                raise NotFound("mailbox", asked)
            if not self.may_use(user, row) and not (asked in own and row.enabled and row.outbound.kind != "none"):
                raise Forbidden("You cannot write from this mailbox.", code="mailbox.forbidden")
            return asked, row
        queue = None if contact is None else contact.queue
        usable = [id for id in own if boxes[id].enabled and boxes[id].outbound.kind != "none"]
        usable += [id for id, row in boxes.items() if row.queue == queue and self._sends(row)]
        usable += [id for id, row in boxes.items() if self.may_use(user, row)]
        if not usable:
            raise Refused("There is no mailbox that you could write from.", code="mailbox.none")
        return usable[0], boxes[usable[0]]

    def mailbox_of_queue(self, queue: str | None) -> tuple[str, Mailbox]:
        """Where what nobody writes by hand is sent from. Raises Refused `mailbox.none`."""
        boxes = {id: row for id, row in self._hub.directory.mailboxes().items() if self._sends(row)}
        for id, row in boxes.items():
            if row.queue == queue:
                return id, row
        if not boxes:
            raise Refused("There is no mailbox that mail could be sent from.", code="mailbox.none")
        return next(iter(boxes.items()))

    @staticmethod
    def _sends(row: Mailbox) -> bool:
        return row.enabled and row.outbound.kind != "none"

    def guard(self, user: User) -> Callable[[Contact], None]:
        """Who may write in a contact: who takes part in it; when it is over, who had it; supervisors always."""

        def check(state: Contact) -> None:
            if may(user, Permission.CONTACT_READ_ALL):
                return
            if user.id in (state.agent, *state.participants):
                return
            if state.phase in OVER and user.id in state.handled_by:
                return
            raise Refused("Accept or join this contact before you write in it.", code="contact.not_yours")

        return check

    # --- sending ------------------------------------------------------------------------------------------------------

    async def send(self, user: User, contact: str | None, new: NewMail, key: str) -> tuple[ContactRow, StoredMail]:
        """As `hub.mailing.Mailing.send`. Raises InvalidInput, Forbidden, Refused, TooLarge, NotFound, Unavailable."""
        hub, now = self._hub, self._hub.clock.now()
        id = derived_id("ma", 0, "out", user.id, key)
        known = await hub.store.mails.get(id)
        if known is not None:
            return await hub.contacts.get(known.contact), known
        row = None if contact is None else (await hub.seen_by(user, contact)).contact
        if row is not None:
            self.guard(user)(row)
        mails = [] if contact is None else await hub.store.mails.of_contact(contact)
        account, box = self.mailbox(user, new.mailbox, row, mails)
        to_contact = contact or derived_id("ct", 0, "mail", user.id, key)
        original = _of(mails, new.reply_to_mail) or _of(mails, new.forwards)
        people = await self._recipients(new, row, original)
        at = _send_at(new.send_at, now)
        domain = self._domain or box.address.rpartition("@")[2]
        html, attached = await self._content(user, new, to_contact, id, domain, mails, now)
        text = clean_text(new.text, "text", 500_000)
        if html is not None and not text.strip():
            text = text_of(html.html)
        if not text.strip() and not attached.files and not attached.inline:
            raise InvalidInput("text", "expected something to say")
        if attached.size + len(text.encode()) * 2 > LARGEST * 0.7:
            raise TooLarge("These files are too large to be sent by mail.", code="mail.too_large")
        subject = clean(new.subject) or self._subject(row, original, new)
        token = make_token(to_contact, self._secret)
        answered, references = threaded(original, mails, forwards=new.forwards is not None)
        kept = None if html is None else await self._files.keep(html.html.encode())
        mail = StoredMail(
            id=id,
            contact=to_contact,
            message=derived_id("ms", 0, id),
            direction="out",
            account=account,
            state=MailState.QUEUED,
            at=now,
            from_=MailAddress(box.address, self._sender_name(box, user)),
            to=people.to,
            cc=people.cc,
            bcc=people.bcc,
            reply_to=(MailAddress(reply_address(box.address, token), box.display_name or box.name),),
            subject=subject,
            subject_key=subject_key(subject),
            message_id=message_id(token, id.removeprefix("ma_"), domain),
            in_reply_to=answered,
            references=references,
            html=kept,
            fold_at=fold_at(text),
            attachments=attached.files,
            inline=attached.inline,
            language="" if row is None else row.language,
            author=user.id,
            send_at=at,
            next_at=at,
        )
        data = {"mail": id} | ({"waiting": True, "remind_at": new.remind_at} if new.waiting else {})
        words = Words(
            AuthorKind.AGENT,
            user.id,
            user.name,
            text,
            kind=MessageKind.MAIL,
            id=mail.message,
            data=data,
            mails=(mail,),
            files=attached.new,
        )
        outcome = await self._commit(user, contact, mail, words, box, key)
        if new.waiting and at > now + UNDO_MS:
            # It goes some other day; the contact need not stay with its agent until then.
            await self._outbox.outcomes.leave_waiting(replace(mail, version=1))
        if new.draft is not None:
            await self._discard(user, new.draft)
        stored = await hub.store.mails.get(id)
        assert stored is not None, "it was committed"
        return await hub.contacts.get(outcome.row.contact.id), stored

    async def _commit(
        self, user: User, contact: str | None, mail: StoredMail, words: Words, box: Mailbox, key: str
    ) -> Outcome:
        hub = self._hub
        if contact is not None:
            return await hub.contacts.carry_out(
                contact, [words], actor=user.id, command_id=f"mail-{key}", guard=self.guard(user)
            )
        customer, new = await self._customer(mail)
        create = c.Create(Channel.EMAIL, "", customer.id, None, mail.subject, customer.language or box.language)
        steps: list[c.ContactCommand | Words] = [c.Dial(user.id, box.queue), c.Connect(user.id), words]
        return await hub.contacts.create(
            mail.contact,
            create,
            steps,
            actor=user.id,
            command_id=f"mail-{key}",
            customer=customer if new else None,
        )

    async def _customer(self, mail: StoredMail) -> tuple[Customer, bool]:
        """Who is written to, by his address, as the receipt of mail knows people."""
        first = mail.to[0] if mail.to else mail.cc[0] if mail.cc else mail.bcc[0]
        address = first.address.lower()
        known = await self._hub.store.people.by_identity("email", address)
        if known is not None:
            return known, False
        id = derived_id("cu", 0, "email", address)
        known = (await self._hub.contacts.customers([id])).get(id)
        if known is not None:
            return known, False
        return Customer(id, first.name or address, address, created_at=mail.at), True

    async def _discard(self, user: User, draft: str) -> None:
        known = await self._hub.store.mails.draft(draft)
        if known is not None and known.user == user.id:
            await self._hub.store.mails.delete_draft(draft)

    def _sender_name(self, box: Mailbox, user: User) -> str:
        """The mailbox's own name, with the first of its writer's: "Nadia (Support)"."""
        house = clean(box.display_name or box.name)
        person = clean(self._hub.directory.public_name(user.id))
        return f"{person} ({house})" if person else house

    def _subject(self, contact: Contact | None, original: StoredMail | None, new: NewMail) -> str:
        before = original.subject if original is not None else "" if contact is None else contact.subject
        if new.forwards is not None:
            return forward_subject(before)
        return reply_subject(before) if before else ""

    async def _recipients(self, new: NewMail, contact: Contact | None, original: StoredMail | None) -> People:
        to = _checked(new.to, "to")
        cc, bcc = _checked(new.cc, "cc"), _checked(new.bcc, "bcc")
        if not (to or cc or bcc):
            if new.forwards is not None or contact is None:
                raise InvalidInput("to", "expected at least one recipient")
            to = await self.answer_to(contact, original)
            if not to:
                raise InvalidInput("to", "expected at least one recipient: this customer has no address")
        if len(to) + len(cc) + len(bcc) > RECIPIENTS:
            raise InvalidInput("to", f"expected at most {RECIPIENTS} recipients")
        seen = {each.address.lower() for each in to}
        cc = tuple(each for each in cc if each.address.lower() not in seen)
        seen |= {each.address.lower() for each in cc}
        return People(to, cc, tuple(each for each in bcc if each.address.lower() not in seen))

    async def answer_to(self, contact: Contact, original: StoredMail | None) -> tuple[MailAddress, ...]:
        """Where an answer goes: where the mail says, or to the customer's own address (a form's, a chat's)."""
        if original is not None and original.direction == "in":
            return original.reply_to or (original.from_,)
        if original is not None:
            return original.to
        customer = (await self._hub.contacts.customers([contact.customer])).get(contact.customer)
        if customer is None or not customer.email:
            return ()
        return (MailAddress(customer.email, "" if customer.name == customer.email else customer.name),)

    # --- what is in it ------------------------------------------------------------------------------------------------

    async def _content(
        self, user: User, new: NewMail, contact: str, mail: str, domain: str, mails: Sequence[StoredMail], now: Millis
    ) -> tuple[Written | None, Attached]:
        """The HTML as it is kept, and the files. Raises NotFound for a file that is not this contact's or user's."""
        quoted = {id: file for each in mails for id, file in each.inline.items()}
        own: dict[str, StoredFile] = {}
        for file in {*new.attachments, *_shown(new.html or "")}:
            found = await self._hub.store.files.get(file)
            if found is not None and self._usable(user, found, contact):
                await self._admitted(found)
                own[file] = found
        html = None
        if new.html is not None:
            html = written(new.html, domain, own.__contains__, quoted.__contains__)
        rows: dict[str, StoredFile] = {}
        for file, found in own.items():
            # What was uploaded to a draft, or belongs to a mail that moved, gets a row of this contact's own.
            id = file if found.contact == contact else derived_id("fi", 0, mail, file)
            rows[file] = replace(found, id=id, contact=contact)
        attachments = []
        for file in dict.fromkeys(new.attachments):
            if file not in rows:
                raise NotFound("file", file)
            attachments.append(rows[file])
        inline: dict[str, StoredFile] = {}
        size = sum(each.size for each in attachments)
        if html is not None:
            for content_id, file in html.files.items():
                inline[content_id] = rows[file]
            for picture in html.pasted:
                inline[picture.content_id] = await self._pasted(picture.data, picture.type, contact, mail, user, now)
        size += sum(each.size for each in inline.values())
        shown = {id: _ref(each) for id, each in inline.items()}
        if html is not None:
            for id in html.known:
                await self._admitted(await self._hub.store.files.get(quoted[id].id))
            shown |= {id: quoted[id] for id in html.known}
            size += sum(quoted[id].size for id in html.known)
        fresh = [each for each in (*attachments, *inline.values()) if each.id not in own]
        return html, Attached(tuple(map(_ref, attachments)), shown, tuple(fresh), size)

    async def _admitted(self, file: StoredFile | None) -> None:
        """Raises Forbidden, Unavailable for what nobody may have, so that it is not sent to anybody either."""
        if file is not None and self.admit is not None:
            await self.admit(file)

    async def _pasted(self, data: bytes, type: str, contact: str, mail: str, user: User, now: Millis) -> StoredFile:
        blob = await self._files.save(
            _pieces(data),
            name=f"image.{type.partition('/')[2]}",
            declared=type,
            max_bytes=LARGEST,
            allowed=("image/*",),
        )
        id = derived_id("fi", 0, mail, blob.sha256)
        return StoredFile(
            id, contact, user.id, blob.name, blob.size, blob.type, blob.sha256, now, blob.width, blob.height, blob.thumb
        )

    @staticmethod
    def _usable(user: User, file: StoredFile, contact: str) -> bool:
        """A file of this contact, or one that this user has just uploaded to a draft of his."""
        return file.contact == contact or (file.contact.startswith(DRAFT) and file.uploader == user.id)


class People(NamedTuple):
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _shown(html: str) -> set[str]:
    """Ids that the HTML may show as pictures."""
    return set(re.findall(r"(?:/files/|cid:)(f[il]_[0-9a-z]{26})", html))


def _ref(file: StoredFile) -> FileRef:
    return FileRef(file.id, file.name, file.size, file.type, file.width, file.height, file.thumb)


def _of(mails: Iterable[StoredMail], id: str | None) -> StoredMail | None:
    """Raises NotFound for a mail of another contact."""
    if id is None:
        return None
    for mail in mails:
        if mail.id == id:
            return mail
    raise NotFound("mail", id)


def _checked(people: Iterable[Recipient], path: str) -> tuple[MailAddress, ...]:
    found: dict[str, MailAddress] = {}
    for i, person in enumerate(people):
        address = person.address.strip()
        spec(address, f"{path}[{i}].address")
        found.setdefault(address.lower(), MailAddress(address, clean(person.name)))
    return tuple(found.values())


def _send_at(asked: Millis | None, now: Millis) -> Millis:
    if asked is not None and asked > now + LATEST_MS:
        raise InvalidInput("send_at", "expected a time within a year")
    return max(asked or 0, now + UNDO_MS)


def threaded(
    original: StoredMail | None, mails: Sequence[StoredMail], *, forwards: bool = False
) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References (RFC 5322, 3.6.4) of what answers `original`, or else goes on with the last mail."""
    before = original or next((mail for mail in reversed(mails) if mail.state is not MailState.CANCELLED), None)
    if before is None or not before.message_id:
        return "", ()
    chain = before.references or ((before.in_reply_to,) if before.in_reply_to else ())
    references = tuple(dict.fromkeys((*chain, before.message_id)))
    return ("" if forwards else before.message_id), references


def reply_subject(subject: str) -> str:
    """With "Re: ", which every program knows (RFC 5322, 3.6.5); what says so in any language stays as it is."""
    return (subject if is_answer(subject) else f"Re: {subject}")[:500]


def forward_subject(subject: str) -> str:
    return (subject if is_forward(subject) else f"Fwd: {subject}")[:500]
