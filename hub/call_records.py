"""What became of each call, folded from its contact's events: the rows behind call detail records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from hub import events as e
from hub.events import Recorded
from hub.model import Millis

Leg = dict[str, float | str | None]
# Of a call that is over: somebody talked with the customer, he gave up waiting, or it came to neither.
Result = Literal["running", "answered", "abandoned", "unanswered"]


class CallRecord(Struct, frozen=True):
    """One call. `way` is trunk, web, dial or callback, `direction` in or out. Times that did not come are None.

    `answered_at`: the customer's line was open; `connected_at`: he could talk with an agent. `talk_ms` and `hold_ms`
    add up over agents; `wait_ms` is till he was connected, or gave up. `legs` has the figures of `hub.media.LegStats`
    by party.
    """

    id: str
    contact: str
    way: str
    direction: str
    caller: str
    called: str
    trunk: str
    started_at: Millis
    queue: str | None = None
    agent: str | None = None
    agents: tuple[str, ...] = ()
    ringing_at: Millis | None = None
    queued_at: Millis | None = None
    offered_at: Millis | None = None
    offers: int = 0
    answered_at: Millis | None = None
    connected_at: Millis | None = None
    ended_at: Millis | None = None
    wrapped_at: Millis | None = None
    wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    holds: int = 0
    wrap_ms: int = 0
    abandoned: bool = False
    by: str = ""
    cause: str = ""
    status: int | None = None
    digits: int = 0
    legs: dict[str, Leg] = field(default_factory=dict)
    recordings: tuple[str, ...] = ()
    outcome: str | None = None
    node: str = ""

    @property
    def result(self) -> Result:
        if self.ended_at is None:
            return "running"
        if self.connected_at is not None:
            return "answered"
        return "abandoned" if self.abandoned else "unanswered"

    @property
    def mos(self) -> float | None:
        """Of the worst line, 1 to 4.5."""
        found = [mos for leg in self.legs.values() if isinstance(mos := leg.get("mos"), int | float)]
        return min(found, default=None)


def fold(contact: str, events: Iterable[Recorded]) -> list[CallRecord]:
    """The contact's calls, oldest first. `events` are all of the contact's, in order."""
    book = _Book(contact)
    for recorded in events:
        book.turn(recorded)
    return [*book.done, *([book.call] if book.call is not None else [])]


class _Book:
    """The call that runs (or was the last), and what stood before it began."""

    def __init__(self, contact: str) -> None:
        self.contact = contact
        self.done: list[CallRecord] = []
        self.call: CallRecord | None = None
        self.queue: str | None = None
        self.queued_at: Millis | None = None
        self.agent: str | None = None
        self.talks_since: Millis | None = None
        self.held_since: Millis | None = None
        self.ended_at: Millis | None = None  # of the contact
        self.presumed = False  # that the call is over, as the contact is

    def turn(self, recorded: Recorded) -> None:
        event, at = recorded.event, recorded.at
        match event:
            case e.ContactQueued():
                self.queue = event.queue
                self.queued_at = at
                self._stop(at)
                self._set(queue=event.queue)
                if self.call is not None and self.call.queued_at is None:
                    self._set(queued_at=at)
            case e.ContactDialled():
                self.queue = event.queue
                self._served_by(event.agent)
                self._set(queue=event.queue)
            case e.CallStarted():
                self._begin(event, recorded)
            case e.ContactOffered() if self.call is not None:
                self._set(offered_at=self.call.offered_at or at, offers=self.call.offers + 1)
            case e.OfferAccepted():
                self._served_by(event.agent)
            case e.CallRinging() if self.call is not None:
                self._set(ringing_at=self.call.ringing_at or at)
            case e.CallAnswered() if self.call is not None:
                if event.party == "customer":
                    self._set(answered_at=self.call.answered_at or at)
                elif event.agent:
                    self._served_by(event.agent)
            case e.ContactConnected() if self._runs:
                assert self.call is not None
                self.talks_since = at
                if self.call.connected_at is None:
                    self._set(connected_at=at, wait_ms=at - self._waits_since(self.call))
            case e.ContactHeld() if self.talks_since is not None and self.call is not None:
                self._stop(at)
                self.held_since = at
                self._set(holds=self.call.holds + 1)
            case e.ContactResumed() if self.held_since is not None:
                self._stop(at)
                self.talks_since = at
            case e.ContactTransferred() | e.ContactRequeued() | e.ContactUpgraded():
                self._stop(at)
            case e.CallRecording() if self.call is not None and event.recording not in self.call.recordings:
                self._set(recordings=(*self.call.recordings, event.recording))
            case e.ContactAbandoned():
                self._stop(at)
                if self._runs or (self.call is not None and self.call.connected_at is None):
                    assert self.call is not None
                    # Who was not let in did not wait.
                    self._set(abandoned=self.call.queued_at is not None, wait_ms=at - self._waits_since(self.call))
                self._end_with_contact(event, at)
            case e.ContactEnded():
                self._stop(at)
                self.ended_at = at
                self._end_with_contact(event, at)
            case e.CallEnded():
                self._end(event, at)
            case e.ContactClosed() if self.call is not None and self.ended_at is not None:
                self._set(wrapped_at=at, wrap_ms=at - self.ended_at, outcome=event.outcome)

    @property
    def _runs(self) -> bool:
        return self.call is not None and self.call.ended_at is None

    def _waits_since(self, call: CallRecord) -> Millis:
        return max(call.started_at, call.queued_at or 0)

    def _set(self, **changes: object) -> None:
        if self.call is not None:
            self.call = replace(self.call, **changes)

    def _served_by(self, agent: str) -> None:
        self.agent = agent
        if self.call is not None:
            others = tuple(each for each in self.call.agents if each != agent)
            self._set(agent=agent, agents=(*others, agent))

    def _begin(self, event: e.CallStarted, recorded: Recorded) -> None:
        if self.call is not None:
            self.done.append(self.call)
        self.talks_since = self.held_since = None
        self.presumed = False
        self.call = CallRecord(
            f"{self.contact}.{recorded.version}",
            self.contact,
            event.way,
            "out" if event.way in ("dial", "callback") else "in",
            event.caller,
            event.called,
            event.trunk,
            recorded.at,
            queue=self.queue,
            queued_at=self.queued_at if self.agent is None else None,
            node=event.node,
        )
        if self.agent is not None:
            self._served_by(self.agent)

    def _stop(self, at: Millis) -> None:
        """What ran until now is counted."""
        if self.call is not None:
            if self.talks_since is not None:
                self._set(talk_ms=self.call.talk_ms + at - self.talks_since)
            if self.held_since is not None:
                self._set(hold_ms=self.call.hold_ms + at - self.held_since)
        self.talks_since = self.held_since = None

    def _end_with_contact(self, event: e.ContactAbandoned | e.ContactEnded, at: Millis) -> None:
        """For the time being: the call's own end follows, unless the hub died with the call."""
        if self._runs:
            by = "customer" if event.by == "visitor" else event.by
            self._set(ended_at=at, by=by, cause=event.reason)
            self.presumed = True

    def _end(self, event: e.CallEnded, at: Millis) -> None:
        if not self._runs and not self.presumed:
            return
        self.presumed = False
        self._stop(at)
        assert self.call is not None
        if self.call.connected_at is None and self.call.direction == "in":
            self._set(wait_ms=self.call.wait_ms or at - self._waits_since(self.call))
        self._set(
            ended_at=at, by=event.by, cause=event.cause, status=event.status, digits=event.digits, legs=event.legs
        )
