"""What the widget asks of e-mail on the /visitor namespace: to begin a form, to send it, and how a mail stands."""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta

from channels.email.form import EmailForm, Sender, SendInput
from channels.email.inquiry import Inquiries
from hub.model import Visitor
from hub.sockets import Ack, EventTable, Input, Nothing, SocketEvent


class AskInput(Input, frozen=True, forbid_unknown_fields=True):
    reference: Annotated[str, Meta(min_length=4, max_length=40)]
    email: Annotated[str, Meta(min_length=3, max_length=254)]


class Session(Protocol):
    """A panel, as `channels/chat/socket.py` keeps it."""

    @property
    def site(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def visitor(self) -> Visitor | None: ...


class FormEvents:
    def __init__(self, table: EventTable, form: EmailForm, inquiries: Inquiries) -> None:
        self._form, self._inquiries = form, inquiries
        table.add(
            SocketEvent("email:begin", Nothing, self._begin),
            SocketEvent("email:send", SendInput, self._send),
            SocketEvent("email:ask", AskInput, self._ask),
        )

    async def _begin(self, sid: str, session: Session, data: Nothing) -> Ack:
        return await self._form.begin(_sender(session))

    async def _send(self, sid: str, session: Session, data: SendInput) -> Ack:
        return await self._form.send(_sender(session), data)

    async def _ask(self, sid: str, session: Session, data: AskInput) -> Ack:
        return await self._inquiries.ask(session.address, data.email, data.reference)


def _sender(session: Session) -> Sender:
    return Sender(session.site, session.address, session.visitor.id if session.visitor else None)
