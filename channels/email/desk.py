"""What agents' windows ask of mail on the /agent namespace, and what they are told: `mail`, `mail:lookers`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any, Protocol

import socketio
import structlog
from msgspec import Meta

from channels.email.outbox import mails_changed
from channels.email.outcomes import CHANGED
from hub.mail_views import draft_json, mail_json
from hub.mailing import DraftOfMail, Mailing, NewMail
from hub.model import Millis, User
from hub.permissions import Permission
from hub.service import Hub
from hub.sockets import Ack, EventTable, Input, Nothing, SocketEvent

log = structlog.get_logger(__name__)

NAMESPACE = "/agent"
LOOKING = "mail.looking"
# A window says every ten seconds that it looks; who is silent for longer looks no more.
LOOKS_FOR_MS = 25_000
P = Permission
Id = Annotated[str, Meta(min_length=1, max_length=64)]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Json = dict[str, Any]


class Send(NewMail, frozen=True, forbid_unknown_fields=True, kw_only=True):
    client_id: ClientId
    contact: Id | None = None


class OfMail(Input, frozen=True, forbid_unknown_fields=True):
    mail: Id


class SaveDraft(DraftOfMail, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: ClientId


class OfDraft(Input, frozen=True, forbid_unknown_fields=True):
    id: Id


class Looking(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    on: bool = True
    writing: bool = False


class Merge(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    into: Id
    client_id: ClientId


class Reopen(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId


class Split(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    mail: Id
    client_id: ClientId


class Begin(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id | None = None
    mail: Id | None = None
    how: Annotated[str, Meta(max_length=20)] = "new"
    mailbox: Id | None = None


class FillIn(Input, frozen=True, forbid_unknown_fields=True):
    template: Id
    contact: Id | None = None
    mailbox: Id | None = None


class Transcript(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    to: Annotated[str, Meta(max_length=254)] = ""


class Session(Protocol):
    """A window of an agent, as `agent_ui` keeps it."""

    @property
    def user(self) -> User: ...

    @property
    def watching(self) -> set[str]: ...


class MailDesk:
    """`sessions` are the windows that are open at this node."""

    def __init__(
        self, hub: Hub, sio: socketio.AsyncServer, table: EventTable, sessions: Mapping[str, Session], mailing: Mailing
    ) -> None:
        self._hub, self._sio, self._sessions, self._mailing = hub, sio, sessions, mailing
        self._lookers: dict[str, dict[str, tuple[Millis, bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        table.add(*self.events())
        hub.bus.subscribe(CHANGED, self._changed)
        hub.bus.subscribe(LOOKING, self._looked)

    def events(self) -> list[SocketEvent[Session]]:
        return [
            SocketEvent("mail:send", Send, self._send, P.CONTACT_HANDLE),
            SocketEvent("mail:undo", OfMail, self._undo, P.CONTACT_HANDLE),
            SocketEvent("mail:resend", OfMail, self._resend, P.CONTACT_HANDLE),
            SocketEvent("mail:draft", SaveDraft, self._draft, P.CONTACT_HANDLE),
            SocketEvent("mail:drafts", Nothing, self._drafts, P.CONTACT_HANDLE),
            SocketEvent("mail:discard", OfDraft, self._discard, P.CONTACT_HANDLE),
            SocketEvent("mail:looking", Looking, self._looking, P.CONTACT_HANDLE),
            SocketEvent("mail:merge", Merge, self._merge, P.CONTACT_HANDLE),
            SocketEvent("mail:reopen", Reopen, self._reopen, P.CONTACT_HANDLE),
            SocketEvent("mail:split", Split, self._split, P.CONTACT_HANDLE),
            SocketEvent("mail:begin", Begin, self._begin, P.CONTACT_HANDLE),
            SocketEvent("mail:template", FillIn, self._fill_in, P.CONTACT_HANDLE),
            SocketEvent("mail:boxes", Nothing, self._boxes, P.CONTACT_HANDLE),
            SocketEvent("mail:transcript", Transcript, self._transcript, P.CONTACT_HANDLE),
        ]

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- mails --------------------------------------------------------------------------------------------------------

    async def _send(self, sid: str, session: Session, data: Send) -> Ack:
        fields = {name: getattr(data, name) for name in NewMail.__struct_fields__}
        row, mail = await self._mailing.send(session.user, data.contact, NewMail(**fields), data.client_id)
        return {"contact": await self._hub.views.for_agent(row), "mail": mail_json(mail, self._hub.clock.now())}

    async def _undo(self, sid: str, session: Session, data: OfMail) -> Ack:
        return {"mail": mail_json(await self._mailing.undo(session.user, data.mail), self._hub.clock.now())}

    async def _resend(self, sid: str, session: Session, data: OfMail) -> Ack:
        return {"mail": mail_json(await self._mailing.resend(session.user, data.mail), self._hub.clock.now())}

    async def _merge(self, sid: str, session: Session, data: Merge) -> Ack:
        row = await self._mailing.merge(session.user, data.contact, data.into, data.client_id)
        return {"contact": await self._hub.views.for_agent(row)}

    async def _split(self, sid: str, session: Session, data: Split) -> Ack:
        row = await self._mailing.split(session.user, data.contact, data.mail, data.client_id)
        return {"contact": await self._hub.views.for_agent(row)}

    async def _reopen(self, sid: str, session: Session, data: Reopen) -> Ack:
        row = await self._mailing.reopen(session.user, data.contact, data.client_id)
        return {"contact": await self._hub.views.for_agent(row)}

    async def _begin(self, sid: str, session: Session, data: Begin) -> Ack:
        return {"mail": await self._mailing.begin(session.user, data.contact, data.mail, data.how, data.mailbox)}

    async def _fill_in(self, sid: str, session: Session, data: FillIn) -> Ack:
        found: Json = await self._mailing.fill_in(session.user, data.template, data.contact, data.mailbox)
        return found

    async def _boxes(self, sid: str, session: Session, data: Nothing) -> Ack:
        return {"mailboxes": self._mailing.mailboxes(session.user)}

    async def _transcript(self, sid: str, session: Session, data: Transcript) -> Ack:
        mail = await self._mailing.transcript(session.user, data.contact, data.to, data.client_id)
        return {"mail": mail_json(mail, self._hub.clock.now())}

    # --- drafts -------------------------------------------------------------------------------------------------------

    async def _draft(self, sid: str, session: Session, data: SaveDraft) -> Ack:
        draft = DraftOfMail(data.version, data.data, data.contact)
        return {"version": await self._mailing.save_draft(session.user, data.id, draft)}

    async def _drafts(self, sid: str, session: Session, data: Nothing) -> Ack:
        return {"drafts": [draft_json(draft) for draft in await self._mailing.drafts(session.user)]}

    async def _discard(self, sid: str, session: Session, data: OfDraft) -> Ack:
        await self._mailing.discard_draft(session.user, data.id)
        return {}

    # --- who looks at a thread ----------------------------------------------------------------------------------------

    async def _looking(self, sid: str, session: Session, data: Looking) -> Ack:
        await self._hub.seen_by(session.user, data.contact)
        said = {"contact": data.contact, "agent": session.user.id, "on": data.on, "writing": data.writing}
        await self._hub.bus.publish(LOOKING, said)
        return {"agents": self._others(data.contact, session.user.id)}

    def _looked(self, message: Mapping[str, Any]) -> None:
        contact, agent, now = str(message["contact"]), str(message["agent"]), self._hub.clock.now()
        there = self._lookers.setdefault(contact, {})
        before = {id: writing for id, (until, writing) in there.items() if until > now}
        if message["on"]:
            there[agent] = (now + LOOKS_FOR_MS, bool(message["writing"]))
        else:
            there.pop(agent, None)
        for id in [id for id, (until, _) in there.items() if until <= now]:
            del there[id]
        if {id: writing for id, (_, writing) in there.items()} != before:
            for id in {*before, *there}:
                told = {"contact": contact, "agents": self._others(contact, id)}
                self._later(self._sio.emit("mail:lookers", told, room=f"agent:{id}", namespace=NAMESPACE))
        if not there:
            del self._lookers[contact]
        self._forget(now)

    def _forget(self, now: Millis) -> None:
        """Threads that nobody looks at any more, without a timer."""
        if len(self._lookers) > 1000:
            for contact in [id for id, there in self._lookers.items() if all(u <= now for u, _ in there.values())]:
                del self._lookers[contact]

    def _others(self, contact: str, agent: str) -> list[Json]:
        now, name = self._hub.clock.now(), self._hub.directory.user_name
        return [
            {"id": id, "name": name(id), "writing": writing}
            for id, (until, writing) in sorted(self._lookers.get(contact, {}).items())
            if id != agent and until > now
        ]

    # --- pushes -------------------------------------------------------------------------------------------------------

    def _changed(self, message: Mapping[str, Any]) -> None:
        self._later(self._push(*mails_changed(message)))

    async def _push(self, id: str, contact: str) -> None:
        """To the windows of this node that show the mail."""
        if not self._sessions:
            return
        mail = await self._hub.store.mails.get(id)
        if mail is None:
            return
        told = {"mail": mail_json(mail, self._hub.clock.now())}
        state = (await self._hub.contacts.get(mail.contact)).contact
        holders = {state.agent, *state.participants, mail.author}
        for sid, session in list(self._sessions.items()):
            if session.user.id in holders or mail.contact in session.watching:
                await self._sio.emit("mail", told, to=sid, namespace=NAMESPACE)

    def _later(self, work: Awaitable[Any]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("mail.push_failed")

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
