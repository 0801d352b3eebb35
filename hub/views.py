"""What leaves the hub: contacts, messages and customers as JSON, for agents and for visitors.

A client replaces a contact by id and adds messages by id, so what is pushed, what is caught up and what a fresh
snapshot holds have one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hub.answer_times import Due
from hub.contacts import ContactService
from hub.directory import Directory
from hub.machine import SERVED, WAITING
from hub.model import Channel, Contact, Customer, FileRef, Marks, Message, MessageKind, Phase, StoredFile
from hub.ports import ContactRow

Json = dict[str, Any]
PREVIEW = 140


def file_json(file: FileRef | StoredFile) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "type": file.type,
        "width": file.width,
        "height": file.height,
        "thumb": file.thumb,
    }


def marks_json(marks: Marks) -> Json:
    return {
        "visitor_delivered": marks.visitor_delivered,
        "visitor_read": marks.visitor_read,
        "agent_delivered": marks.agent_delivered,
        "agent_read": marks.agent_read,
    }


def customer_json(customer: Customer) -> Json:
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "language": customer.language,
        "timezone": customer.timezone,
        "verified": customer.verified,
        "external_id": customer.external_id,
        "note": customer.note,
        "fields": customer.fields,
        "owner": customer.owner,
        "created_at": customer.created_at,
        "version": customer.version,
    }


class Views:
    """`online(visitor)` says whether a visitor has the page open now, `due(contact)` when it has to be answered,
    `mails()` whether the hub sends mail."""

    def __init__(
        self,
        directory: Directory,
        contacts: ContactService,
        online: Callable[[str], bool],
        due: Callable[[Contact], Due | None],
        mails: Callable[[], bool] = lambda: False,
    ) -> None:
        self._directory = directory
        self._contacts = contacts
        self._online = online
        self._due = due
        self._mails = mails

    def message(self, message: Message, *, for_visitor: bool, reader: str | None = None) -> Json:
        """`reader` is who will see it: only its own author gets the client id back (it is a secret of his browser)."""
        own = reader is not None and message.author == reader
        name = message.author_name
        if for_visitor and message.author_kind == "agent":
            name = self._directory.public_name(message.author)
        return {
            "id": message.id,
            "contact": message.contact,
            "n": message.n,
            "seq": message.seq,
            "at": message.at,
            "author_kind": str(message.author_kind),
            "author": None if for_visitor and not own else message.author,
            "author_name": name,
            "kind": str(message.kind),
            "text": message.text,
            "file": file_json(message.file) if message.file else None,
            "client_id": message.client_id if own else None,
            "code": message.code,
            "data": message.data,
            "internal": message.internal,
        }

    async def for_visitor(self, row: ContactRow) -> Json:
        """`can_mail`: it is over, and what was written can be sent to the address that we know of."""
        contact = row.contact
        phase = _visitor_phase(contact)
        return {
            "id": contact.id,
            "seq": row.seq,
            "channel": str(contact.channel),
            "phase": phase,
            "queue": self._directory.queue_name(contact.queue),
            "subject": contact.subject,
            "agent": {"name": self._directory.public_name(contact.agent)} if contact.agent else None,
            "participants": [{"name": self._directory.public_name(agent)} for agent in contact.participants],
            "marks": marks_json(contact.marks),
            "rating": {"score": contact.rating.score, "comment": contact.rating.comment} if contact.rating else None,
            "created_at": contact.created_at,
            "ended_at": contact.ended_at,
            "can_rate": phase == "ended" and not contact.abandoned and contact.rating is None,
            "can_write": contact.phase in WAITING | SERVED,
            "can_mail": phase == "ended" and await self._can_mail(contact),
        }

    async def _can_mail(self, contact: Contact) -> bool:
        if contact.channel is Channel.EMAIL or contact.last_message is None or not self._mails():
            return False
        customer = (await self._contacts.customers([contact.customer])).get(contact.customer)
        return customer is not None and bool(customer.email)

    async def for_agents(self, rows: Sequence[ContactRow]) -> list[Json]:
        """The contacts as the desktop shows them, in the given order."""
        customers = await self._contacts.customers([row.contact.customer for row in rows])
        return [await self._for_agent(row, customers.get(row.contact.customer)) for row in rows]

    async def for_agent(self, row: ContactRow) -> Json:
        return (await self.for_agents([row]))[0]

    async def _for_agent(self, row: ContactRow, customer: Customer | None) -> Json:
        contact = row.contact
        last = await self._contacts.message(contact.last_message) if contact.last_message else None
        return {
            "id": contact.id,
            "seq": row.seq,
            "version": contact.version,
            "channel": str(contact.channel),
            "media": contact.media,
            "phase": str(contact.phase),
            "site": contact.site,
            "queue": {"id": contact.queue, "name": self._directory.queue_name(contact.queue)}
            if contact.queue
            else None,
            "subject": contact.subject,
            "language": contact.language,
            "customer": {
                "id": contact.customer,
                "name": customer.name if customer else "",
                "email": customer.email if customer else "",
                "phone": customer.phone if customer else "",
                "verified": bool(customer and customer.verified),
                "online": bool(contact.visitor and self._online(contact.visitor)),
            },
            "agent": self._person(contact.agent),
            "participants": [self._person(agent) for agent in contact.participants],
            "invited": [self._person(agent) for agent in contact.invited],
            "created_at": contact.created_at,
            "queued_at": contact.queued_at,
            "connected_at": contact.connected_at,
            "ended_at": contact.ended_at,
            "ended_by": contact.ended_by,
            "closed_at": contact.closed_at,
            "abandoned": contact.abandoned,
            "wrap_until": contact.wrap_until,
            "outcome": contact.outcome,
            "tags": list(contact.tags),
            "priority": contact.priority,
            "requirements": contact.requirements,
            "fields": contact.fields,
            "marks": marks_json(contact.marks),
            "messages": contact.messages,
            "unread": len(contact.unread),
            "last_message": _preview(last) if last else None,
            "waiting_since": contact.waiting_since,
            "due": _due_json(contact, self._due(contact)),
            "page": {"url": contact.page.url, "title": contact.page.title, "at": contact.page.at}
            if contact.page
            else None,
            "offer": {
                "agent": contact.offer.agent,
                "fence": contact.offer.fence,
                "deadline": contact.offer.deadline,
                "auto": contact.offer.auto,
            }
            if contact.offer
            else None,
            "rating": {"score": contact.rating.score, "comment": contact.rating.comment} if contact.rating else None,
        }

    def _person(self, agent: str | None) -> Json | None:
        return {"id": agent, "name": self._directory.user_name(agent)} if agent else None


def _preview(message: Message) -> Json:
    text = message.file.name if message.kind is MessageKind.FILE and message.file else message.text
    return {
        "text": text[:PREVIEW],
        "at": message.at,
        "author_kind": str(message.author_kind),
        "kind": str(message.kind),
        "n": message.n,
    }


def _due_json(contact: Contact, due: Due | None) -> Json | None:
    if due is None:
        return None
    told = contact.escalation
    stage = told.stage if told is not None and told.since == due.since else None
    return {"answer": due.answer, "since": due.since, "warn_at": due.warn_at, "at": due.at, "stage": stage}


def _visitor_phase(contact: Contact) -> str:
    if contact.phase in (Phase.WRAPPING, Phase.CLOSED):
        return "ended"
    if contact.phase in SERVED:
        return "active"
    return "later" if contact.channel is Channel.EMAIL else "waiting"
