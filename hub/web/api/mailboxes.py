"""How the mailboxes do. What they are is configuration: `config.py`."""

from __future__ import annotations

from msgspec import Struct

from hub.mails import MailHealth
from hub.permissions import Permission
from hub.web.table import Call, Nothing, Table

table = Table("E-mail")


class MailboxHealth(Struct, frozen=True):
    items: list[MailHealth]


@table.add(
    "GET",
    "/mailboxes/health",
    Permission.ADMIN_CONFIG,
    result=MailboxHealth,
    summary="Whether mail is read from each mailbox, what keeps it from being, and how much of its backlog is here",
)
async def mailbox_health(call: Call[None, Nothing]) -> object:
    return MailboxHealth(call.hub.mail_health())
