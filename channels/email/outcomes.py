"""What follows when a mail of ours has gone, was refused or came back: its row, the conversation, who is told."""

from __future__ import annotations

from typing import Any

import structlog
from msgspec.structs import replace

from channels.email.delivery import summary
from hub import commands as c
from hub.contacts import Words
from hub.errors import HubError, Refused, VersionConflict
from hub.mails import MailState, Reminder, StoredMail
from hub.model import AuthorKind, Channel, Contact, MessageKind, Phase
from hub.service import Hub

log = structlog.get_logger(__name__)

CHANGED = "mail.changed"


class Outcomes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def write(self, mail: StoredMail) -> bool:
        """Writes what became of a mail that was read with `version`. False when another was quicker.

        Who did not get it is said in the conversation, in the same step, and a contact that was over comes back.
        """
        bad = mail.state in (MailState.FAILED, MailState.BOUNCED)
        if not (bad or (mail.state is MailState.SENT and mail.refused)) or mail.automatic:
            written = await self._hub.store.mails.update(mail)
        else:
            written = await self._say(mail, reopen=bad)
        if written:
            await self.tell(mail)
        return written

    async def _say(self, mail: StoredMail, *, reopen: bool) -> bool:
        code = "mail_bounced" if mail.state is MailState.BOUNCED else "mail_failed"
        data: dict[str, Any] = {
            "mail": mail.id,
            "subject": mail.subject[:200],
            "why": summary(mail.refused) or mail.error,
        }
        line = Words(
            AuthorKind.SYSTEM, None, "", internal=True, kind=MessageKind.SYSTEM, code=code, data=data, mails=(mail,)
        )
        steps: list[c.ContactCommand | Words] = [line]
        contact = (await self._hub.contacts.get(mail.contact)).contact
        if reopen and contact.channel is Channel.EMAIL and contact.phase in (Phase.WRAPPING, Phase.CLOSED):
            steps.append(self.reopening(contact, code, mail.author))
        try:
            outcome = await self._hub.contacts.carry_out(
                mail.contact, steps, actor="system", command_id=f"{mail.id}-{mail.version}"
            )
        except VersionConflict:
            return False
        return not outcome.repeated

    def reopening(self, contact: Contact, reason: str, agent: str | None) -> c.Reopen:
        """Back to its queue, for its former agent first."""
        queue = contact.queue or next(iter(self._hub.directory.queues()), "")
        former = agent or (contact.handled_by[-1] if contact.handled_by else None)
        return c.Reopen(reason, queue, contact.requirements, contact.priority, former)

    async def tell(self, mail: StoredMail) -> None:
        """The windows that show it, at all nodes."""
        await self._hub.bus.publish(CHANGED, {"mail": mail.id, "contact": mail.contact})

    # --- waiting for the customer -------------------------------------------------------------------------------------

    async def leave_waiting(self, mail: StoredMail) -> None:
        """The mail can be taken back no longer: does with its contact what its author wanted then."""
        message = await self._hub.contacts.message(mail.message)
        if message is None or mail.author is None or not message.data.get("waiting"):
            return
        remind_at = message.data.get("remind_at")
        try:
            await self.wait_for_customer(mail.contact, mail.author, remind_at, mail.at, f"{mail.id}-waiting")
        except HubError as error:
            # Another agent has it by now, or it is over anyway.
            log.info("mail.not_waiting", contact=mail.contact, reason=error.code)

    async def wait_for_customer(
        self, contact: str, agent: str, remind_at: int | None, since: int, command_id: str
    ) -> None:
        """Closes the contact until its customer answers or the reminder comes. Raises Refused."""

        def guard(state: Contact) -> None:
            if state.agent != agent or (state.last_visitor_at or 0) > since:
                raise Refused("The customer has answered already, or another agent has it.", code="contact.not_yours")

        if remind_at is not None:
            await self._hub.store.mails.remind(Reminder(contact, agent, remind_at))
        await self._hub.contacts.carry_out(
            contact,
            [c.End(agent, "waiting", 0), c.Finish(agent, None, "waiting")],
            actor=agent,
            command_id=command_id,
            guard=guard,
        )

    # --- what comes back ----------------------------------------------------------------------------------------------

    async def bounced(self, mail: StoredMail, recipient: str, why: str) -> bool:
        """A report says that a mail of ours did not reach somebody. Hearing it twice changes nothing."""
        for _ in range(3):
            if mail.state not in (MailState.SENT, MailState.BOUNCED, MailState.SENDING):
                return False
            if recipient in mail.refused:
                return True
            refused = mail.refused | {recipient: why[:300]}
            changed = replace(mail, state=MailState.BOUNCED, refused=refused, error=summary(refused), next_at=None)
            if await self.write(changed):
                return True
            again = await self._hub.store.mails.get(mail.id)
            if again is None:
                return False
            mail = again
        return False
