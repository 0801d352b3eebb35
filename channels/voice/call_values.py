"""What the call machine (`channels/voice/call.py`) is told and what it wants done: plain frozen data.

The parties are "customer" and "agent". Times are milliseconds.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from hub.events import CallEvent
from hub.flows.walk import Enqueue, Fetch, Outcome, Walk
from hub.model import Millis, Phase

CUSTOMER = "customer"
AGENT = "agent"


class Way(StrEnum):
    """How the customer's leg comes about."""

    TRUNK = "trunk"  # he called by telephone
    WEB = "web"  # he called from the widget
    DIAL = "dial"  # an agent calls him by telephone
    CALLBACK = "callback"  # he asked for it: whoever accepts his contact rings his page or his telephone


OUTGOING = frozenset({Way.DIAL, Way.CALLBACK})


class Stage(StrEnum):
    SETUP = "setup"  # trunk, web: leg and contact are being made; outgoing: the agent's audio is awaited
    DIALLING = "dialling"  # the customer's phone is called
    SCREENED = "screened"  # it was answered: who is there, and does he want to be called
    GUIDED = "guided"  # he goes through a flow before he comes to a queue
    WAITING = "waiting"  # nobody serves him yet
    SERVED = "served"  # an agent has the contact
    LEAVING = "leaving"  # nobody will serve him: he is told why before his call ends
    OVER = "over"


class Sound(StrEnum):
    """What a party hears."""

    SILENCE = "silence"
    MUSIC = "music"
    RINGING = "ringing"
    OTHER = "other"  # the other party
    GREETING = "greeting"
    PLACE = "place"  # his position and the wait
    CLOSED = "closed"  # nobody serves him now
    BUSY = "busy"  # too many wait
    FLOW = "flow"  # what the flow has to say
    SORRY = "sorry"  # something went wrong here
    NUMBER = "number"  # at which number he would be called back, and what his keys mean
    TYPE_NUMBER = "type_number"
    NOT_THAT_NUMBER = "not_that_number"  # it is not called: he may type another one
    NOT_KEPT = "not_kept"  # he cannot be called back
    KEPT = "kept"  # his place is kept, he is called back
    ANNOUNCEMENT = "announcement"  # why he is called, and how he is called no more
    CONFIRM = "confirm"  # that somebody asked for this call, and how he says that it was he
    MESSAGE = "message"  # what is left on his answering machine
    NEVER = "never"  # that he is not called again


SAID = frozenset(Sound) - {Sound.SILENCE, Sound.MUSIC, Sound.RINGING, Sound.OTHER}
"""Sounds that come to an end; `Played` tells."""


class Limits(Struct, frozen=True):
    """For how long each state may last. Who is called ahead of an agent hears why `told_ms` after he answered
    at the latest; until `late_ms` after that began it may still turn out that a machine talks, which began before."""

    setup_ms: Millis = 10_000
    ring_ms: Millis = 60_000
    take_ms: Millis = 30_000
    connect_ms: Millis = 20_000
    rejoin_ms: Millis = 10_000
    said_ms: Millis = 60_000
    place_every_ms: Millis = 45_000
    key_ms: Millis = 20_000
    listen_ms: Millis = 8_000
    told_ms: Millis = 2_000
    late_ms: Millis = 1_200
    confirm_ms: Millis = 10_000
    machine_ms: Millis = 45_000
    wait_ms: Millis = 2 * 3_600_000
    longest_ms: Millis = 8 * 3_600_000


# --- what it is told ----------------------------------------------------------------------------------------------


class Ready(Struct, frozen=True):
    """The customer's leg and the contact are there (trunk, web)."""


class NotReady(Struct, frozen=True):
    """They could not be made; `status` is what a telephone is told."""

    status: int
    cause: str


class TurnedAway(Struct, frozen=True):
    """His leg is there, but he is not let in: he is told why (Sound.CLOSED, BUSY or SORRY), `early` without his call
    being answered, which then is refused with `status`."""

    sound: Sound
    cause: str
    status: int = 480
    early: bool = False


class CustomerRings(Struct, frozen=True):
    """The called phone rings; `early`: its network can be heard already."""

    early: bool = False


class CustomerAnswered(Struct, frozen=True):
    """The called phone was picked up."""


class CustomerLeft(Struct, frozen=True):
    """He hung up, refused, or his signalling failed (`by` "network"). His leg needs no goodbye any more."""

    cause: str
    by: str = CUSTOMER
    status: int | None = None


class CustomerHolds(Struct, frozen=True):
    """His phone holds the call (re-INVITE with sendonly or inactive), so that silence says nothing."""

    on: bool


class LegMade(Struct, frozen=True):
    """A browser's leg was made, in the place of a former one; `agent` and `window` say whose it is."""

    party: str
    agent: str = ""
    window: str = ""


class LegUp(Struct, frozen=True):
    """The leg's media can flow."""

    party: str


class LegLost(Struct, frozen=True):
    """The leg's transport failed or was closed by the other side."""

    party: str
    reason: str


class LegQuiet(Struct, frozen=True):
    """No packet came for too long."""

    party: str


class Pressed(Struct, frozen=True):
    """The customer pressed a key."""

    digit: str


class RingPage(Struct, frozen=True):
    """The customer's page is rung for so long before his telephone is called, if there is one."""

    phone: bool
    ring_ms: Millis = 30_000


class PageRings(Struct, frozen=True):
    """It does."""


class PageTaken(Struct, frozen=True):
    """ "Answer" was pressed in the window `by`, whose audio is on its way."""

    by: str


class PageMissed(Struct, frozen=True):
    """Nobody can answer there: the page is gone, or has no microphone."""


class Screen(Struct, frozen=True):
    """A call that goes out is screened so (`screening.py`) once it is answered. With `wait_ms` it goes out ahead of an
    agent, at once, and who answers waits for one no longer than that. With `confirm` he has to say first that he asked
    for it."""

    announce: bool
    machine: str
    wait_ms: Millis = 0
    confirm: bool = False


class Withdrawn(Struct, frozen=True):
    """Nobody is to be called (any more)."""


class Heard(Struct, frozen=True):
    """What answered, by its sound: "human", "machine"; "clear": the machine is ready to record."""

    what: str


class Guided(Struct, frozen=True):
    """Before he comes to a queue he is to go through this flow; told in the call's set-up."""

    walk: Walk


class Found(Struct, frozen=True):
    """What a lookup of his flow came to."""

    outcome: Outcome
    values: dict[str, str]


class NotLetIn(Struct, frozen=True):
    """The queue to which his flow led takes nobody: he is told why."""

    sound: Sound
    cause: str


class MayKeep(Struct, frozen=True):
    """He may keep his place and be called back, at `number` or another one that he types; "": his is not known."""

    number: str


class NotKept(Struct, frozen=True):
    """His place could not be kept, because of the `number` or at all."""

    number: bool


class Played(Struct, frozen=True):
    """What was said with this token is over (or there was nothing to say)."""

    token: int


class WindowClosed(Struct, frozen=True):
    window: str


class WindowOpened(Struct, frozen=True):
    window: str


class ContactIs(Struct, frozen=True):
    """How the contact stands by the log; `by` and `reason` say of an ended one who ended it and why."""

    phase: Phase
    agent: str | None = None
    by: str = ""
    reason: str = ""


class RecordAsked(Struct, frozen=True):
    """`state` "on" begins or goes on, "paused" leaves silence in what runs."""

    state: str
    by: str


class RecordRule(Struct, frozen=True):
    """What the call's queue (now) has: whether recording begins by itself, and whether there may be any."""

    record: bool
    allowed: bool


class RecordFailed(Struct, frozen=True):
    """This recording could not be begun."""

    recording: str


class WorkerDied(Struct, frozen=True):
    """The process that carried the call's audio is gone."""


class Tick(Struct, frozen=True):
    """Time passed."""


Input = (
    Ready
    | NotReady
    | TurnedAway
    | CustomerRings
    | CustomerAnswered
    | CustomerLeft
    | CustomerHolds
    | LegMade
    | LegUp
    | LegLost
    | LegQuiet
    | Pressed
    | RingPage
    | PageRings
    | PageTaken
    | PageMissed
    | Screen
    | Withdrawn
    | Heard
    | Guided
    | Found
    | NotLetIn
    | MayKeep
    | NotKept
    | Played
    | WindowClosed
    | WindowOpened
    | ContactIs
    | RecordAsked
    | RecordRule
    | RecordFailed
    | WorkerDied
    | Tick
)


# --- what it wants done, in this order ------------------------------------------------------------------------------


class Place(Struct, frozen=True):
    """Ring the customer's page now, or call his phone."""


class Ring(Struct, frozen=True):
    """Tell the calling telephone that it rings here."""


class Early(Struct, frozen=True):
    """Let the calling telephone hear us, without answering it."""


class Answer(Struct, frozen=True):
    """Answer the calling telephone."""


class Refuse(Struct, frozen=True):
    """Refuse the calling telephone, or give up calling one."""

    status: int


class HangUp(Struct, frozen=True):
    """End the customer's leg."""

    cause: str


class Hears(Struct, frozen=True):
    """`party` hears this from now on; `token` names something that is said."""

    party: str
    sound: Sound
    token: int = 0


class DropLeg(Struct, frozen=True):
    party: str


class Connect(Struct, frozen=True):
    """The contact is connected: agent and customer can talk."""

    agent: str


class End(Struct, frozen=True):
    """End the contact."""

    by: str
    reason: str


class Lose(Struct, frozen=True):
    """Take the contact from this agent, back to its queue; `absent`: he never had audio, so he is not there."""

    agent: str
    reason: str
    absent: bool = False


class LookUp(Struct, frozen=True):
    """Ask a server (`Found`)."""

    fetch: Fetch


class Enter(Struct, frozen=True):
    """His way through the flow is over: put him in a queue, in that of the number that he called when it is None. The
    contact tells that it is done, else `NotLetIn`."""

    queue: Enqueue | None


class KeepPlace(Struct, frozen=True):
    """Make a callback to `number`, in his place; the contact's new channel tells that it is done, else `NotKept`."""

    number: str


class Await(Struct, frozen=True):
    """A person answered a call that is ahead of an agent: his contact waits for one now, or `Withdrawn`."""


class Listen(Struct, frozen=True):
    """Find out what answered (`Heard`)."""


class NeverCall(Struct, frozen=True):
    """The customer is never to be called again."""


class Record(Struct, frozen=True):
    """Begin the recording or go on with it ("on"), pause it ("paused") or end it ("off")."""

    state: str
    recording: str


class Note(Struct, frozen=True):
    """An event of the timeline."""

    event: CallEvent


class Tell(Struct, frozen=True):
    """The state that windows show has changed."""


class Close(Struct, frozen=True):
    """The last output: take the figures, write `CallEnded`, free the media, forget the call. `talk_ms`: as there."""

    by: str
    cause: str
    status: int | None = None
    talk_ms: Millis = 0


Output = (
    Place
    | Ring
    | Early
    | Answer
    | Refuse
    | HangUp
    | Hears
    | DropLeg
    | Connect
    | End
    | Lose
    | LookUp
    | Enter
    | KeepPlace
    | Await
    | Listen
    | NeverCall
    | Record
    | Note
    | Tell
    | Close
)
