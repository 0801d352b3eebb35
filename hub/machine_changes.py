"""What each event makes of the contact, besides its version and phase: the second table of `hub/machine.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub import events as e
from hub.model import Contact, Escalation, Marks, Millis, Offer, Rating
from hub.model import Page as VisitedPage

Changes = dict[str, Any]


def _on_created(contact: Contact, event: e.ContactCreated, at: Millis) -> Changes:
    return {
        "channel": event.channel,
        "site": event.site,
        "customer": event.customer,
        "visitor": event.visitor,
        "subject": event.subject,
        "language": event.language,
        "fields": event.fields,
        "media": event.media,
        "created_at": at,
    }


def _on_queued(contact: Contact, event: e.ContactQueued, at: Millis) -> Changes:
    same = contact.queue == event.queue
    return {
        "queue": event.queue,
        "entered_at": contact.entered_at if same else at,
        "relaxed": contact.relaxed if same else 0,
        "requirements": event.requirements,
        "priority": event.priority,
        "queued_at": event.queued_at,
        "preferred": event.preferred or contact.preferred,
        "rules": event.rules or contact.rules,
        "only_agent": event.only_agent,
        "only_until": event.only_until,
        "placed": contact.placed or event.queue,
        "corrected": event.queue != contact.placed if event.reason == "transfer" else contact.corrected,
    }


def _on_escalated(contact: Contact, event: e.ContactEscalated, at: Millis) -> Changes:
    late = event.stage == "late"
    return {
        "priority": event.priority,
        "escalation": Escalation(event.since, event.stage, event.due),
        "late": contact.late + late,
        "first_late": contact.first_late or (late and event.answer == "first"),
    }


def _on_offered(contact: Contact, event: e.ContactOffered, at: Millis) -> Changes:
    offer = Offer(event.agent, event.fence, event.deadline, event.epoch, event.auto)
    return {"offer": offer, "last_fence": event.fence}


def _on_accepted(contact: Contact, event: e.OfferAccepted, at: Millis) -> Changes:
    handled = _handled(contact, event.agent)
    return {"offer": None, "agent": event.agent, "handled_by": handled, "only_agent": None, "only_until": None}


def _handled(contact: Contact, agent: str) -> tuple[str, ...]:
    """Who has had it, the last one last."""
    return (*(each for each in contact.handled_by if each != agent), agent)


def _on_refused(contact: Contact, event: e.OfferDeclined | e.OfferMissed, at: Millis) -> Changes:
    # An agent who was asked for by name and said no leaves the search to the others.
    wanted = contact.only_agent != event.agent
    return {
        "offer": None,
        "excluded": {a: until for a, until in contact.excluded.items() if until > at} | {event.agent: event.until},
        "only_agent": contact.only_agent if wanted else None,
        "only_until": contact.only_until if wanted else None,
    }


def _on_connected(contact: Contact, event: e.ContactConnected, at: Millis) -> Changes:
    return {"connected_at": contact.connected_at or at, "reminded_at": None}


def _on_taken_away(contact: Contact, event: e.ContactTransferred | e.ContactRequeued, at: Millis) -> Changes:
    passed_on = isinstance(event, e.ContactTransferred)
    changes: Changes = {"agent": None, "participants": (), "invited": (), "preferred": None}
    if isinstance(event, e.ContactRequeued) and event.until is not None:
        changes["excluded"] = {**contact.excluded, event.agent: event.until}
    return changes | {"transfers": contact.transfers + passed_on}


def _on_invited(contact: Contact, event: e.ParticipantInvited, at: Millis) -> Changes:
    return {"invited": (*contact.invited, event.agent)}


def _on_joined(contact: Contact, event: e.ParticipantJoined, at: Millis) -> Changes:
    return {
        "participants": (*contact.participants, event.agent),
        "invited": tuple(a for a in contact.invited if a != event.agent),
    }


def _on_left(contact: Contact, event: e.ParticipantLeft, at: Millis) -> Changes:
    return {
        "participants": tuple(a for a in contact.participants if a != event.agent),
        "invited": tuple(a for a in contact.invited if a != event.agent),
    }


def _on_abandoned(contact: Contact, event: e.ContactAbandoned, at: Millis) -> Changes:
    return {
        "unread": (),
        "offer": None,
        "abandoned": True,
        "ended_at": at,
        "ended_by": event.by,
        "closed_at": at,
        "waiting_since": None,
    }


def _on_ended(contact: Contact, event: e.ContactEnded, at: Millis) -> Changes:
    return {
        "ended_at": at,
        "ended_by": event.by,
        "wrap_until": event.wrap_until,
        "invited": (),
        "waiting_since": None,
    }


def _on_closed(contact: Contact, event: e.ContactClosed, at: Millis) -> Changes:
    return {"outcome": event.outcome, "wrap_until": None, "closed_at": at}


def _on_reopened(contact: Contact, event: e.ContactReopened, at: Millis) -> Changes:
    """As it was when it was new, but for what was said and who knows it."""
    return {
        "queue": None,
        "queued_at": 0,
        "connected_at": None,
        "ended_at": None,
        "ended_by": None,
        "closed_at": None,
        "agent": None,
        "participants": (),
        "excluded": {},
        "preferred": None,
        "only_agent": None,
        "only_until": None,
        "outcome": None,
        "abandoned": False,
    }


def _on_message(contact: Contact, event: e.MessageAdded, at: Millis) -> Changes:
    """Who waits for whom: the customer since his oldest unanswered line, nobody after the agent has spoken."""
    if event.author_kind == "system" or event.internal:
        return {"messages": event.n}
    said = {"messages": event.n, "last_message": event.message}
    if event.author_kind == "visitor":
        return said | {
            "waiting_since": contact.waiting_since if contact.waiting_since is not None else at,
            "last_visitor_at": at,
            "reminded_at": None,
            "unread": (*contact.unread, event.n)[-100:],
        }
    first = at if contact.answered_at is None else contact.answered_at
    return said | {"waiting_since": None, "last_agent_at": at, "answered_at": first}


def _on_marks(contact: Contact, event: e.MarksMoved, at: Millis) -> Changes:
    marks = (
        Marks(event.delivered, event.read, contact.marks.agent_delivered, contact.marks.agent_read)
        if event.side == "visitor"
        else Marks(contact.marks.visitor_delivered, contact.marks.visitor_read, event.delivered, event.read)
    )
    return {"marks": marks, "unread": tuple(n for n in contact.unread if n > marks.agent_read)}


def _on_edited(contact: Contact, event: e.ContactEdited, at: Millis) -> Changes:
    return {
        "subject": contact.subject if event.subject is None else event.subject,
        "tags": contact.tags if event.tags is None else event.tags,
    }


def _on_guided(contact: Contact, event: e.ContactGuided, at: Millis) -> Changes:
    return {"language": event.language, "fields": {**contact.fields, **event.fields}}


def _on_dialled(contact: Contact, event: e.ContactDialled, at: Millis) -> Changes:
    return {"agent": event.agent, "queue": event.queue, "queued_at": contact.queued_at or at} | {
        "handled_by": _handled(contact, event.agent),
        "entered_at": at,
    }


def _nothing(contact: Contact, event: e.Event, at: Millis) -> Changes:
    return {}


CHANGES: dict[type[e.Event], Callable[[Contact, Any, Millis], Changes]] = {
    e.ContactCreated: _on_created,
    e.ContactQueued: _on_queued,
    e.ContactRelaxed: lambda contact, event, at: {"relaxed": event.step},
    e.ChannelChanged: lambda contact, event, at: {
        "channel": event.channel,
        "media": contact.media or event.media,
    },
    e.ContactOffered: _on_offered,
    e.OfferAccepted: _on_accepted,
    e.OfferDeclined: _on_refused,
    e.OfferMissed: _on_refused,
    e.OfferRescinded: lambda contact, event, at: {"offer": None},
    e.ContactConnected: _on_connected,
    e.ContactHeld: lambda contact, event, at: {},
    e.ContactResumed: lambda contact, event, at: {},
    e.ContactTransferred: _on_taken_away,
    e.ContactRequeued: _on_taken_away,
    e.ParticipantInvited: _on_invited,
    e.ParticipantJoined: _on_joined,
    e.ParticipantLeft: _on_left,
    e.ContactAbandoned: _on_abandoned,
    e.ContactEnded: _on_ended,
    e.WrapUpExtended: lambda contact, event, at: {"wrap_until": event.until},
    e.ContactClosed: _on_closed,
    e.ContactReopened: _on_reopened,
    e.MessageAdded: _on_message,
    e.MarksMoved: _on_marks,
    e.ContactRated: lambda contact, event, at: {"rating": Rating(event.score, event.comment, at)},
    e.ContactEdited: _on_edited,
    e.ContactEscalated: _on_escalated,
    e.PageVisited: lambda contact, event, at: {"page": VisitedPage(event.url, event.title, at)},
    e.CustomerRecognised: lambda contact, event, at: {"customer": event.customer},
    e.VisitorReminded: lambda contact, event, at: {"reminded_at": at},
    e.ContactUpgraded: lambda contact, event, at: {"channel": event.channel, "media": True},
    e.ContactDialled: _on_dialled,
    e.ContactGuided: _on_guided,
    e.CallStarted: _nothing,
    e.CallRinging: _nothing,
    e.CallAnswered: _nothing,
    e.CallCut: _nothing,
    e.CallRecording: _nothing,
    e.CallEnded: _nothing,
}
