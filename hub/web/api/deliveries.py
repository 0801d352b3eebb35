"""What became of a webhook's events, and sending one again."""

from __future__ import annotations

import msgspec

from hub.errors import NotFound
from hub.permissions import Permission
from hub.ports import Delivery
from hub.web import shapes as s
from hub.web.table import Call, Nothing, Table

table = Table("Webhooks")


def delivery_view(delivery: Delivery) -> s.DeliveryView:
    return s.DeliveryView(
        delivery.id,
        delivery.webhook,
        delivery.type,
        delivery.contact,
        delivery.state,
        delivery.attempts,
        delivery.status,
        delivery.error,
        delivery.created_at,
        delivery.next_at,
        delivery.delivered_at,
        msgspec.json.decode(delivery.body),
    )


@table.add(
    "GET",
    "/webhooks/{id}/deliveries",
    Permission.ADMIN_WEBHOOKS,
    query=s.PageQuery,
    result=s.DeliveryPage,
    summary="The webhook's deliveries, newest first",
)
async def list_deliveries(call: Call[None, s.PageQuery]) -> object:
    id, limit = call.path("id"), call.query.limit
    if await call.store.configs.get("webhook", id) is None:
        raise NotFound("webhook", id)
    rows = await call.store.webhooks.page(id, after=call.query.after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return s.DeliveryPage([delivery_view(row) for row in rows], rows[-1].id if more else None)


@table.add(
    "POST",
    "/webhooks/deliveries/{id}/resend",
    Permission.ADMIN_WEBHOOKS,
    result=s.DeliveryView,
    status=202,
    summary="Send it again, with the same id",
)
async def resend(call: Call[None, Nothing]) -> object:
    return delivery_view(await call.web.webhooks.resend(call.path("id"), by=call.user.id))
