"""What agents and programs ask of outgoing mail: the e-mail channel implements it, REST and sockets use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct, field

from hub.config_mail import Mailbox
from hub.errors import Refused
from hub.mails import Draft, StoredMail
from hub.model import User
from hub.ports import ContactRow

Id = Annotated[str, Meta(min_length=1, max_length=64)]
At = Annotated[int, Meta(ge=0, le=2**53)]
TEXT_LIMIT = 500_000
HTML_LIMIT = 1_000_000
DRAFT_LIMIT = 1_200_000
"""Bytes of a draft as JSON: an HTML of the most that may be sent, and what else a composer holds."""


class Recipient(Struct, frozen=True, forbid_unknown_fields=True):
    address: Annotated[str, Meta(min_length=3, max_length=254)]
    name: Annotated[str, Meta(max_length=200)] = ""


class NewMail(Struct, frozen=True, forbid_unknown_fields=True):
    """A mail as its author wants it. Without `mailbox` it is from the one that the contact came to, without any
    recipient it goes to who wrote last.

    `html` may show files as `cid:ID` or `/files/ID`; `attachments` are ids of files of the contact, or ones that were
    uploaded to the draft. It answers `reply_to_mail`, or passes on `forwards`. It goes at `send_at`, at the earliest
    when it can no longer be taken back. `waiting`: the contact is closed then, until its customer answers or, at
    `remind_at`, comes back by itself. The `draft` is deleted with it.
    """

    mailbox: Id | None = None
    to: Annotated[list[Recipient], Meta(max_length=100)] = field(default_factory=list)
    cc: Annotated[list[Recipient], Meta(max_length=100)] = field(default_factory=list)
    bcc: Annotated[list[Recipient], Meta(max_length=100)] = field(default_factory=list)
    subject: Annotated[str, Meta(max_length=500)] = ""
    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    html: Annotated[str, Meta(max_length=HTML_LIMIT)] | None = None
    attachments: Annotated[list[Id], Meta(max_length=50)] = field(default_factory=list)
    reply_to_mail: Id | None = None
    forwards: Id | None = None
    send_at: At | None = None
    waiting: bool = False
    remind_at: At | None = None
    draft: Id | None = None


class DraftOfMail(Struct, frozen=True, forbid_unknown_fields=True):
    """`version` is that of the draft as it was last saved, 0 for a new one; `data` is the composer's own."""

    version: Annotated[int, Meta(ge=0)]
    data: dict[str, Any]
    contact: Id | None = None


class Mailing(Protocol):
    """`key` makes each idempotent for its user."""

    async def send(self, user: User, contact: str | None, mail: NewMail, key: str) -> tuple[ContactRow, StoredMail]:
        """Puts a mail in the outbox; without a contact it begins one, which is its author's."""
        ...

    async def undo(self, user: User, mail: str) -> StoredMail:
        """Takes back what has not gone. Raises Refused `mail.gone`."""
        ...

    async def resend(self, user: User, mail: str) -> StoredMail:
        """Once more to those who have not got it. Raises Refused."""
        ...

    async def merge(self, user: User, contact: str, into: str, key: str) -> ContactRow:
        """Moves the contact's mails into another contact and closes it; the other one."""
        ...

    async def split(self, user: User, contact: str, mail: str, key: str) -> ContactRow:
        """Moves one mail into a contact of its own; the new one."""
        ...

    async def reopen(self, user: User, contact: str, key: str) -> ContactRow:
        """A closed contact is at once the user's, who writes again. Raises Refused `contact.open`."""
        ...

    async def save_draft(self, user: User, id: str, draft: DraftOfMail) -> int:
        """The draft's version from now on. Raises VersionConflict `draft.conflict`."""
        ...

    async def drafts(self, user: User) -> list[Draft]:
        """What the user has written and not sent."""
        ...

    async def discard_draft(self, user: User, id: str) -> None: ...

    async def transcript(self, user: User, contact: str, to: str, key: str) -> StoredMail:
        """Sends what was said in a chat; without `to` to its customer."""
        ...

    async def transcript_for_visitor(self, row: ContactRow, key: str) -> StoredMail:
        """Sends the visitor what was said in his own chat, to the address that he gave himself and to no other."""
        ...

    async def begin(self, user: User, contact: str | None, mail: str | None, how: str, mailbox: str | None) -> Any:
        """What a composer begins with: mailbox, recipients, subject, signature, files. `how`: reply, reply_all,
        forward or new."""
        ...

    async def fill_in(self, user: User, template: str, contact: str | None, mailbox: str | None) -> Any:
        """A template's subject, text and HTML with its blanks filled in."""
        ...

    def mailboxes(self, user: User) -> Any:
        """Those that the user may write from."""
        ...


def switched_on(mailing: Mailing | None) -> Mailing:
    """Raises Refused `email.off`."""
    if mailing is None:
        raise Refused("This hub does not send mail.", code="email.off")
    return mailing


def sending(mailboxes: Mapping[str, Mailbox]) -> dict[str, Mailbox]:
    """Those that mail can go out from."""
    return {id: row for id, row in mailboxes.items() if row.enabled and row.outbound.kind != "none"}


def mailbox_of(mailboxes: Mapping[str, Mailbox], queue: str) -> str | None:
    """The first that sends and serves the queue."""
    return next((id for id, row in sending(mailboxes).items() if row.queue == queue), None)
