"""Many callbacks at once, numbers that are never called, and breakers."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response, StreamingResponse

from hub.callback_desk import Asker, NewCallback, Rehearsal
from hub.callbacks.protection import BREAKERS
from hub.callbacks.records import Breaker, DoNotCall
from hub.errors import HubError, InvalidInput, NotFound
from hub.model import AuditEntry
from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.api.callbacks import Act, desk_of
from hub.web.api.calls import csv_lines, iso
from hub.web.api.contacts import ClientId, command_id
from hub.web.table import Call, Input, Nothing, Table, read_as

table = Table("Callbacks")
P = Permission
LARGEST = 8_000_000
LINES = 5_000
EXPORTED = ("phone", "at", "source", "by")
EXPORTED_AT_ONCE = 1_000
COLUMNS = ("phone", "name", "email", "topic", "site", "queue", "when", "note", "language", "timezone")


class ImportCsv(Input, frozen=True, forbid_unknown_fields=True):
    """CSV with a first line of column names. The same `client_id` again takes no line twice. With `dry_run` nothing is
    taken, and what would be is told."""

    csv: Annotated[str, Meta(max_length=LARGEST)]
    dry_run: bool = False
    client_id: ClientId | None = None


class LineError(Struct, frozen=True):
    """`line` is as a text editor counts it; `path` is the column."""

    line: int
    path: str
    code: str
    message: str


class Imported(Struct, frozen=True):
    taken: int
    joined: int
    errors: list[LineError]


def _rows(text: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """(line, values) of each row. Raises InvalidInput."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if "phone" not in names or len(set(names)) != len(names) or not set(names) <= set(columns):
            raise InvalidInput("csv", f"expected a first line with phone and any of {', '.join(columns)}")
        for values in reader:
            if any(value.strip() for value in values):
                line = reader.line_num
                found.append((line, {name: value.strip() for name, value in zip(names, values, strict=False) if value}))
    except csv.Error as error:
        raise InvalidInput("csv", f"expected CSV; line {reader.line_num}: {error}") from None
    if len(found) > LINES:
        raise InvalidInput("csv", f"expected at most {LINES} lines, got {len(found)}")
    return found


@table.add(
    "POST",
    "/callback-import",
    P.CALLBACK_MANAGE,
    body=ImportCsv,
    result=Imported,
    largest=LARGEST,
    summary="Ask for many callbacks; what is wrong with a line is told, and the others are taken",
)
async def import_callbacks(call: Call[ImportCsv, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    desk, who = desk_of(call), Asker(call.user.id, "import")
    taken = joined = 0
    errors: list[LineError] = []
    tried = Rehearsal() if call.body.dry_run else None
    for line, values in _rows(call.body.csv, COLUMNS):
        try:
            new = read_as(NewCallback, values)
            if tried is not None:
                again = await desk.rehearse(new, who, tried)
            else:
                again = (await desk.ask(new, who, f"{key[:54]}-{line}")).joined
        except HubError as error:
            errors.append(LineError(line, str(error.details.get("path", "")), error.code, error.message))
            continue
        joined += again
        taken += not again
    if tried is None:
        await _noted(call, "callback", {"taken": taken, "joined": joined, "errors": len(errors)})
    return Imported(taken, joined, errors)


async def _noted(call: Call[Any, Any], kind: str, counts: dict[str, int]) -> None:
    await call.store.configs.audit(AuditEntry(0, call.now, call.user.id, "import", kind, "list", None, counts))


class BlockedPage(Struct, frozen=True):
    items: list[DoNotCall]
    next: str | None


@table.add(
    "GET",
    "/do-not-call",
    P.CALLBACK_MANAGE,
    query=s.PageQuery,
    result=BlockedPage,
    summary="Numbers that are never called, in order",
)
async def list_blocked(call: Call[None, s.PageQuery]) -> object:
    desk_of(call)
    rows = await call.store.callbacks.blocked(after=call.query.after, limit=call.query.limit + 1)
    more, rows = len(rows) > call.query.limit, rows[: call.query.limit]
    return BlockedPage(rows, rows[-1].number if more else None)


class BlockNumber(Input, frozen=True, forbid_unknown_fields=True):
    phone: Annotated[str, Meta(max_length=80)]


class Blocked(Struct, frozen=True):
    number: str


@table.add(
    "POST",
    "/do-not-call",
    P.CALLBACK_ASK,
    body=BlockNumber,
    result=Blocked,
    status=201,
    summary="Call a number never again; a callback that it was promised is cancelled",
)
async def block_number(call: Call[BlockNumber, Nothing]) -> object:
    return Blocked(await desk_of(call).block(call.body.phone, call.user.id, "agent"))


class NumbersCsv(Input, frozen=True, forbid_unknown_fields=True):
    """CSV with a first line of column names, of which phone is read; what was exported can be imported. With `dry_run`
    nothing is added, and what would be is told."""

    csv: Annotated[str, Meta(max_length=LARGEST)]
    dry_run: bool = False
    client_id: ClientId | None = None


class ImportedNumbers(Struct, frozen=True):
    added: int
    errors: list[LineError]


@table.add(
    "POST",
    "/do-not-call/import",
    P.CALLBACK_MANAGE,
    body=NumbersCsv,
    result=ImportedNumbers,
    largest=LARGEST,
    summary="Add many numbers: CSV with a column phone",
)
async def import_blocked(call: Call[NumbersCsv, Nothing]) -> object:
    found = _rows(call.body.csv, EXPORTED)
    typed, dry_run = [values.get("phone", "") for _, values in found], call.body.dry_run
    added, wrong = await desk_of(call).block_many(typed, call.user.id, dry_run=dry_run)
    errors = [LineError(found[place][0], "phone", "callback.number_refused", why) for place, why in wrong.items()]
    if not dry_run:
        await _noted(call, "do_not_call", {"added": added, "errors": len(errors)})
    return ImportedNumbers(added, errors)


@table.add("GET", "/do-not-call.csv", P.CALLBACK_MANAGE, media="text/csv", summary="All numbers that are never called")
async def export_blocked(call: Call[None, Nothing]) -> Response:
    desk_of(call)
    headers = {"Content-Disposition": 'attachment; filename="do-not-call.csv"'}
    return StreamingResponse(_lines(call), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(call: Call[Any, Any]) -> AsyncIterator[str]:
    yield csv_lines([list(EXPORTED)])
    after: str | None = None
    while page := await call.store.callbacks.blocked(after=after, limit=EXPORTED_AT_ONCE):
        yield csv_lines([[row.number, iso(row.at), row.source, row.by] for row in page])
        after = page[-1].number


@table.add("DELETE", "/do-not-call/{id}", P.ADMIN_CONFIG, summary="Let a number be called again")
async def unblock_number(call: Call[None, Nothing]) -> None:
    number = call.path("id")
    if not await call.store.callbacks.unblock(number):
        raise NotFound("number", number)
    await call.store.configs.audit(
        AuditEntry(0, call.now, call.user.id, "delete", "do_not_call", number, {"number": number}, None)
    )


class BreakerList(Struct, frozen=True):
    items: list[Breaker]


@table.add(
    "GET",
    "/breakers",
    P.CALLBACK_MANAGE,
    result=BreakerList,
    summary="What stops all callbacks when too much is spent, talked, or on the line",
)
async def list_breakers(call: Call[None, Nothing]) -> object:
    desk_of(call)
    known = await call.store.callbacks.breakers()
    return BreakerList([known.get(name, Breaker(name)) for name in BREAKERS])


@table.add("POST", "/breakers/{id}/reset", P.ADMIN_CONFIG, body=Act, summary="Let callbacks go on")
async def reset_breaker(call: Call[Act, Nothing]) -> None:
    await desk_of(call).reset_breaker(call.path("id"), call.user.id)
    await call.store.configs.audit(
        AuditEntry(0, call.now, call.user.id, "reset", "breaker", call.path("id"), None, None)
    )
