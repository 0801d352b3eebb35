"""The Socket.IO namespace /cobrowse: a customer's page at one end, agents' windows at the other, each with a ticket.

The two may be at different nodes, so whatever passes goes over the bus, and each node hands it to its own sockets. All
of it may be lost: what has a gap is told anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec
import socketio
import structlog
from msgspec import Struct

from channels.cobrowse import session as s
from channels.cobrowse.card import filled
from channels.cobrowse.desk import Ticket
from channels.cobrowse.inputs import (
    AckInput,
    Act,
    CardInput,
    Cursor,
    Handshake,
    Look,
    PageInput,
    Pen,
    Result,
    StateInput,
    WantInput,
)
from channels.cobrowse.pictures import Picture, Wants
from channels.cobrowse.pictures import check as check_picture
from channels.cobrowse.relay import Frame, Relay, check
from channels.cobrowse.session import Capability, Session, Stage
from channels.cobrowse.sessions import Sessions
from channels.cobrowse.taping import Taping
from channels.cobrowse.watching import Watching
from hub.cobrowse_events import Acted
from hub.errors import Forbidden, HubError, InvalidInput, NotSignedIn, Refused
from hub.limits import SlidingLimit
from hub.permissions import Permission
from hub.recordings import Recordings
from hub.service import Hub
from hub.sockets import Ack, EventTable, Nothing, SocketEvent, handshake, refused

log = structlog.get_logger(__name__)

NAMESPACE: Final = "/cobrowse"
TOPIC: Final = "cobrowse"
EVENTS_PER_MINUTE: Final = 6_000
FRAMES_PER_MINUTE: Final = 6_000
AWAY_S: Final = 6.0
MOST_UNSENT: Final = 10_000
LOOK_S: Final = 0.25

Json = dict[str, Any]
B = TypeVar("B", bound=Struct)


_NEEDS: Final = {"fill": Capability.TYPE, "click": Capability.CLICK, "navigate": Capability.NAVIGATE}


class Redeemer(Protocol):
    """Who gives out the tickets (`Desk`)."""

    def redeem(self, key: str) -> Ticket:
        """The ticket, which is void from now on. Raises Forbidden."""
        ...


class End:
    """One socket on the line; `ticket` says of what, and who."""

    def __init__(self, sid: str, ticket: Ticket) -> None:
        self.sid, self.ticket = sid, ticket
        self.key = f"{ticket.who} {ticket.contact}"

    def require(self, permission: Permission) -> None:
        raise Forbidden("There are no permissions on this line.", details={"permission": str(permission)})


class Room(Struct):
    """The viewers of one sharing at this node, by socket."""

    relay: Relay
    ends: dict[str, End]
    wants: Wants


class Line:
    """`panels` and `windows` are the sockets, of customers and of agents, from which tickets come; `desk` gives them
    out, and is set before the first comes."""

    def __init__(
        self,
        hub: Hub,
        sio: socketio.AsyncServer,
        sessions: Sessions,
        panels: Mapping[str, Any],
        windows: Mapping[str, Any],
        recordings: Recordings,
    ) -> None:
        self._hub, self._sio, self._sessions = hub, sio, sessions
        self._panels, self._windows = panels, windows
        self.desk: Redeemer
        self.ends: dict[str, End] = {}
        self._pages: dict[str, End] = {}  # by contact
        self._rooms: dict[str, Room] = {}  # by contact
        self._frames = SlidingLimit(FRAMES_PER_MINUTE, 60_000)
        self._out: asyncio.Queue[tuple[str, Any, str]] = asyncio.Queue(MOST_UNSENT)
        self._tasks: list[asyncio.Task[None]] = []
        self._later: set[asyncio.Task[None]] = set()
        self._taping = Taping(hub, recordings, self._ask_anew)
        self._watching = Watching(hub, sessions, self.ends, self._do_later, self._cut)
        sio.on("connect", namespace=NAMESPACE, handler=self._connect)
        sio.on("disconnect", namespace=NAMESPACE, handler=self._disconnect)
        self.table = EventTable(sio, NAMESPACE, hub.clock, self.ends, EVENTS_PER_MINUTE)
        self.table.add(*self.events())
        sio.on("cb:frame", namespace=NAMESPACE, handler=self._bytes("frame", Frame, check, self._taping.take))
        sio.on("cb:picture", namespace=NAMESPACE, handler=self._bytes("picture", Picture, check_picture))
        hub.bus.subscribe(TOPIC, self._heard)
        sessions.on_change.append(self._changed)
        sessions.on_found.append(self._found)

    def events(self) -> list[SocketEvent[End]]:
        return [
            SocketEvent("cb:page", PageInput, self._page),
            SocketEvent("cb:cursor", Cursor, self._cursor),
            SocketEvent("cb:state", StateInput, self._state),
            SocketEvent("cb:act_res", Result, self._result),
            SocketEvent("cb:ack", AckInput, self._ack),
            SocketEvent("cb:resync", Nothing, self._resync),
            SocketEvent("cb:point", Cursor, self._point),
            SocketEvent("cb:draw", Pen, self._draw),
            SocketEvent("cb:look", Look, self._look),
            SocketEvent("cb:act", Act, self._act),
            SocketEvent("cb:card", CardInput, self._card),
            SocketEvent("cb:want", WantInput, self._want_pictures),
            SocketEvent("cb:stills", Nothing, self._stills),
        ]

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._send(), name="cobrowse.send"),
            asyncio.create_task(self._mend(), name="cobrowse.mend"),
        ]

    async def stop(self) -> None:
        for task in [*self._tasks, *self._later]:
            task.cancel()
        for task in [*self._tasks, *self._later]:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._taping.stop()

    @property
    def kept_bytes(self) -> int:
        return sum(room.relay.kept_bytes for room in self._rooms.values())

    def epoch(self) -> int:
        """For a page that begins: above all that were before, also those before a restart. Ten a second are free."""
        return self._hub.clock.now() // 100

    # --- connections -------------------------------------------------------------------------------------------------

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        shake = handshake(auth, Handshake)
        try:
            ticket = self.desk.redeem(shake.ticket)
            sharing = await self._sessions.get(ticket.contact)
            end = End(sid, ticket)
            if sharing.id != ticket.session or sharing.stage not in s.LIVE or not self._still(end):
                raise Refused("This sharing has ended.", code="cobrowse.over")
            self.ends[sid] = end
            if not ticket.visitor:
                await self._watching.came(ticket)
        except HubError as error:
            self.ends.pop(sid, None)
            raise refused(error) from None
        if sid not in self.ends:
            return  # gone already
        if ticket.visitor:
            before = self._pages.get(ticket.contact)
            self._pages[ticket.contact] = end
            await self._publish(ticket.contact, "page", {"sid": sid})
            if before is not None:
                self._tell("cb:elsewhere", {}, before.sid)
        else:
            room = self._rooms.setdefault(ticket.contact, Room(Relay(), {}, Wants()))
            room.ends[sid] = end
            self._pass(room.relay.join(sid))
            await self._want(ticket.contact, room)

    async def _disconnect(self, sid: str, *_: Any) -> None:
        end = self.ends.pop(sid, None)
        if end is None:
            return
        contact = end.ticket.contact
        room = self._rooms.get(contact)
        if room is not None and room.ends.pop(sid, None) is not None:
            room.relay.leave(sid)
            room.wants.leave(sid)
            if not room.ends:
                del self._rooms[contact]
            self._watching.left(end.ticket)
        if self._pages.get(contact) is end:
            del self._pages[contact]
            self._do_later(self._gone(contact))

    def _still(self, end: End) -> bool:
        """Whether the socket that it came from is there, and still the same person's."""
        ticket = end.ticket
        parent = (self._panels if ticket.visitor else self._windows).get(ticket.parent)
        person = None if parent is None else parent.visitor if ticket.visitor else parent.user
        return person is not None and person.id == ticket.who

    def window_moved(self, window: Any, came: bool) -> None:
        """An agent's window went, or was shut out: what it looked at goes with it."""
        if not came:
            for sid in [sid for sid, end in self.ends.items() if end.ticket.parent == window.sid]:
                self._cut(sid)

    def _cut(self, sid: str) -> None:
        self._do_later(self._sio.disconnect(sid, namespace=NAMESPACE))

    async def _gone(self, contact: str) -> None:
        """The next page of the customer comes soon, or his page is away."""
        await asyncio.sleep(AWAY_S)
        if contact not in self._pages:
            sharing = self._sessions.known(contact)
            if sharing.stage in s.LIVE:
                await self._sessions.do(contact, s.Away(), sharing.visitor or "hub")

    def _found(self, contact: str, sharing: Session) -> None:
        """It began before this process; who was there comes back soon, or not at all. Another node may have him."""
        self._watching.found(contact, sharing)
        if sharing.stage in s.LIVE and not self._hub.bus.shared:
            self._do_later(self._gone(contact))

    def _changed(self, contact: str, sharing: Session) -> None:
        """The sharing ended, or is another agent's: the line is cut for whom it is no longer for."""
        for sid, end in list(self.ends.items()):
            over = sharing.stage not in s.LIVE or sharing.id != end.ticket.session
            if end.ticket.contact == contact and over:
                self._cut(sid)
        self._watching.changed(contact, sharing)
        self._taping.changed(contact, sharing)

    def _do_later(self, work: Any) -> None:
        async def run() -> None:
            try:
                await work
            except HubError as error:
                log.warning("cobrowse.failed", error=error.code)
            except Exception:
                log.exception("cobrowse.failed")

        task = asyncio.create_task(run())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- from the customer's page ------------------------------------------------------------------------------------

    def _of_page(self, end: End) -> Session:
        """Raises Forbidden or Refused for whoever is not the page that is shared now."""
        if not end.ticket.visitor or self._pages.get(end.ticket.contact) is not end:
            raise Forbidden("Another page is shared now.", code="cobrowse.elsewhere")
        if not self._still(end):
            raise NotSignedIn("Please connect again.")
        return self._sessions.known(end.ticket.contact)

    async def _page(self, sid: str, end: End, data: PageInput) -> Ack:
        sharing = self._of_page(end)
        shared = self._sessions.pages(sharing).shared(data.url)
        after = await self._sessions.do(end.ticket.contact, s.Page(end.ticket.who, shared), end.ticket.who)
        if data.switched:
            await self._publish(end.ticket.contact, "viewers", {"e": "cb:tab", "d": {}})
        return {"shared": shared, "stage": str(after.stage)}

    def _bytes(
        self,
        kind: str,
        shape: type[B],
        check: Callable[[B], None],
        keep: Callable[[str, Session, B], None] | None = None,
    ) -> Callable[..., Awaitable[Ack]]:
        """What a page sends that is larger than an event of the table may be. `keep` records it."""

        async def handle(sid: str, data: Any = None, *_: Any) -> Ack:
            try:
                end = self.ends.get(sid)
                if end is None:
                    raise NotSignedIn("Please connect again.")
                sharing = self._of_page(end)
                if not sharing.may(Capability.VIEW):
                    raise Refused("Nothing is shared now.", code="cobrowse.paused")
                self._frames.take(end.key, self._hub.clock.now())
                try:
                    given = msgspec.convert(data, shape)
                except msgspec.ValidationError as error:
                    raise InvalidInput(kind, str(error)) from None
                check(given)
                if keep is not None:
                    keep(end.ticket.contact, sharing, given)
                await self._publish(end.ticket.contact, kind, msgspec.structs.asdict(given))
                return {"ok": True}
            except HubError as error:
                return {"ok": False, "error": error.to_json()}

        return handle

    async def _cursor(self, sid: str, end: End, data: Cursor) -> Ack:
        if (sharing := self._of_page(end)).may(Capability.VIEW):
            self._taping.cursor(end.ticket.contact, sharing, data.x, data.y)
            await self._publish(end.ticket.contact, "viewers", {"e": "cb:cursor", "d": {"x": data.x, "y": data.y}})
        return {}

    async def _state(self, sid: str, end: End, data: StateInput) -> Ack:
        self._of_page(end)
        await self._publish(end.ticket.contact, "viewers", {"e": "cb:state", "d": msgspec.to_builtins(data)})
        return {}

    async def _result(self, sid: str, end: End, data: Result) -> Ack:
        sharing = self._of_page(end)
        await self._publish(end.ticket.contact, "viewers", {"e": "cb:act_res", "d": msgspec.to_builtins(data)})
        event = Acted(data.operation, data.field, data.result)
        await self._sessions.note(end.ticket.contact, event, sharing.agent)
        return {}

    # --- from the agent's window ------------------------------------------------------------------------------------

    def _of_viewer(self, end: End, *needed: Capability) -> tuple[Session, str]:
        """The session, and what the customer is to call the agent. Raises Forbidden or Refused."""
        sharing = self._sessions.known(end.ticket.contact)
        if end.ticket.visitor or not self._still(end):
            raise Forbidden("This is not your contact.", code="cobrowse.not_yours")
        if needed and end.ticket.who != sharing.agent:
            raise Forbidden("Only the contact's agent may do this.", code="cobrowse.not_yours")
        for capability in needed:
            if not sharing.may(capability):
                raise Refused("The customer does not allow this.", code="cobrowse.not_allowed")
        return sharing, self._hub.directory.public_name(end.ticket.who)

    async def _ack(self, sid: str, end: End, data: AckInput) -> Ack:
        room = self._rooms.get(end.ticket.contact)
        if room is not None:
            self._pass(room.relay.ack(sid, data.epoch, data.seq))
            await self._want(end.ticket.contact, room)
        return {}

    async def _resync(self, sid: str, end: End, data: Nothing) -> Ack:
        room = self._rooms.get(end.ticket.contact)
        if room is not None:
            room.relay.missing(sid)
            await self._want(end.ticket.contact, room)
        return {}

    async def _to_page(self, contact: str, event: str, data: Json) -> Ack:
        await self._publish(contact, "to_page", {"e": event, "d": data})
        return {}

    async def _point(self, sid: str, end: End, data: Cursor) -> Ack:
        _, name = self._of_viewer(end, Capability.POINT)
        return await self._to_page(end.ticket.contact, "cb:point", {"x": data.x, "y": data.y, "name": name})

    async def _draw(self, sid: str, end: End, data: Pen) -> Ack:
        self._of_viewer(end, Capability.DRAW)
        return await self._to_page(end.ticket.contact, "cb:draw", msgspec.to_builtins(data))

    async def _look(self, sid: str, end: End, data: Look) -> Ack:
        sharing, name = self._of_viewer(end, Capability.POINT)
        scroll = sharing.may(Capability.SCROLL)
        told = {"node": data.node, "epoch": data.epoch, "name": name, "scroll": scroll}
        return await self._to_page(end.ticket.contact, "cb:look", told)

    async def _act(self, sid: str, end: End, data: Act) -> Ack:
        _, name = self._of_viewer(end, _NEEDS[data.operation])
        return await self._to_page(end.ticket.contact, "cb:act", {**msgspec.to_builtins(data), "name": name})

    async def _card(self, sid: str, end: End, data: CardInput) -> Ack:
        sharing, name = self._of_viewer(end, Capability.TYPE)
        contact = (await self._hub.contacts.get(end.ticket.contact)).contact
        customer = (await self._hub.contacts.customers([contact.customer])).get(contact.customer)
        site = self._hub.directory.sites().get(sharing.site)
        values = filled(customer, site.cobrowse.card) if customer is not None and site is not None else []
        told = {"id": data.id, "epoch": data.epoch, "name": name, "values": values}
        return await self._to_page(end.ticket.contact, "cb:card", told)

    async def _want_pictures(self, sid: str, end: End, data: WantInput) -> Ack:
        sharing, _ = self._of_viewer(end)
        room = self._rooms.get(end.ticket.contact)
        if room is None or sid not in room.ends or not sharing.may(Capability.VIEW):
            return {}
        hashes = room.wants.want(sid, data.hashes, self._hub.clock.now())
        return await self._to_page(end.ticket.contact, "cb:want", {"hashes": hashes}) if hashes else {}

    async def _stills(self, sid: str, end: End, data: Nothing) -> Ack:
        self._of_viewer(end, Capability.VIEW)
        return await self._to_page(end.ticket.contact, "cb:stills", {})

    # --- between the nodes -----------------------------------------------------------------------------------------

    async def _publish(self, contact: str, kind: str, data: Json) -> None:
        await self._hub.bus.publish(TOPIC, {"c": contact, "k": kind, "d": data})

    def _heard(self, message: Mapping[str, Any]) -> None:
        contact, data = str(message["c"]), message["d"]
        room, page = self._rooms.get(contact), self._pages.get(contact)
        match message["k"]:
            case "frame" if room is not None:
                self._pass(room.relay.take(msgspec.convert(data, Frame)))
                self._do_later(self._want(contact, room))
            case "picture" if room is not None:
                for sid in room.wants.take(msgspec.convert(data, Picture)):
                    self._tell("cb:picture", data, sid)
            case "viewers" if room is not None:
                for sid in room.ends:
                    self._tell(data["e"], data["d"], sid)
            case "to_page" if page is not None:
                self._tell(data["e"], data["d"], page.sid)
            case "resync" if page is not None:
                self._tell("cb:resync", {}, page.sid)
            case "page" if page is not None and page.sid != data["sid"]:
                # The customer has another page, at another node.
                del self._pages[contact]
                self._tell("cb:elsewhere", {}, page.sid)

    async def _want(self, contact: str, room: Room) -> None:
        sharing = self._sessions.known(contact)
        if sharing.stage is Stage.SHARED and room.relay.wants_snapshot(self._hub.clock.now()):
            await self._publish(contact, "resync", {})

    def _ask_anew(self, contact: str) -> None:
        if (page := self._pages.get(contact)) is not None:
            self._tell("cb:resync", {}, page.sid)

    def _pass(self, frames: list[tuple[str, Frame]]) -> None:
        for sid, frame in frames:
            self._tell("cb:frame", msgspec.structs.asdict(frame), sid)

    def _tell(self, event: str, data: Any, sid: str) -> None:
        # What does not get out is a gap, and told anew.
        with contextlib.suppress(asyncio.QueueFull):
            self._out.put_nowait((event, data, sid))

    async def _send(self) -> None:
        """One after the other: the pieces of two frames must not mix, and the order is the meaning."""
        while True:
            event, data, sid = await self._out.get()
            if sid in self.ends:
                try:
                    await self._sio.emit(event, data, to=sid, namespace=NAMESPACE)
                except Exception:
                    log.exception("cobrowse.send_failed")

    async def _mend(self) -> None:
        """Asks once more for what was asked for and did not come."""
        while True:
            await asyncio.sleep(LOOK_S)
            for contact, room in list(self._rooms.items()):
                await self._want(contact, room)
