"""What the REST interface answers, as types: the handlers' views are written down here for OpenAPI and the tests."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from hub.mail_signature import Signatures

At = Annotated[int, Meta(description="Milliseconds since the epoch (UTC)")]
Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(max_length=100)]
# A version as we gave it out; anything a database could choke on is none of ours.
Version = Annotated[int, Meta(ge=0, le=2**53)]


class Query(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of query strings."""


class PageQuery(Query, frozen=True):
    """`after` is the `next` of the page before."""

    after: Cursor | None = None
    limit: Limit = 50


class Named(Struct, frozen=True):
    id: str
    name: str


class Marks(Struct, frozen=True):
    visitor_delivered: int
    visitor_read: int
    agent_delivered: int
    agent_read: int


class File(Struct, frozen=True):
    id: str
    name: str
    size: int
    type: str
    width: int | None
    height: int | None
    thumb: bool


class CustomerRef(Struct, frozen=True):
    id: str
    name: str
    email: str
    phone: str
    verified: bool
    online: bool


class Preview(Struct, frozen=True):
    text: str
    at: At
    author_kind: str
    kind: str
    n: int


class Offer(Struct, frozen=True):
    agent: str
    fence: int
    deadline: At
    auto: bool


class VisitedPage(Struct, frozen=True):
    url: str
    title: str
    at: At


class Rating(Struct, frozen=True):
    score: int
    comment: str


class AnswerDue(Struct, frozen=True):
    """The `answer` ("first" or "next") that was promised until `at`. `stage` is "soon" from `warn_at` on, "late" after
    `at`, as far as it was escalated."""

    answer: str
    since: At
    warn_at: At
    at: At
    stage: str | None


class Contact(Struct, frozen=True):
    """One interaction of a customer. Phases: created, queued, offered, connecting, active, held, wrapping, closed.
    `media`: it is talked over the hub's own audio."""

    id: str
    seq: int
    version: int
    channel: str
    media: bool
    phase: str
    site: str
    queue: Named | None
    subject: str
    language: str
    customer: CustomerRef
    agent: Named | None
    participants: list[Named]
    invited: list[Named]
    created_at: At
    queued_at: At
    connected_at: At | None
    ended_at: At | None
    ended_by: str | None
    closed_at: At | None
    abandoned: bool
    wrap_until: At | None
    outcome: str | None
    tags: list[str]
    priority: int
    requirements: dict[str, int]
    fields: dict[str, str]
    marks: Marks
    messages: int
    unread: int
    last_message: Preview | None
    waiting_since: At | None
    due: AnswerDue | None
    page: VisitedPage | None
    offer: Offer | None
    rating: Rating | None


class ContactPage(Struct, frozen=True):
    items: list[Contact]
    next: str | None


class Message(Struct, frozen=True):
    """Something said inside a contact; `n` counts within it. System lines have a `code` and `data`."""

    id: str
    contact: str
    n: int
    seq: int
    at: At
    author_kind: str
    author: str | None
    author_name: str
    kind: str
    text: str
    file: File | None
    client_id: str | None
    code: str | None
    data: dict[str, Any]
    internal: bool


class MessagePage(Struct, frozen=True):
    items: list[Message]
    next: str | None


class LogEntry(Struct, frozen=True):
    """An event of the contact's life; `version` counts within the contact, `seq` over everything."""

    seq: int
    version: int
    at: At
    actor: str
    type: str
    data: dict[str, Any]


class LogPage(Struct, frozen=True):
    items: list[LogEntry]
    next: str | None


class RoutingView(Struct, frozen=True):
    """Why a contact waits, or where a new one would: the queue, what it asks for by now, its place, the expected wait
    in seconds, the rules that put it there, and each agent with what speaks against him; those who could come first,
    in the order in which they would be asked (`rank`)."""

    queue: str | None
    requirements: dict[str, int]
    priority: int
    step: int
    rules: list[dict[str, str]]
    position: int | None
    wait_s: float | None
    agents: list[dict[str, Any]]


class Customer(Struct, frozen=True):
    id: str
    name: str
    email: str
    phone: str
    language: str
    timezone: str
    verified: bool
    external_id: str | None
    note: str
    fields: dict[str, str]
    owner: str | None
    created_at: At
    version: int


class CustomerPage(Struct, frozen=True):
    items: list[Customer]
    next: str | None


class Presence(Struct, frozen=True):
    state: str
    reason: str | None
    since: At
    epoch: int


class Agent(Struct, frozen=True):
    """A user who may handle contacts, with how he is now and how much he has to do."""

    id: str
    name: str
    username: str
    role: str
    skills: dict[str, int]
    presence: Presence
    connected: bool
    load: dict[str, Any]


class AgentPage(Struct, frozen=True):
    items: list[Agent]
    next: str | None


class User(Struct, frozen=True):
    id: str
    username: str
    name: str
    role: str
    skills: dict[str, int]
    units: int
    maxima: dict[str, int]
    auto_accept: list[str]
    costs: dict[str, int]
    interrupts: dict[str, tuple[str, ...]] | None
    reserved: list[str]
    order: int
    locale: str
    disabled: bool
    created_at: At
    version: int


class UserPage(Struct, frozen=True):
    items: list[User]
    next: str | None


class Token(Struct, frozen=True, omit_defaults=True):
    """`token` is the secret itself, in the answer that made it and never again."""

    id: str
    user: str
    name: str
    created_at: At
    used_at: At | None
    expires_at: At | None
    token: str | None = None


class TokenPage(Struct, frozen=True):
    items: list[Token]
    next: str | None


class RolesView(Struct, frozen=True):
    """The permissions of each role."""

    items: dict[str, list[str]]


class AuditView(Struct, frozen=True):
    id: int
    at: At
    actor: str
    actor_name: str
    action: str
    kind: str
    row: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(Struct, frozen=True):
    items: list[AuditView]
    next: str | None


class RecordingView(Struct, frozen=True):
    """Of a call (`kind` sound): the customer on the left channel, the agents on the right; of a shared page (page).
    `state` is recording, complete, interrupted, failed or deleted; `paused` are spans of silence, in ms from the
    beginning; `may` is what the asking user can do with it: listen (or watch), download, delete, hold."""

    id: str
    contact: str
    kind: str
    state: str
    queue: Named | None
    agents: list[Named]
    started_at: At
    ended_at: At | None
    ms: int
    bytes: int
    format: str
    paused: list[tuple[int, int]]
    encrypted: bool
    reason: str
    announced: bool
    error: str
    expires_at: At | None
    hold: str
    deleted_at: At | None
    deleted_by: Named | None
    may: list[str]


class RecordingPage(Struct, frozen=True):
    items: list[RecordingView]
    next: str | None


class PeaksView(Struct, frozen=True):
    """What a waveform is drawn from: the loudest sample, 0 to 255, of each of many parts of equal length."""

    ms: int
    customer: list[int]
    agent: list[int]


class LegView(Struct, frozen=True):
    """One side's audio: shares are 0 to 1, times ms, `mos` the E-model's estimate (1 to 4.5)."""

    codec: str
    mos: float | None
    loss: float | None
    jitter_ms: float | None
    round_trip_ms: float | None


class CallView(Struct, frozen=True):
    """A call detail record. `way` is trunk, web or dial; `result` is running, answered, abandoned or unanswered. Times
    that did not come are null."""

    id: str
    contact: str
    direction: str
    way: str
    caller: str
    called: str
    trunk: str
    queue: Named | None
    agent: Named | None
    agents: list[Named]
    started_at: At
    ringing_at: At | None
    queued_at: At | None
    offered_at: At | None
    offers: int
    answered_at: At | None
    connected_at: At | None
    ended_at: At | None
    wrapped_at: At | None
    wait_ms: int
    talk_ms: int
    hold_ms: int
    holds: int
    wrap_ms: int
    result: str
    abandoned: bool
    by: str
    cause: str
    status: int | None
    digits: int
    outcome: str | None
    legs: dict[str, LegView]
    recordings: list[str]


class CallPage(Struct, frozen=True):
    items: list[CallView]
    next: str | None


class CallSummaryView(Struct, frozen=True):
    """Waiting is of calls that came in and are over, talking of answered ones; a mean without any is null."""

    calls: int
    answered: int
    abandoned: int
    unanswered: int
    running: int
    recorded: int
    mean_wait_ms: float | None
    mean_talk_ms: float | None
    mean_mos: float | None


class DeliveryView(Struct, frozen=True):
    """A webhook's event on its way; `state` is pending, delivered or failed."""

    id: str
    webhook: str
    type: str
    contact: str | None
    state: str
    attempts: int
    status: int | None
    error: str | None
    created_at: At
    next_at: At | None
    delivered_at: At | None
    body: dict[str, Any]


class DeliveryPage(Struct, frozen=True):
    items: list[DeliveryView]
    next: str | None


class Me(Struct, frozen=True):
    id: str
    username: str
    name: str
    role: str
    permissions: list[str]
    locale: str
    theme: str
    sound: bool
    notifications: bool
    line: str
    mail_signature: Signatures


class ReaderView(Struct, frozen=True):
    """A reader of the log: how far behind it is and how often it has failed."""

    name: str
    cursor: int
    lag: int
    failures: int
    last_error: str | None


class WorkerView(Struct, frozen=True):
    """Something that works in the background without reading the log, with how often it has failed."""

    name: str
    failures: int
    last_error: str | None


class StatusView(Struct, frozen=True):
    version: str
    stopping: bool
    head: int
    checks: dict[str, str]
    readers: list[ReaderView]
    workers: list[WorkerView]
