"""Callbacks at work: what an agent reads and decides before one is dialled, and what slots have to bear."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.callback_desk import SlotLoad
from hub.callbacks.pacing import SPAN_MS, WINDOW_MS
from hub.errors import InvalidInput
from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.api.callbacks import Act, CallbackView, callback_view, desk_of, noted, seen
from hub.web.api.contacts import ClientId, command_id
from hub.web.api.names import queue_id
from hub.web.table import Call, Input, Nothing, Table

table = Table("Callbacks")
P = Permission
LONGEST_MS = 31 * 24 * 3_600_000


class OfContact(Struct, frozen=True):
    """None where none was promised, or where the hub makes none."""

    callback: CallbackView | None


@table.add(
    "GET",
    "/contacts/{id}/callback",
    P.CONTACT_HANDLE,
    result=OfContact,
    summary="The callback that a contact is, or that was promised in it",
)
async def callback_of(call: Call[None, Nothing]) -> object:
    row = await call.hub.seen_by(call.user, call.path("id"))
    desk = call.hub.calling_back
    found = None if desk is None else await desk.of_contact(row.contact.id)
    return OfContact(None if found is None else callback_view(call, found))


@table.add(
    "POST",
    "/callbacks/{id}/dial",
    P.CALLBACK_ASK,
    body=Act,
    result=CallbackView,
    summary="End the preview of the callback that you accepted: its call is made now",
)
async def dial(call: Call[Act, Nothing]) -> object:
    found = await seen(call)
    await desk_of(call).dial(found.contact, call.user.id)
    return callback_view(call, await desk_of(call).get(found.id))


class NotNow(Input, frozen=True, forbid_unknown_fields=True):
    """In so many `minutes` it is asked for again; without any somebody else is asked now."""

    minutes: Annotated[int, Meta(ge=1, le=1440)] | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/callbacks/{id}/not-now",
    P.CALLBACK_ASK,
    body=NotNow,
    result=CallbackView,
    summary="Do not call now: put the callback that you accepted off, or give it back to its queue",
)
async def not_now(call: Call[NotNow, Nothing]) -> object:
    body, key = call.body, command_id(call, call.body.client_id)
    found = await desk_of(call).get(call.path("id"))
    if await call.store.log.find(found.id, call.user.id, key) is None:
        # Whoever asks again what he has done already need not have it any more.
        found = await seen(call)
    after = await desk_of(call).put_off(found.id, call.user.id, body.minutes, body.reason, key)
    await noted(call, "not_now", found, after)
    return callback_view(call, after)


class Dialling(Struct, frozen=True):
    """How a queue that calls customers first does: of those who `answered` within a day `abandoned` found no agent. At
    `limit_percent` it is agents first (`now`) for the time being, and `why` is "limit". `calling` are called now, of
    whom `on_hold` wait for an agent on the line."""

    queue: s.Named
    now: Literal["customer_first", "agent_first"]
    why: Literal["", "limit"]
    answered: int
    abandoned: int
    percent: float
    limit_percent: int
    calling: int
    on_hold: int


class DiallingList(Struct, frozen=True):
    items: list[Dialling]


@table.add(
    "GET",
    "/callback-dialling",
    P.CALLBACK_MANAGE,
    result=DiallingList,
    summary="Queues that call customers first: how many found no agent, and whether agents come first for now",
)
async def dialling(call: Call[None, Nothing]) -> object:
    desk_of(call)
    found = []
    for id, row in call.hub.directory.queues().items():
        if row.dial == "customer_first":
            rate = await call.store.callbacks.rate(id, call.now - WINDOW_MS, call.now + SPAN_MS - WINDOW_MS)
            over = rate.over(row.abandoned_percent / 100)
            found.append(
                Dialling(
                    s.Named(id, row.name),
                    "agent_first" if over else "customer_first",
                    "limit" if over else "",
                    rate.answered,
                    rate.abandoned,
                    round(rate.share * 100, 2),
                    row.abandoned_percent,
                    rate.at_risk,
                    rate.on_hold,
                )
            )
    return DiallingList(found)


class LoadQuery(s.Query, frozen=True):
    """The slots of a queue, or of all together, from a time to another: at most 31 days."""

    since: s.At
    until: s.At
    queue: Annotated[str, Meta(max_length=120)] | None = None


class LoadList(Struct, frozen=True):
    items: list[SlotLoad]


@table.add(
    "GET",
    "/callback-load",
    P.CALLBACK_MANAGE,
    query=LoadQuery,
    result=LoadList,
    summary="What each slot has to bear against what it takes",
)
async def slot_loads(call: Call[None, LoadQuery]) -> object:
    q, desk = call.query, desk_of(call)
    if not q.since <= q.until <= q.since + LONGEST_MS:
        raise InvalidInput("until", "expected a time within 31 days after since")
    queues = [queue_id(call, q.queue)] if q.queue else list(call.hub.directory.queues())
    found: dict[int, SlotLoad] = {}
    for queue in queues:
        for load in await desk.loads(queue, q.since, q.until):
            known = found.get(load.start, SlotLoad(load.start, load.end, 0, 0, 0))
            found[load.start] = SlotLoad(
                load.start,
                load.end,
                known.promised + load.promised,
                known.due + load.due,
                known.capacity + load.capacity,
            )
    return LoadList([found[start] for start in sorted(found)])
