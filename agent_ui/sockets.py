"""The Socket.IO namespace /agent: windows of agents and supervisors, and what is pushed to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import socketio
import structlog

from agent_ui import inputs as i
from agent_ui.actions import Actions
from agent_ui.live import Live
from agent_ui.session import LIVE_ROOM, NAMESPACE, AgentSession, agent_room, contact_room
from hub import events as e
from hub import mail_signature
from hub.auth import Auth
from hub.errors import HubError, NotFound, NotSignedIn, Refused
from hub.events import Recorded
from hub.living import holders
from hub.machine import SERVED, TRANSITIONS
from hub.model import Phase, Presence, PresenceState, Role, User
from hub.permissions import ROLE_PERMISSIONS, Permission, may
from hub.ports import ContactRow
from hub.service import Hub
from hub.sockets import Ack, EventTable, Nothing, SocketEvent, cookie, handshake, refused
from hub.views import customer_json
from hub.web.security import SESSION_COOKIE

log = structlog.get_logger(__name__)

Json = dict[str, Any]
QUEUES_EVERY_S = 1.0
WARN_AFTER_S = 60
P = Permission

_OFFER_ENDS: dict[type[e.Event], str] = {
    e.OfferAccepted: "accepted",
    e.OfferDeclined: "declined",
    e.OfferMissed: "missed",
    e.OfferRescinded: "rescinded",
    e.ContactAbandoned: "abandoned",
}


def presence_json(presence: Presence, by: str | None = None) -> Json:
    return {
        "state": str(presence.state),
        "reason": presence.reason,
        "since": presence.since,
        "epoch": presence.epoch,
        "by": by,
    }


class AgentNamespace:
    """`file_rules` (max_bytes, types) is told to the desktop for its own uploads."""

    def __init__(self, hub: Hub, sio: socketio.AsyncServer, auth: Auth, file_rules: Json) -> None:
        self._hub = hub
        self._sio = sio
        self._auth = auth
        self._file_rules = file_rules
        self.sessions: dict[str, AgentSession] = {}
        self._held: dict[str, set[str]] = {}  # who was shown a contact last, to tell those who lose it
        self._dirty = asyncio.Event()
        self._directory_changed = asyncio.Event()
        self._queues: list[Json] = []
        self._tasks: list[asyncio.Task[None]] = []
        # Who wants to know of windows that come (True) and go: the agents' telephones.
        self.on_window: list[Callable[[AgentSession, bool], None]] = []
        self.live = Live(hub, sio, lambda: any(session.live for session in self.sessions.values()))
        hub.bus.subscribe("typing", self._typed)
        hub.roster.on_change("visitor", self._visitor_online)
        hub.directory.on_change(self._configured)
        auth.on_revoked.append(self._revoked)
        sio.on("connect", namespace=NAMESPACE, handler=self._connect)
        sio.on("disconnect", namespace=NAMESPACE, handler=self._disconnect)
        self.table = EventTable(sio, NAMESPACE, hub.clock, self.sessions)
        self.table.add(*Actions(hub).events())
        self.table.add(
            SocketEvent("presence:set", i.SetPresence, self._set_presence, P.CONTACT_HANDLE),
            SocketEvent("heartbeat", i.Heartbeat, self._heartbeat),
            SocketEvent("contact:watch", i.OfContact, self._watch, P.CONTACT_HANDLE),
            SocketEvent("contact:unwatch", i.OfContact, self._unwatch, P.CONTACT_HANDLE),
            SocketEvent("supervise:subscribe", Nothing, self._subscribe, P.LIVE_VIEW),
            SocketEvent("agent:set_presence", i.SetAgentPresence, self._set_agent_presence, P.AGENT_SET_STATUS),
            SocketEvent("agent:logout", i.OfAgent, self._log_out_agent, P.AGENT_LOGOUT),
        )

    async def start(self) -> None:
        self._held = {row.contact.id: holders(row.contact) for row in self._hub.living}
        self._hub.follow("agent-sockets", self.follow)
        self._tasks = [
            asyncio.create_task(self._tell_queues(), name="agents.queues"),
            asyncio.create_task(self._tell_directory(), name="agents.directory"),
        ]
        await self.live.start()

    async def stop(self) -> None:
        await self.live.stop()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # --- connections --------------------------------------------------------------------------------------------

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        shake = handshake(auth, i.Handshake)
        try:
            signed_in = await self._auth.by_cookie(cookie(environ, SESSION_COOKIE))
            if signed_in.session is None:
                raise NotSignedIn("Please sign in.")
            self._auth.check_csrf(signed_in.session, shake.csrf)
            if self._hub.stopping:
                raise Refused("The hub is restarting. Please wait a moment.", code="server.stopping")
        except HubError as error:
            raise refused(error) from None
        session = AgentSession(sid, signed_in.user, signed_in.session.id, shake.window)
        self.sessions[sid] = session
        await self._sio.enter_room(sid, agent_room(session.user.id), namespace=NAMESPACE)
        await self._hub.presence.window_opened(session.user.id, sid)
        await self._sio.emit("hello", await self._hello(session), to=sid, namespace=NAMESPACE)
        for row in self._hub.living.of_agent(session.user.id):
            if row.contact.offer is not None and row.contact.offer.agent == session.user.id:
                offer = await self._offer_json(row)
                await self._sio.emit("offer", offer, to=sid, namespace=NAMESPACE)
        for listener in self.on_window:
            listener(session, True)

    async def _disconnect(self, sid: str, *_: Any) -> None:
        session = self.sessions.pop(sid, None)
        if session is not None:
            for listener in self.on_window:
                listener(session, False)
            await self._hub.presence.window_closed(session.user.id, sid)

    def _configured(self, kind: str, id: str) -> None:
        """A user's new rights hold at once; one who was disabled, by whatever way, is cut off."""
        self._directory_changed.set()
        if kind != "user":
            return
        user = self._hub.directory.users().get(id)
        for sid, session in list(self.sessions.items()):
            if session.user.id != id:
                continue
            if user is None or user.disabled:
                self._background(self._cut(sid, "disabled"))
            else:
                session.user = user

    def _revoked(self, sessions: Sequence[str]) -> None:
        for sid, session in list(self.sessions.items()):
            if session.session in sessions:
                self._background(self._cut(sid, "signed_out"))

    async def _cut(self, sid: str, reason: str) -> None:
        if (session := self.sessions.pop(sid, None)) is not None:
            for listener in self.on_window:
                listener(session, False)
        await self._sio.emit("signed_out", {"reason": reason}, to=sid, namespace=NAMESPACE)
        await self._sio.disconnect(sid, namespace=NAMESPACE)

    # --- what a window is told at first ---------------------------------------------------------------------------

    async def _hello(self, session: AgentSession) -> Json:
        hub, user = self._hub, session.user
        rows = hub.living.of_agent(user.id)
        current = list((await hub.contacts.many([row.contact.id for row in rows])).values())
        return {
            "me": me_json(user),
            "presence": presence_json(hub.presence.get(user.id)),
            "capacity": hub.routing.load(user.id),
            "contacts": await hub.views.for_agents(current),
            "queues": self._queue_figures(),
            "directory": self._directory(),
            "settings": {
                "warn_after_s": WARN_AFTER_S,
                "wrap_up_extend_s": 60,
                "files": self._file_rules,
                "sound": user.settings.get("sound", True),
                "notifications": user.settings.get("notifications", True),
            },
            "now": hub.clock.now(),
            "seq": hub.feed.head,
        }

    def _directory(self) -> Json:
        directory = self._hub.directory
        return {
            "queues": [{"id": id, "name": row.name} for id, row in sorted(directory.queues().items())],
            "agents": [
                {"id": user.id, "name": user.name, "state": str(self._hub.presence.get(user.id).state)}
                for user in sorted(directory.users().values(), key=lambda user: user.name)
                if may(user, Permission.CONTACT_HANDLE)
            ],
            "outcomes": [
                {"id": id, "label": row.name, "queues": row.queues} for id, row in directory.outcomes().items()
            ],
            "canned": [
                {
                    "id": id,
                    "shortcut": row.shortcut,
                    "title": row.name,
                    "text": row.text,
                    "language": row.language,
                    "queues": row.queues,
                }
                for id, row in directory.canned().items()
            ],
            "templates": [
                {"id": id, "name": row.name, "languages": row.languages, "queues": row.queues}
                for id, row in sorted(directory.mail_templates().items())
            ],
            "reasons": [{"id": id, "label": row.name} for id, row in directory.reasons().items()],
            "skills": [{"id": id, "name": row.name} for id, row in directory.skills().items()],
        }

    def _queue_figures(self) -> list[Json]:
        figures = []
        for id, row in sorted(self._hub.directory.queues().items()):
            standing = self._hub.routing.standing(id)
            figures.append({"id": id, "name": row.name, "waiting": standing.waiting, "longest_since": standing.oldest})
        return figures

    # --- presence and supervision -----------------------------------------------------------------------------------

    async def _set_presence(self, sid: str, session: AgentSession, data: i.SetPresence) -> Ack:
        return await self._presence(session.user.id, data.state, data.reason, session.user.id)

    async def _set_agent_presence(self, sid: str, session: AgentSession, data: i.SetAgentPresence) -> Ack:
        if data.state == "available" and not self._hub.presence.connected(data.agent):
            raise Refused("This agent is not signed in.", code="agent.not_connected")
        return await self._presence(data.agent, data.state, data.reason, session.user.id)

    async def _presence(self, agent: str, state: str, reason: str | None, by: str) -> Ack:
        user = self._hub.directory.user(agent)
        if reason is not None and reason not in self._hub.directory.reasons():
            raise NotFound("reason", reason)
        presence = await self._hub.presence.set(user.id, PresenceState(state), reason, by)
        return {"presence": presence_json(presence, by)}

    async def _heartbeat(self, sid: str, session: AgentSession, data: i.Heartbeat) -> Ack:
        try:
            signed_in = await self._auth.by_session_id(session.session)
        except NotSignedIn:
            self._background(self._cut(sid, "expired"))
            raise
        session.user = signed_in.user
        self._hub.presence.heartbeat(session.user.id, sid)
        return {"now": self._hub.clock.now()}

    async def _log_out_agent(self, sid: str, session: AgentSession, data: i.OfAgent) -> Ack:
        user = self._hub.directory.user(data.agent)
        await self._hub.presence.set(user.id, PresenceState.OFFLINE, None, session.user.id)
        ended = await self._auth.sign_out_everywhere(user.id, by=session.user.id)
        return {"sessions": len(ended)}

    async def _subscribe(self, sid: str, session: AgentSession, data: Nothing) -> Ack:
        snapshot = self.live.snapshot()
        session.live = True
        await self._sio.enter_room(sid, LIVE_ROOM, namespace=NAMESPACE)
        return snapshot

    async def _watch(self, sid: str, session: AgentSession, data: i.OfContact) -> Ack:
        row = await self._hub.seen_by(session.user, data.contact)
        await self._sio.enter_room(sid, contact_room(data.contact), namespace=NAMESPACE)
        session.watching.add(data.contact)
        return {"contact": await self._hub.views.for_agent(row)}

    async def _unwatch(self, sid: str, session: AgentSession, data: i.OfContact) -> Ack:
        session.watching.discard(data.contact)
        await self._sio.leave_room(sid, contact_room(data.contact), namespace=NAMESPACE)
        return {}

    # --- pushes -------------------------------------------------------------------------------------------------

    def _background(self, work: Any) -> None:
        self._sio.start_background_task(_swallow, work)

    async def _emit(self, event: str, data: Json, room: str) -> None:
        await self._sio.emit(event, data, room=room, namespace=NAMESPACE)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: contacts to their agents' windows (once a contact and batch), presence, queues."""
        changed: dict[str, list[Recorded]] = {}
        for recorded in batch:
            event = recorded.event
            if type(event) in TRANSITIONS:
                changed.setdefault(recorded.stream, []).append(recorded)
            elif isinstance(event, e.PresenceChanged):
                presence = self._hub.presence.get(recorded.stream)
                await self._emit("presence", presence_json(presence, event.by), agent_room(recorded.stream))
                self._directory_changed.set()
            elif isinstance(event, e.CallbackMoved):
                await self._callback_moved(recorded.stream, event)
            elif isinstance(event, e.CustomerChanged):
                await self._customer_changed(recorded.stream)
        if any(type(recorded.event) not in e.TALK for recorded in batch):
            self._dirty.set()
            self.live.touch()
        rows = await self._hub.contacts.many(list(changed))
        for id, row in rows.items():
            await self._push(row, changed[id])

    async def _push(self, row: ContactRow, events: list[Recorded]) -> None:
        hub, contact = self._hub, row.contact
        before = self._held.get(contact.id, set())
        now = set() if contact.phase is Phase.CLOSED else holders(contact)
        if now:
            self._held[contact.id] = now
        else:
            self._held.pop(contact.id, None)
        watched = any(contact.id in session.watching for session in self.sessions.values()) if self.sessions else False
        if not (now or before or watched):
            return
        view = await hub.views.for_agent(row)
        messages = []
        for recorded in events:
            if isinstance(recorded.event, e.MessageAdded):
                message = await hub.contacts.message(recorded.event.message)
                if message is not None:
                    messages.append(message)
        for recorded in events:
            await self._push_offer(row, recorded)
        shared = [hub.views.message(message, for_visitor=False) for message in messages]
        if watched:
            sync = {"seq": row.seq, "contact": view, "messages": shared}
            await self._emit("sync", sync, contact_room(contact.id))
        for agent in now:
            own = [hub.views.message(message, for_visitor=False, reader=agent) for message in messages]
            await self._emit("sync", {"seq": row.seq, "contact": view, "messages": own}, agent_room(agent))
        for agent in before - now:
            gone = {"seq": row.seq, "contact": view, "messages": shared, "gone": contact.id}
            await self._emit("sync", gone, agent_room(agent))
        if now != before or any(type(recorded.event) is not e.MessageAdded for recorded in events):
            for agent in now | before:
                await self._emit("capacity", hub.routing.load(agent), agent_room(agent))

    async def _callback_moved(self, id: str, event: e.CallbackMoved) -> None:
        """To whoever has its contact, or looks at it; and to supervisors. What there is to say of it they ask for."""
        moved = {"id": id, "contact": event.contact, "state": event.state}
        rooms = [contact_room(event.contact), LIVE_ROOM, *map(agent_room, self._held.get(event.contact, ()))]
        await self._sio.emit("callback", moved, room=rooms, namespace=NAMESPACE)

    async def _push_offer(self, row: ContactRow, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, e.ContactOffered):
            if row.contact.offer is not None and row.contact.offer.fence == event.fence:
                await self._emit("offer", await self._offer_json(row), agent_room(event.agent))
        elif isinstance(event, e.ParticipantInvited):
            if event.agent in row.contact.invited:
                by = {"id": event.by, "name": self._hub.directory.user_name(event.by)}
                invite = {"contact": await self._hub.views.for_agent(row), "by": by}
                await self._emit("invite", invite, agent_room(event.agent))
        elif (reason := _OFFER_ENDS.get(type(event))) is not None:
            agents = [getattr(event, "agent", None)]
            if isinstance(event, e.ContactAbandoned):
                agents = list(self._held.get(row.contact.id, ())) or [None]
            gone = {"contact": row.contact.id, "fence": row.contact.last_fence, "reason": reason}
            for agent in agents:
                if agent is not None:
                    await self._emit("offer:gone", gone, agent_room(agent))

    async def _offer_json(self, row: ContactRow) -> Json:
        hub, contact = self._hub, row.contact
        offer = contact.offer
        assert offer is not None
        view = await hub.views.for_agent(row)
        now = hub.clock.now()
        return {
            "contact": view,
            "fence": offer.fence,
            "deadline": offer.deadline,
            "queue": view["queue"],
            "waited_ms": now - contact.queued_at,
            "skill": self._skill(contact.queue, offer.agent),
            "page": view["page"],
            "auto": offer.auto,
            "now": now,
        }

    def _skill(self, queue: str | None, agent: str) -> Json | None:
        """The skill that the queue asks for first, at the agent's level."""
        row = self._hub.directory.queues().get(queue or "")
        if row is None or not row.skills:
            return None
        id = next(iter(row.skills))
        skill = self._hub.directory.skills().get(id)
        level = self._hub.directory.user(agent).skills.get(id, 0)
        return {"name": skill.name if skill else id, "level": level}

    async def _customer_changed(self, customer: str) -> None:
        rows = [row for row in self._hub.living if row.contact.customer == customer]
        agents: set[str] = set()
        for row in rows:
            current = await self._hub.contacts.get(row.contact.id)
            view = await self._hub.views.for_agent(current)
            agents |= holders(current.contact)
            for agent in holders(current.contact):
                await self._emit("sync", {"seq": current.seq, "contact": view, "messages": []}, agent_room(agent))
        known = (await self._hub.contacts.customers([customer])).get(customer) if agents else None
        if known is not None:
            for agent in agents:
                await self._emit("customer", {"customer": customer_json(known)}, agent_room(agent))

    def _typed(self, message: Mapping[str, Any]) -> None:
        row = self._hub.living.get(str(message["contact"]))
        if row is None:
            return
        by = message["by"]
        data = {
            "contact": message["contact"],
            "name": message["name"],
            "kind": "visitor" if by == "visitor" else "agent",
            "on": message["on"],
        }
        for agent in holders(row.contact) - {by}:
            self._background(self._emit("typing", data, agent_room(agent)))

    def _visitor_online(self, visitor: str, online: bool) -> None:
        for row in self._hub.living.of_visitor(visitor):
            if row.contact.phase in SERVED:
                self._background(self._push_online(row.contact.id))

    async def _push_online(self, contact: str) -> None:
        row = await self._hub.contacts.get(contact)
        view = await self._hub.views.for_agent(row)
        for agent in holders(row.contact):
            await self._emit("sync", {"seq": row.seq, "contact": view, "messages": []}, agent_room(agent))

    async def _tell_queues(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            figures = self._queue_figures()
            if figures != self._queues:
                self._queues = figures
                await self._sio.emit("queues", figures, namespace=NAMESPACE)
            await asyncio.sleep(QUEUES_EVERY_S)

    async def _tell_directory(self) -> None:
        while True:
            await self._directory_changed.wait()
            self._directory_changed.clear()
            await self._sio.emit("directory", self._directory(), namespace=NAMESPACE)
            await asyncio.sleep(QUEUES_EVERY_S)

    async def say_goodbye(self, after_ms: int) -> None:
        """Tells everybody that the server goes down and when to come back."""
        await self._sio.emit("reconnect", {"after_ms": after_ms}, namespace=NAMESPACE)


def me_json(user: User) -> Json:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "role": str(user.role),
        "permissions": sorted(str(permission) for permission in ROLE_PERMISSIONS[Role(user.role)]),
        "locale": user.locale,
        "theme": user.theme,
        # Signatures are large, and asked for where they are needed.
        "settings": {name: value for name, value in user.settings.items() if name != mail_signature.KEY},
    }


async def _swallow(work: Any) -> None:
    try:
        await work
    except HubError as error:
        log.info("socket.background_refused", reason=error.code)
    except Exception:
        log.exception("socket.background_failed")
