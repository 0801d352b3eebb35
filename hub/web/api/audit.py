"""Who changed what, when, from what to what."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.table import Call, Table

table = Table("Audit")


class AuditQuery(s.Query, frozen=True):
    """`after` is the `next` of the page before; `kind` and `row` pick out what was changed."""

    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    limit: s.Limit = 50
    kind: Annotated[str, Meta(max_length=40)] | None = None
    row: Annotated[str, Meta(max_length=64)] | None = None


@table.add(
    "GET",
    "/audit",
    Permission.ADMIN_AUDIT,
    query=AuditQuery,
    result=s.AuditPage,
    summary="The audit log, newest first",
)
async def list_audit(call: Call[None, AuditQuery]) -> object:
    limit = call.query.limit
    entries = await call.store.configs.audit_log(
        before=call.query.after, limit=limit + 1, kind=call.query.kind, row=call.query.row
    )
    more, entries = len(entries) > limit, entries[:limit]
    name = call.hub.directory.user_name
    items = [
        s.AuditView(e.id, e.at, e.actor, name(e.actor), e.action, e.kind, e.row, e.before, e.after) for e in entries
    ]
    return s.AuditPage(items, str(entries[-1].id) if more else None)
