"""Call detail records: what became of each call, in pages and as one CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, convert
from starlette.responses import Response, StreamingResponse

from hub.call_records import CallRecord, Leg, Result
from hub.call_tables import CallFilter, CallOrder, CallSort
from hub.errors import Forbidden, NotFound
from hub.model import AuditEntry, Millis
from hub.permissions import Permission, may
from hub.web import shapes as s
from hub.web.api.contacts import Word
from hub.web.api.names import named_queue, named_user, queue_id
from hub.web.table import Call, Nothing, Table

table = Table("Calls")
BATCH = 500
_LEGS = ("customer", "agent")
_FIGURES = ("mos", "loss", "jitter_ms", "round_trip_ms")


class CallFilterQuery(s.Query, frozen=True):
    """`queue` is an id or a name; `number` is a part of the caller's or the called number; `cause` is why it ended and
    `outcome` what was chosen in the wrap-up; `started_to` is the first time past the end."""

    contact: Word | None = None
    queue: Annotated[str, Meta(max_length=120)] | None = None
    agent: Word | None = None
    number: Annotated[str, Meta(min_length=2, max_length=64)] | None = None
    direction: Literal["in", "out"] | None = None
    result: Result | None = None
    cause: Word | None = None
    outcome: Word | None = None
    recorded: bool | None = None
    started_from: s.At | None = None
    started_to: s.At | None = None


class CallQuery(CallFilterQuery, frozen=True):
    """`sort` by `mos` is by the worse line; calls without come last."""

    sort: CallSort = "started"
    order: Literal["asc", "desc"] = "desc"
    after: s.Cursor | None = None
    limit: s.Limit = 50


def _where(call: Call[None, Any], agent: str | None) -> CallFilter:
    query: CallFilterQuery = call.query
    return CallFilter(
        contact=query.contact,
        queues=(queue_id(call, query.queue),) if query.queue else (),
        agent=agent,
        direction=query.direction,
        number=query.number,
        result=query.result,
        cause=query.cause,
        outcome=query.outcome,
        recorded=query.recorded,
        started_from=query.started_from,
        started_to=query.started_to,
    )


def _leg(leg: Leg) -> s.LegView:
    figures: dict[str, Any] = {name: leg.get(name) for name in _FIGURES}
    return s.LegView(str(leg.get("codec") or ""), **figures)


def call_view(call: Call[Any, Any], record: CallRecord) -> s.CallView:
    return s.CallView(
        record.id,
        record.contact,
        record.direction,
        record.way,
        record.caller,
        record.called,
        record.trunk,
        named_queue(call, record.queue),
        named_user(call, record.agent) if record.agent else None,
        [named_user(call, agent) for agent in record.agents],
        record.started_at,
        record.ringing_at,
        record.queued_at,
        record.offered_at,
        record.offers,
        record.answered_at,
        record.connected_at,
        record.ended_at,
        record.wrapped_at,
        record.wait_ms,
        record.talk_ms,
        record.hold_ms,
        record.holds,
        record.wrap_ms,
        record.result,
        record.abandoned,
        record.by,
        record.cause,
        record.status,
        record.digits,
        record.outcome,
        {party: _leg(leg) for party, leg in record.legs.items()},
        list(record.recordings),
    )


@table.add(
    "GET",
    "/calls",
    Permission.CONTACT_HANDLE,
    query=CallQuery,
    result=s.CallPage,
    summary="Call detail records, newest first; agents see those of contacts that they handled",
)
async def list_calls(call: Call[None, CallQuery]) -> object:
    query = call.query
    where = _where(call, _whose(call))
    order = CallOrder(query.sort, query.order == "desc")
    rows = await call.store.calls.page(where, order=order, after=query.after, limit=query.limit + 1)
    more, rows = len(rows) > query.limit, rows[: query.limit]
    return s.CallPage([call_view(call, row) for row in rows], rows[-1].id if more else None)


@table.add(
    "GET",
    "/call-summary",
    Permission.CONTACT_HANDLE,
    query=CallFilterQuery,
    result=s.CallSummaryView,
    summary="Figures of all calls that fit; of agents, those of contacts that they handled",
)
async def summarise_calls(call: Call[None, CallFilterQuery]) -> object:
    found = await call.store.calls.summary(_where(call, _whose(call)))
    return convert(found, s.CallSummaryView, from_attributes=True)


def _whose(call: Call[None, Any]) -> str | None:
    """Whose calls were asked for. Agents see their own, of others none."""
    asked: str | None = call.query.agent
    if may(call.user, Permission.CONTACT_READ_ALL):
        return asked
    if asked not in (None, call.user.id):
        raise Forbidden("You see calls of your own only.")
    return call.user.id


@table.add("GET", "/calls/{id}", Permission.CONTACT_HANDLE, result=s.CallView, summary="One call detail record")
async def get_call(call: Call[None, Nothing]) -> object:
    found = await call.store.calls.get(call.path("id"))
    if found is None:
        raise NotFound("call", call.path("id"))
    await call.hub.seen_by(call.user, found.contact)
    return call_view(call, found)


@table.add(
    "GET",
    "/calls.csv",
    Permission.CALL_EXPORT,
    query=CallFilterQuery,
    media="text/csv",
    summary="Call detail records as CSV, newest first; times are ISO 8601 (UTC)",
)
async def export_calls(call: Call[None, CallFilterQuery]) -> Response:
    where = _where(call, call.query.agent)
    asked: dict[str, Any] = dict(call.request.query_params.items())
    await call.store.configs.audit(AuditEntry(0, call.now, call.user.id, "export", "call", "*", None, asked))
    # The first page before the answer begins: what goes wrong at once is told as an error.
    first = await call.store.calls.page(where, limit=BATCH)
    headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
    return StreamingResponse(_lines(call, where, first), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(call: Call[Any, Any], where: CallFilter, page: list[CallRecord]) -> AsyncIterator[str]:
    # With a byte order mark, by which spreadsheets know UTF-8.
    yield "\ufeff" + csv_lines([list(COLUMNS)])
    while page:
        yield csv_lines([csv_row(call_view(call, record)) for record in page])
        page = await call.store.calls.page(where, after=page[-1].id, limit=BATCH) if len(page) == BATCH else []


COLUMNS = (
    *("id", "contact", "direction", "way", "caller", "called", "trunk", "queue", "agent", "agents"),
    *("started", "ringing", "queued", "offered", "offers", "answered", "connected", "ended", "wrapped"),
    *("wait_s", "talk_s", "hold_s", "holds", "wrap_s", "result", "abandoned"),
    *("ended_by", "cause", "status", "digits", "outcome"),
    *(f"{party}_{name}" for party in _LEGS for name in ("codec", *_FIGURES)),
    "recordings",
)


def csv_row(view: s.CallView) -> list[str]:
    """The values of COLUMNS."""
    return list(map(_text, _values(view)))


def _values(view: s.CallView) -> Iterator[object]:
    yield from (view.id, view.contact, view.direction, view.way, view.caller, view.called, view.trunk)
    yield view.queue.name if view.queue else ""
    yield view.agent.name if view.agent else ""
    yield ", ".join(agent.name for agent in view.agents)
    yield from map(iso, (view.started_at, view.ringing_at, view.queued_at, view.offered_at))
    yield view.offers
    yield from map(iso, (view.answered_at, view.connected_at, view.ended_at, view.wrapped_at))
    yield from (view.wait_ms / 1000, view.talk_ms / 1000, view.hold_ms / 1000, view.holds, view.wrap_ms / 1000)
    yield from (view.result, "yes" if view.abandoned else "no")
    yield from (view.by, view.cause, view.status, view.digits, view.outcome)
    for party in _LEGS:
        leg = view.legs.get(party, s.LegView("", None, None, None, None))
        yield from (leg.codec, leg.mos, leg.loss, leg.jitter_ms, leg.round_trip_ms)
    yield " ".join(view.recordings)


def iso(at: Millis | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def _text(value: object) -> str:
    """As a cell. What a spreadsheet would take for a formula gets an apostrophe; a phone number is none."""
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and text[:1] in "=+-@\t\r" and not re.fullmatch(r"\+?\d*", text):
        return "'" + text
    return text


def csv_lines(rows: list[list[str]]) -> str:
    """RFC 4180, with its line ends."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
