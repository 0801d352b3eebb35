"""What agents' windows are told of their telephones, and ask of them.

`phone_line` says where the agent talks and whether a telephone of his stands registered; `phone_ring` how the telephone
does in one call. Where the agent's own part is concerned, `phone_ring` goes before `phone`: the audio is there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any

import socketio

from channels.voice.agent_phone import NAMESPACE, WINDOW, OfCall, Window, window_key
from channels.voice.elsewhere import Elsewhere, Json
from channels.voice.phone_legs import PhoneLeg, PhoneLegs
from channels.voice.phones import KIND
from hub.errors import HubError, Refused
from hub.model import User, line_of
from hub.permissions import Permission, may
from hub.service import Hub
from hub.sockets import Ack, EventTable, SocketEvent

TELL = "phone.ring"


class PhoneDesk:
    """`sessions` are the windows at this node by socket id."""

    def __init__(
        self, hub: Hub, legs: PhoneLegs, elsewhere: Elsewhere, sio: socketio.AsyncServer, sessions: Mapping[str, Window]
    ) -> None:
        self._hub, self._legs, self._elsewhere = hub, legs, elsewhere
        self._sio, self._sessions = sio, sessions
        self._tasks: set[asyncio.Task[None]] = set()
        legs.on_change(self._moved)
        elsewhere.serve("ring", self._ring_here)
        hub.bus.subscribe(TELL, self._told)
        hub.bus.subscribe(WINDOW, self._window_moved)
        hub.directory.on_change(self._configured)
        hub.roster.on_change(KIND, lambda user, there: self._tell_line(user))

    def register(self, table: EventTable) -> None:
        table.add(*self.events())

    def events(self) -> list[SocketEvent[Window]]:
        return [SocketEvent("phone_ring", OfCall, self._ring, Permission.CONTACT_HANDLE)]

    def window_moved(self, window: Window, there: bool) -> None:
        """A window of this node connected or went."""
        if there:
            self._tell_line(window.user.id, window.sid)

    # --- asked by windows --------------------------------------------------------------------------------------------

    async def _ring(self, sid: str, session: Window, data: OfCall) -> Ack:
        who = {"agent": session.user.id, "window": window_key(session), "contact": data.contact}
        return await self._elsewhere.ask(data.contact, "ring", who)

    async def _ring_here(self, data: Json) -> Json:
        live = self._legs.calls.require(data["contact"])
        contact = (await self._hub.contacts.fresh(live.id)).contact
        if contact.agent != data["agent"]:
            raise Refused("Another agent has this call.", code="contact.not_yours")
        self._legs.ring_again(live, self._hub.directory.user(data["agent"]))
        return {}

    # --- told to windows ---------------------------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _line(self, user: User) -> dict[str, Any]:
        return {
            "line": str(line_of(user)),
            "allowed": self._hub.phones.rules.allowed,
            "account": user.phone.username if user.phone is not None else None,
            "registered": self._hub.roster.there(KIND, user.id),
        }

    def _tell_line(self, id: str, sid: str | None = None) -> None:
        user = self._hub.directory.users().get(id)
        if user is None or not may(user, Permission.CONTACT_HANDLE):
            return
        for session in list(self._sessions.values()):
            if session.user.id == id and sid in (None, session.sid):
                self._begin(self._sio.emit("phone_line", self._line(user), to=session.sid, namespace=NAMESPACE))

    def _configured(self, kind: str, id: str) -> None:
        if kind == "user":
            self._tell_line(id)

    def _moved(self, leg: PhoneLeg) -> None:
        self._begin(self._publish(leg))

    async def _publish(self, leg: PhoneLeg, sid: str | None = None) -> None:
        """To all windows of the agent (or the one with this socket), at whatever node."""
        over = self._legs.is_over(leg)
        data = {"contact": leg.live.id, "state": "over" if over else leg.state, "problem": leg.problem}
        await self._hub.bus.publish(TELL, {"agent": leg.agent, "sid": sid, "data": data})

    def _told(self, message: Mapping[str, Any]) -> None:
        for session in list(self._sessions.values()):
            if session.user.id == message["agent"] and message["sid"] in (None, session.sid):
                self._begin(self._sio.emit("phone_ring", message["data"], to=session.sid, namespace=NAMESPACE))

    def _window_moved(self, message: Mapping[str, Any]) -> None:
        """A window at whatever node is told of the telephone's calls that live here."""
        if message["there"]:
            for leg in self._legs.of_agent(str(message["agent"])):
                self._begin(self._publish(leg, str(message["sid"])))


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(HubError):
        await work
