"""What the engine is told: contacts and events of the log as the engine's inputs. Pure functions."""

from __future__ import annotations

from hub import events as e
from hub.callbacks.model import LATER
from hub.model import WAITING, Contact, Millis, Phase
from routing import inputs as i


def contact_facts(contact: Contact, now: Millis) -> list[i.Input]:
    """What the engine has to be told of a contact that is not closed, when it is rebuilt: of the oldest first."""
    result: list[i.Input] = []
    if contact.phase in WAITING:
        result.append(_enqueued(contact, let_in=True))
    if contact.offer is not None:
        result.append(_offer_made(contact))
    if contact.phase in (Phase.CONNECTING, Phase.ACTIVE, Phase.HELD, Phase.WRAPPING) and contact.agent is not None:
        # Who took part is free once the conversation is over; the wrap-up is its owner's.
        others = () if contact.phase is Phase.WRAPPING else contact.participants
        result += [_assigned(contact, agent, now) for agent in (contact.agent, *others)]
    if contact.phase is Phase.WRAPPING and contact.agent is not None:
        result.append(i.WrapUpStarted(contact.id, contact.agent, contact.wrap_until))
    return result


def _enqueued(contact: Contact, *, let_in: bool) -> i.Enqueued:
    assert contact.queue is not None
    both = contact.only_agent is not None and contact.only_until is not None
    return i.Enqueued(
        contact=contact.id,
        channel=str(contact.channel),
        queue=contact.queue,
        enqueued_at=contact.queued_at,
        requirements=contact.requirements,
        priority=contact.priority,
        last_fence=contact.last_fence,
        preferred_agent=contact.preferred,
        only_agent=contact.only_agent if both else None,
        only_until=contact.only_until if both else None,
        excluded=contact.excluded,
        relaxed_step=contact.relaxed,
        entered_at=contact.entered_at,
        let_in=let_in,
    )


def _offer_made(contact: Contact) -> i.OfferMade:
    offer = contact.offer
    assert offer is not None
    return i.OfferMade(contact.id, offer.agent, offer.fence, offer.deadline, offer.epoch)


def _assigned(contact: Contact, agent: str, at: Millis) -> i.Assigned:
    return i.Assigned(contact.id, agent, str(contact.channel), contact.queue or "", contact.connected_at or at)


def contact_inputs(event: e.AnyEvent, before: Contact, after: Contact) -> list[i.Input]:
    """What an event of a contact means to the engine."""
    id = after.id
    match event:
        case e.ContactQueued():
            return [_enqueued(after, let_in=before.queue == after.queue)]
        case e.ContactOffered():
            return [_offer_made(after)]
        case e.OfferAccepted():
            return [i.OfferAccepted(id, event.agent, event.fence)]
        case e.OfferDeclined():
            return [i.OfferDeclined(id, event.agent, event.fence)]
        case e.OfferMissed():
            return [i.OfferMissed(id, event.agent, event.fence)]
        case e.OfferRescinded():
            return [i.OfferRescinded(id, event.agent, event.fence)]
        case e.ContactTransferred() | e.ContactRequeued():
            return [i.Released(id, agent) for agent in (event.agent, *before.participants)]
        case e.ContactDialled():
            return [_assigned(after, event.agent, 0)]
        case e.ContactUpgraded():
            # In one step: were he released first, he would be offered something for what the call is about to take.
            assert after.agent is not None
            return [_assigned(after, after.agent, after.connected_at or 0)]
        case e.ParticipantJoined():
            return [_assigned(after, event.agent, after.connected_at or 0)]
        case e.ParticipantLeft():
            return [i.Released(id, event.agent)] if event.agent in before.participants else []
        case e.ContactAbandoned():
            return [i.Dequeued(id, abandoned=event.reason != LATER)]
        case e.ContactEnded():
            assert after.agent is not None
            released: list[i.Input] = [i.Released(id, agent) for agent in after.participants]
            return [*released, i.WrapUpStarted(id, after.agent, event.wrap_until)]
        case e.WrapUpExtended():
            assert after.agent is not None
            return [i.WrapUpStarted(id, after.agent, event.until)]
        case e.ContactClosed():
            return [i.WrapUpEnded(id, after.agent)] if after.agent is not None else []
        case _:
            return []
