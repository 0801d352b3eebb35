"""A closed contact is written in again: it is at once its writer's."""

from __future__ import annotations

from channels.email.posting import OVER, Posting
from hub import commands as c
from hub.contacts import Words
from hub.errors import Refused
from hub.model import Channel, Contact, User
from hub.ports import ContactRow
from hub.service import Hub

REASON = "by_hand"


class Reopening:
    def __init__(self, hub: Hub, posting: Posting) -> None:
        self._hub, self._posting = hub, posting

    async def reopen(self, user: User, contact: str, key: str) -> ContactRow:
        """By who had it, or a supervisor. Raises NotFound, Forbidden, Refused."""
        seen = (await self._hub.seen_by(user, contact)).contact
        queue = seen.queue or next(iter(self._hub.directory.queues()), "")
        steps: list[c.ContactCommand | Words] = [
            c.Reopen(REASON, queue, seen.requirements, seen.priority, agent=user.id),
            c.Connect(user.id),
        ]
        may_write = self._posting.guard(user)

        def guard(state: Contact) -> None:
            may_write(state)
            check(state)

        outcome = await self._hub.contacts.carry_out(
            contact, steps, actor=user.id, command_id=f"reopen-{key}", guard=guard
        )
        await self._hub.store.mails.forget_reminder(contact)
        return outcome.row


def check(contact: Contact) -> None:
    """Raises Refused for what cannot be written in again."""
    if contact.channel is not Channel.EMAIL:
        raise Refused("Only e-mail contacts can be written in again.", code="mail.reopen")
    if contact.phase not in OVER:
        raise Refused("This contact is open already.", code="contact.open")
