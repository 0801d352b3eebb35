"""Calls from the web page: the events `call_*` of the /visitor namespace, and what the page is told of its call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Annotated, Any

import socketio
from msgspec import Meta

from channels.chat.conversation import ClientId, Conversations, Id, StartInput
from channels.chat.socket import NAMESPACE, VisitorNamespace, VisitorSession
from channels.voice import call_values as v
from channels.voice.agent_phone import Sdp, quality_json
from channels.voice.call_values import CUSTOMER, Way
from channels.voice.calls import KIND, Calls
from channels.voice.desk import QUIET_MS
from channels.voice.elsewhere import Elsewhere, Json
from channels.voice.ice import ice_servers
from channels.voice.live import LiveCall, Party
from channels.voice.settings import G711
from hub import commands as c
from hub import media as m
from hub.errors import HubError, Refused
from hub.ids import derived_id
from hub.limits import SlidingLimit
from hub.machine import SERVED
from hub.model import WAITING, Channel
from hub.ports import ContactRow
from hub.sockets import Ack, Input, Nothing, SocketEvent

TELL = "call.tell"
ATTEMPTS_A_MINUTE = 30  # calls from one address


class CallStart(Input, frozen=True, forbid_unknown_fields=True):
    """`offer` is complete: all candidates in it. `contact` is an open conversation that goes on by voice."""

    client_id: ClientId
    offer: Sdp
    topic: Id = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    contact: Id | None = None
    locale: Annotated[str, Meta(max_length=35)] = "en"
    identity: dict[str, Any] | None = None


class CallRejoin(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    offer: Sdp


class CallHangUp(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId


class VisitorPhone:
    def __init__(
        self,
        calls: Calls,
        elsewhere: Elsewhere,
        sio: socketio.AsyncServer,
        namespace: VisitorNamespace,
        conversations: Conversations,
    ) -> None:
        self._elsewhere = elsewhere
        elsewhere.serve("rejoin", self._rejoin_here)
        self._calls = calls
        self._hub = calls.hub
        self._sio = sio
        self._namespace = namespace
        self._conversations = conversations
        self._tasks: set[asyncio.Task[None]] = set()
        self._attempts = SlidingLimit(ATTEMPTS_A_MINUTE, 60_000)
        calls.on_change(self._changed)
        calls.on_quality(self._quality)
        calls.hub.bus.subscribe(TELL, self._told)

    def register(self) -> None:
        self._namespace.table.add(*self.events())

    def events(self) -> list[SocketEvent[VisitorSession]]:
        return [
            SocketEvent("call_ice", Nothing, self._ice),
            SocketEvent("call_start", CallStart, self._start),
            SocketEvent("call_rejoin", CallRejoin, self._rejoin),
            SocketEvent("call_hang_up", CallHangUp, self._hang_up),
        ]

    # --- events ------------------------------------------------------------------------------------------------------

    async def _ice(self, sid: str, session: VisitorSession, data: Nothing) -> Ack:
        return {"ice_servers": ice_servers(self._calls.settings, session.key, self._hub.clock.now())}

    async def _start(self, sid: str, session: VisitorSession, data: CallStart) -> Ack:
        # A leg costs a hundred times as much as a line of chat, so this is asked before anything is made.
        self._attempts.take(session.address, self._hub.clock.now())
        if data.contact is not None:
            return await self._upgrade(session, data, data.contact)
        hub = self._hub
        visitor = session.visitor or hub.visitors.first(session.site, data.client_id, session.user_agent)
        id = derived_id("ct", 0, visitor.id, data.client_id)
        if hub.roster.there(KIND, id):
            return await self._again(session, id, data.offer)
        live = self._calls.open(id, Way.WEB, Party(visitor=visitor.id, language=data.locale), "")
        form = StartInput(
            data.client_id,
            data.name,
            data.email,
            data.phone,
            data.topic,
            locale=data.locale,
            identity=data.identity,
        )
        try:
            answer = await self.leg(live, data.offer)
            visitor, outcome = await self._conversations.start(
                session.site,
                session.visitor,
                form,
                session.address,
                session.user_agent,
                call=self._calls.note_start(live),
            )
        except BaseException:
            live.give(v.NotReady(503, "not_made"))
            raise
        if outcome.row.contact.phase not in WAITING:
            live.give(v.NotReady(409, "over"))
            raise Refused("This call is over.", code="call.over")
        if session.visitor is None or session.visitor.id != visitor.id:
            await self._namespace.enter(session, visitor)
        session.visitor = visitor
        self._calls.put_in(live, outcome.row.contact.queue or "")
        live.party.language = outcome.row.contact.language
        await self._begin(live)
        return await self._answer(session, outcome.row, answer)

    async def _upgrade(self, session: VisitorSession, data: CallStart, id: str) -> Ack:
        """The open conversation goes on by voice, with its agent and its history."""
        row = await self._conversations.own(session.visitor, id)
        contact = row.contact
        assert session.visitor is not None
        if self._hub.roster.there(KIND, id):
            return await self._again(session, id, data.offer)
        if contact.phase not in WAITING | SERVED:
            raise Refused("This conversation has ended.", code="contact.phase")
        party = Party(visitor=session.visitor.id, language=contact.language)
        live = self._calls.open(id, Way.WEB, party, contact.queue or "")
        waits = contact.phase in WAITING
        command = c.ChangeChannel(Channel.VOICE, media=True) if waits else c.Upgrade(Channel.VOICE)
        try:
            answer = await self.leg(live, data.offer)
            outcome = await self._hub.contacts.do(
                id,
                command,
                c.NoteCall(self._calls.note_start(live)),
                actor=session.visitor.id,
                command_id=data.client_id,
            )
        except BaseException:
            live.give(v.NotReady(503, "not_made"))
            raise
        await self._begin(live)
        return await self._answer(session, outcome.row, answer)

    async def leg(self, live: LiveCall, offer: str, check: Callable[[], None] = lambda: None) -> str:
        """His leg, in the place of a former one; the answer to his offer. Raises what `check` raises, right before."""

        async def make() -> str:
            check()
            await self._calls.media.drop_leg(live.id, CUSTOMER)
            live.give(v.LegMade(CUSTOMER))
            return await self._calls.media.web_leg(live.id, CUSTOMER, m.WebOptions(G711, QUIET_MS), offer)

        return await live.in_media(make)

    async def _begin(self, live: LiveCall) -> None:
        if live.call.over:
            await self._calls.undo(live)
            raise Refused("This call is over.", code="call.over")
        live.give(v.Ready())
        await self._calls.tell_contact(live)

    async def _answer(self, session: VisitorSession, row: ContactRow, answer: str) -> Ack:
        assert session.visitor is not None
        return {
            "token": self._hub.visitors.token(session.visitor),
            "contact": await self._hub.views.for_visitor(row),
            "answer": answer,
        }

    async def _again(self, session: VisitorSession, contact: str, offer: str) -> Ack:
        """The same start again, as its answer was lost: the call is there, and gets a new leg."""
        row = await self._conversations.own(session.visitor, contact)
        answer = await self._elsewhere.ask(contact, "rejoin", {"contact": contact, "offer": offer})
        return await self._answer(session, row, answer["answer"])

    async def _rejoin(self, sid: str, session: VisitorSession, data: CallRejoin) -> Ack:
        await self._conversations.own(session.visitor, data.contact)
        return await self._elsewhere.ask(data.contact, "rejoin", {"contact": data.contact, "offer": data.offer})

    async def _rejoin_here(self, data: Json) -> Json:
        live = self._calls.require(data["contact"])
        if not live.call.by_web:
            raise Refused("This call is not made from the page.", code="call.elsewhere")
        return {"answer": await self.leg(live, data["offer"])}

    async def _hang_up(self, sid: str, session: VisitorSession, data: CallHangUp) -> Ack:
        outcome = await self._conversations.end(session.visitor, data.contact, data.client_id)
        return {"contact": await self._hub.views.for_visitor(outcome.row)}

    # --- pushes ------------------------------------------------------------------------------------------------------

    def _emit(self, live: LiveCall, data: dict[str, Any]) -> None:
        """To his pages, at whatever node."""
        self._begin_to(self._hub.bus.publish(TELL, {"visitor": live.party.visitor, "data": data}))

    def _told(self, message: Mapping[str, Any]) -> None:
        room = f"visitor:{message['visitor']}"
        self._begin_to(self._sio.emit("call", message["data"], room=room, namespace=NAMESPACE))

    def _begin_to(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def state(self, live: LiveCall) -> dict[str, Any]:
        """What his pages show of it."""
        recorded = live.call.recording == "on"
        state: dict[str, Any] = {"contact": live.id, "state": live.call.customer_state, "recorded": recorded}
        if live.call.rings_until is not None:
            state["left_ms"] = max(0, live.call.rings_until - self._hub.clock.now())
            state["agent"] = self._hub.directory.public_name(live.call.agent) if live.call.agent else ""
        if state["state"] == "waiting":
            wait = self._hub.routing.wait_s(live.id)
            state["position"] = self._hub.routing.position(live.id)
            state["wait_s"] = None if wait is None else round(wait)
        return state

    def _changed(self, live: LiveCall) -> None:
        if live.party.visitor is not None:
            self._emit(live, self.state(live))

    def _quality(self, live: LiveCall, stats: dict[str, m.LegStats]) -> None:
        figures = stats.get(CUSTOMER)
        if live.party.visitor is not None and figures is not None:
            self._emit(live, self.state(live) | {"quality": quality_json(figures)})


async def _quietly(work: Awaitable[None]) -> None:
    with contextlib.suppress(HubError):
        await work
