"""What a visitor does in a conversation: start, write, mark, end, rate."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import structlog
from msgspec import Meta, Struct, field

from channels.chat.sites import topic_of
from hub import commands as c
from hub.config_rows import Site
from hub.contacts import Outcome, Words, clean_text
from hub.errors import Forbidden, InvalidInput, Refused
from hub.events import CallStarted
from hub.ids import derived_id
from hub.limits import SharedLimit, SlidingLimit
from hub.model import AuthorKind, Channel, Contact, FileRef, Message, Page, Visitor
from hub.ports import ContactFilter, ContactRow
from hub.service import Hub
from hub.sockets import Input
from hub.visitors import clean_email, clean_phone, read_identity

log = structlog.get_logger(__name__)

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Id = Annotated[str, Meta(max_length=64)]
Url = Annotated[str, Meta(max_length=2000)]
Title = Annotated[str, Meta(max_length=300)]
Line = Annotated[str, Meta(max_length=200)]


class PageInput(Struct, frozen=True, forbid_unknown_fields=True):
    url: Url
    title: Title = ""


class StartInput(Input, frozen=True, forbid_unknown_fields=True):
    """The pre-chat form; `fields` are the site's own ones."""

    client_id: ClientId
    name: Line = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    topic: Id = ""
    text: Annotated[str, Meta(max_length=8000)] = ""
    fields: dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=2000)]] = field(
        default_factory=dict
    )
    page: PageInput | None = None
    locale: Annotated[str, Meta(max_length=35)] = "en"
    identity: dict[str, Any] | None = None


class Conversations:
    """The visitor's side of chat contacts, over the hub. `per_minute` bounds his messages, `starts` his new contacts
    (by address, per hour)."""

    def __init__(self, hub: Hub, per_minute: int = 100, starts: int = 60) -> None:
        self._hub = hub
        self._messages = SlidingLimit(per_minute, 60_000)
        self._starts = SharedLimit("chat.started", starts, 3_600_000, hub.bus, hub.clock)

    async def own(self, visitor: Visitor | None, contact: str) -> ContactRow:
        """The contact if it is this visitor's. Raises Forbidden, also when there is no such contact."""
        row = (await self._hub.contacts.many([contact])).get(contact)
        if visitor is None or row is None or row.contact.visitor != visitor.id:
            raise Forbidden("This conversation is not yours.")
        return row

    async def start(
        self,
        site_id: str,
        visitor: Visitor | None,
        form: StartInput,
        address: str,
        user_agent: str,
        call: CallStarted | None = None,
    ) -> tuple[Visitor, Outcome]:
        """A new chat (or a `call`) with its first words.

        The same client id again returns the same contact, also when the first answer never arrived.
        """
        hub = self._hub
        site = hub.directory.site(site_id)
        new = visitor is None
        visitor = visitor or hub.visitors.first(site_id, form.client_id, user_agent)
        contact_id = derived_id("ct", 0, visitor.id, form.client_id)
        known = await hub.contacts.many([contact_id])
        if contact_id in known:
            return await self._as_stored(visitor), Outcome(known[contact_id], repeated=True)
        topic = topic_of(site, form.topic)
        name, email, phone = clean_text(form.name, "name", 200), clean_email(form.email), clean_phone(form.phone)
        fields = {} if call is not None else check_form(site, form)
        hub.refuse_blocked(email=email, phone=phone, visitor=visitor.id, address=address)
        await self._starts.take(address)
        visitor = await self._identified(visitor, form.identity, new=new)
        customer = await hub.visitors.customer_for(visitor, name, email, phone, form.locale)
        known_as = customer or (await hub.contacts.customers([visitor.customer])).get(visitor.customer)
        channel = Channel.CHAT if call is None else Channel.VOICE
        page = form.page if site.page_info else None
        draft = Contact(
            contact_id,
            channel=channel,
            site=site_id,
            language=form.locale,
            page=None if page is None else Page(page.url, page.title, hub.clock.now()),
            fields=fields,
        )
        place = hub.place(draft, known_as, topic.queue, topic.skills, topic=topic.id)
        if not hub.directory.is_open(place.queue, hub.clock.now()):
            raise Refused("We are closed just now. Leave us a message instead.", code="queue.closed")
        self._check_length(place.queue)
        commands: list[c.ContactCommand] = [] if call is None else [c.NoteCall(call)]
        if page is not None:
            commands.append(c.VisitPage(page.url, clean_text(page.title, "page.title")))
        queue = hub.directory.queue(place.queue)
        preferred = (known_as.owner if known_as else None) or await self._last_agent(visitor)
        commands.append(c.Enqueue(place.queue, place.requirements, place.priority, preferred, place.rules))
        created = c.Create(
            channel,
            site_id,
            visitor.customer,
            visitor.id,
            in_words(topic.label, site.locale) or queue.name,
            form.locale,
            fields,
            media=call is not None,
        )
        text = clean_text(form.text)
        outcome = await hub.contacts.create(
            contact_id,
            created,
            commands,
            actor=visitor.id,
            command_id=form.client_id,
            words=_words(visitor, name, text) if text.strip() else None,
            customer=customer,
            visitor=visitor if new else None,
        )
        return visitor, outcome

    async def _identified(self, visitor: Visitor, identity: dict[str, Any] | None, *, new: bool) -> Visitor:
        """What the host page says of its user; a claim that does not hold leaves the visitor as he is."""
        if not identity:
            return visitor
        try:
            return (await self._hub.visitors.identify(visitor, read_identity(identity), new=new))[0]
        except (Forbidden, InvalidInput) as error:
            log.info("chat.identity_refused", visitor=visitor.id, reason=error.code)
            return visitor

    async def identify(self, visitor: Visitor, identity: dict[str, Any]) -> tuple[Visitor, bool]:
        """Joins the visitor and his open conversations to the customer he proves to be; (visitor, verified)."""
        visitor, customer = await self._hub.visitors.identify(visitor, read_identity(identity))
        if customer.verified:
            for row in self._hub.living.of_visitor(visitor.id):
                await self._hub.contacts.do(row.contact.id, c.RecogniseCustomer(customer.id), actor=visitor.id)
        return visitor, customer.verified

    async def _as_stored(self, visitor: Visitor) -> Visitor:
        return await self._hub.store.people.visitor(visitor.id) or visitor

    def _check_length(self, queue: str) -> None:
        row = self._hub.directory.queue(queue)
        most = row.max_length
        if any(rule.when == "full" for rule in row.overflow):
            return  # the dispatcher sends on whoever finds it full
        if most is not None and self._hub.routing.standing(queue).waiting >= most:
            raise Refused("Too many people are waiting just now. Please try again later.", code="queue.full")

    async def _last_agent(self, visitor: Visitor) -> str | None:
        """Who served this browser's last conversation: he is asked first."""
        rows = await self._hub.store.contacts.page(ContactFilter(visitor=visitor.id), limit=1)
        handled = rows[0].contact.handled_by if rows else ()
        return handled[-1] if handled else None

    async def say(
        self, visitor: Visitor | None, contact: str, client_id: str, text: str, file: FileRef | None
    ) -> tuple[Message, Outcome]:
        row = await self.own(visitor, contact)
        assert visitor is not None
        self._messages.take(visitor.id, self._hub.clock.now())
        customer = (await self._hub.contacts.customers([row.contact.customer])).get(row.contact.customer)
        words = _words(visitor, customer.name if customer else "", clean_text(text), file)
        return await self._hub.contacts.say(contact, words, actor=visitor.id, command_id=client_id)

    async def mark(self, visitor: Visitor | None, contact: str, delivered: int, read: int) -> None:
        row = await self.own(visitor, contact)
        await self._hub.contacts.do(row.contact.id, c.Mark("visitor", delivered, read), actor=row.contact.visitor or "")

    async def end(self, visitor: Visitor | None, contact: str, client_id: str) -> Outcome:
        row = await self.own(visitor, contact)
        command = c.End("visitor", "left", self._hub.wrap_up_ms(row.contact.queue))
        return await self._hub.contacts.do(contact, command, actor=row.contact.visitor or "", command_id=client_id)

    async def rate(self, visitor: Visitor | None, contact: str, client_id: str, score: int, comment: str) -> Outcome:
        row = await self.own(visitor, contact)
        command = c.Rate(score, clean_text(comment, "comment", 2000))

        def once(state: Contact) -> None:
            if state.rating is not None:
                raise Refused("You have rated this conversation already.", code="contact.rated")

        return await self._hub.contacts.do(
            contact, command, actor=row.contact.visitor or "", command_id=client_id, guard=once
        )

    async def visit(self, visitor: Visitor, site: Site, page: PageInput) -> None:
        """The visitor's page, for the agents of his open conversations."""
        if not site.page_info:
            return
        title = clean_text(page.title, "title", 300)
        for row in self._hub.living.of_visitor(visitor.id):
            await self._hub.contacts.do(row.contact.id, c.VisitPage(page.url, title), actor=visitor.id)


def _words(visitor: Visitor, name: str, text: str, file: FileRef | None = None) -> Words:
    return Words(AuthorKind.VISITOR, visitor.id, name, text, file)


def in_words(label: dict[str, str], locale: str) -> str:
    return label.get(locale) or next(iter(label.values()), "")


class Asked(Protocol):
    """What forms that begin something have in common."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def fields(self) -> dict[str, str]: ...


def check_form(site: Site, form: Asked) -> dict[str, str]:
    """The site's own fields of the form, cleaned. Raises InvalidInput for what is required and missing."""
    given = {"name": form.name, "email": form.email, "topic": form.topic, "question": form.text, "phone": form.phone}
    fields: dict[str, str] = {}
    for wanted in site.prechat:
        value = given.get(wanted.name, form.fields.get(wanted.name, ""))
        if wanted.required and not value.strip():
            raise InvalidInput(wanted.name, "expected a value")
        if value and wanted.type == "select" and wanted.options and value not in wanted.options:
            raise InvalidInput(wanted.name, "expected one of the options")
        if wanted.name not in given and value.strip():
            fields[wanted.name] = clean_text(value, wanted.name, 2000)
    return fields
