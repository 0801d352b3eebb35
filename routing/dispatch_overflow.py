"""Carries out what a queue's overflow rule says of a contact that waits there."""

from __future__ import annotations

import structlog

from hub import commands as c
from hub.callback_places import call_back
from hub.config_rows import Overflow, Queue
from hub.contacts import Words
from hub.errors import HubError, Refused, Unavailable
from hub.model import AuthorKind, Channel, Contact, Phase
from hub.ports import Fence
from hub.service import Hub
from routing.dispatch_specs import REASONS
from routing.specs import OverflowReason

log = structlog.get_logger(__name__)


async def leave_queue(hub: Hub, id: str, queue: str, reason: OverflowReason, fence: Fence | None = None) -> None:
    """Moves the contact, or changes its channel, or tells the customer that nobody can serve him now.

    Nothing happens when no rule of the queue speaks of the reason, nor to what does not wait there any more: who is
    offered or answered in this moment stays with his agent. Raises Refused, NotFound, Unavailable.
    """

    def still_waits(contact: Contact) -> None:
        if not waits_in(contact, queue):
            raise Refused("The contact does not wait there any more.", code="overflow.gone")

    contact = (await hub.contacts.get(id)).contact
    row = hub.directory.queues().get(queue)
    if row is None:
        log.warning("dispatcher.no_queue", contact=id, queue=queue)
    rule = None if row is None else rule_for(row, reason)
    if rule is None or not waits_in(contact, queue):
        return
    phone = await _phone(hub, contact) if rule.to == "callback" else ""
    if phone and contact.channel is not Channel.CALLBACK and hub.calling_back is not None:
        try:
            await call_back(hub, contact, phone, "overflow")
        except Unavailable:
            raise
        except HubError as error:
            log.info("dispatcher.no_callback", contact=id, reason=error.code)
            phone = ""
        else:
            log.info("dispatcher.overflow", contact=id, queue=queue, reason=str(reason), to=rule.to)
            return
    command = way_out(contact, rule, phone=phone != "")
    if command is None:
        return
    log.info("dispatcher.overflow", contact=id, queue=queue, reason=str(reason), to=rule.to)
    if isinstance(command, c.End):
        text = rule.text.get(contact.language) or next(iter(rule.text.values()), "")
        if text:
            words = Words(AuthorKind.SYSTEM, None, "", text)
            said = f"overflow-{id}-{reason}"
            await hub.contacts.say(id, words, actor="system", command_id=said, guard=still_waits)
    await hub.contacts.do(id, command, actor="system", guard=still_waits, fence=fence)


def rule_for(row: Queue, reason: OverflowReason) -> Overflow | None:
    return next((rule for rule in row.overflow if REASONS[rule.when] is reason), None)


def waits_in(contact: Contact, queue: str) -> bool:
    return contact.queue == queue and contact.phase is Phase.QUEUED


def way_out(contact: Contact, rule: Overflow, *, phone: bool) -> c.ContactCommand | None:
    """What the rule makes of the contact; `phone`: the customer's number is known. None: it goes on waiting, as what
    came by mail, which is never sent away, and what is a callback already."""
    if rule.to == "queue" and rule.queue is not None:
        return c.Move(rule.queue, {}, "overflow")
    if rule.to == "callback" and phone:
        return None if contact.channel is Channel.CALLBACK else c.ChangeChannel(Channel.CALLBACK)
    if contact.channel is Channel.EMAIL:
        return None
    how = "voicemail" if rule.to == "voicemail" and contact.channel is Channel.VOICE else "overflow"
    return c.End("system", how, 0)


async def _phone(hub: Hub, contact: Contact) -> str:
    customer = (await hub.contacts.customers([contact.customer])).get(contact.customer)
    return customer.phone if customer is not None else ""
