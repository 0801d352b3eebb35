"""From raw bytes to a committed contact, whatever way a mail came.

Every step may be taken again: the raw mail lies in the file store by its hash, ids follow from the content, and the
mail's row is written in the transaction of its message. So a mail that comes twice, or whose receipt died anywhere on
the way, is there once. Whoever brings it keeps it until `receive` has returned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from channels.email import keeping
from channels.email.figures import Figures
from channels.email.scanning import Scanner, with_scans
from channels.email.threading import Found, Threads
from channels.email.triage import Guess, Incoming, Triage, by_mailbox
from hub import commands as c
from hub.config_rows import Mailbox
from hub.contacts import Words
from hub.errors import Forbidden, NotFound, Refused, VersionConflict
from hub.files import FileStore
from hub.ids import derived_id, new_id
from hub.mails import MailState, StoredMail
from hub.model import (
    PRIORITY_LIMIT,
    AuthorKind,
    Channel,
    Contact,
    Customer,
    MessageKind,
    Millis,
    Page,
    Phase,
    Requirements,
    Scanned,
)
from hub.rules import Placement
from hub.service import Hub
from mail.model import Mail, MailKind

log = structlog.get_logger(__name__)

ACTOR = "mail"
DAY_MS = 24 * 3_600_000
TRIES = 6
AT_ONCE = 16
HOPS = 40
"""So many servers no mail passes that is not in a circle."""


class Parser(Protocol):
    async def parse(self, raw: bytes) -> Mail: ...


class Envelope(Struct, frozen=True):
    """What the server that gave us the mail said of it, and its network address."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    address: str = ""


class Received(Struct, frozen=True):
    """What became of a mail. `known`: it was here already; `blocked`: its sender is not served, nothing was kept."""

    contact: str
    mail: str
    outcome: Literal["created", "continued", "reopened", "known", "blocked"]


class Submitted(Struct, frozen=True):
    """What is known of a mail that was written in a form of ours: where it goes, and what makes it this one.

    It begins a contact of its own, whatever its subject and sender: both are only what somebody typed.
    """

    hash: str
    site: str
    queue: str
    skills: Requirements
    topic: str
    language: str
    fields: dict[str, str]
    page: Page | None = None


class Arrival(Struct, frozen=True):
    """A mail that is about to become a contact, for who acknowledges it. `typed`: it came by a form, where anybody can
    put in anybody's address."""

    mail: StoredMail
    mailbox: str
    row: Mailbox
    customer: Customer
    queue: str
    language: str
    typed: bool = False


class Receiver:
    """`scanner` looks into files. `answer` may add an automatic answer to a new contact, in the same step; nothing
    automatic is shown to it. `triage` says where new mails go."""

    def __init__(self, hub: Hub, files: FileStore, parser: Parser, secret: bytes) -> None:
        self._hub = hub
        self._files = files
        self._parser = parser
        self._threads = Threads(hub, secret)
        self._room = asyncio.Semaphore(AT_ONCE)
        self.figures = Figures(CollectorRegistry())
        self.scanner: Scanner | None = None
        self.triage: Callable[[Incoming], Awaitable[Triage]] = by_mailbox
        self.answer: Callable[[Arrival], Awaitable[Words | None]] | None = None

    async def receive(
        self,
        raw: bytes,
        mailbox: str,
        envelope: Envelope | None = None,
        at: Millis | None = None,
        form: Submitted | None = None,
    ) -> Received:
        """Returns once the mail is committed. `at` is when the server had it, if that was earlier.

        Raises Unavailable when nothing was stored, NotFound when there is no such mailbox.
        """
        row = self._hub.directory.mailboxes().get(mailbox)
        if row is None:
            raise NotFound("mailbox", mailbox)
        outcome = "failed"
        try:
            received = await self._receive(raw, mailbox, row, envelope, at, form)
            outcome = received.outcome
            return received
        finally:
            self.figures.received.labels(mailbox, outcome).inc()

    async def _receive(
        self,
        raw: bytes,
        mailbox: str,
        row: Mailbox,
        envelope: Envelope | None,
        at: Millis | None,
        form: Submitted | None,
    ) -> Received:
        async with self._room:
            hash = await keeping.hashed(raw) if form is None else form.hash
            known = await self._hub.store.mails.by_hash(hash)
            if known is not None:
                return Received(known.contact, known.id, "known")
            began = time.perf_counter()
            mail = await self._parser.parse(raw)
            self.figures.parse_seconds.observe(time.perf_counter() - began)
            if self._blocked(mail, envelope):
                return Received("", "", "blocked")
            stored = await self._files.keep(raw)
            return await self._place(mail, mailbox, row, envelope or Envelope(), hash, stored, len(raw), at, form)

    def _blocked(self, mail: Mail, envelope: Envelope | None) -> bool:
        try:
            for address in {mail.from_.address.lower(), (envelope.sender if envelope else "").lower()} - {""}:
                self._hub.refuse_blocked(email=address)
            if envelope is not None and envelope.address:
                self._hub.refuse_blocked(address=envelope.address)
        except Forbidden:
            return True
        return False

    async def _place(
        self,
        mail: Mail,
        mailbox: str,
        row: Mailbox,
        envelope: Envelope,
        hash: str,
        raw: str,
        size: int,
        at: Millis | None,
        form: Submitted | None,
    ) -> Received:
        id, now = derived_id("ma", 0, hash), self._hub.clock.now()
        text, fold_at = await keeping.body(mail)
        scanned: Mapping[str, Scanned] | None = None
        for attempt in range(TRIES):
            found = Found() if form is not None else await self._threads.find(mail, mailbox, row, envelope.recipients)
            contact = found.contact if found.continues else derived_id("ct", 0, "mail", hash)
            kept = await keeping.keep(self._files, mail, id, contact, raw, size, now)
            if scanned is None:
                scanned = {} if self.scanner is None else await self.scanner.of_mail(kept.files)
            kept = keeping.marked(kept, scanned)
            incoming = keeping.stored(
                mail,
                kept,
                id=id,
                contact=contact,
                message=new_id("ms", now),
                account=mailbox,
                at=min(at or now, now),
                hash=hash,
                fold_at=fold_at,
                problems=found.problems,
            )
            if scanned:
                incoming = with_scans(incoming, {file.id: scanned[file.sha256] for file in kept.files})
            words = _words(text, incoming, kept)
            try:
                if found.continues:
                    return await self._continue(mail, row, found, words, incoming)
                return await self._create(mail, mailbox, row, contact, found.contact, words, incoming, envelope, form)
            except VersionConflict:
                if attempt == TRIES - 1:
                    raise
            except Refused as error:
                if error.code != "mail.known":
                    raise
                stored = await self._hub.store.mails.get(id)
                assert stored is not None, "it was refused because it is there"
                return Received(stored.contact, stored.id, "known")
        raise AssertionError("the last attempt returns or raises")

    # --- into a contact that is there ---------------------------------------------------------------------------------

    async def _continue(self, mail: Mail, row: Mailbox, found: Found, words: Words, incoming: StoredMail) -> Received:
        hub, id = self._hub, found.contact
        contact = (await hub.contacts.get(id)).contact
        bounced = tuple(_bounces(mail, found.outgoing))
        words = replace(words, mails=(*words.mails, *bounced))
        # A person's mail that did not arrive is somebody's work again; nothing else that is automatic is.
        unmanned = automatic(mail) or found.ours
        wakes = not unmanned or any(not each.automatic for each in bounced)
        if unmanned:
            words = replace(words, author_kind=AuthorKind.SYSTEM)
        over = contact.phase in (Phase.CLOSED, Phase.WRAPPING)
        steps: list[c.ContactCommand | Words] = [self._reopening(contact, row, mail)] if wakes else []
        await hub.contacts.carry_out(id, [*steps, words], actor=ACTOR, command_id=f"mail:{incoming.hash}")
        for back in bounced:
            self.figures.failures.labels(back.account, "bounced").inc()
        if wakes:
            await hub.store.mails.forget_reminder(id)
        outcome: Literal["reopened", "continued"] = "reopened" if wakes and over else "continued"
        log.info("mail.received", contact=id, mail=incoming.id, outcome=outcome, kind=incoming.kind)
        return Received(id, incoming.id, outcome)

    def _reopening(self, contact: Contact, row: Mailbox, mail: Mail) -> c.Reopen:
        """To who had it last; to another queue when its own is gone."""
        kept = contact.queue in self._hub.directory.queues()
        last = contact.handled_by[-1] if contact.handled_by else None
        return c.Reopen(
            "bounce" if mail.kind is MailKind.BOUNCE else "reply",
            contact.queue if kept and contact.queue is not None else row.queue,
            contact.requirements if kept else {},
            contact.priority,
            last,
        )

    # --- into a new one -----------------------------------------------------------------------------------------------

    async def _create(
        self,
        mail: Mail,
        mailbox: str,
        row: Mailbox,
        id: str,
        follows: str,
        words: Words,
        incoming: StoredMail,
        envelope: Envelope,
        form: Submitted | None,
    ) -> Received:
        """`follows` is the contact that the mail answers but cannot open any more; empty for none."""
        hub = self._hub
        customer, new = await self._customer(mail, envelope, incoming.hash)
        chosen = "" if form is None else form.queue
        sorted_ = await self.triage(Incoming(mail, mailbox, row, customer, envelope.recipients, chosen))
        if form is not None:
            # Who chose a topic and a language knows better than his words; the rules know better than he does.
            sorted_ = replace(
                sorted_,
                skills=stricter(form.skills, sorted_.skills) if sorted_.queue == form.queue else sorted_.skills,
                language=sorted_.language or form.language,
            )
        language = sorted_.language or mail.language or row.language
        fields = {} if form is None else form.fields
        if follows:
            fields = {"follows": follows}
        draft = Contact(
            id,
            channel=Channel.EMAIL,
            site="" if form is None else form.site,
            customer=customer.id,
            subject=incoming.subject,
            language=language,
            fields=fields,
            page=None if form is None else form.page,
        )
        # What a sender says of himself proves nothing, also not to the rules.
        placement = self._placement(draft, replace(customer, verified=False), sorted_, row, form)
        preferred = sorted_.owner or customer.owner
        if follows:
            before = (await hub.contacts.get(follows)).contact
            preferred = preferred or (before.handled_by[-1] if before.handled_by else None)
        tags = (*sorted_.tags, *((str(mail.kind),) if automatic(mail) or mail.kind is not MailKind.NORMAL else ()))
        then: list[c.ContactCommand | Words] = []
        if draft.page is not None:
            then.append(c.VisitPage(draft.page.url, draft.page.title))
        then.append(c.Enqueue(placement.queue, placement.requirements, placement.priority, preferred, placement.rules))
        if sorted_.guess is not None:
            then.append(_guessed(hub.directory.queue_name(sorted_.guess.queue), sorted_.guess))
        if tags:
            then.append(c.Edit(ACTOR, tags=tuple(dict.fromkeys(tags))))
        then.append(words)
        # Nobody wants to hear of a mail that lay in its mailbox for long.
        fresh = incoming.at > hub.clock.now() - DAY_MS
        if self.answer is not None and fresh and not automatic(mail) and mail.kind is MailKind.NORMAL:
            answer = await self.answer(
                Arrival(incoming, mailbox, row, customer, placement.queue, language, form is not None)
            )
            if answer is not None:
                then.append(answer)
        outcome = await hub.contacts.create(
            id,
            c.Create(Channel.EMAIL, draft.site, customer.id, None, incoming.subject, language, fields),
            then,
            actor=ACTOR,
            command_id=f"mail:{incoming.hash}",
            customer=customer if new else None,
        )
        log.info("mail.received", contact=id, mail=incoming.id, outcome="created", kind=incoming.kind)
        return Received(id, incoming.id, "known" if outcome.repeated else "created")

    def _placement(
        self, draft: Contact, customer: Customer, found: Triage, row: Mailbox, form: Submitted | None
    ) -> Placement:
        """Where the routing rules put it; triage that names what is not there any more is passed over."""
        hub = self._hub
        queue = found.queue if found.queue in hub.directory.queues() else row.queue
        topic = "" if form is None else form.topic
        placement = hub.place(draft, customer, queue, found.skills, called=row.address.lower(), topic=topic)
        priority = max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT, placement.priority + found.priority))
        return replace(placement, priority=priority, rules=(*found.rules, *placement.rules))

    async def _customer(self, mail: Mail, envelope: Envelope, hash: str) -> tuple[Customer, bool]:
        """Who wrote, by his address, and whether he is new."""
        sender = keeping.address(mail.from_)
        address = sender.address or keeping.cleaned(envelope.sender, 320)
        return await writer(self._hub, address.lower(), sender.name, mail.language, hash)


def stricter(one: Requirements, other: Requirements) -> Requirements:
    """What both ask for, each skill at the higher of its levels."""
    return {skill: max(one.get(skill, 0), other.get(skill, 0)) for skill in {**one, **other}}


async def writer(hub: Hub, address: str, name: str, language: str, unknown: str) -> tuple[Customer, bool]:
    """The customer of an address, and whether he is new. An address proves nothing: it never makes one verified.

    Without one nobody knows who it is, so it is nobody else: `unknown` makes him.
    """
    known = await hub.store.people.by_identity("email", address) if address else None
    if known is not None:
        return known, False
    id = customer_id(address or f"unknown\x1f{unknown}")
    known = (await hub.contacts.customers([id])).get(id)
    if known is not None:
        return known, False
    return Customer(id, name or address, address, language=language, created_at=hub.clock.now()), True


def customer_id(address: str) -> str:
    """Of who wrote from this address (in lower case) and has proved nothing."""
    return derived_id("cu", 0, "email", address)


def automatic(mail: Mail) -> bool:
    """Whether no person wrote it, so that nothing automatic may answer and nothing closed is opened by it."""
    hops = sum(name == "received" for name, _ in mail.headers)
    return mail.kind in (MailKind.AUTO_REPLY, MailKind.BOUNCE, MailKind.FEEDBACK) or hops > HOPS


def _words(text: str, incoming: StoredMail, kept: keeping.Kept) -> Words:
    name = incoming.from_.name or incoming.from_.address
    return Words(
        AuthorKind.VISITOR,
        None,
        name,
        text,
        kind=MessageKind.MAIL,
        id=incoming.message,
        data={"mail": incoming.id},
        mails=(incoming,),
        files=kept.files,
    )


def _guessed(queue: str, guess: Guess) -> Words:
    data = {"queue": queue, "percent": round(guess.confidence * 100), "words": ", ".join(guess.words)}
    return Words(AuthorKind.SYSTEM, None, "", internal=True, kind=MessageKind.SYSTEM, code="guessed", data=data)


def _bounces(mail: Mail, about: tuple[StoredMail, ...]) -> list[StoredMail]:
    """Mails of ours as they are now that the report came: those of whose recipients one was refused for good."""
    found: dict[str, StoredMail] = {}
    for report in mail.bounced if mail.kind is MailKind.BOUNCE else ():
        if report.action != "failed":
            continue
        for sent in about:
            to = {each.address.lower() for each in (*sent.to, *sent.cc, *sent.bcc)}
            if report.recipient.lower() in to or len(to) == 1 or not report.recipient:
                why = keeping.cleaned(f"{report.recipient}: {report.diagnostic or report.status}", 500)
                found[sent.id] = replace(sent, state=MailState.BOUNCED, error=why, next_at=None)
    return list(found.values())
