"""A contact's life as a pure machine: `decide` says what happens, `evolve` says what it makes of the contact.

`TRANSITIONS` is the whole table of what may follow what; the diagram in docs/ is generated from it. Time is an
argument; nothing here reads a clock, draws a random number or touches a store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from msgspec.structs import replace

from hub import commands as c
from hub import events as e
from hub.errors import OfferGone, Refused, WrongPhase
from hub.machine_changes import CHANGES
from hub.model import PRIORITY_LIMIT, Contact, Millis, Offer, Phase

P = Phase
WAITING = frozenset({P.CREATED, P.QUEUED, P.OFFERED})
SERVED = frozenset({P.CONNECTING, P.ACTIVE, P.HELD})
OPEN = WAITING | SERVED
LIVING = OPEN | {P.WRAPPING}
BEGUN = LIVING | {P.CLOSED}


@dataclass(frozen=True)
class Transition:
    """From which phases an event may happen and to which it leads (None: the phase stays)."""

    source: frozenset[Phase]
    target: Phase | None


TRANSITIONS: dict[type[e.Event], Transition] = {
    e.ContactCreated: Transition(frozenset({P.NEW}), P.CREATED),
    e.ContactQueued: Transition(frozenset({P.CREATED, P.QUEUED}), P.QUEUED),
    e.ContactRelaxed: Transition(frozenset({P.QUEUED, P.OFFERED}), None),
    e.ChannelChanged: Transition(frozenset({P.QUEUED}), None),
    e.ContactOffered: Transition(frozenset({P.QUEUED}), P.OFFERED),
    e.OfferAccepted: Transition(frozenset({P.OFFERED}), P.CONNECTING),
    e.OfferDeclined: Transition(frozenset({P.OFFERED}), P.QUEUED),
    e.OfferMissed: Transition(frozenset({P.OFFERED}), P.QUEUED),
    e.OfferRescinded: Transition(frozenset({P.OFFERED}), P.QUEUED),
    e.ContactConnected: Transition(frozenset({P.CONNECTING}), P.ACTIVE),
    e.ContactHeld: Transition(frozenset({P.ACTIVE}), P.HELD),
    e.ContactResumed: Transition(frozenset({P.HELD}), P.ACTIVE),
    e.ContactTransferred: Transition(SERVED, P.CREATED),
    e.ContactRequeued: Transition(SERVED, P.CREATED),
    e.ParticipantInvited: Transition(SERVED, None),
    e.ParticipantJoined: Transition(SERVED, None),
    e.ParticipantLeft: Transition(SERVED, None),
    e.ContactAbandoned: Transition(WAITING, P.CLOSED),
    e.ContactEnded: Transition(SERVED, P.WRAPPING),
    e.WrapUpExtended: Transition(frozenset({P.WRAPPING}), None),
    e.ContactClosed: Transition(frozenset({P.WRAPPING}), P.CLOSED),
    e.ContactReopened: Transition(frozenset({P.CLOSED}), P.CREATED),
    e.MessageAdded: Transition(BEGUN, None),
    e.MarksMoved: Transition(BEGUN, None),
    e.ContactRated: Transition(frozenset({P.WRAPPING, P.CLOSED}), None),
    e.ContactEdited: Transition(BEGUN, None),
    e.ContactEscalated: Transition(frozenset({P.QUEUED}) | SERVED, None),
    e.PageVisited: Transition(OPEN, None),
    e.CustomerRecognised: Transition(OPEN, None),
    e.VisitorReminded: Transition(SERVED, None),
    e.ContactUpgraded: Transition(frozenset({P.ACTIVE, P.HELD}), P.CONNECTING),
    e.ContactDialled: Transition(frozenset({P.CREATED}), P.CONNECTING),
    e.ContactGuided: Transition(frozenset({P.CREATED}), None),
    e.CallStarted: Transition(BEGUN, None),
    e.CallRinging: Transition(BEGUN, None),
    e.CallAnswered: Transition(BEGUN, None),
    e.CallCut: Transition(BEGUN, None),
    e.CallRecording: Transition(BEGUN, None),
    e.CallEnded: Transition(BEGUN, None),
}

_WRONG_PHASE = {
    P.CLOSED: "This conversation has ended.",
    P.WRAPPING: "This conversation has ended.",
    P.QUEUED: "This contact is waiting for an agent.",
    P.OFFERED: "This contact is being offered to an agent.",
}


def _require(contact: Contact, phases: frozenset[Phase]) -> None:
    if contact.phase not in phases:
        raise WrongPhase(
            _WRONG_PHASE.get(contact.phase, f"That cannot be done while the contact is {contact.phase}."),
            details={"phase": str(contact.phase)},
        )


def _require_offer(contact: Contact, agent: str, fence: int) -> Offer:
    offer = contact.offer
    if offer is None or offer.agent != agent or offer.fence != fence:
        raise OfferGone("This offer is no longer yours.", details={"fence": fence})
    return offer


def _require_agent(contact: Contact, agent: str) -> None:
    _require(contact, SERVED)
    if contact.agent != agent:
        raise Refused("Another agent has this contact.", code="contact.not_yours")


def _queued(contact: Contact, reason: str) -> e.ContactQueued:
    """The contact back in its queue at its original age."""
    assert contact.queue is not None
    return e.ContactQueued(contact.queue, contact.requirements, contact.priority, contact.queued_at, reason)


def _taken_back(contact: Contact, reason: str) -> list[e.ContactEvent]:
    """What brings a waiting contact out of its offer, if it has one."""
    _require(contact, frozenset({P.QUEUED, P.OFFERED}))
    offer = contact.offer
    return [] if offer is None else [e.OfferRescinded(offer.agent, offer.fence, reason)]


def decide(contact: Contact, command: c.ContactCommand, now: Millis) -> list[e.ContactEvent]:
    """What follows from `command` at `now`; an empty list when there is nothing to do.

    Raises WrongPhase, OfferGone or Refused when the contact does not allow it; nothing has happened then.
    """
    match command:
        # The cases are tried in order, and this command comes most.
        case c.Say():
            # Notes and our mails may follow at any time; other words only while there is another side.
            mailed = command.kind == "mail" and command.author_kind == "agent"
            free = command.internal or command.author_kind == "system" or mailed
            _require(contact, BEGUN if free else OPEN)
            return [
                e.MessageAdded(
                    command.message,
                    contact.messages + 1,
                    command.author_kind,
                    command.kind,
                    command.author,
                    command.internal,
                )
            ]
        case c.Create():
            _require(contact, frozenset({P.NEW}))
            return [
                e.ContactCreated(
                    command.channel,
                    command.site,
                    command.customer,
                    command.visitor,
                    command.subject,
                    command.language,
                    command.fields,
                    command.media,
                )
            ]
        case c.Enqueue():
            _require(contact, frozenset({P.CREATED}))
            return [
                e.ContactQueued(
                    command.queue,
                    command.requirements,
                    command.priority,
                    contact.queued_at or min(command.since or now, now),
                    preferred=command.preferred,
                    rules=command.rules,
                )
            ]
        case c.Move():
            moved = e.ContactQueued(
                command.queue, command.requirements, contact.priority, contact.queued_at, command.reason
            )
            return [*_taken_back(contact, "moved"), moved]
        case c.ChangeChannel():
            if command.channel is contact.channel:
                return []
            changed = e.ChannelChanged(command.channel, contact.channel, command.media)
            return [*_taken_back(contact, "channel"), changed, _queued(contact, "channel")]
        case c.Upgrade():
            _require(contact, frozenset({P.ACTIVE, P.HELD}))
            if command.channel is contact.channel:
                return []
            return [e.ContactUpgraded(command.channel, contact.channel)]
        case c.Guide():
            _require(contact, frozenset({P.CREATED}))
            return [e.ContactGuided(command.flow, command.language, command.fields)]
        case c.Dial():
            _require(contact, frozenset({P.CREATED}))
            return [e.ContactDialled(command.agent, command.queue)]
        case c.Connect():
            _require_agent(contact, command.agent)
            return [e.ContactConnected(command.agent)] if contact.phase is P.CONNECTING else []
        case c.NoteCall():
            _require(contact, BEGUN)
            return [command.event]
        case c.Relax():
            _require(contact, frozenset({P.QUEUED, P.OFFERED}))
            return [e.ContactRelaxed(command.step)] if command.step > contact.relaxed else []
        case c.MakeOffer():
            _require(contact, frozenset({P.QUEUED}))
            if command.fence <= contact.last_fence:
                raise OfferGone("A newer offer exists.", details={"fence": contact.last_fence})
            return [e.ContactOffered(command.agent, command.fence, command.deadline, command.epoch, command.auto)]
        case c.Accept():
            offer = _require_offer(contact, command.agent, command.fence)
            if now >= offer.deadline:
                raise OfferGone("The time to accept this contact is over.")
            accepted = e.OfferAccepted(command.agent, command.fence)
            # Without media to be set up it is connected as soon as it is accepted.
            return [accepted] if contact.media else [accepted, e.ContactConnected(command.agent)]
        case c.Decline():
            _require_offer(contact, command.agent, command.fence)
            return [e.OfferDeclined(command.agent, command.fence, now + command.exclude_ms)]
        case c.Miss():
            offer = _require_offer(contact, command.agent, command.fence)
            if now < offer.deadline:
                raise Refused("The offer still runs.", code="offer.running")
            return [e.OfferMissed(command.agent, command.fence, now + command.exclude_ms)]
        case c.Rescind():
            _require_offer(contact, command.agent, command.fence)
            return [e.OfferRescinded(command.agent, command.fence, command.reason)]
        case c.Hold():
            _require_agent(contact, command.agent)
            _require(contact, frozenset({P.ACTIVE}))
            return [e.ContactHeld(command.agent)]
        case c.Resume():
            _require_agent(contact, command.agent)
            _require(contact, frozenset({P.HELD}))
            return [e.ContactResumed(command.agent)]
        case c.Transfer():
            return _transfer(contact, command)
        case c.LoseAgent():
            if contact.phase in SERVED and contact.agent == command.agent:
                until = now + command.exclude_ms if command.exclude_ms else None
                return [e.ContactRequeued(command.agent, command.reason, until), _queued(contact, "requeue")]
            if contact.phase in SERVED and command.agent in contact.participants:
                return [e.ParticipantLeft(command.agent)]
            return []
        case c.Invite():
            _require(contact, SERVED)
            if command.agent in (contact.agent, *contact.participants, *contact.invited):
                return []
            return [e.ParticipantInvited(command.agent, command.by)]
        case c.Join():
            _require(contact, SERVED)
            if command.agent in (contact.agent, *contact.participants):
                return []
            return [e.ParticipantJoined(command.agent)]
        case c.Leave():
            _require(contact, SERVED)
            if command.agent in contact.participants or command.agent in contact.invited:
                return [e.ParticipantLeft(command.agent)]
            return []
        case c.End():
            return _end(contact, command, now)
        case c.ExtendWrapUp():
            _require(contact, frozenset({P.WRAPPING}))
            assert contact.wrap_until is not None and contact.ended_at is not None
            until = min(max(contact.wrap_until, now) + command.by_ms, contact.ended_at + command.limit_ms)
            return [e.WrapUpExtended(until)] if until > contact.wrap_until else []
        case c.Finish():
            _require(contact, frozenset({P.WRAPPING}))
            return [e.ContactClosed(command.by, command.reason, command.outcome)]
        case c.Reopen():
            return _reopen(contact, command, now)
        case c.Mark():
            return _mark(contact, command)
        case c.Rate():
            _require(contact, frozenset({P.WRAPPING, P.CLOSED}))
            if contact.abandoned:
                raise Refused("Nobody answered this conversation yet.", code="contact.not_answered")
            return [e.ContactRated(command.score, command.comment)]
        case c.Edit():
            _require(contact, BEGUN)
            subject = command.subject if command.subject != contact.subject else None
            tags = command.tags if command.tags != contact.tags else None
            return [] if subject is None and tags is None else [e.ContactEdited(command.by, subject, tags)]
        case c.Escalate():
            return _escalate(contact, command)
        case c.VisitPage():
            _require(contact, OPEN)
            if contact.page and (contact.page.url, contact.page.title) == (command.url, command.title):
                return []
            return [e.PageVisited(command.url, command.title)]
        case c.RecogniseCustomer():
            _require(contact, OPEN)
            if command.customer == contact.customer:
                return []
            return [e.CustomerRecognised(command.customer, contact.customer)]
        case c.Remind():
            return [e.VisitorReminded()] if contact.phase in SERVED and contact.reminded_at is None else []
        case _:
            assert_never(command)


def _transfer(contact: Contact, command: c.Transfer) -> list[e.ContactEvent]:
    _require_agent(contact, command.agent)
    if command.to_agent == command.agent:
        raise Refused("This contact is already yours.", code="transfer.same_agent")
    return [
        e.ContactTransferred(command.agent, None if command.to_agent else command.queue, command.to_agent),
        e.ContactQueued(
            command.queue,
            command.requirements,
            contact.priority,
            contact.queued_at,
            "transfer",
            only_agent=command.to_agent,
            only_until=command.only_until,
        ),
    ]


def _escalate(contact: Contact, command: c.Escalate) -> list[e.ContactEvent]:
    """Nothing for what was answered meanwhile or is said already, and nothing while an agent is asked: his offer stays.
    After it this is asked again."""
    before = contact.escalation
    said = before is not None and before.since == command.since and command.stage in (before.stage, "soon")
    if contact.phase not in SERVED | {P.QUEUED} or contact.waiting_since != command.since or said:
        return []
    priority = max(contact.priority, min(PRIORITY_LIMIT, contact.priority + command.raised))
    escalated = e.ContactEscalated(command.stage, command.answer, command.since, command.due, priority)
    if contact.phase in SERVED or priority == contact.priority:
        return [escalated]
    assert contact.queue is not None
    queued = e.ContactQueued(
        contact.queue,
        contact.requirements,
        priority,
        contact.queued_at,
        "escalated",
        only_agent=contact.only_agent,
        only_until=contact.only_until,
    )
    return [escalated, queued]


def _end(contact: Contact, command: c.End, now: Millis) -> list[e.ContactEvent]:
    if contact.phase in (P.WRAPPING, P.CLOSED):
        return []
    if contact.phase in WAITING:
        return [e.ContactAbandoned(command.by, command.reason)]
    _require(contact, SERVED)
    return [e.ContactEnded(command.by, command.reason, now + command.wrap_ms)]


def _reopen(contact: Contact, command: c.Reopen, now: Millis) -> list[e.ContactEvent]:
    """A new stay in the queue, at a new age (what was waited before is told already), or at the one that was kept. Or
    none, for who takes it up."""
    _require(contact, BEGUN)
    if contact.phase in OPEN:
        return []
    wrapping = contact.phase is P.WRAPPING
    closed: list[e.ContactEvent] = [e.ContactClosed("system", "reopened")] if wrapping else []
    opened = [*closed, e.ContactReopened(command.reason, apply(contact, closed, now))]
    if command.agent is not None:
        return [*opened, e.ContactDialled(command.agent, command.queue)]
    age = now if command.since is None else min(command.since, now)
    queued = e.ContactQueued(
        command.queue, command.requirements, command.priority, age, "reopened", preferred=command.preferred
    )
    return [*opened, queued]


def _mark(contact: Contact, command: c.Mark) -> list[e.ContactEvent]:
    """Marks only move forward, and never past the last message."""
    marks = contact.marks
    visitor = command.side == "visitor"
    had_delivered, had_read = (
        (marks.visitor_delivered, marks.visitor_read) if visitor else (marks.agent_delivered, marks.agent_read)
    )
    read = min(max(command.read, had_read), contact.messages)
    delivered = min(max(command.delivered, had_delivered, read), contact.messages)
    if (delivered, read) == (had_delivered, had_read):
        return []
    return [e.MarksMoved(command.side, delivered, read)]


def evolve(contact: Contact, event: e.ContactEvent, at: Millis) -> Contact:
    """The contact after `event`, which happened at `at`. Raises AssertionError for what the table does not allow."""
    transition = TRANSITIONS[type(event)]
    assert contact.phase in transition.source, f"{type(event).__name__} while {contact.phase}"
    phase = transition.target or contact.phase
    changes = CHANGES[type(event)](contact, event, at)
    return replace(contact, version=contact.version + 1, phase=phase, **changes)


def apply(contact: Contact, events: list[e.ContactEvent], at: Millis) -> Contact:
    """The contact after all of `events`, in order."""
    for event in events:
        contact = evolve(contact, event, at)
    return contact
