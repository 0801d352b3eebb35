"""Contacts that a program makes, dry runs of routing, and the check of its configuration."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from hub import config_rows as rows
from hub.contacts import Words, clean_text
from hub.errors import InvalidInput, NotFound
from hub.ids import derived_id
from hub.model import AuthorKind, Channel, Contact, Customer, Page
from hub.permissions import Permission
from hub.routing_check import Finding, check_routing
from hub.rules import Placement
from hub.visitors import clean_email, clean_phone
from hub.web import shapes as s
from hub.web.api.contacts import ClientId, Word, command_id, rule_names
from hub.web.table import Call, Input, Nothing, Table

table = Table("Routing")
Short = Annotated[str, Meta(max_length=200)]
Long = Annotated[str, Meta(max_length=2000)]


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Who it is: the id of a known customer, or what is known of a new one."""

    id: Word | None = None
    name: Short = ""
    email: Short = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    language: Annotated[str, Meta(max_length=35)] = ""
    fields: dict[Annotated[str, Meta(max_length=60)], Long] = field(default_factory=dict)


class Wanted(Input, frozen=True, forbid_unknown_fields=True):
    """A contact as it would come: either `queue`, or `site` and `topic`. `called` and `caller` are phone numbers."""

    channel: Channel
    queue: rows.Id | None = None
    site: rows.Id | None = None
    topic: rows.Id | None = None
    skills: rows.Skills = field(default_factory=dict)
    customer: Person = Person()
    language: Annotated[str, Meta(max_length=35)] = "en"
    subject: Short = ""
    page: Annotated[str, Meta(max_length=2000, pattern=r"^(https?://\S+)?$")] = ""
    called: Annotated[str, Meta(max_length=40)] = ""
    caller: Annotated[str, Meta(max_length=40)] = ""
    fields: dict[Annotated[str, Meta(max_length=60)], Long] = field(default_factory=dict)


class NewContact(Wanted, frozen=True, forbid_unknown_fields=True):
    """The same Idempotency-Key again answers with the first contact and makes none."""

    text: Annotated[str, Meta(max_length=8000)] = ""
    client_id: ClientId | None = None


class ChannelChange(Input, frozen=True, forbid_unknown_fields=True):
    channel: Channel
    client_id: ClientId | None = None


class Candidate(Input, frozen=True, forbid_unknown_fields=True):
    """A row as it would be saved: `id` None for a new one."""

    kind: Literal["queue", "rule", "group"]
    id: rows.Id | None = None
    row: dict[str, Any] = field(default_factory=dict)


class Findings(Struct, frozen=True):
    items: list[Finding]


class TopicChoice(Struct, frozen=True):
    id: str
    label: dict[str, str]


class SiteChoice(Struct, frozen=True):
    id: str
    name: str
    topics: list[TopicChoice]


class Choices(Struct, frozen=True):
    """The names only: whoever may try the routing need not be let into its configuration."""

    queues: list[s.Named]
    skills: list[s.Named]
    sites: list[SiteChoice]


async def _person(call: Call[Any, Nothing], person: Person, id: str) -> Customer:
    """The customer it is about; a new one is not stored yet. Raises NotFound, InvalidInput."""
    if person.id is not None:
        known = (await call.hub.contacts.customers([person.id])).get(person.id)
        if known is None:
            raise NotFound("customer", person.id)
        return known
    return Customer(
        id,
        clean_text(person.name, "customer.name").replace("\n", " ").strip(),
        clean_email(person.email),
        clean_phone(person.phone),
        person.language,
        fields={name: clean_text(text, f"customer.fields.{name}") for name, text in person.fields.items()},
        created_at=call.now,
    )


def _placed(call: Call[Any, Nothing], wanted: Wanted, customer: Customer, id: str) -> tuple[Contact, Placement]:
    """The contact as a draft, and where the rules put it. Raises NotFound, InvalidInput."""
    queue, skills = wanted.queue, dict(wanted.skills)
    if queue is None:
        if wanted.site is None or wanted.topic is None:
            raise InvalidInput("queue", "expected a queue, or a site and one of its topics")
        site = call.hub.directory.site(wanted.site)
        topic = next((topic for topic in site.topics if topic.id == wanted.topic), None)
        if topic is None:
            raise InvalidInput("topic", "expected one of the site's topics")
        queue, skills = topic.queue, {**topic.skills, **skills}
    call.hub.directory.queue(queue)
    draft = Contact(
        id,
        channel=wanted.channel,
        site=wanted.site or "",
        language=wanted.language,
        subject=clean_text(wanted.subject, "subject").replace("\n", " "),
        page=Page(wanted.page, "", call.now) if wanted.page else None,
        fields={name: clean_text(text, f"fields.{name}") for name, text in wanted.fields.items()},
    )
    more = {"topic": wanted.topic or "", "called": wanted.called, "caller": wanted.caller}
    known = {name: value for name, value in more.items() if value}
    return draft, call.hub.place(draft, customer, queue, skills, **known)


@table.add(
    "POST",
    "/contacts",
    Permission.CONTACT_CREATE,
    body=NewContact,
    result=s.Contact,
    status=201,
    summary="Make a contact of any channel; it waits and is offered like any other",
)
async def create_contact(call: Call[NewContact, Nothing]) -> object:
    body = call.body
    key = command_id(call, body.client_id)
    id = derived_id("ct", 0, call.user.id, key)
    customer = await _person(call, body.customer, derived_id("cu", 0, call.user.id, key))
    draft, placement = _placed(call, body, customer, id)
    for phone in (body.caller, customer.phone):
        call.hub.refuse_blocked(email=customer.email, phone=phone)
    words = None
    if body.text.strip():
        words = Words(AuthorKind.VISITOR, customer.id, customer.name, clean_text(body.text))
    new = body.customer.id is None
    outcome = await call.hub.create(
        id, draft, customer, placement, new=new, actor=call.user.id, words=words, command_id=key
    )
    return await call.hub.views.for_agent(outcome.row)


@table.add(
    "POST",
    "/contacts/{id}/channel",
    Permission.CONTACT_CREATE,
    body=ChannelChange,
    result=s.Contact,
    summary="Serve a waiting customer on another channel, in the same place of the queue",
)
async def change_channel(call: Call[ChannelChange, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    outcome = await call.hub.change_channel(call.user, call.path("id"), call.body.channel, key)
    return await call.hub.views.for_agent(outcome.row)


@table.add(
    "POST",
    "/routing/dry-run",
    Permission.LIVE_VIEW,
    body=Wanted,
    result=s.RoutingView,
    summary="Who would get such a contact now, and why each of the others would not",
)
async def dry_run(call: Call[Wanted, Nothing]) -> object:
    body = call.body
    customer = await _person(call, body.customer, "cu_dry")
    draft, placement = _placed(call, body, customer, "ct_dry")
    routing = call.hub.routing
    return s.RoutingView(
        placement.queue,
        call.hub.asked(replace(draft, queue=placement.queue, requirements=placement.requirements)),
        placement.priority,
        0,
        rule_names(call, placement.rules),
        None,
        routing.queue_wait_s(placement.queue, str(body.channel)),
        routing.explain_newcomer(str(body.channel), placement, customer.owner),
    )


@table.add(
    "GET",
    "/routing/choices",
    Permission.LIVE_VIEW,
    result=Choices,
    summary="What a dry run may name: the queues, the skills, and the sites with their topics",
)
async def choices(call: Call[None, Nothing]) -> object:
    directory = call.hub.directory
    return Choices(
        [s.Named(id, row.name) for id, row in sorted(directory.queues().items())],
        [s.Named(id, row.name) for id, row in sorted(directory.skills().items())],
        [
            SiteChoice(id, row.name, [TopicChoice(topic.id, topic.label) for topic in row.topics])
            for id, row in sorted(directory.sites().items())
        ],
    )


@table.add(
    "POST",
    "/routing/check",
    Permission.ADMIN_CONFIG,
    body=Candidate,
    result=Findings,
    summary="What would be wrong with the routing if this row were saved",
)
async def check(call: Call[Candidate, Nothing]) -> object:
    body = call.body
    row = rows.read(rows.KINDS[body.kind], body.row)
    return Findings(check_routing(call.hub.directory, body.id or "", row))
