"""The form "E-mail us" of the widget: what keeps machines out of it, and how it becomes a mail like any other.

Nobody is given a riddle. A form is taken once its puzzle is solved (`channels/email/puzzle.py`, by the browser, out
of sight), not sooner than a person can write, with its trap left alone, and so many times an hour for each address,
visitor and e-mail address. The puzzle's nonce makes the mail this one: sent again it is the same mail, and with other
words it is refused, at whatever node and after whatever restart.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from channels.chat.conversation import Line, PageInput, check_form, in_words
from channels.chat.sites import mail_topics, topic_of
from channels.email import puzzle
from channels.email.acknowledge import reference
from channels.email.receive import Envelope, Receiver, Submitted, writer
from hub import commands as c
from hub.config_rows import Site, Topic
from hub.contacts import Words, clean_text
from hub.errors import InvalidInput, NotFound, NotSignedIn, Refused, TooLarge
from hub.files import FileStore
from hub.ids import derived_id
from hub.limits import SharedLimit
from hub.mailing import mailbox_of
from hub.model import AuthorKind, Channel, Contact, FileRef, MessageKind, Page, StoredFile
from hub.service import Hub
from hub.sockets import Input
from hub.visitors import clean_email, clean_phone
from mail.compose import Enclosure, Letter, compose
from mail.compose_headers import clean, spec
from mail.model import Address

HOUR_MS = 3600_000
SOONEST_MS = 3_000
"""Nobody fills in the form in less."""
LATEST_MS = 12 * HOUR_MS
BEGUN = 120
SENT = 20
FILES = 5
FILE_BYTES = 15_000_000
"""All of a mail's files together."""
FORM = "form:"
"""What the contact of a file begins with that was uploaded to a form."""

FileId = Annotated[str, Meta(max_length=64)]


class SendInput(Input, frozen=True, forbid_unknown_fields=True):
    """`ticket` is as it was given out, `counter` solves it; `fields` are the site's own. `website` is the trap: people
    do not see it."""

    ticket: Annotated[str, Meta(max_length=400)]
    counter: Annotated[int, Meta(ge=0, lt=2**53)]
    email: Annotated[str, Meta(max_length=254)]
    text: Annotated[str, Meta(max_length=8000)]
    name: Line = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    topic: Annotated[str, Meta(max_length=64)] = ""
    subject: Line = ""
    fields: dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=2000)]] = field(
        default_factory=dict
    )
    files: Annotated[list[FileId], Meta(max_length=FILES)] = field(default_factory=list)
    page: PageInput | None = None
    locale: Annotated[str, Meta(max_length=35)] = "en"
    website: Line = ""


class Sender(Struct, frozen=True):
    """Who sends a form, as the connection knows him: the network's address, and the visitor if he is one."""

    site: str
    address: str
    visitor: str | None = None


class EmailForm:
    """`secret` signs the puzzles. Without a `receiver` the hub has no e-mail; what is written waits in its queue all
    the same."""

    def __init__(self, hub: Hub, files: FileStore, receiver: Receiver | None, secret: bytes, domain: str = "") -> None:
        self._hub, self._files, self._receiver = hub, files, receiver
        self._secret, self._domain = secret, domain
        self._load = puzzle.Load()
        self._begun = SharedLimit("form.begun", BEGUN, HOUR_MS, hub.bus, hub.clock)
        self._sent = SharedLimit("form.sent", SENT, HOUR_MS, hub.bus, hub.clock)
        self._uploaded = SharedLimit("form.uploaded", FILES * 2, LATEST_MS, hub.bus, hub.clock)

    async def begin(self, sender: Sender) -> dict[str, Any]:
        """A puzzle for one form, when it may be sent at the soonest, and what files it takes."""
        if not mail_topics(self._hub, self._hub.directory.site(sender.site)):
            raise Refused("This site takes no e-mail.", code="email.off")
        await self._begun.take(sender.address)
        now = self._hub.clock.now()
        made = puzzle.make(sender.site, now, self._load.bits(now))
        return {
            "ticket": puzzle.seal(made, self._secret),
            "nonce": made.nonce,
            "bits": made.bits,
            "wait_ms": SOONEST_MS,
            "files": {"count": FILES, "bytes": FILE_BYTES},
        }

    async def uploads_to(self, bearer: str) -> tuple[str, str]:
        """(site, what stands in the place of a contact) for a file of the form whose ticket and solution (with a dot
        between) these are. Raises NotSignedIn, RateLimited."""
        ticket, _, counter = bearer.partition(".")
        made = self._opened(ticket)
        if made is None or not re.fullmatch(r"[0-9]{1,16}", counter) or not puzzle.solved(made, int(counter)):
            raise NotSignedIn("Begin a form before you send a file.")
        await self._uploaded.take(made.nonce)
        return made.site, FORM + made.nonce

    def _opened(self, ticket: str) -> puzzle.Puzzle | None:
        """The puzzle while it is worth something."""
        made = puzzle.opened(ticket, self._secret)
        return made if made is not None and made.at > self._hub.clock.now() - LATEST_MS else None

    async def send(self, sender: Sender, form: SendInput) -> dict[str, Any]:
        """Commits the mail; its reference. The same form again gives the same one.

        Raises InvalidInput, NotFound, Forbidden, RateLimited, TooLarge, Unavailable, and Refused: `form.expired` (begin
        anew), `form.early`, `form.unsolved`, `form.trap`, `form.used`.
        """
        hub, site = self._hub, self._hub.directory.site(sender.site)
        made = self._admitted(sender, form)
        topic, email = self._topic(site, form.topic), clean_email(form.email)
        if not form.text.strip():
            raise InvalidInput("question", "expected a message")
        if not email:
            raise InvalidInput("email", "expected an address for our answer")
        spec(email, "email")
        fields = check_form(site, form)
        if phone := clean_phone(form.phone):
            fields["phone"] = phone
        name, text = clean(clean_text(form.name, "name", 200)), clean_text(form.text)
        subject = clean(form.subject) or in_words(topic.label, form.locale) or site.name
        files = await self._enclosed(form.files, made)
        page = form.page if site.page_info else None
        submitted = Submitted(
            sha256(f"form\0{made.nonce}".encode()).hexdigest(),
            sender.site,
            topic.queue,
            topic.skills,
            topic.id,
            form.locale,
            fields,
            None if page is None else Page(page.url, clean_text(page.title, "page.title"), hub.clock.now()),
        )
        said = "\0".join([email, name, subject, text, *(file.sha256 for file in files)])
        written = _Written(Address(email, name), subject, text, files, sha256(said.encode()).hexdigest()[:32])
        known = await self._known(submitted, written)
        if known is None:
            hub.refuse_blocked(email=email, phone=phone, visitor=sender.visitor or "", address=sender.address)
            for key in {sender.address, sender.visitor or sender.address, email.lower()}:
                await self._sent.take(key)
            self._load.came(hub.clock.now())
            known = await self._commit(sender, made, submitted, written)
        return {"reference": reference(known), "email": email}

    def _admitted(self, sender: Sender, form: SendInput) -> puzzle.Puzzle:
        made = self._opened(form.ticket)
        if made is None or made.site != sender.site:
            raise Refused("This form was open for too long. Please send it again.", code="form.expired")
        if not puzzle.solved(made, form.counter):
            raise Refused("This form was not filled in by a browser.", code="form.unsolved")
        left = made.at + SOONEST_MS - self._hub.clock.now()
        if left > 0:
            raise Refused("That was too quick.", code="form.early", details={"retry_after_ms": left})
        if form.website:
            # Said and not feigned: a browser that fills in everything by itself must not lose somebody's mail.
            raise Refused("Please leave the hidden field empty.", code="form.trap")
        return made

    def _topic(self, site: Site, id: str) -> Topic:
        topic = topic_of(site, id)
        if (topic.id if site.topics else "") not in mail_topics(self._hub, site):
            raise InvalidInput("topic", "expected a topic that takes e-mail")
        return topic

    async def _enclosed(self, ids: list[str], made: puzzle.Puzzle) -> tuple[StoredFile, ...]:
        """The files that were uploaded to this form. Raises NotFound, TooLarge."""
        found = []
        for id in dict.fromkeys(ids):
            file = await self._hub.store.files.get(id)
            if file is None or file.contact != FORM + made.nonce:
                raise NotFound("file", id)
            found.append(file)
        size = sum(file.size for file in found)
        if size > FILE_BYTES:
            raise TooLarge("These files are too large for one mail.", code="mail.too_large", details={"size": size})
        return tuple(found)

    async def _known(self, submitted: Submitted, written: _Written) -> str | None:
        """The contact of a form that was taken before. Raises Refused when it said something else."""
        id = derived_id("ct", 0, "mail", submitted.hash)
        if id not in await self._hub.contacts.many([id]):
            return None
        mail = await self._hub.store.mails.get(derived_id("ma", 0, submitted.hash))
        if mail is not None:
            same = f".{written.digest}@" in mail.message_id
        else:
            messages = await self._hub.store.contacts.messages(id)
            same = any(each.text == written.text for each in messages)
        if not same:
            raise Refused("This form was sent before. Begin a new one.", code="form.used")
        return id

    async def _commit(self, sender: Sender, made: puzzle.Puzzle, submitted: Submitted, written: _Written) -> str:
        mailboxes = self._hub.directory.mailboxes()
        account = None if self._receiver is None else mailbox_of(mailboxes, submitted.queue)
        if self._receiver is None or account is None:
            return await self._keep(submitted, written)
        box = mailboxes[account]
        letter = Letter(
            written.sender,
            f"form.{made.nonce}.{written.digest}@{self._domain or box.address.rpartition('@')[2]}",
            made.at,
            to=(Address(box.address, box.display_name or box.name),),
            subject=written.subject,
            text=written.text,
            attachments=tuple([await self._enclosure(file) for file in written.files]),
            language=submitted.language,
        )
        envelope = Envelope(written.sender.address, (box.address,), sender.address)
        received = await self._receiver.receive(compose(letter), account, envelope, form=submitted)
        return received.contact

    async def _enclosure(self, file: StoredFile) -> Enclosure:
        path = self._files.path(file.sha256)
        return Enclosure(file.name, file.type, b"".join([block async for block in self._files.read(path)]))

    async def _keep(self, submitted: Submitted, written: _Written) -> str:
        """As a contact without a mail, for agents of a hub that sends none."""
        hub, sender = self._hub, written.sender
        id = derived_id("ct", 0, "mail", submitted.hash)
        customer, new = await writer(hub, sender.address.lower(), sender.name, submitted.language, submitted.hash)
        draft = Contact(
            id,
            channel=Channel.EMAIL,
            site=submitted.site,
            language=submitted.language,
            page=submitted.page,
            fields=submitted.fields,
        )
        place = hub.place(draft, customer, submitted.queue, submitted.skills, topic=submitted.topic)
        page = submitted.page
        steps: list[c.ContactCommand | Words] = [] if page is None else [c.VisitPage(page.url, page.title)]
        steps.append(c.Enqueue(place.queue, place.requirements, place.priority, customer.owner, place.rules))
        left = {"queue": hub.directory.queue_name(place.queue)}
        steps.append(Words(AuthorKind.SYSTEM, None, "", kind=MessageKind.SYSTEM, code="offline_received", data=left))
        name = sender.name or sender.address
        steps.append(Words(AuthorKind.VISITOR, None, name, written.text))
        for file in written.files:
            own = StoredFile(
                derived_id("fi", 0, id, file.id), id, file.uploader, file.name, file.size, file.type, file.sha256,
                file.created_at, file.width, file.height, file.thumb,
            )  # fmt: skip
            ref = FileRef(own.id, own.name, own.size, own.type, own.width, own.height, own.thumb)
            steps.append(Words(AuthorKind.VISITOR, None, name, "", ref, kind=MessageKind.FILE, files=(own,)))
        await hub.contacts.create(
            id,
            c.Create(
                Channel.EMAIL, submitted.site, customer.id, None, written.subject, submitted.language, submitted.fields
            ),
            steps,
            actor="mail",
            command_id=f"mail:{submitted.hash}",
            customer=customer if new else None,
        )
        return id


class _Written(Struct, frozen=True):
    sender: Address
    subject: str
    text: str
    files: tuple[StoredFile, ...]
    digest: str
    """Of all that was said; makes it known again."""
