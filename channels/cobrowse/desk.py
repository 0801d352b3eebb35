"""What is agreed about a shared page: events `cobrowse:*` of /visitor and /agent, the push `cobrowse`, and the tickets
by which a customer's page and an agent's window get onto the line (`channels/cobrowse/line.py`)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Protocol

import socketio
import structlog
from msgspec import Meta, Struct

from channels.chat.conversation import Id
from channels.chat.socket import VisitorSession
from channels.cobrowse import session as s
from channels.cobrowse.session import Capability, Session, Stage
from channels.cobrowse.sessions import UNDER_WAY, Sessions, pages_of
from channels.cobrowse.views import view
from hub.errors import Forbidden, NotSignedIn, Refused
from hub.ids import new_id
from hub.limits import SlidingLimit
from hub.machine import SERVED
from hub.model import Contact, Millis, User
from hub.permissions import Permission, may
from hub.service import Hub
from hub.sockets import Ack, EventTable, Input, SocketEvent

log = structlog.get_logger(__name__)

Json = dict[str, Any]
TICKET_MS: Final = 30_000
MOST_TICKETS: Final = 10_000
ASKS_A_MINUTE: Final = 10

Capabilities = Annotated[list[Capability], Meta(max_length=len(Capability))]


class OfContact(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id


class WithCapabilities(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    capabilities: Capabilities


class HoldInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    on: bool


class Window(Protocol):
    """An agent's window, as `agent_ui/session.py` has it."""

    @property
    def sid(self) -> str: ...
    @property
    def user(self) -> User: ...


class Codes(Protocol):
    """Who gives out the codes (`Entering`)."""

    async def issue(self, contact: str, site: str) -> str:
        """A code for the contact's sharing, in place of the one before. Raises Unavailable when there are too many."""
        ...

    def code_of(self, contact: str) -> str | None: ...


class Ticket(Struct, frozen=True):
    """Lets one socket onto the line of one sharing, once. `parent` is the socket that asked for it: the right to be on
    the line ends with it. `visitor`: a customer's, or an agent's."""

    session: str
    contact: str
    who: str
    parent: str
    until: Millis
    visitor: bool


class Desk:
    """`epoch` is the number from which a page that begins counts on."""

    def __init__(
        self,
        hub: Hub,
        sio: socketio.AsyncServer,
        sessions: Sessions,
        visitors: EventTable,
        agents: EventTable,
        codes: Codes,
        *,
        epoch: Callable[[], int],
    ) -> None:
        self._hub, self._sio, self._sessions, self._epoch = hub, sio, sessions, epoch
        self._codes = codes
        self._tickets: dict[str, Ticket] = {}
        self._asks = SlidingLimit(ASKS_A_MINUTE, 60_000)
        visitors.add(*self.visitor_events())
        agents.add(*self.agent_events())
        sessions.on_change.append(self._changed)

    def visitor_events(self) -> list[SocketEvent[VisitorSession]]:
        return [
            SocketEvent("cobrowse:look", OfContact, self._look_visitor),
            SocketEvent("cobrowse:offer", WithCapabilities, self._offer),
            SocketEvent("cobrowse:answer", WithCapabilities, self._answer),
            SocketEvent("cobrowse:revoke", WithCapabilities, self._revoke),
            SocketEvent("cobrowse:hold", HoldInput, self._hold),
            SocketEvent("cobrowse:stop", OfContact, self._stop_visitor),
            SocketEvent("cobrowse:ticket", OfContact, self._ticket_visitor),
        ]

    def agent_events(self) -> list[SocketEvent[Window]]:
        handle = Permission.CONTACT_HANDLE
        return [
            SocketEvent("cobrowse:look", OfContact, self._look_agent, handle),
            SocketEvent("cobrowse:ask", WithCapabilities, self._ask, handle),
            SocketEvent("cobrowse:stop", OfContact, self._stop_agent, handle),
            SocketEvent("cobrowse:ticket", OfContact, self._ticket_agent, handle),
        ]

    # --- the customer ----------------------------------------------------------------------------------------------

    async def _own(self, session: VisitorSession, contact: str) -> tuple[str, Contact]:
        """Who the visitor is, of whom the contact is. Raises NotSignedIn, NotFound, Forbidden."""
        if session.visitor is None:
            raise NotSignedIn("Start a conversation before you share your page.")
        state = (await self._hub.contacts.get(contact)).contact
        if state.visitor != session.visitor.id:
            raise Forbidden("This conversation is not yours.", code="cobrowse.not_yours")
        return session.visitor.id, state

    async def _party(self, session: VisitorSession, contact: str) -> str:
        """Who the visitor is, of whom the contact is or who joined its sharing by a code. Raises as `_own` does."""
        if session.visitor is not None and (await self._sessions.get(contact)).visitor == session.visitor.id:
            return session.visitor.id
        return (await self._own(session, contact))[0]

    async def _look_visitor(self, sid: str, session: VisitorSession, data: OfContact) -> Ack:
        await self._party(session, data.contact)
        return {"cobrowse": self._json(await self._sessions.get(data.contact), data.contact, visitor=True)}

    async def _offer(self, sid: str, session: VisitorSession, data: WithCapabilities) -> Ack:
        visitor, contact = await self._own(session, data.contact)
        self._asks.take(visitor, self._hub.clock.now())
        agent = self._served(contact)
        wanted = self._recordable(frozenset(data.capabilities), contact.site)
        command = s.Offer(self._new(), data.contact, contact.site, agent, visitor, wanted)
        return await self._do_visitor(data.contact, command, visitor)

    async def _answer(self, sid: str, session: VisitorSession, data: WithCapabilities) -> Ack:
        visitor = await self._party(session, data.contact)
        return await self._do_visitor(data.contact, s.Answer(visitor, frozenset(data.capabilities)), visitor)

    async def _revoke(self, sid: str, session: VisitorSession, data: WithCapabilities) -> Ack:
        visitor = await self._party(session, data.contact)
        return await self._do_visitor(data.contact, s.Revoke(visitor, frozenset(data.capabilities)), visitor)

    async def _hold(self, sid: str, session: VisitorSession, data: HoldInput) -> Ack:
        visitor = await self._party(session, data.contact)
        return await self._do_visitor(data.contact, s.Hold(visitor, data.on), visitor)

    async def _stop_visitor(self, sid: str, session: VisitorSession, data: OfContact) -> Ack:
        visitor = await self._party(session, data.contact)
        return await self._do_visitor(data.contact, s.Stop(visitor), visitor)

    async def _ticket_visitor(self, sid: str, session: VisitorSession, data: OfContact) -> Ack:
        visitor = await self._party(session, data.contact)
        sharing = await self._sessions.get(data.contact)
        if sharing.visitor != visitor:
            raise Forbidden("This is not your page.", code="cobrowse.not_yours")
        return self._ticket(sharing, visitor, sid, visitor=True) | {"epoch": self._epoch()}

    async def _do_visitor(self, contact: str, command: s.Command, visitor: str) -> Ack:
        return {"cobrowse": self._json(await self._sessions.do(contact, command, visitor), contact, visitor=True)}

    # --- the agent -------------------------------------------------------------------------------------------------

    async def _look_agent(self, sid: str, session: Window, data: OfContact) -> Ack:
        row = await self._hub.seen_by(session.user, data.contact)
        sharing = await self._sessions.get(data.contact)
        by_code = row.contact.visitor is None
        return {
            **self._told(sharing, data.contact, session.user),
            "possible": self._possible(row.contact),
            "by_code": by_code,
        }

    def _told(self, sharing: Session, contact: str, user: User) -> Ack:
        """The code is for the agent who asks, nobody else."""
        waits = sharing.stage is Stage.ASKED and sharing.visitor is None and sharing.agent == user.id
        code = self._codes.code_of(contact) if waits else None
        return {"cobrowse": self._json(sharing, contact), "code": code}

    async def _ask(self, sid: str, session: Window, data: WithCapabilities) -> Ack:
        contact = (await self._hub.seen_by(session.user, data.contact)).contact
        if self._served(contact) != session.user.id:
            raise Refused("Another agent has this contact.", code="contact.not_yours")
        self._asks.take(session.user.id, self._hub.clock.now())
        wanted = frozenset(data.capabilities) | {Capability.VIEW}
        if (await self._sessions.get(data.contact)).stage not in s.LIVE and contact.visitor is not None:
            # A line of its own in the question; who enters a code is asked when it is known at which site.
            wanted |= {Capability.RECORD}
        wanted = self._recordable(wanted, contact.site)
        command = s.Ask(self._new(), data.contact, contact.site, session.user.id, contact.visitor, wanted)
        sharing = await self._sessions.do(data.contact, command, session.user.id)
        if sharing.stage is Stage.ASKED and sharing.visitor is None:
            # Nobody's page is known yet: whoever enters the code.
            await self._codes.issue(data.contact, contact.site)
        return self._told(sharing, data.contact, session.user)

    async def _stop_agent(self, sid: str, session: Window, data: OfContact) -> Ack:
        await self._hub.seen_by(session.user, data.contact)
        sharing = await self._sessions.do(data.contact, s.Stop(session.user.id), session.user.id)
        return {"cobrowse": self._json(sharing, data.contact)}

    async def _ticket_agent(self, sid: str, session: Window, data: OfContact) -> Ack:
        contact = (await self._hub.seen_by(session.user, data.contact)).contact
        sharing = await self._sessions.get(data.contact)
        if not may_watch(self._hub, session.user, sharing, contact):
            raise Forbidden("Join this conversation before you look at its page.", code="cobrowse.not_yours")
        return self._ticket(sharing, session.user.id, sid, visitor=False)

    # --- both ------------------------------------------------------------------------------------------------------

    def _new(self) -> str:
        return new_id("sh", self._hub.clock.now())

    def _served(self, contact: Contact) -> str:
        """The contact's agent. Raises Refused where there is none to share with, or the site does not want it."""
        if contact.agent is None or contact.phase not in SERVED:
            raise Refused("Nobody looks after this contact now.", code="cobrowse.no_agent")
        if not self._possible(contact):
            raise Refused("This site shares no pages.", code="cobrowse.off")
        return contact.agent

    def _recordable(self, wanted: frozenset[Capability], site: str) -> frozenset[Capability]:
        return wanted if self._hub.records_pages(site) else wanted - {Capability.RECORD}

    def _possible(self, contact: Contact) -> bool:
        """A contact of no site: at any that shares its pages."""
        sites = self._hub.directory.sites()
        return any(pages_of(site).on for site in ([sites.get(contact.site)] if contact.site else sites.values()))

    def _ticket(self, sharing: Session, who: str, parent: str, *, visitor: bool) -> Json:
        if sharing.stage not in (Stage.SHARED, Stage.PAUSED):
            raise Refused("This sharing has ended.", code="cobrowse.over")
        now = self._hub.clock.now()
        self._tickets = {key: ticket for key, ticket in self._tickets.items() if ticket.until > now}
        if len(self._tickets) >= MOST_TICKETS:
            raise Refused("Too much is going on. Please try again in a moment.", code="cobrowse.busy")
        key = secrets.token_urlsafe(24)
        self._tickets[key] = Ticket(sharing.id, sharing.contact, who, parent, now + TICKET_MS, visitor)
        return {"ticket": key}

    def redeem(self, key: str) -> Ticket:
        """The ticket, which is void from now on. Raises Forbidden."""
        ticket = self._tickets.pop(key, None)
        if ticket is None or ticket.until <= self._hub.clock.now():
            raise Forbidden("This ticket is not good any more.", code="cobrowse.ticket")
        return ticket

    def _json(self, sharing: Session, contact: str, *, visitor: bool = False) -> Json:
        return view(self._hub, sharing, contact, visitor=visitor)

    def _changed(self, contact: str, sharing: Session) -> None:
        """Whoever holds the contact, and the customer, at whatever node they are: each tells its own sockets."""
        if sharing.stage not in UNDER_WAY and sharing.stage is not Stage.ENDED:
            return
        told = self._json(sharing, contact)
        self._push(told, f"agent:{sharing.agent}", "/agent")
        self._push(told, f"contact:{contact}", "/agent")
        row = self._hub.living.get(contact)
        if row is not None:
            for agent in {row.contact.agent, *row.contact.participants} - {sharing.agent, None}:
                self._push(told, f"agent:{agent}", "/agent")
        if sharing.visitor is not None:
            self._push(self._json(sharing, contact, visitor=True), f"visitor:{sharing.visitor}", "/visitor")

    def _push(self, told: Json, room: str, namespace: str) -> None:
        work: Coroutine[Any, Any, None] = self._sio.emit("cobrowse", told, room=room, namespace=namespace)
        self._sio.start_background_task(_swallow, work)


async def _swallow(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("cobrowse.push_failed")


def may_watch(hub: Hub, user: User, sharing: Session, contact: Contact) -> bool:
    """Whom the customer shows it to as long as he has the contact, who takes part in the conversation beside him, and
    supervisors."""
    if user.id == sharing.agent == contact.agent or user.id in contact.participants:
        return not user.disabled
    return may(user, Permission.COBROWSE_WATCH) and hub.may_see(user, contact)
