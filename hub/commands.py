"""What can be asked of a contact: the machine's input, plain frozen data."""

from __future__ import annotations

from msgspec import Struct, field

from hub.events import CallEvent
from hub.model import Channel, Millis, Requirements


class Command(Struct, frozen=True):
    """Base of all commands."""


class Create(Command, frozen=True):
    channel: Channel
    site: str
    customer: str
    visitor: str | None = None
    subject: str = ""
    language: str = "en"
    fields: dict[str, str] = field(default_factory=dict)
    media: bool = False


class Enqueue(Command, frozen=True):
    """`since` is the age at which it waits, when that is not now."""

    queue: str
    requirements: Requirements
    priority: int = 0
    preferred: str | None = None
    rules: tuple[str, ...] = ()
    since: Millis | None = None


class Guide(Command, frozen=True):
    """The customer's way through a flow is over; `fields` are added to the contact's."""

    flow: str
    language: str
    fields: dict[str, str] = field(default_factory=dict)


class Move(Command, frozen=True):
    """A contact that waits goes to another queue; its age goes along. An offer under way is taken back."""

    queue: str
    requirements: Requirements
    reason: str


class ChangeChannel(Command, frozen=True):
    """A contact that waits is to be served on another channel, in its place. An offer under way is taken back."""

    channel: Channel
    media: bool = False


class Upgrade(Command, frozen=True):
    """Customer and agent go on by voice; Connect follows when the agent's audio is there."""

    channel: Channel


class Dial(Command, frozen=True):
    """An agent calls the customer; the contact is his from the beginning. Connect follows when both can talk."""

    agent: str
    queue: str


class Connect(Command, frozen=True):
    """The media between customer and agent are there: the two can talk."""

    agent: str


class NoteCall(Command, frozen=True):
    """What happened to the call of a contact, for its timeline."""

    event: CallEvent


class Relax(Command, frozen=True):
    step: int


class MakeOffer(Command, frozen=True):
    agent: str
    fence: int
    deadline: Millis
    epoch: int
    auto: bool = False


class Accept(Command, frozen=True):
    agent: str
    fence: int


class Decline(Command, frozen=True):
    agent: str
    fence: int
    exclude_ms: Millis


class Miss(Command, frozen=True):
    """The offer's deadline passed without an answer."""

    agent: str
    fence: int
    exclude_ms: Millis


class Rescind(Command, frozen=True):
    agent: str
    fence: int
    reason: str


class Hold(Command, frozen=True):
    agent: str


class Resume(Command, frozen=True):
    agent: str


class Transfer(Command, frozen=True):
    """Away from `agent`, to a queue (with its requirements) or to one agent who is waited for until `only_until`."""

    agent: str
    queue: str
    requirements: Requirements
    to_agent: str | None = None
    only_until: Millis | None = None


class LoseAgent(Command, frozen=True):
    """The agent's browser or node died and the grace is over, or he gives back what has not begun and is not asked
    again for `exclude_ms`."""

    agent: str
    reason: str
    exclude_ms: Millis = 0


class Invite(Command, frozen=True):
    agent: str
    by: str


class Join(Command, frozen=True):
    agent: str


class Leave(Command, frozen=True):
    agent: str


class End(Command, frozen=True):
    """The customer, the agent or the hub ends it: abandoned while it waits, else the wrap-up begins."""

    by: str
    reason: str
    wrap_ms: Millis


class ExtendWrapUp(Command, frozen=True):
    by_ms: Millis
    limit_ms: Millis


class Finish(Command, frozen=True):
    """Ends the wrap-up."""

    by: str
    outcome: str | None
    reason: str = "finished"


class Reopen(Command, frozen=True):
    """A contact that was over goes on: its customer answered, it was to be looked at again, or somebody asked for it.
    A wrap-up under way ends with it. It waits in the queue, or is at once `agent`'s, who wants to write on: Connect
    follows, as after Dial. `since` is the age at which it waits, when that is not now."""

    reason: str
    queue: str
    requirements: Requirements
    priority: int = 0
    preferred: str | None = None
    agent: str | None = None
    since: Millis | None = None


class Say(Command, frozen=True):
    message: str
    author_kind: str
    kind: str
    author: str | None = None
    internal: bool = False


class Mark(Command, frozen=True):
    side: str
    delivered: int
    read: int


class Rate(Command, frozen=True):
    score: int
    comment: str


class Edit(Command, frozen=True):
    by: str
    subject: str | None = None
    tags: tuple[str, ...] | None = None


class Escalate(Command, frozen=True):
    """An answer is due soon, or late; the contact comes earlier by `raised`."""

    stage: str
    answer: str
    since: Millis
    due: Millis
    raised: int = 0


class VisitPage(Command, frozen=True):
    url: str
    title: str


class RecogniseCustomer(Command, frozen=True):
    customer: str


class Remind(Command, frozen=True):
    pass


ContactCommand = (
    Create
    | Enqueue
    | Move
    | ChangeChannel
    | Upgrade
    | Guide
    | Dial
    | Connect
    | NoteCall
    | Relax
    | MakeOffer
    | Accept
    | Decline
    | Miss
    | Rescind
    | Hold
    | Resume
    | Transfer
    | LoseAgent
    | Invite
    | Join
    | Leave
    | End
    | ExtendWrapUp
    | Finish
    | Reopen
    | Say
    | Mark
    | Rate
    | Edit
    | Escalate
    | VisitPage
    | RecogniseCustomer
    | Remind
)
