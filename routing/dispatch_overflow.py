"""Carries out what a queue's overflow rule says of a contact that waits there."""

from __future__ import annotations

import structlog

from hub import commands as c
from hub.config_rows import Overflow, Queue
from hub.contacts import Words
from hub.model import WAITING, AuthorKind, Channel, Contact
from hub.service import Hub
from routing.dispatch_specs import REASONS
from routing.specs import OverflowReason

log = structlog.get_logger(__name__)


async def leave_queue(hub: Hub, id: str, queue: str, reason: OverflowReason) -> None:
    """Moves the contact, or changes its channel, or tells the customer that nobody can serve him now.

    Nothing happens when it does not wait there any more, or when no rule of the queue speaks of the reason. What came
    by mail is never sent away: it goes on waiting. Raises Refused, NotFound, Unavailable.
    """
    contact = (await hub.contacts.get(id)).contact
    row = hub.directory.queues().get(queue)
    rule = None if row is None else rule_for(row, reason)
    if rule is None or contact.queue != queue or contact.phase not in WAITING:
        return
    log.info("dispatcher.overflow", contact=id, queue=queue, reason=str(reason), to=rule.to)
    if rule.to == "queue" and rule.queue is not None:
        await hub.contacts.do(id, c.Move(rule.queue, {}, "overflow"), actor="system")
    elif rule.to == "callback" and await _has_phone(hub, contact):
        await hub.contacts.do(id, c.ChangeChannel(Channel.CALLBACK), actor="system")
    elif contact.channel is not Channel.EMAIL:
        await _send_away(hub, contact, rule, reason)


def rule_for(row: Queue, reason: OverflowReason) -> Overflow | None:
    return next((rule for rule in row.overflow if REASONS[rule.when] is reason), None)


async def _has_phone(hub: Hub, contact: Contact) -> bool:
    customer = (await hub.contacts.customers([contact.customer])).get(contact.customer)
    return customer is not None and customer.phone != ""


async def _send_away(hub: Hub, contact: Contact, rule: Overflow, reason: OverflowReason) -> None:
    """Says the rule's words in the customer's language, else in any, and ends the contact."""
    text = rule.text.get(contact.language) or next(iter(rule.text.values()), "")
    if text:
        words = Words(AuthorKind.SYSTEM, None, "", text)
        await hub.contacts.say(contact.id, words, actor="system", command_id=f"overflow-{contact.id}-{reason}")
    how = "voicemail" if rule.to == "voicemail" and contact.channel is Channel.VOICE else "overflow"
    await hub.contacts.do(contact.id, c.End("system", how, 0), actor="system")
