"""Mail that programs have sent: in contacts and in new ones, taken back, sent again; threads merged and split."""

from __future__ import annotations

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from hub.errors import InvalidInput
from hub.mail_views import mail_json
from hub.mailing import DraftOfMail, NewMail, switched_on
from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.api.contacts import command_id
from hub.web.api.mails import Mail
from hub.web.table import Call, Input, Nothing, Table

table = Table("E-mail")
Id = Annotated[str, Meta(min_length=1, max_length=64)]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
LARGEST = 4_000_000
_DRAFT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class SendMail(NewMail, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mail as its author wants it. The same `client_id` (or Idempotency-Key header) again answers with the first mail
    and sends none. Without `mailbox` it is from the one that the contact came to, without any recipient it goes to who
    wrote last, and without a subject it answers under theirs.

    `html` may show files as `cid:ID`; `attachments` are ids of files that were uploaded to the contact. It answers
    `reply_to_mail`, or passes on `forwards`. `waiting`: the contact is closed when it goes, until its customer answers
    or, at `remind_at`, comes back by itself.
    """

    client_id: ClientId | None = None


def _new(body: SendMail) -> NewMail:
    return NewMail(**{name: getattr(body, name) for name in NewMail.__struct_fields__})


@table.add(
    "POST",
    "/contacts/{id}/mails",
    Permission.CONTACT_HANDLE,
    body=SendMail,
    result=Mail,
    status=201,
    largest=LARGEST,
    summary="Write to a contact's customer, or pass a mail on; it goes after ten seconds, or at `send_at`",
)
async def send_in_contact(call: Call[SendMail, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    mailing = switched_on(call.hub.mailing)
    _, mail = await mailing.send(call.user, call.path("id"), _new(call.body), key)
    return mail_json(mail, call.now)


@table.add(
    "POST",
    "/mails",
    Permission.CONTACT_HANDLE,
    body=SendMail,
    result=Mail,
    status=201,
    largest=LARGEST,
    summary="Write to somebody; a new contact begins with it, which is yours",
)
async def send_new(call: Call[SendMail, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    _, mail = await switched_on(call.hub.mailing).send(call.user, None, _new(call.body), key)
    return mail_json(mail, call.now)


@table.add(
    "POST",
    "/mails/{id}/undo",
    Permission.CONTACT_HANDLE,
    result=Mail,
    summary="Take back a mail that has not gone yet",
)
async def undo(call: Call[None, Nothing]) -> object:
    return mail_json(await switched_on(call.hub.mailing).undo(call.user, call.path("id")), call.now)


@table.add(
    "POST",
    "/mails/{id}/resend",
    Permission.CONTACT_HANDLE,
    result=Mail,
    summary="Send a mail that failed or came back once more, to those who have not got it",
)
async def resend(call: Call[None, Nothing]) -> object:
    return mail_json(await switched_on(call.hub.mailing).resend(call.user, call.path("id")), call.now)


class Merge(Input, frozen=True, forbid_unknown_fields=True):
    into: Id
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/contacts/{id}/merge",
    Permission.CONTACT_HANDLE,
    body=Merge,
    result=s.Contact,
    summary="Move the contact's mails into another contact and close it; the other one",
)
async def merge(call: Call[Merge, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    row = await switched_on(call.hub.mailing).merge(call.user, call.path("id"), call.body.into, key)
    return await call.hub.views.for_agent(row)


class Reopen(Input, frozen=True, forbid_unknown_fields=True):
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/contacts/{id}/reopen",
    Permission.CONTACT_HANDLE,
    body=Reopen,
    result=s.Contact,
    summary="Open a closed e-mail contact again, to write in it; it is yours at once",
)
async def reopen(call: Call[Reopen, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    row = await switched_on(call.hub.mailing).reopen(call.user, call.path("id"), key)
    return await call.hub.views.for_agent(row)


class Split(Input, frozen=True, forbid_unknown_fields=True):
    mail: Id
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/contacts/{id}/split",
    Permission.CONTACT_HANDLE,
    body=Split,
    result=s.Contact,
    status=201,
    summary="Move one mail into a contact of its own; the new one",
)
async def split(call: Call[Split, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    row = await switched_on(call.hub.mailing).split(call.user, call.path("id"), call.body.mail, key)
    return await call.hub.views.for_agent(row)


class Transcript(Input, frozen=True, forbid_unknown_fields=True):
    """Without `to` it goes to the customer's own address."""

    to: Annotated[str, Meta(max_length=254)] = ""
    client_id: ClientId | None = None


@table.add(
    "POST",
    "/contacts/{id}/transcript",
    Permission.CONTACT_HANDLE,
    body=Transcript,
    result=Mail,
    status=201,
    summary="Send what was said in a chat by mail",
)
async def transcript(call: Call[Transcript, Nothing]) -> object:
    key = command_id(call, call.body.client_id)
    mail = await switched_on(call.hub.mailing).transcript(call.user, call.path("id"), call.body.to, key)
    return mail_json(mail, call.now)


class SavedDraft(Struct, frozen=True):
    version: int


@table.add(
    "PUT",
    "/me/drafts/{id}",
    Permission.CONTACT_HANDLE,
    body=DraftOfMail,
    result=SavedDraft,
    largest=LARGEST,
    summary="Keep a mail that you are writing; the id is of your own making",
)
async def save_draft(call: Call[DraftOfMail, Nothing]) -> object:
    id = call.path("id")
    if not _DRAFT_ID.fullmatch(id):
        raise InvalidInput("id", "expected 8 to 64 letters, digits, - or _")
    return {"version": await switched_on(call.hub.mailing).save_draft(call.user, id, call.body)}


class Mailbox(Struct, frozen=True):
    """A mailbox that you may write from."""

    id: str
    name: str
    address: str
    display_name: str
    queue: str
    language: str


class MailboxList(Struct, frozen=True):
    items: list[Mailbox]


@table.add(
    "GET",
    "/me/mailboxes",
    Permission.CONTACT_HANDLE,
    result=MailboxList,
    summary="The mailboxes that you may write from",
)
async def own_mailboxes(call: Call[None, Nothing]) -> object:
    mailing: Any = call.hub.mailing
    return {"items": [] if mailing is None else mailing.mailboxes(call.user)}
