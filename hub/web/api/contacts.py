"""Contacts: what was said, what happened, why somebody waits; an agent's words by a program."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta

from hub.config_rows import Row
from hub.errors import InvalidInput
from hub.events import to_dict
from hub.machine import WAITING
from hub.mail_rules import PREFIX
from hub.model import Channel, Phase
from hub.permissions import Permission
from hub.ports import ContactFilter
from hub.scopes import scope_of
from hub.web import shapes as s
from hub.web.api.names import queue_id
from hub.web.table import Call, Input, Nothing, Table

table = Table("Contacts")
Word = Annotated[str, Meta(max_length=64)]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class ContactQuery(s.PageQuery, frozen=True):
    """`queue` is an id or a name; `open` true is what is not closed yet."""

    channel: Channel | None = None
    phase: Phase | None = None
    queue: Annotated[str, Meta(max_length=120)] | None = None
    agent: Word | None = None
    customer: Word | None = None
    site: Word | None = None
    open: bool | None = None
    created_from: s.At | None = None
    created_to: s.At | None = None


@table.add(
    "GET",
    "/contacts",
    Permission.CONTACT_HANDLE,
    query=ContactQuery,
    result=s.ContactPage,
    summary="The contacts you may see, newest first",
)
async def list_contacts(call: Call[None, ContactQuery]) -> object:
    query = call.query
    where = ContactFilter(
        channels=(str(query.channel),) if query.channel else (),
        phases=(str(query.phase),) if query.phase else (),
        queues=(queue_id(call, query.queue),) if query.queue else (),
        agents=(query.agent,) if query.agent else (),
        customer=query.customer,
        site=query.site,
        open=query.open,
        created_from=query.created_from,
        created_to=query.created_to,
        scope=scope_of(call.hub.directory, call.user),
    )
    limit = query.limit
    rows = await call.store.contacts.page(where, after=query.after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return {"items": await call.hub.views.for_agents(rows), "next": rows[-1].contact.id if more else None}


@table.add("GET", "/contacts/{id}", Permission.CONTACT_HANDLE, result=s.Contact, summary="One contact")
async def get_contact(call: Call[None, Nothing]) -> object:
    return await call.hub.views.for_agent(await call.hub.seen_by(call.user, call.path("id")))


class MessageQuery(s.Query, frozen=True):
    """`after` is a message's `seq`: what came after it."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: s.Limit = 100


@table.add(
    "GET",
    "/contacts/{id}/messages",
    Permission.CONTACT_HANDLE,
    query=MessageQuery,
    result=s.MessagePage,
    summary="What was said, oldest first, notes and system lines too",
)
async def list_messages(call: Call[None, MessageQuery]) -> object:
    row = await call.hub.seen_by(call.user, call.path("id"))
    limit = call.query.limit
    messages = await call.store.contacts.messages(row.contact.id, after_seq=call.query.after, limit=limit + 1)
    more, messages = len(messages) > limit, messages[:limit]
    return {
        "items": [call.hub.views.message(m, for_visitor=False, reader=call.user.id) for m in messages],
        "next": str(messages[-1].seq) if more else None,
    }


def command_id(call: Call[Any, Any], given: str | None) -> str:
    """By what the same request is known again: what it names itself, in its body or its header. Raises InvalidInput."""
    key = given or call.request.headers.get("idempotency-key") or secrets.token_urlsafe(18)
    if not 8 <= len(key) <= 64 or not key.replace("-", "").replace("_", "").isalnum() or not key.isascii():
        raise InvalidInput("Idempotency-Key", "expected 8 to 64 letters, digits, - or _")
    return key


class NewMessage(Input, frozen=True, forbid_unknown_fields=True):
    """The same `client_id` (or Idempotency-Key header) again answers with the first message and adds none.

    `file` is the id of a file that was uploaded to this contact. A note is never shown to the customer.
    """

    text: Annotated[str, Meta(max_length=8000)] = ""
    kind: Literal["text", "note"] = "text"
    file: Word | None = None
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/contacts/{id}/messages",
    Permission.CONTACT_HANDLE,
    body=NewMessage,
    result=s.Message,
    status=201,
    summary="Say something as the agent you are, or leave a note",
)
async def add_message(call: Call[NewMessage, Nothing]) -> object:
    body, id = call.body, call.path("id")
    key = command_id(call, body.client_id)
    file = await call.hub.file_of(body.file, id, call.user.id) if body.file else None
    message, _ = await call.hub.say(call.user, id, key, body.text, file, note=body.kind == "note")
    return call.hub.views.message(message, for_visitor=False, reader=call.user.id)


class EventQuery(s.Query, frozen=True):
    """`after` is an event's `version`."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: s.Limit = 100


@table.add(
    "GET",
    "/contacts/{id}/events",
    Permission.CONTACT_HANDLE,
    query=EventQuery,
    result=s.LogPage,
    summary="What happened to the contact, as the log has it",
)
async def list_events(call: Call[None, EventQuery]) -> object:
    row = await call.hub.seen_by(call.user, call.path("id"))
    limit = call.query.limit
    recorded = await call.store.log.stream(row.contact.id, call.query.after, limit + 1)
    more, recorded = len(recorded) > limit, recorded[:limit]
    items = []
    for entry in recorded:
        data = to_dict(entry.event)
        kind = data.pop("type")
        items.append(s.LogEntry(entry.seq, entry.version, entry.at, entry.actor, kind, data))
    return s.LogPage(items, str(items[-1].version) if more else None)


def rule_names(call: Call[Any, Any], rules: Iterable[str]) -> list[dict[str, str]]:
    """Rules of the routing and, behind PREFIX, those of the triage of mails."""
    directory = call.hub.directory
    known: dict[str, Row] = dict(directory.rules())
    known |= {PREFIX + id: rule for id, rule in directory.mail_rules().items()}
    return [{"id": id, "name": known[id].name if id in known else id} for id in rules]


@table.add(
    "GET",
    "/contacts/{id}/routing",
    Permission.CONTACT_HANDLE,
    result=s.RoutingView,
    summary="Why the contact waits: its place, the expected wait, and what speaks against each agent",
)
async def explain_routing(call: Call[None, Nothing]) -> object:
    contact = (await call.hub.seen_by(call.user, call.path("id"))).contact
    routing, waits = call.hub.routing, contact.phase in WAITING
    return s.RoutingView(
        contact.queue,
        call.hub.asked(contact),
        contact.priority,
        contact.relaxed,
        rule_names(call, contact.rules),
        routing.position(contact.id) if waits else None,
        routing.wait_s(contact.id) if waits else None,
        routing.explain(contact.id) if waits else [],
    )
