"""Mails as the hub keeps them, and their tables; part of `hub.ports.Store`. What they say is in messages and files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from hub.model import FileRef, Millis, Scanned


class MailState(StrEnum):
    """Where a mail stands; the ones in and from QUEUED on are ours."""

    RECEIVED = "received"
    QUEUED = "queued"  # to be sent at `next_at`
    SENDING = "sending"  # a node has begun: after a crash it is sent again, under the same Message-ID
    SENT = "sent"  # the next server took it
    FAILED = "failed"  # refused for ever, or given up after days
    BOUNCED = "bounced"  # taken, and came back
    CANCELLED = "cancelled"  # undone before it went


class MailAddress(Struct, frozen=True, gc=False):
    address: str
    name: str = ""


class StoredMail(Struct, frozen=True, gc=False, omit_defaults=True):
    """A mail of a contact, in or out.

    `hash` is over what makes it the same mail (not the way it came), unique among those that came in; `raw` and `html`
    (sanitised) name contents in the file store. `message` is the message in the contact that holds its text. `account`
    is the mailbox's row. `subject_key` is the subject without "Re:" and the like, in lower case. `send_at` is when it
    goes at the earliest, `next_at` the next try, `given_up_at` the end of trying. `taken` are the recipients for whom
    the next server took it, `refused` those for whom it never will, and why; the others are still tried.
    """

    id: str
    contact: str
    message: str
    direction: str  # "in" or "out"
    account: str
    state: MailState
    at: Millis
    from_: MailAddress
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    reply_to: tuple[MailAddress, ...] = ()
    subject: str = ""
    subject_key: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: Millis | None = None
    hash: str = ""
    raw: str = ""
    size: int = 0
    html: str | None = None
    fold_at: int = 0
    attachments: tuple[FileRef, ...] = ()
    inline: dict[str, FileRef] = {}
    """Images that the HTML shows, by Content-ID."""
    kind: str = "normal"
    automatic: bool = False  # ours, and no person wrote it
    language: str = ""
    problems: tuple[str, ...] = ()
    scans: dict[str, Scanned] = {}
    """What was found in files of a mail that came in, by their ids."""
    forwarded_from: MailAddress | None = None
    author: str | None = None
    send_at: Millis = 0
    next_at: Millis | None = None
    given_up_at: Millis | None = None
    attempts: int = 0
    error: str = ""
    status: int | None = None
    taken: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    version: int = 0


class OutboxStanding(Struct, frozen=True):
    """How many mails wait to be sent or are being sent; `oldest` is since when the first of those is due that have not
    gone, None when none is."""

    queued: int = 0
    sending: int = 0
    oldest: Millis | None = None


class FolderProgress(Struct, frozen=True):
    """How far a mailbox's folder was read: everything above `newest` is new, `oldest` is how far back the backlog was
    taken (it goes newest first), `total` what there was to take at first.

    `waiting` are the numbers of mails that are here, but that the server would not move or mark for `why`: tried again
    at `retry_at`, `tries` times by now. `left` is how many stay where they are, as that was tried often enough.
    """

    account: str
    folder: str
    uid_validity: int = 0
    newest: int = 0
    oldest: int = 0
    total: int = 0
    taken: int = 0
    waiting: tuple[int, ...] = ()
    tries: int = 0
    retry_at: Millis = 0
    why: str = ""
    left: int = 0


class KeptToken(Struct, frozen=True):
    """What a provider gave in the place of a password, sealed. `held_until`: so long a node asks for another."""

    id: str
    version: int
    held_until: Millis
    sealed: str


class Draft(Struct, frozen=True):
    """What an agent has written and not sent; `data` is the composer's."""

    id: str
    user: str
    contact: str | None
    data: dict[str, Any]
    updated_at: Millis
    version: int = 0


class Reminder(Struct, frozen=True):
    """A closed contact that waits for its customer comes back to its agent at `at`, unless an answer comes before."""

    contact: str
    agent: str
    at: Millis


class MailHealth(Struct, frozen=True):
    """How a mailbox does. `state` is off, direct (mail is given to the hub), connecting, backlog, held (older mail lies
    in it until fewer wait for agents), idle, trouble or elsewhere (another node reads it); `problem` says in words what
    is wrong, `code` in one. `last_at` is when mail last came, `backlog_total` what there was at first and
    `backlog_taken` how much of it is here."""

    id: str
    name: str
    state: str
    problem: str = ""
    code: str = ""
    last_at: Millis | None = None
    backlog_total: int = 0
    backlog_taken: int = 0


class Mails(Protocol):
    """The rows of mails. New ones, of version 0, are written by `Change.mails` with their message, and
    stored as version 1."""

    async def get(self, id: str) -> StoredMail | None: ...

    async def of_contact(self, contact: str) -> list[StoredMail]:
        """Oldest first."""
        ...

    async def by_hash(self, hash: str) -> StoredMail | None: ...

    async def by_message_ids(self, message_ids: Sequence[str]) -> list[StoredMail]:
        """Those that bear one of these Message-IDs, newest first, at most 100."""
        ...

    async def alike(self, address: str, subject_key: str, since: Millis) -> list[StoredMail]:
        """Mails of or to this address under this subject since then, newest first, at most 20."""
        ...

    async def update(self, mail: StoredMail) -> bool:
        """Writes what became of it if `version` is still the stored one; the stored one has the next version."""
        ...

    async def due(self, now: Millis, limit: int = 50) -> list[StoredMail]:
        """Ours whose `next_at` has come and that are QUEUED or (left over by a crash) SENDING, oldest first."""
        ...

    async def next_due(self) -> Millis | None: ...

    async def outbox(self, now: Millis) -> OutboxStanding: ...

    async def sent(self, *, after: str | None = None, limit: int = 50) -> list[StoredMail]:
        """Ours, newest first."""
        ...

    async def counted(self, address: str, since: Millis, *, automatic: bool) -> int:
        """How many of ours went to this address since then."""
        ...

    async def progress(self, account: str) -> list[FolderProgress]: ...

    async def set_progress(self, progress: FolderProgress) -> None: ...

    async def token(self, id: str) -> KeptToken | None: ...

    async def put_token(self, token: KeptToken) -> bool:
        """Writes it with the next version, if `version` is still the stored one (0 for a new one)."""
        ...

    async def keep_tokens(self, ids: Collection[str]) -> None:
        """Deletes all others."""
        ...

    async def drafts(self, user: str) -> list[Draft]: ...

    async def draft(self, id: str) -> Draft | None: ...

    async def put_draft(self, draft: Draft) -> bool:
        """Writes it with the next version, if `version` is still the stored one (0 for a new one) and it is still this
        user's. False when another window wrote a newer version."""
        ...

    async def delete_draft(self, id: str) -> None: ...

    async def remind(self, reminder: Reminder) -> None: ...

    async def forget_reminder(self, contact: str) -> None: ...

    async def reminders(self, until: Millis, limit: int = 50) -> list[Reminder]: ...
