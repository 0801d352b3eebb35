"""The boundaries: small protocols, each with an embedded and a real-scale implementation under one contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from hub.call_tables import CallRecords, Recordings
from hub.callback_tables import Callbacks
from hub.callbacks.model import Callback
from hub.events import AnyEvent, Recorded
from hub.mails import Mails, StoredMail
from hub.model import (
    AuditEntry,
    Contact,
    Customer,
    Message,
    Millis,
    Presence,
    Scanned,
    Session,
    StoredFile,
    Token,
    User,
    Visitor,
)
from hub.webhook_tables import Delivery as Delivery
from hub.webhook_tables import Webhooks


class Clock(Protocol):
    """The time, as an argument that can be replaced."""

    def now(self) -> Millis:
        """Milliseconds since the epoch (UTC)."""


class Fence(Struct, frozen=True, gc=False):
    """The right to decide, as the log knows it: it ends when `stream` moves past `version`."""

    stream: str
    version: int


class Change(Struct, frozen=True, gc=False):
    """One atomic step: the events of one stream and the rows that follow from them.

    `expected_version` is the stream's version that the decision was made on. `command_id` (with the actor) makes the
    step idempotent for ever: the same one again changes nothing and returns what it returned first. With a `fence` it
    is refused once that right has gone to another. A mail of version 0 must be new (Refused `mail.known`), one of
    another version must still be stored with it (VersionConflict). `files` that are known are left as they are.
    The `callback` must be the only one that lives of its number (Refused `callback.known`), and when `room` is given
    there must be fewer than so many of its queue in its slot (Refused `callback.full`).
    """

    stream: str
    expected_version: int
    events: tuple[AnyEvent, ...]
    at: Millis
    actor: str
    command_id: str | None = None
    contact: Contact | None = None
    messages: tuple[Message, ...] = ()
    customer: Customer | None = None
    visitor: Visitor | None = None
    presence: Presence | None = None
    fence: Fence | None = None
    mails: tuple[StoredMail, ...] = ()
    files: tuple[StoredFile, ...] = ()
    callback: Callback | None = None
    room: int | None = None


class Appended(Struct, frozen=True, gc=False):
    """What an append wrote; `repeated` when the command had been carried out before (the events are the first ones)."""

    events: tuple[Recorded, ...]
    repeated: bool = False


class Log(Protocol):
    """The record. Sequence numbers have no gaps, and a lower one is never committed after a higher one was seen."""

    def on_commit(self, listener: Callable[[Sequence[Recorded]], None]) -> None:
        """`listener` gets the events of each commit of this process, in order, on the loop, before those who wait for
        the commit are answered. Other processes' events it does not get."""

    async def append(self, change: Change) -> Appended:
        """Commits `change` and returns after the commit (concurrent appends share one: group commit).

        Raises VersionConflict when the stream moved, Refused `fence.lost` when another has the right to decide,
        Unavailable when the database is locked, full or away, or the bounded writer queue is full; nothing is stored
        then.
        """

    async def find(self, stream: str, actor: str, command_id: str) -> Appended | None:
        """What this command wrote when it was first carried out, or None."""

    async def head(self) -> int:
        """The last committed sequence number, 0 at first."""

    async def read(self, after: int, limit: int = 500) -> list[Recorded]:
        """Events with a sequence number above `after`, in order."""

    async def stream(self, stream: str, after_version: int = 0, limit: int = 500) -> list[Recorded]: ...


class Scope(Struct, frozen=True):
    """What an agent may see: contacts that are or were his, those that wait in `queues`, and all contacts of customers
    whom he serves now."""

    agent: str
    queues: tuple[str, ...] = ()


class ContactFilter(Struct, frozen=True):
    """All given conditions must hold; `open` means not closed. `queues` and `agents` (who has it now, or had it last)
    are any-of, and so is `handled_by`: who has, had or was invited to it. `created_to` is the first time past the end.
    """

    channels: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    customer: str | None = None
    visitor: str | None = None
    site: str | None = None
    open: bool | None = None
    created_from: Millis | None = None
    created_to: Millis | None = None
    handled_by: tuple[str, ...] = ()
    scope: Scope | None = None


class ContactRow(Struct, frozen=True, gc=False):
    """A contact with the log's number of its last event."""

    contact: Contact
    seq: int


class SearchHit(Struct, frozen=True):
    """`n` is the message that was found, None when the contact's own words (name, subject, e-mail) matched.

    `snippet` is text in pieces, with whether the piece is a hit.
    """

    contact: ContactRow
    snippet: tuple[tuple[str, bool], ...]
    n: int | None = None


class Contacts(Protocol):
    async def get(self, id: str) -> ContactRow | None: ...

    async def many(self, ids: Sequence[str]) -> dict[str, ContactRow]: ...

    async def page(self, where: ContactFilter, *, after: str | None = None, limit: int = 50) -> list[ContactRow]:
        """Newest first; `after` is the id of the last one of the page before."""

    def living(self) -> AsyncIterator[ContactRow]:
        """All contacts that are not closed, in no order, streamed."""
        ...

    async def messages(
        self,
        contact: str,
        *,
        after_seq: int = 0,
        before_n: int | None = None,
        limit: int = 200,
        internal: bool = True,
    ) -> list[Message]:
        """Messages in order of `n`. With `before_n` the last `limit` ones before it. Without `internal` no notes."""
        ...

    async def message(self, id: str) -> Message | None: ...

    async def last_messages(self, contacts: Sequence[str]) -> dict[str, Message]:
        """The last message that is not a note or a system line, by contact."""
        ...

    async def unread(self, contacts: Mapping[str, int]) -> dict[str, int]:
        """How many messages of the visitor come after the given `n`, by contact."""
        ...

    async def search(
        self, query: str, where: ContactFilter, *, before: str | None = None, limit: int = 20
    ) -> list[SearchHit]:
        """Full text over messages (notes too), subjects, names, addresses; newest contact first; Chinese too."""
        ...

    async def queue_stats(self, since: Millis) -> dict[str, dict[str, int]]:
        """By queue since then: offered (queued first), answered, abandoned, in_target is counted by the caller."""
        ...

    async def handle_times(self, since: Millis, limit: int = 2000) -> list[tuple[str, str, int, int | None, bool]]:
        """(queue, channel, waited_ms, handled_ms or None, abandoned) of contacts that ended since, newest first."""
        ...


class People(Protocol):
    async def customer(self, id: str) -> Customer | None: ...

    async def customers(self, ids: Sequence[str]) -> dict[str, Customer]: ...

    async def list_customers(self, *, query: str = "", after: str | None = None, limit: int = 50) -> list[Customer]: ...

    async def by_identity(self, kind: str, value: str) -> Customer | None:
        """kind: `email` (lower case), `phone` (E.164), `visitor`, `external:<site>`; only verified ones join people."""
        ...

    async def add_identity(self, customer: str, kind: str, value: str) -> None: ...

    async def visitor(self, id: str) -> Visitor | None: ...

    async def bind_visitor(self, visitor: str, customer: str) -> None:
        """The visitor turned out to be this (verified) customer; earlier contacts stay where they were."""
        ...

    async def forget_visitor_binding(self, visitor: str) -> None: ...

    async def presences(self) -> dict[str, Presence]: ...

    async def nonce_used(self, site: str, nonce: str, until: Millis, now: Millis) -> bool:
        """Records a nonce of a signed identity; True when it had been recorded before. Forgets those past `until`."""
        ...


class ConfigRow(Struct, frozen=True):
    """A row that administrators edit: `data` is checked by its kind's schema in `hub/config_rows.py` beforehand."""

    kind: str
    id: str
    version: int
    updated_at: Millis
    data: dict[str, Any]


class Configs(Protocol):
    """Each write checks the version (None: must be new), bumps it, writes the audit entry and a ConfigChanged event."""

    async def rows(self, kind: str) -> list[ConfigRow]: ...

    async def get(self, kind: str, id: str) -> ConfigRow | None: ...

    async def put(
        self, kind: str, id: str, data: dict[str, Any], *, version: int | None, actor: str, at: Millis
    ) -> ConfigRow: ...

    async def delete(self, kind: str, id: str, *, version: int, actor: str, at: Millis) -> None: ...

    async def audit(self, entry: AuditEntry) -> None:
        """Writes an entry about something that is not a config row (a sign-in, a user); `entry.id` is ignored."""
        ...

    async def audit_log(
        self, *, before: int | None = None, limit: int = 50, kind: str | None = None, row: str | None = None
    ) -> list[AuditEntry]: ...


class Accounts(Protocol):
    async def users(self) -> list[User]: ...

    async def user(self, id: str) -> User | None: ...

    async def user_by_name(self, username: str) -> User | None:
        """Names are compared without case."""
        ...

    async def put_user(self, user: User, *, version: int | None, actor: str, at: Millis) -> User:
        """As `Configs.put`; the audit entry never holds the password hash.

        Raises Refused `user.exists` for a name in use.
        """
        ...

    async def put_session(self, session: Session) -> None:
        """Writes a new session."""
        ...

    async def update_session(self, session: Session) -> bool:
        """Writes what became of a known session; False (and nothing written) when it has ended meanwhile."""
        ...

    async def session(self, secret_hash: str) -> Session | None:
        """The session whose present or previous hash this is."""
        ...

    async def session_by_id(self, id: str) -> Session | None: ...

    async def delete_session(self, id: str) -> None: ...

    async def delete_sessions_of(self, user: str, *, keep: str | None = None) -> list[str]:
        """Ends all sessions of the user except the one with the id `keep`; returns the ids of those that ended."""
        ...

    async def delete_sessions_before(self, seen_before: Millis, created_before: Millis) -> int: ...

    async def put_token(self, token: Token) -> None:
        """Writes a new token."""
        ...

    async def token_used(self, id: str, at: Millis) -> None:
        """Notes that the token was used; nothing when it was deleted meanwhile."""
        ...

    async def token(self, secret_hash: str) -> Token | None: ...

    async def tokens(self) -> list[Token]: ...

    async def delete_token(self, id: str) -> bool: ...


class Files(Protocol):
    """The rows of uploaded files; the bytes are in `hub/files.py`'s folder by content hash."""

    async def put(self, file: StoredFile) -> None: ...

    async def get(self, id: str) -> StoredFile | None: ...

    async def bytes_since(self, uploader: str, since: Millis) -> int: ...

    async def set_scan(self, id: str, scanned: Scanned) -> None:
        """Writes what a scanner said of it; nothing when it is not there."""

    async def placed(self, prefix: str, before: Millis) -> list[StoredFile]:
        """Some of those whose `contact` begins with `prefix`, created before that time."""

    async def names(self, sha256: str) -> int:
        """How many rows, of mails too, name this content."""

    async def drop(self, id: str) -> None: ...


class FilePlaces(Protocol):
    """Where a file's content and a picture's thumbnail lie: `hub.files.FileStore` knows."""

    def path(self, sha256: str) -> Path: ...

    def thumb_path(self, sha256: str) -> Path: ...


class Store(Protocol):
    """The record and everything that is read from it. One implementation over SQLAlchemy Core, two dialects."""

    @property
    def log(self) -> Log: ...

    @property
    def contacts(self) -> Contacts: ...

    @property
    def people(self) -> People: ...

    @property
    def configs(self) -> Configs: ...

    @property
    def accounts(self) -> Accounts: ...

    @property
    def files(self) -> Files: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def recordings(self) -> Recordings: ...

    @property
    def calls(self) -> CallRecords: ...

    @property
    def mails(self) -> Mails: ...

    @property
    def callbacks(self) -> Callbacks: ...

    async def open(self) -> None:
        """Connects and migrates to the newest schema."""
        ...

    async def close(self) -> None:
        """Finishes what was queued for writing, then disconnects."""
        ...

    async def check(self) -> None:
        """Raises Unavailable when the database does not answer or cannot be written."""
        ...

    async def cursor(self, reader: str) -> int: ...

    async def set_cursor(self, reader: str, seq: int) -> None: ...

    async def backup(
        self,
        target: Path,
        progress: Callable[[int, int], None] | None = None,
        *,
        files: FilePlaces | None = None,
    ) -> object:
        """Writes one consistent moment to an archive while the store is in use, with the contents of `files`.

        `progress(done, total)` is called in a thread. The archive's manifest is returned, see `hub/store/backup.py`.
        """
        ...


class Lease(Protocol):
    """What at most one node holds at a time, as far as the bus can tell; the log decides (`hub/leadership.py`)."""

    async def take(self) -> bool:
        """Whether this node holds it from now on for a few seconds; taking it again renews it. Raises Unavailable."""
        ...

    async def free(self) -> bool:
        """Whether nobody holds it. Raises Unavailable."""
        ...

    async def release(self) -> None:
        """Gives it up if this node holds it. Raises Unavailable."""
        ...


class Bus(Protocol):
    """Wakes readers and carries what may be lost (typing). Never the record.

    A message reaches the subscribers of the publisher's own node at once, in order, and those of other nodes soon,
    each sender's in order, or not at all.
    """

    @property
    def shared(self) -> bool:
        """Whether there may be other nodes."""
        ...

    @property
    def node(self) -> str:
        """What this process is called on the bus; another one at each start."""
        ...

    @property
    def up_since(self) -> float | None:
        """Since when (the loop's time) other nodes can be heard without a break; None while they cannot."""
        ...

    async def start(self) -> None:
        """Begins to hear the other nodes; returns without waiting for them."""
        ...

    async def check(self) -> None:
        """Raises Unavailable when other nodes cannot be heard."""
        ...

    def lease(self, name: str) -> Lease: ...

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...

    def subscribe(self, topic: str, callback: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """Calls back on the loop for each message of the topic; returns what ends the subscription."""
        ...

    async def close(self) -> None: ...
