"""How the trunks do. What they are is configuration: `config.py`."""

from __future__ import annotations

from msgspec import Struct

from hub.permissions import Permission
from hub.service import TrunkHealth
from hub.web.table import Call, Nothing, Table

table = Table("Telephony")


class Health(Struct, frozen=True):
    items: list[TrunkHealth]


@table.add(
    "GET",
    "/trunk-health",
    Permission.ADMIN_CONFIG,
    result=Health,
    summary="Whether each trunk answers, stands registered, and how many calls live on it, at this node",
)
async def trunk_health(call: Call[None, Nothing]) -> object:
    return Health(call.hub.trunk_health())
