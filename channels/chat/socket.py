"""The Socket.IO namespace /visitor: who is connected, what he may send, and what is pushed to him."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import socketio
import structlog
from msgspec import Meta

from channels.chat.conversation import ClientId, Conversations, Id, PageInput, StartInput
from channels.chat.sites import public_site, standing
from hub.errors import Forbidden, HubError, NotSignedIn, Refused
from hub.events import TALK, MessageAdded, Recorded
from hub.machine import TRANSITIONS
from hub.mailing import switched_on
from hub.model import FileRef, Millis, Visitor
from hub.permissions import Permission
from hub.ports import ContactFilter, ContactRow
from hub.service import Hub
from hub.sockets import Ack, EventTable, Input, Nothing, SocketEvent, client_address, handshake, refused

log = structlog.get_logger(__name__)

NAMESPACE = "/visitor"
HISTORY = 20
PAGE = 200
QUEUE_EVERY_MS = 5_000
GATHER_S = 0.25
LOOK_S = 15.0


class Handshake(Input, frozen=True, forbid_unknown_fields=True):
    site: Id
    token: Annotated[str, Meta(max_length=400)] | None = None
    locale: Annotated[str, Meta(max_length=35)] = "en"


class SyncInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    after: Annotated[int, Meta(ge=0)] = 0
    before: Annotated[int, Meta(ge=1)] | None = None


class SendInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    text: Annotated[str, Meta(max_length=8000)] = ""
    file: Id | None = None


class TypingInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    on: bool


class MarkInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    delivered: Annotated[int, Meta(ge=0)] = 0
    read: Annotated[int, Meta(ge=0)] = 0


class EndInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId


class RateInput(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=2000)] = ""


class IdentifyInput(Input, frozen=True):
    """Checked by `hub.visitors.Identity`."""

    id: Annotated[str, Meta(max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    exp: int | float | Annotated[str, Meta(max_length=20)] | None = None
    nonce: Annotated[str, Meta(max_length=200)] = ""
    hash: Annotated[str, Meta(max_length=200)] = ""


@dataclass
class VisitorSession:
    """One connected panel. `visitor` is None until the first act."""

    sid: str
    site: str
    locale: str
    visitor: Visitor | None
    address: str
    user_agent: str

    @property
    def key(self) -> str:
        return self.visitor.id if self.visitor else self.sid

    def require(self, permission: Permission) -> None:
        raise Forbidden("Visitors have no permissions.", details={"permission": str(permission)})


class _Told(NamedTuple):
    """What a waiting visitor was told last: (position, wait in seconds), when he may be told again, and whether what
    he was told is no longer true."""

    place: tuple[int | None, int | None]
    next_at: Millis
    stale: bool


class VisitorNamespace:
    def __init__(self, hub: Hub, sio: socketio.AsyncServer, conversations: Conversations) -> None:
        self._hub = hub
        self._sio = sio
        self._conversations = conversations
        self.sessions: dict[str, VisitorSession] = {}
        self._by_visitor: dict[str, set[str]] = defaultdict(set)
        self._told: dict[str, _Told] = {}
        self._dirty = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._site_standing: dict[str, dict[str, Any]] = {}
        hub.bus.subscribe("typing", self._typing_of_agent)
        sio.on("connect", namespace=NAMESPACE, handler=self._connect)
        sio.on("disconnect", namespace=NAMESPACE, handler=self._disconnect)
        self.table = EventTable(sio, NAMESPACE, hub.clock, self.sessions)
        self.table.add(
            SocketEvent("chat:start", StartInput, self._start),
            SocketEvent("chat:sync", SyncInput, self._sync),
            SocketEvent("message:send", SendInput, self._send),
            SocketEvent("typing", TypingInput, self._typing),
            SocketEvent("mark", MarkInput, self._mark),
            SocketEvent("chat:end", EndInput, self._end),
            SocketEvent("chat:rate", RateInput, self._rate),
            SocketEvent("chat:transcript", EndInput, self._transcript),
            SocketEvent("page", PageInput, self._page),
            SocketEvent("identify", IdentifyInput, self._identify),
            SocketEvent("logout", Nothing, self._logout),
        )

    async def start(self) -> None:
        self._hub.follow("visitor-sockets", self.follow)
        self._task = asyncio.create_task(self._tell_queues(), name="visitors.queue")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # --- connections ------------------------------------------------------------------------------------------

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        shake = handshake(auth, Handshake)
        hub = self._hub
        try:
            if hub.stopping:
                raise Refused("We are restarting. Please wait a moment.", code="server.stopping")
            site = public_site(hub, shake.site)
            visitor = None
            if shake.token:
                try:
                    visitor = await hub.visitors.known(shake.token, shake.site)
                except NotSignedIn:
                    # A token of another site or of a forgotten store: he starts anew, the client drops it.
                    visitor = None
            contacts: list[dict[str, Any]] = []
            if visitor is not None:
                rows = await hub.store.contacts.page(ContactFilter(visitor=visitor.id), limit=HISTORY)
                contacts = [await hub.views.for_visitor(row) for row in rows]
        except HubError as error:
            raise refused(error) from None
        user_agent = str(environ.get("HTTP_USER_AGENT", ""))
        session = VisitorSession(sid, shake.site, shake.locale, visitor, client_address(environ), user_agent)
        self.sessions[sid] = session
        await self._sio.enter_room(sid, f"site:{session.site}", namespace=NAMESPACE)
        if visitor is not None:
            await self.enter(session, visitor)
        hello = {
            "token": hub.visitors.token(visitor) if visitor else None,
            "visitor": visitor.id if visitor else None,
            "site": site,
            "contacts": contacts,
            "now": hub.clock.now(),
            "seq": hub.feed.head,
        }
        await self._sio.emit("hello", hello, to=sid, namespace=NAMESPACE)

    async def enter(self, session: VisitorSession, visitor: Visitor) -> None:
        """The panel belongs to this visitor from now on."""
        session.visitor = visitor
        came = not self._by_visitor[visitor.id]
        self._by_visitor[visitor.id].add(session.sid)
        await self._sio.enter_room(session.sid, f"visitor:{visitor.id}", namespace=NAMESPACE)
        for row in self._hub.living.of_visitor(visitor.id):
            self._told.pop(row.contact.id, None)
        self._dirty.set()
        if came:
            self._hub.roster.here("visitor", visitor.id, True)

    async def _disconnect(self, sid: str, *_: Any) -> None:
        session = self.sessions.pop(sid, None)
        if session is None or session.visitor is None:
            return
        await self._left(session, session.visitor)

    async def _left(self, session: VisitorSession, visitor: Visitor) -> None:
        sids = self._by_visitor[visitor.id]
        sids.discard(session.sid)
        if not sids:
            del self._by_visitor[visitor.id]
            self._hub.roster.here("visitor", visitor.id, False)

    # --- events of the client -----------------------------------------------------------------------------------

    async def _start(self, sid: str, session: VisitorSession, form: StartInput) -> Ack:
        hub = self._hub
        visitor, outcome = await self._conversations.start(
            session.site, session.visitor, form, session.address, session.user_agent
        )
        if session.visitor is None or session.visitor.id != visitor.id:
            await self.enter(session, visitor)
        session.visitor = visitor
        messages = await hub.store.contacts.messages(outcome.row.contact.id, internal=False)
        return {
            "token": hub.visitors.token(visitor),
            "contact": await hub.views.for_visitor(outcome.row),
            "messages": [hub.views.message(m, for_visitor=True, reader=visitor.id) for m in messages],
        }

    async def _sync(self, sid: str, session: VisitorSession, data: SyncInput) -> Ack:
        row = await self._conversations.own(session.visitor, data.contact)
        assert session.visitor is not None
        messages = await self._hub.store.contacts.messages(
            data.contact, after_seq=data.after, before_n=data.before, limit=PAGE + 1, internal=False
        )
        more = len(messages) > PAGE
        messages = messages[-PAGE:] if data.before else messages[:PAGE]
        return {
            "contact": await self._hub.views.for_visitor(row),
            "messages": [self._hub.views.message(m, for_visitor=True, reader=session.visitor.id) for m in messages],
            "more": more,
        }

    async def _send(self, sid: str, session: VisitorSession, data: SendInput) -> Ack:
        file: FileRef | None = None
        if data.file is not None:
            file = await self._hub.file_of(data.file, data.contact, session.visitor.id if session.visitor else "")
        message, _ = await self._conversations.say(session.visitor, data.contact, data.client_id, data.text, file)
        return {"message": self._hub.views.message(message, for_visitor=True, reader=message.author)}

    async def _typing(self, sid: str, session: VisitorSession, data: TypingInput) -> Ack:
        row = await self._conversations.own(session.visitor, data.contact)
        customer = (await self._hub.contacts.customers([row.contact.customer])).get(row.contact.customer)
        name = customer.name if customer else ""
        await self._hub.bus.publish("typing", {"contact": row.contact.id, "by": "visitor", "name": name, "on": data.on})
        return {}

    def _typing_of_agent(self, message: Mapping[str, Any]) -> None:
        if message["by"] == "visitor":
            return
        row = self._hub.living.get(str(message["contact"]))
        if row is None or row.contact.visitor is None or row.contact.visitor not in self._by_visitor:
            return
        data = {"contact": message["contact"], "name": message["public_name"], "on": message["on"]}
        room = f"visitor:{row.contact.visitor}"
        self._background(self._sio.emit("typing", data, room=room, namespace=NAMESPACE))

    async def _mark(self, sid: str, session: VisitorSession, data: MarkInput) -> Ack:
        await self._conversations.mark(session.visitor, data.contact, data.delivered, data.read)
        return {}

    async def _end(self, sid: str, session: VisitorSession, data: EndInput) -> Ack:
        outcome = await self._conversations.end(session.visitor, data.contact, data.client_id)
        return {"contact": await self._hub.views.for_visitor(outcome.row)}

    async def _rate(self, sid: str, session: VisitorSession, data: RateInput) -> Ack:
        outcome = await self._conversations.rate(
            session.visitor, data.contact, data.client_id, data.score, data.comment
        )
        return {"contact": await self._hub.views.for_visitor(outcome.row)}

    async def _transcript(self, sid: str, session: VisitorSession, data: EndInput) -> Ack:
        row = await self._conversations.own(session.visitor, data.contact)
        await switched_on(self._hub.mailing).transcript_for_visitor(row, data.client_id)
        return {}

    async def _page(self, sid: str, session: VisitorSession, data: PageInput) -> Ack:
        if session.visitor is not None:
            site = self._hub.directory.site(session.site)
            await self._conversations.visit(session.visitor, site, data)
        return {}

    async def _identify(self, sid: str, session: VisitorSession, data: IdentifyInput) -> Ack:
        if session.visitor is None:
            # Nothing is stored before the visitor acts; the client sends it again with his first message.
            return {"verified": False, "later": True}
        claim = {name: getattr(data, name) for name in data.__struct_fields__}
        session.visitor, verified = await self._conversations.identify(session.visitor, claim)
        return {"verified": verified, "later": False}

    async def _logout(self, sid: str, session: VisitorSession, data: Nothing) -> Ack:
        visitor, session.visitor = session.visitor, None
        if visitor is not None:
            await self._sio.leave_room(sid, f"visitor:{visitor.id}", namespace=NAMESPACE)
            await self._left(session, visitor)
        return {}

    # --- pushes ------------------------------------------------------------------------------------------------

    def here(self, sid: str) -> bool:
        return sid in self.sessions

    async def tell(self, sid: str, event: str, data: dict[str, Any]) -> None:
        """Tells one window."""
        await self._sio.emit(event, data, to=sid, namespace=NAMESPACE)

    def _background(self, work: Any) -> None:
        self._sio.start_background_task(_swallow, work)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: what changed goes to the visitors' rooms, once a contact and batch."""
        changed: dict[str, list[str]] = {}
        for recorded in batch:
            if type(recorded.event) not in TRANSITIONS:
                if recorded.stream.startswith("us_") or recorded.stream == "config":
                    self._dirty.set()
                continue
            if type(recorded.event) not in TALK:
                self._dirty.set()
            if isinstance(recorded.event, MessageAdded) and recorded.event.internal:
                continue
            messages = changed.setdefault(recorded.stream, [])
            if isinstance(recorded.event, MessageAdded):
                messages.append(recorded.event.message)
        rows = await self._hub.contacts.many(list(changed))
        for id, row in rows.items():
            if row.contact.visitor in self._by_visitor:
                await self._push(row, changed[id])

    async def _push(self, row: ContactRow, message_ids: list[str]) -> None:
        hub, visitor = self._hub, row.contact.visitor
        found = [message for id in message_ids if (message := await hub.contacts.message(id))]
        sync = {
            "seq": row.seq,
            "contact": await hub.views.for_visitor(row),
            "messages": [hub.views.message(message, for_visitor=True, reader=visitor) for message in found],
        }
        await self._sio.emit("sync", sync, room=f"visitor:{visitor}", namespace=NAMESPACE)

    async def _tell_queues(self) -> None:
        """Places and waits: to each visitor at most every five seconds, and only when they changed."""
        while True:
            stale = min((told.next_at for told in self._told.values() if told.stale), default=None)
            pause = LOOK_S if stale is None else max(0.0, (stale - self._hub.clock.now()) / 1000)
            # Hours begin and end without an event, so it looks by itself from time to time.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._tell_places()
                await self._tell_sites()
            except Exception:
                log.exception("visitors.queue_failed")
            # What changes at once is told at once, in one go.
            await asyncio.sleep(GATHER_S)

    async def _tell_places(self) -> None:
        now = self._hub.clock.now()
        told: dict[str, _Told] = {}
        for row in self._hub.living.waiting_visitors():
            contact = row.contact
            if contact.visitor is None or not self._by_visitor.get(contact.visitor):
                continue
            wait = self._hub.routing.wait_s(contact.id)
            place = (self._hub.routing.position(contact.id), None if wait is None else round(wait))
            before = self._told.get(contact.id)
            if before is not None and (before.place == place or before.next_at > now):
                told[contact.id] = _Told(before.place, before.next_at, before.place != place)
                continue
            told[contact.id] = _Told(place, now + QUEUE_EVERY_MS, False)
            data = {"contact": contact.id, "position": place[0], "wait_s": place[1]}
            await self._sio.emit("queue", data, room=f"visitor:{contact.visitor}", namespace=NAMESPACE)
        self._told = told

    async def _tell_sites(self) -> None:
        for id, site in self._hub.directory.sites().items():
            now = standing(self._hub, site)
            if self._site_standing.get(id) != now:
                self._site_standing[id] = now
                await self._sio.emit("site", now, room=f"site:{id}", namespace=NAMESPACE)

    async def say_goodbye(self, after_ms: int) -> None:
        """Tells everybody that the server goes down and when to come back."""
        await self._sio.emit("reconnect", {"after_ms": after_ms}, namespace=NAMESPACE)


async def _swallow(work: Any) -> None:
    with contextlib.suppress(Exception):
        await work
