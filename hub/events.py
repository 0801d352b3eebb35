"""Everything that can happen, as frozen structs of plain data: the log's vocabulary.

Each struct's tag is its type name in the log. Message text is not part of an event: it lies in the messages table, so
that it can be erased without rewriting history.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from hub.cobrowse_events import CobrowseEvent
from hub.event_base import Event as Event
from hub.model import Channel, Contact, Millis, PresenceState, Requirements

# --- a contact's life -------------------------------------------------------------------------------------------


class ContactCreated(Event, frozen=True, gc=False, tag="contact.created"):
    """A customer turned up on a channel; `media`: something has to be set up before the two can talk (a call)."""

    channel: Channel
    site: str
    customer: str
    visitor: str | None = None
    subject: str = ""
    language: str = "en"
    fields: dict[str, str] = field(default_factory=dict)
    media: bool = False


class ContactQueued(Event, frozen=True, gc=False, tag="contact.queued"):
    """`queued_at` is the original age: a requeue carries the first one on. `rules` are those that put it here."""

    queue: str
    requirements: Requirements
    priority: int
    queued_at: Millis
    reason: str = "new"
    preferred: str | None = None
    only_agent: str | None = None
    only_until: Millis | None = None
    rules: tuple[str, ...] = ()


class ContactRelaxed(Event, frozen=True, gc=False, tag="contact.relaxed"):
    """The contact waited so long that its queue asks for less, by relaxation step `step` (1 for the first)."""

    step: int


class ChannelChanged(Event, frozen=True, gc=False, tag="contact.channel_changed"):
    """The customer is to be reached another way; place and age stay. It is queued anew at once."""

    channel: Channel
    before: Channel
    media: bool = False


class ContactUpgraded(Event, frozen=True, gc=False, tag="contact.upgraded"):
    """Customer and agent go on by voice: the contact stays with the agent, and a call is set up between the two."""

    channel: Channel
    before: Channel


class ContactGuided(Event, frozen=True, gc=False, tag="contact.guided"):
    """The customer went through a flow before he came to a queue: in which language, and what is known by it since.
    Secrets are never among the fields."""

    flow: str
    language: str
    fields: dict[str, str]


class ContactDialled(Event, frozen=True, gc=False, tag="contact.dialled"):
    """An agent calls the customer himself, for a queue; nobody else is asked."""

    agent: str
    queue: str


class ContactOffered(Event, frozen=True, gc=False, tag="contact.offered"):
    """The contact is reserved for the agent until the deadline."""

    agent: str
    fence: int
    deadline: Millis
    epoch: int
    auto: bool = False


class OfferAccepted(Event, frozen=True, gc=False, tag="offer.accepted"):
    """The agent took it in time, showing the fence."""

    agent: str
    fence: int


class OfferDeclined(Event, frozen=True, gc=False, tag="offer.declined"):
    """The agent said no; he is not offered this contact again before `until`."""

    agent: str
    fence: int
    until: Millis


class OfferMissed(Event, frozen=True, gc=False, tag="offer.missed"):
    """The deadline passed; the contact waits on at its original age."""

    agent: str
    fence: int
    until: Millis


class OfferRescinded(Event, frozen=True, gc=False, tag="offer.rescinded"):
    """The offer was taken back, for the given reason."""

    agent: str
    fence: int
    reason: str


class ContactConnected(Event, frozen=True, gc=False, tag="contact.connected"):
    """The two can talk."""

    agent: str


class ContactHeld(Event, frozen=True, gc=False, tag="contact.held"):
    """The customer hears music instead of the agent."""

    agent: str


class ContactResumed(Event, frozen=True, gc=False, tag="contact.resumed"):
    """The two can talk again."""

    agent: str


class ContactTransferred(Event, frozen=True, gc=False, tag="contact.transferred"):
    """The contact leaves `agent`; a ContactQueued with the same age follows in the same append."""

    agent: str
    to_queue: str | None = None
    to_agent: str | None = None


class ContactRequeued(Event, frozen=True, gc=False, tag="contact.requeued"):
    """The agent was lost (browser or node died), or gave it back before anybody was called and is not asked again
    before `until`; a ContactQueued with the same age follows."""

    agent: str
    reason: str
    until: Millis | None = None


class ParticipantInvited(Event, frozen=True, gc=False, tag="participant.invited"):
    """`by` asked a colleague to join."""

    agent: str
    by: str


class ParticipantJoined(Event, frozen=True, gc=False, tag="participant.joined"):
    """A second agent takes part."""

    agent: str


class ParticipantLeft(Event, frozen=True, gc=False, tag="participant.left"):
    """A second agent left, or declined the invitation."""

    agent: str


class ContactAbandoned(Event, frozen=True, gc=False, tag="contact.abandoned"):
    """It ended before anybody answered."""

    by: str
    reason: str = "left"


class ContactEnded(Event, frozen=True, gc=False, tag="contact.ended"):
    """The conversation is over; `wrap_until` is the wrap-up's deadline."""

    by: str
    reason: str
    wrap_until: Millis


class WrapUpExtended(Event, frozen=True, gc=False, tag="wrapup.extended"):
    """The agent needs more time."""

    until: Millis


class ContactClosed(Event, frozen=True, gc=False, tag="contact.closed"):
    """The wrap-up is over; nothing but notes, marks and a rating follows, unless it is opened again."""

    by: str
    reason: str
    outcome: str | None = None


class ContactReopened(Event, frozen=True, gc=False, tag="contact.reopened"):
    """It goes on after its end; a ContactQueued with a new age follows. `was` is the contact as it was, closed, for
    readers that keep only those that are open."""

    reason: str
    was: Contact


class MessageAdded(Event, frozen=True, gc=False, tag="message.added"):
    """The `n`th message of the contact; its words are in the messages table."""

    message: str
    n: int
    author_kind: str
    kind: str
    author: str | None = None
    internal: bool = False


class MarksMoved(Event, frozen=True, gc=False, tag="marks.moved"):
    """A side has received and read messages up to these numbers."""

    side: str  # "visitor" or "agent"
    delivered: int
    read: int


class ContactRated(Event, frozen=True, gc=False, tag="contact.rated"):
    """What the customer thought of it, 1 to 5."""

    score: int
    comment: str = ""


class ContactEdited(Event, frozen=True, gc=False, tag="contact.edited"):
    """An agent changed the subject or the tags."""

    by: str
    subject: str | None = None
    tags: tuple[str, ...] | None = None


class ContactEscalated(Event, frozen=True, gc=False, tag="contact.escalated"):
    """The answer that the customer waits for since `since` is due `soon` or `late`; `answer` is "first" or "next".
    `priority` is what the contact has from now on."""

    stage: str
    answer: str
    since: Millis
    due: Millis
    priority: int


class PageVisited(Event, frozen=True, gc=False, tag="page.visited"):
    """The visitor is on another page of the site now."""

    url: str
    title: str


class CustomerRecognised(Event, frozen=True, gc=False, tag="contact.customer_recognised"):
    """The visitor proved to be this customer; `former` was the record made for him before."""

    customer: str
    former: str


class VisitorReminded(Event, frozen=True, gc=False, tag="visitor.reminded"):
    """The idle visitor was asked whether he is still there."""


# --- calls: what happened to the audio of a contact; queueing, holding and who served it are told above -------------


class CallStarted(Event, frozen=True, gc=False, tag="call.started"):
    """A call came in (`way`: "trunk", or "web" from the widget) or goes out ("dial", or "callback" to who asked for
    it); `node` is where it lives."""

    way: str
    caller: str = ""
    called: str = ""
    trunk: str = ""
    node: str = ""


class CallRinging(Event, frozen=True, gc=False, tag="call.ringing"):
    """The called phone rings."""


class CallAnswered(Event, frozen=True, gc=False, tag="call.answered"):
    """A party's audio is there, for the first time or again: "customer" or "agent" (then `agent` says which)."""

    party: str
    agent: str = ""


class CallCut(Event, frozen=True, gc=False, tag="call.cut"):
    """A party's audio is gone; it may come back within the call's grace."""

    party: str
    reason: str


class CallRecording(Event, frozen=True, gc=False, tag="call.recording"):
    """What is said is recorded from now on ("on"), not for the moment ("paused"), or no more ("off")."""

    recording: str
    state: str
    by: str = ""


class CallEnded(Event, frozen=True, gc=False, tag="call.ended"):
    """The call's last event. `by` is "customer", an agent's id, "network" or "system"; `cause` says why; `status` is
    the SIP status of a call that was never answered. `digits` counts the keys pressed. `legs` holds by party what
    `hub.media.LegStats` has, as it was at the end. `talk_ms` is the time since the customer first had an agent at the
    other end, 0 when he never had."""

    by: str
    cause: str
    status: int | None = None
    digits: int = 0
    legs: dict[str, dict[str, float | str | None]] = field(default_factory=dict)
    talk_ms: Millis = 0


# --- agents and customers ----------------------------------------------------------------------------------------


class PresenceChanged(Event, frozen=True, gc=False, tag="agent.presence_changed"):
    """An agent's own state changed; `resume` is what a lost connection returns to."""

    state: PresenceState
    epoch: int
    reason: str | None = None
    by: str = ""
    resume: PresenceState | None = None
    resume_reason: str | None = None


class CustomerChanged(Event, frozen=True, gc=False, tag="customer.changed"):
    """These fields of the customer were edited."""

    by: str
    fields: tuple[str, ...]


class DispatcherMoved(Event, frozen=True, gc=False, tag="dispatcher.moved"):
    """This node gives out the contacts from now on. The version in the stream `dispatcher` is its fencing token."""

    node: str


class CallbackMoved(Event, frozen=True, gc=False, tag="callback.moved"):
    """A callback was asked for or came to another state, for `reason`; `next_at` is when something is due. `attempts`
    is how often the customer's phone was called by now, `result` what became of the last time."""

    state: str
    contact: str = ""
    reason: str = ""
    next_at: Millis | None = None
    attempts: int = 0
    result: str | None = None


class CallbackMessage(Event, frozen=True, gc=False, tag="callback.message"):
    """A text message that a callback's customer is to get at `number` (E.164), for a webhook that brings it there: that
    it is promised ("soon", "slot"), is near ("reminder"), was cancelled, or could not be made ("closed"). After `until`
    it is of no use any more."""

    kind: str
    number: str
    language: str
    text: str
    reference: str = ""
    contact: str = ""
    until: Millis = 0


class ConfigChanged(Event, frozen=True, gc=False, tag="config.changed"):
    """A row that administrators edit was written; the row itself and the audit entry hold what changed."""

    kind: str
    row: str
    action: str
    by: str


ContactEvent = (
    ContactCreated
    | ContactQueued
    | ContactRelaxed
    | ChannelChanged
    | ContactOffered
    | OfferAccepted
    | OfferDeclined
    | OfferMissed
    | OfferRescinded
    | ContactConnected
    | ContactHeld
    | ContactResumed
    | ContactTransferred
    | ContactRequeued
    | ParticipantInvited
    | ParticipantJoined
    | ParticipantLeft
    | ContactAbandoned
    | ContactEnded
    | WrapUpExtended
    | ContactClosed
    | ContactReopened
    | MessageAdded
    | MarksMoved
    | ContactRated
    | ContactEdited
    | ContactEscalated
    | PageVisited
    | CustomerRecognised
    | VisitorReminded
    | ContactUpgraded
    | ContactGuided
    | ContactDialled
    | CallStarted
    | CallRinging
    | CallAnswered
    | CallCut
    | CallRecording
    | CallEnded
)
CallEvent = CallStarted | CallRinging | CallAnswered | CallCut | CallRecording | CallEnded
TALK = frozenset(
    {MessageAdded, MarksMoved, PageVisited, ContactRated, VisitorReminded, *get_args(CallEvent | CobrowseEvent)}
)
"""Most of the log: what is said and seen inside a contact. It moves nobody's work, so no queue looks any different."""

AnyEvent = (
    ContactEvent
    | PresenceChanged
    | CustomerChanged
    | DispatcherMoved
    | CallbackMoved
    | CallbackMessage
    | ConfigChanged
    | CobrowseEvent
)


class Recorded(Struct, frozen=True, gc=False):
    """An event as the log holds it: `seq` is global and without gaps, `version` counts within the stream.

    A stream is the id of what the event is about: a contact, an agent, a customer, a callback, `cobrowse/` and a
    contact, `dispatcher` or `config`.
    """

    seq: int
    stream: str
    version: int
    at: Millis
    actor: str
    event: AnyEvent


_decoder = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


def encode(event: AnyEvent) -> bytes:
    """The event as JSON with its type under `type`."""
    return _encoder.encode(event)


def decode(data: bytes | str) -> AnyEvent:
    """The event that `encode` wrote. Raises msgspec.ValidationError on anything else."""
    event: AnyEvent = _decoder.decode(data)
    return event


_TYPES = {kind: str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}


def type_of(event: AnyEvent) -> str:
    """The event's type name in the log, for example `contact.queued`."""
    return _TYPES[type(event)]


def to_dict(event: AnyEvent) -> dict[str, Any]:
    """The event as plain JSON-able data, with its type under `type`."""
    result: dict[str, Any] = msgspec.to_builtins(event)
    return result
