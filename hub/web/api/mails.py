"""The mails of a contact: their heads and states. What they say is in its messages; their HTML and the mail as it came
are pages of their own, `/mails/{id}/html` and `/mails/{id}/raw`."""

from __future__ import annotations

from msgspec import Struct

from hub.mail_views import mail_json
from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.table import Call, Nothing, Table

table = Table("E-mail")


class MailAddress(Struct, frozen=True):
    address: str
    name: str


class Scanned(Struct, frozen=True):
    scan: str
    threat: str


class Mail(Struct, frozen=True, rename={"from_": "from"}):
    """`state` is received, or of ours queued, sending, sent, failed, bounced or cancelled. `message` is the one that
    holds the text, whose quoted part begins at `fold_at`. `undo_until`: so long it can be taken back; `next_at`: the
    next try. `taken` are recipients for whom the next server has it, `refused` those for whom it never will, and why.
    `scans` by the files' ids: clean, unscanned, or infected, by which threat.
    """

    id: str
    contact: str
    message: str
    direction: str
    mailbox: str
    state: str
    at: s.At
    from_: MailAddress
    to: list[MailAddress]
    cc: list[MailAddress]
    bcc: list[MailAddress]
    reply_to: list[MailAddress]
    subject: str
    message_id: str
    date: s.At | None
    size: int
    raw: bool
    html: bool
    fold_at: int
    attachments: list[s.File]
    inline: dict[str, s.File]
    kind: str
    automatic: bool
    language: str
    problems: list[str]
    scans: dict[str, Scanned]
    forwarded_from: MailAddress | None
    author: str | None
    send_at: s.At | None
    undo_until: s.At | None
    next_at: s.At | None
    attempts: int
    error: str
    status: int | None
    taken: list[str]
    refused: dict[str, str]
    version: int


class MailList(Struct, frozen=True):
    items: list[Mail]


@table.add(
    "GET",
    "/contacts/{id}/mails",
    Permission.CONTACT_HANDLE,
    result=MailList,
    summary="The heads and states of a contact's mails, oldest first",
)
async def list_mails(call: Call[None, Nothing]) -> object:
    row = await call.hub.seen_by(call.user, call.path("id"))
    return {"items": [mail_json(mail, call.now) for mail in await call.store.mails.of_contact(row.contact.id)]}
