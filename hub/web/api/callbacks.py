"""Callbacks: asked for, changed, given to agents, reported. Many at once: `callback_lists.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hub.callback_desk import Asker, CallbackDesk, NewCallback, switched_on
from hub.callbacks.model import Callback, Result, State
from hub.callbacks.records import CallbackFilter, CallbackReport
from hub.errors import Forbidden
from hub.model import AuditEntry, Millis
from hub.permissions import Permission, may
from hub.web import shapes as s
from hub.web.api.contacts import ClientId, Word, command_id
from hub.web.api.names import named_queue, named_user, queue_id
from hub.web.table import Call, Input, Nothing, Table

table = Table("Callbacks")
P = Permission


class AttemptView(Struct, frozen=True):
    """`ahead`: the customer was called before an agent had the callback, None while nobody has; `answered_at` is when
    he answered."""

    at: Millis
    agent: s.Named | None
    result: str | None
    status: int | None
    talk_ms: Millis
    ended_at: Millis | None
    ahead: bool
    answered_at: Millis | None


class CallbackView(Struct, frozen=True):
    """`when` is the time that was wished for, None for as soon as possible; `due_at` when it is (or was) tried next.
    `reason` says why it is not tried now, or why it ended; `estimate_s` in how many seconds it will be, if one can
    know. `joined`: the number had been promised one already, and this is it. `conversation` is the other contact in
    which it was asked for. Until `preview_until` the agent who has it may read before it is dialled; `put_off` is what
    an agent said who did not call. `most_attempts` are made. `told` is what the agent heard who is on the line."""

    id: str
    reference: str
    state: str
    phone: str
    name: str
    email: str
    topic: str
    note: str
    site: str
    queue: s.Named | None
    contact: str
    customer: str
    conversation: str
    language: str
    origin: str
    consent: str
    consent_version: str
    asked_at: Millis
    when: Millis | None
    due_at: Millis
    next_at: Millis | None
    ended_at: Millis | None
    reason: str
    agent: s.Named | None
    only_agent: s.Named | None
    attempts: list[AttemptView]
    estimate_s: float | None
    joined: bool
    preview_until: Millis | None
    put_off: str
    most_attempts: int
    told: str | None
    page: bool
    at_page: bool


class CallbackPage(Struct, frozen=True):
    items: list[CallbackView]
    next: str | None


def desk_of(call: Call[Any, Any]) -> CallbackDesk:
    return switched_on(call.hub.calling_back)


def callback_view(call: Call[Any, Any], found: Callback, *, joined: bool = False) -> CallbackView:
    return CallbackView(
        found.id,
        found.reference,
        str(found.state),
        found.number,
        found.name,
        found.email,
        found.topic,
        found.note,
        found.site,
        named_queue(call, found.queue),
        found.contact,
        found.customer,
        found.conversation,
        found.language,
        found.origin,
        found.consent.text,
        found.consent.version,
        found.asked_at,
        found.wished_at,
        found.due_at,
        found.next_at,
        found.ended_at,
        found.reason,
        named_user(call, found.agent) if found.agent else None,
        named_user(call, found.only_agent) if found.only_agent else None,
        [
            AttemptView(
                each.at,
                named_user(call, each.agent) if each.agent else None,
                None if each.result is None else str(each.result),
                each.status,
                each.talk_ms,
                each.ended_at,
                each.ahead,
                each.answered_at,
            )
            for each in found.attempts
        ],
        desk_of(call).estimate_s(found),
        joined,
        found.preview_until,
        found.why,
        desk_of(call).most_attempts(),
        None if found.told is None else str(found.told),
        found.page,
        found.at_page,
    )


class AskForCallback(NewCallback, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A callback as somebody wants it: `when` is "asap" or a time (RFC 3339). Its queue is `queue`, or that of the
    site's topic. `contact` is the conversation that he goes on from: one that waits gives its place to the callback.
    The same `client_id` (or Idempotency-Key header) again answers with the first one and makes none."""

    client_id: ClientId | None = None


def _new(body: AskForCallback) -> NewCallback:
    return NewCallback(**{name: getattr(body, name) for name in NewCallback.__struct_fields__})


@table.add(
    "POST",
    "/callbacks",
    P.CALLBACK_ASK,
    body=AskForCallback,
    result=CallbackView,
    status=201,
    summary="Ask for a callback; of a number that was promised one already it is that one, and `joined`",
)
async def ask_for_callback(call: Call[AskForCallback, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    desk = desk_of(call)
    if call.body.contact:
        await call.hub.seen_by(call.user, call.body.contact)
    # A session's cookie is an agent at a page, a token a program.
    origin = "rest" if call.request.headers.get("authorization") else "agent"
    taken = await desk.ask(_new(call.body), Asker(call.user.id, origin), key)
    return callback_view(call, taken.callback, joined=taken.joined)


class CallbackQuery(s.PageQuery, frozen=True):
    """`queue` is an id or a name; `due_to` and `asked_to` are the first times past the end. `agent` has or had it, was
    given it or has tried it; `q` are digits of the number, or the reference."""

    state: State | None = None
    queue: Annotated[str, Meta(max_length=120)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None
    customer: Word | None = None
    agent: Word | None = None
    q: Annotated[str, Meta(max_length=40)] | None = None
    living: bool | None = None
    due_from: s.At | None = None
    due_to: s.At | None = None
    asked_from: s.At | None = None
    asked_to: s.At | None = None


@table.add(
    "GET",
    "/callbacks",
    P.CALLBACK_MANAGE,
    query=CallbackQuery,
    result=CallbackPage,
    summary="Callbacks, last asked for first",
)
async def list_callbacks(call: Call[None, CallbackQuery]) -> object:
    query = call.query
    desk_of(call)
    where = CallbackFilter(
        states=(str(query.state),) if query.state else (),
        queues=(queue_id(call, query.queue),) if query.queue else (),
        number=query.phone,
        customer=query.customer,
        agent=query.agent,
        text=query.q or None,
        living=query.living,
        due_from=query.due_from,
        due_to=query.due_to,
        asked_from=query.asked_from,
        asked_to=query.asked_to,
    )
    rows = await call.store.callbacks.page(where, after=query.after, limit=query.limit + 1)
    more, rows = len(rows) > query.limit, rows[: query.limit]
    return CallbackPage([callback_view(call, row) for row in rows], rows[-1].id if more else None)


async def seen(call: Call[Any, Any]) -> Callback:
    """The callback, for those who manage all and for the agent who has it. Raises NotFound, Forbidden."""
    found = await desk_of(call).get(call.path("id"))
    if not may(call.user, P.CALLBACK_MANAGE) and call.user.id not in (found.agent, found.asked_by):
        raise Forbidden("This callback belongs to other agents.")
    return found


async def noted(call: Call[Any, Any], action: str, before: Callback, after: Callback) -> None:
    """Who changed a callback of others stands in the audit log, with what he made of it."""
    if call.user.id in (before.agent, before.asked_by) or after.version == before.version:
        return
    shown = [
        {"state": str(each.state), "due_at": each.due_at, "agent": each.only_agent, "name": each.number}
        for each in (before, after)
    ]
    await call.store.configs.audit(AuditEntry(0, call.now, call.user.id, action, "callback", after.id, *shown))


@table.add("GET", "/callbacks/{id}", P.CALLBACK_ASK, result=CallbackView, summary="One callback: yours, or any to lead")
async def get_callback(call: Call[None, Nothing]) -> object:
    return callback_view(call, await seen(call))


class ChangeCallback(Input, frozen=True, forbid_unknown_fields=True):
    """Another time (RFC 3339)."""

    when: Annotated[str, Meta(max_length=40)]
    client_id: ClientId | None = None


@table.add(
    "PATCH",
    "/callbacks/{id}",
    P.CALLBACK_ASK,
    body=ChangeCallback,
    result=CallbackView,
    summary="Move a callback to another time",
)
async def change_callback(call: Call[ChangeCallback, Nothing]) -> object:
    found = await seen(call)
    key = command_id(call, call.body.client_id)
    after = await desk_of(call).move(found.id, call.body.when, call.user.id, key)
    await noted(call, "move", found, after)
    return callback_view(call, after)


class Act(Input, frozen=True, forbid_unknown_fields=True):
    client_id: ClientId | None = None


@table.add("POST", "/callbacks/{id}/cancel", P.CALLBACK_ASK, body=Act, result=CallbackView, summary="Cancel a callback")
async def cancel_callback(call: Call[Act, Nothing]) -> object:
    found = await seen(call)
    key = command_id(call, call.body.client_id)
    after = await desk_of(call).cancel(found.id, call.user.id, key)
    await noted(call, "cancel", found, after)
    return callback_view(call, after)


@table.add(
    "POST",
    "/callbacks/{id}/call-now",
    P.CALLBACK_MANAGE,
    body=Act,
    result=CallbackView,
    summary="Put a callback into the queue now, if the callee's hours allow it",
)
async def call_now(call: Call[Act, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    found = await desk_of(call).get(call.path("id"))
    after = await desk_of(call).call_now(found.id, call.user.id, key)
    await noted(call, "call_now", found, after)
    return callback_view(call, after)


class Reassign(Input, frozen=True, forbid_unknown_fields=True):
    """Who is asked first; None: whoever the routing chooses."""

    agent: Word | None = None
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/callbacks/{id}/assign",
    P.CALLBACK_MANAGE,
    body=Reassign,
    result=CallbackView,
    summary="Have one agent asked first",
)
async def assign_callback(call: Call[Reassign, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    found = await desk_of(call).get(call.path("id"))
    after = await desk_of(call).give(found.id, call.body.agent, call.user.id, key)
    await noted(call, "assign", found, after)
    return callback_view(call, after)


class Heard(Input, frozen=True, forbid_unknown_fields=True):
    """Who or what answered."""

    result: Literal["machine", "wrong_number"]
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/callbacks/{id}/heard",
    P.CALLBACK_ASK,
    body=Heard,
    result=CallbackView,
    summary="Say what answered, while the call lasts: by this it is tried again or not",
)
async def heard(call: Call[Heard, Nothing]) -> object:
    found = await seen(call)
    key = command_id(call, call.body.client_id)
    return callback_view(call, await desk_of(call).tell(found.id, Result(call.body.result), call.user.id, key))


class SlotQuery(s.Query, frozen=True):
    """Of a number also by the hours where it is."""

    site: Word = ""
    topic: Word = ""
    queue: Word = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    timezone: Word = ""


class SlotView(Struct, frozen=True):
    start: Millis
    end: Millis
    left: int


class SlotList(Struct, frozen=True):
    items: list[SlotView]


@table.add(
    "GET",
    "/callback-slots",
    P.CALLBACK_ASK,
    query=SlotQuery,
    result=SlotList,
    summary="The times that can be chosen, and how many callbacks each still takes",
)
async def list_slots(call: Call[None, SlotQuery]) -> object:
    q = call.query
    found = await desk_of(call).slots(q.site, q.topic, q.queue, q.phone, q.timezone)
    return SlotList([SlotView(slot.start, slot.end, slot.left) for slot in found])


class CallbackReportQuery(s.Query, frozen=True):
    """Of callbacks asked for in this time."""

    asked_from: s.At
    asked_to: s.At
    queue: Annotated[str, Meta(max_length=120)] | None = None


@table.add(
    "GET",
    "/callback-report",
    P.CALLBACK_MANAGE,
    query=CallbackReportQuery,
    result=CallbackReport,
    summary="Callbacks asked for, reached, kept on time; attempts and the average delay of the first",
)
async def report(call: Call[None, CallbackReportQuery]) -> object:
    q = call.query
    queues = (queue_id(call, q.queue),) if q.queue else ()
    return await call.store.callbacks.report(q.asked_from, q.asked_to, desk_of(call).on_time_ms(), queues)
