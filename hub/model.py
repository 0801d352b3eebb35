"""The domain's values: contacts, messages, customers, agents and the rows that administrators edit.

All values are frozen msgspec structs of plain data. Times are integers, milliseconds since the epoch (UTC).
Nothing here does input or output or reads a clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

Millis = int
Requirements = dict[str, int]


class Channel(StrEnum):
    """The way a customer reaches us; the capacity an agent needs depends on it."""

    VOICE = "voice"
    CHAT = "chat"
    EMAIL = "email"
    CALLBACK = "callback"


class Phase(StrEnum):
    """Where a contact stands; the table of transitions is in `hub/machine.py`."""

    NEW = "new"  # before its first event
    CREATED = "created"
    QUEUED = "queued"
    OFFERED = "offered"
    CONNECTING = "connecting"
    ACTIVE = "active"
    HELD = "held"
    WRAPPING = "wrapping"
    CLOSED = "closed"

    # Enum's own is written in Python, and phases are looked up at every event.
    __hash__ = str.__hash__


WAITING = frozenset({Phase.QUEUED, Phase.OFFERED})
"""The phases in which nobody serves the customer yet."""


class PresenceState(StrEnum):
    """What an agent says he is; `busy` and `wrap_up` are computed from his contacts, never stored."""

    AVAILABLE = "available"
    AWAY = "away"
    OFFLINE = "offline"
    NOT_RESPONDING = "not_responding"


class Offer(Struct, frozen=True, gc=False):
    """A reserved pairing of a contact and an agent; whoever accepts must show the fence before the deadline."""

    agent: str
    fence: int
    deadline: Millis
    epoch: int
    auto: bool = False


class Marks(Struct, frozen=True, gc=False):
    """How far each side has received and read, as the number `n` of the last such message."""

    visitor_delivered: int = 0
    visitor_read: int = 0
    agent_delivered: int = 0
    agent_read: int = 0


class Rating(Struct, frozen=True, gc=False):
    score: int
    comment: str
    at: Millis


class Page(Struct, frozen=True, gc=False):
    """The page of the customer's site that the visitor is or was on."""

    url: str
    title: str
    at: Millis


PRIORITY_LIMIT = 1000
"""A contact's priority, of rules and delays that add up, is no more than this, either way."""


class Escalation(Struct, frozen=True, gc=False):
    """How far it has come with an answer that the customer waits for since `since`: `stage` is "soon" or "late"."""

    since: Millis
    stage: str
    due: Millis


class Contact(Struct, frozen=True, gc=False, omit_defaults=True):
    """One interaction of a customer on one channel: the thing that is routed.

    `queued_at` is the age that routing goes by; it survives offers, requeues and transfers back. `entered_at` is when
    it came into the queue it is in, `relaxed` the step to which that queue has widened what it asks for.
    `only_agent` restricts routing to one agent until `only_until` (a transfer to a person).
    `excluded` maps agents to the time until which they are not offered this contact again.
    `unread` are the numbers of the customer's messages that no agent has read (the newest 100 at most).
    `last_message` is the id of the last one that is neither a note nor a system line.
    `placed` is the queue that it came to first, `transfers` how often agents passed it on, and `corrected` whether the
    last time was to another queue than that. `answered_at` is when an agent first wrote to the customer; `late` counts
    the promised answers that were not there in time, and `first_late` says whether the first was one of them.
    """

    id: str
    version: int = 0
    channel: Channel = Channel.CHAT
    phase: Phase = Phase.NEW
    site: str = ""
    visitor: str | None = None
    customer: str = ""
    queue: str | None = None
    subject: str = ""
    language: str = "en"
    requirements: Requirements = field(default_factory=dict)
    priority: int = 0
    created_at: Millis = 0
    queued_at: Millis = 0
    connected_at: Millis | None = None
    ended_at: Millis | None = None
    ended_by: str | None = None
    wrap_until: Millis | None = None
    closed_at: Millis | None = None
    agent: str | None = None
    participants: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()
    offer: Offer | None = None
    last_fence: int = 0
    excluded: dict[str, Millis] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    relaxed: int = 0
    entered_at: Millis = 0
    preferred: str | None = None
    only_agent: str | None = None
    only_until: Millis | None = None
    handled_by: tuple[str, ...] = ()
    outcome: str | None = None
    tags: tuple[str, ...] = ()
    marks: Marks = Marks()
    messages: int = 0
    last_message: str | None = None
    unread: tuple[int, ...] = ()
    waiting_since: Millis | None = None
    last_visitor_at: Millis | None = None
    last_agent_at: Millis | None = None
    reminded_at: Millis | None = None
    abandoned: bool = False
    rating: Rating | None = None
    page: Page | None = None
    fields: dict[str, str] = field(default_factory=dict)
    media: bool = False
    placed: str | None = None
    transfers: int = 0
    corrected: bool = False
    escalation: Escalation | None = None
    answered_at: Millis | None = None
    late: int = 0
    first_late: bool = False


class AuthorKind(StrEnum):
    VISITOR = "visitor"
    AGENT = "agent"
    SYSTEM = "system"


class MessageKind(StrEnum):
    TEXT = "text"
    FILE = "file"
    NOTE = "note"
    SYSTEM = "system"
    MAIL = "mail"


class FileRef(Struct, frozen=True, gc=False):
    """What a message says of its file; the bytes lie in the file store under the content's hash."""

    id: str
    name: str
    size: int
    type: str
    width: int | None = None
    height: int | None = None
    thumb: bool = False


class Message(Struct, frozen=True, gc=False):
    """Something said inside a contact. `n` counts from 1 within it; `seq` is the log's number (0 before commit)."""

    id: str
    contact: str
    n: int
    at: Millis
    author_kind: AuthorKind
    kind: MessageKind
    text: str = ""
    author: str | None = None
    author_name: str = ""
    file: FileRef | None = None
    client_id: str | None = None
    code: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    internal: bool = False
    seq: int = 0


class Customer(Struct, frozen=True, gc=False):
    """A person, known by identities: visitor ids, e-mail address, phone number, the host site's own user id.

    `owner` is the agent who looks after him: asked first whenever he comes.
    """

    id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    timezone: str = ""
    external_id: str | None = None
    verified: bool = False
    note: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    owner: str | None = None
    created_at: Millis = 0
    version: int = 0


class Visitor(Struct, frozen=True, gc=False):
    """A browser of a customer on one site, made at its first act (never before)."""

    id: str
    site: str
    customer: str
    created_at: Millis
    user_agent: str = ""


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


DEFAULT_MAXIMA = {Channel.VOICE: 1, Channel.CHAT: 3, Channel.EMAIL: 5, Channel.CALLBACK: 1}


class PhoneAccount(Struct, frozen=True):
    """With which a user's own telephone registers; of its password only sealed hashes are kept (`hub/phones.py`)."""

    username: str
    sealed: str
    made_at: Millis


class User(Struct, frozen=True):
    """Someone who signs in. An agent is a user who may handle contacts.

    `costs` are the capacity units that a contact takes of him, by channel, in the place of the queue's and the usual
    ones. `interrupts` says by offered channel which channels he may have beside it whatever they cost (None: as usual).
    `reserved` are the only queues he serves, when there are any. `order` is his place under the fixed order.
    """

    id: str
    username: str
    name: str
    role: Role
    password_hash: str = ""
    skills: dict[str, int] = field(default_factory=dict)
    units: int = 100
    maxima: dict[str, int] = field(default_factory=lambda: {str(k): v for k, v in DEFAULT_MAXIMA.items()})
    auto_accept: tuple[str, ...] = ()
    costs: dict[str, int] = field(default_factory=dict)
    interrupts: dict[str, tuple[str, ...]] | None = None
    reserved: tuple[str, ...] = ()
    order: int = 100
    locale: str = "en"
    theme: str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)
    phone: PhoneAccount | None = None
    disabled: bool = False
    created_at: Millis = 0
    version: int = 0


class Line(StrEnum):
    """Where an agent talks."""

    BROWSER = "browser"
    PHONE = "phone"


def line_of(user: User) -> Line:
    """Where he wants to; without an account for his telephone that is the browser."""
    return Line.PHONE if user.phone is not None and user.settings.get("line") == Line.PHONE else Line.BROWSER


class Presence(Struct, frozen=True, gc=False):
    """An agent's own state. `epoch` grows with each change, so that what refers to an older one is stale.

    `resume` is the state to return to when a lost connection comes back within its grace.
    """

    agent: str
    state: PresenceState = PresenceState.OFFLINE
    reason: str | None = None
    since: Millis = 0
    epoch: int = 0
    resume: PresenceState | None = None
    resume_reason: str | None = None


class Session(Struct, frozen=True):
    """A signed-in browser; only the hash of its cookie's secret is stored.

    The secret is replaced now and then; `previous_hash` is the one before, for requests that were under way then.
    """

    id: str
    user: str
    secret_hash: str
    csrf: str
    created_at: Millis
    seen_at: Millis
    rotated_at: Millis
    address: str = ""
    user_agent: str = ""
    previous_hash: str | None = None


class Token(Struct, frozen=True):
    """A bearer token of the REST interface; only its hash is stored."""

    id: str
    user: str
    name: str
    secret_hash: str
    created_at: Millis
    used_at: Millis | None = None
    expires_at: Millis | None = None


class Scan(StrEnum):
    """What a scanner for malware said of a file."""

    NONE = ""  # nobody asked
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNED = "unscanned"  # it was asked, and could not say


class Scanned(Struct, frozen=True, omit_defaults=True):
    """`threat` is the name of what was found."""

    scan: Scan
    threat: str = ""


class StoredFile(Struct, frozen=True):
    """An uploaded file: who may see it follows from its contact. `threat` names what `scan` found in it."""

    id: str
    contact: str
    uploader: str
    name: str
    size: int
    type: str
    sha256: str
    created_at: Millis
    width: int | None = None
    height: int | None = None
    thumb: bool = False
    scan: Scan = Scan.NONE
    threat: str = ""


class AuditEntry(Struct, frozen=True):
    """Who changed which row, when, from what to what."""

    id: int
    at: Millis
    actor: str
    action: str
    kind: str
    row: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
