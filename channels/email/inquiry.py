"""How a mail stands, for who wrote it: by its reference and the address it came from, in one word, nothing of what it
says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from channels.email.acknowledge import reference
from channels.email.receive import customer_id
from hub.errors import NotFound
from hub.limits import SharedLimit
from hub.machine import SERVED
from hub.mails import MailState, StoredMail
from hub.model import Channel, Contact, Millis, Phase
from hub.ports import ContactFilter
from hub.service import Hub

HOUR_MS = 3600_000
ASKED = 20
LOOKED_AT = 500
"""So many of an address's contacts, the newest, are asked about."""
GONE = (MailState.SENT, MailState.QUEUED, MailState.SENDING)

Standing = Literal["waiting", "working", "answered", "closed"]


def standing_of(contact: Contact, mails: Sequence[StoredMail]) -> tuple[Standing, Millis | None]:
    """How the contact stands for its customer, and when he was last answered. An answer that is on its way is one."""
    answers = [mail for mail in mails if mail.direction == "out" and not mail.automatic and mail.state in GONE]
    answered = max((mail.at for mail in answers), default=None)
    asked = max((mail.at for mail in mails if mail.direction == "in" and mail.kind == "normal"), default=0)
    over = contact.phase in (Phase.WRAPPING, Phase.CLOSED)
    if answered is not None and answered >= asked:
        return "answered", answered
    if over:
        return "closed", answered
    return "working" if contact.phase in SERVED else "waiting", answered


def as_reference(text: str) -> str:
    """As people copy it: in any case, with spaces and strokes."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


class Inquiries:
    """Rates are counted for the asking network's address and for the e-mail address, so that references cannot be tried
    out; a wrong one and a wrong address get the same answer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._asked = SharedLimit("form.asked", ASKED, HOUR_MS, hub.bus, hub.clock)

    async def ask(self, address: str, email: str, asked: str) -> dict[str, Any]:
        """`state`, when it came and when it was last answered. Raises NotFound, RateLimited."""
        hub, email = self._hub, email.strip().lower()
        for key in (address, email):
            await self._asked.take(key)
        wanted = as_reference(asked)
        proven = await hub.store.people.by_identity("email", email)
        for customer in dict.fromkeys((customer_id(email), *(() if proven is None else (proven.id,)))):
            scope = ContactFilter(channels=(Channel.EMAIL,), customer=customer)
            for row in await hub.store.contacts.page(scope, limit=LOOKED_AT):
                if reference(row.contact.id) == wanted:
                    state, answered = standing_of(row.contact, await hub.store.mails.of_contact(row.contact.id))
                    return {"state": state, "received_at": row.contact.created_at, "answered_at": answered}
        raise NotFound("reference")
