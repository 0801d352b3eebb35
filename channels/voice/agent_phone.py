"""The agent's telephone: the events `phone_*` of the /agent namespace, and what his windows are told of his calls.

An agent talks in one window; the others show the call and can take it over by joining. A window that joins again gets a
new leg in the place of the old one: so a reload or a change of network costs a second, not the call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

import socketio
import structlog
from msgspec import Meta

from channels.voice.call_values import AGENT, OUTGOING
from channels.voice.calls import KIND, Calls
from channels.voice.desk import QUIET_MS, serve_agents
from channels.voice.elsewhere import Elsewhere
from channels.voice.ice import ice_servers
from channels.voice.live import LiveCall
from channels.voice.outbound import Outbound
from hub import media as m
from hub.errors import HubError
from hub.model import Channel, User
from hub.permissions import Permission
from hub.sockets import Ack, EventTable, Input, Nothing, Session, SocketEvent

log = structlog.get_logger(__name__)

NAMESPACE = "/agent"
TEST_S = 60.0
BEGUN_S = 5.0
WINDOW, TELL = "phone.window", "phone.tell"
Id = Annotated[str, Meta(min_length=1, max_length=64)]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Sdp = Annotated[str, Meta(min_length=1, max_length=20_000)]
P = Permission


class OfCall(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id


class Join(Input, frozen=True, forbid_unknown_fields=True):
    """`offer` is a complete one: all candidates in it."""

    contact: Id
    offer: Sdp


class Digits(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    digits: Annotated[str, Meta(pattern=r"^[0-9A-D*#]{1,32}$")]


class HangUp(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId


class Dial(Input, frozen=True, forbid_unknown_fields=True):
    number: Annotated[str, Meta(min_length=2, max_length=60)]
    queue: Id
    client_id: ClientId


class Test(Input, frozen=True, forbid_unknown_fields=True):
    offer: Sdp


class Recording(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    state: Literal["on", "paused"]


class Window(Session, Protocol):
    """A signed-in window, as the /agent namespace keeps it."""

    @property
    def sid(self) -> str: ...
    @property
    def user(self) -> User: ...
    @property
    def window(self) -> str: ...


def window_key(window: Window) -> str:
    return f"{window.user.id}:{window.window}"


class AgentPhone:
    """`sessions` are the windows at this node by socket id."""

    def __init__(
        self,
        calls: Calls,
        outbound: Outbound,
        elsewhere: Elsewhere,
        sio: socketio.AsyncServer,
        sessions: Mapping[str, Window],
    ) -> None:
        self._elsewhere = elsewhere
        serve_agents(calls, elsewhere)
        self._calls = calls
        self._outbound = outbound
        self._hub = calls.hub
        self._sio = sio
        self._sessions = sessions
        self._told: dict[str, str] = {}  # contact -> the agent whose windows show its call
        self._tests: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls_moved = asyncio.Event()
        calls.hub.roster.on_change(KIND, lambda contact, there: self._calls_moved.set())
        calls.on_change(self._changed)
        calls.on_quality(self._quality)
        calls.on_other_media(self._test_event)
        calls.hub.bus.subscribe(WINDOW, self._window_moved)
        calls.hub.bus.subscribe(TELL, self._told_to)

    def register(self, table: EventTable) -> None:
        table.add(*self.events())

    def events(self) -> list[SocketEvent[Window]]:
        return [
            SocketEvent("phone_ice", Nothing, self._ice, P.CONTACT_HANDLE),
            SocketEvent("phone_join", Join, self._join, P.CONTACT_HANDLE),
            SocketEvent("phone_leave", OfCall, self._leave, P.CONTACT_HANDLE),
            SocketEvent("phone_hold", OfCall, self._hold, P.CONTACT_HANDLE),
            SocketEvent("phone_resume", OfCall, self._resume, P.CONTACT_HANDLE),
            SocketEvent("phone_digits", Digits, self._digits, P.CONTACT_HANDLE),
            SocketEvent("phone_hang_up", HangUp, self._hang_up, P.CONTACT_HANDLE),
            SocketEvent("phone_dial", Dial, self._dial, P.CONTACT_HANDLE),
            SocketEvent("phone_test", Test, self._test, P.CONTACT_HANDLE),
            SocketEvent("phone_stats", OfCall, self._stats, P.CONTACT_HANDLE),
            SocketEvent("phone_record", Recording, self._record, P.CONTACT_HANDLE),
        ]

    def window_moved(self, window: Window, there: bool) -> None:
        """A window connected or went."""
        moved = {"agent": window.user.id, "window": window_key(window), "sid": window.sid, "there": there}
        self._begin(self._hub.bus.publish(WINDOW, moved))
        if not there:
            self._end_test(window.sid)

    def _window_moved(self, message: Mapping[str, Any]) -> None:
        """A window at whatever node connected, and is told of its agent's calls here, or went."""
        self._calls.window(str(message["window"]), bool(message["there"]))
        if message["there"]:
            for live in self._calls.of_agent(str(message["agent"])):
                self._begin(self._tell(live, str(message["agent"]), sid=str(message["sid"])))

    # --- events ------------------------------------------------------------------------------------------------------

    async def _there(self, what: str, session: Window, contact: str, **data: Any) -> Ack:
        """Done at the node where the call lives."""
        who = {"agent": session.user.id, "window": window_key(session), "contact": contact}
        return await self._elsewhere.ask(contact, what, who | data)

    async def _ice(self, sid: str, session: Window, data: Nothing) -> Ack:
        return {"ice_servers": ice_servers(self._calls.settings, session.user.id, self._hub.clock.now())}

    async def _join(self, sid: str, session: Window, data: Join) -> Ack:
        await self._begun(session.user.id, data.contact)
        return await self._there("join", session, data.contact, offer=data.offer)

    async def _begun(self, agent: str, contact: str) -> None:
        """Waits a little for the call of a callback: it begins once the log says that he has accepted. Who brings his
        audio has read enough."""
        row = (await self._hub.contacts.many([contact])).get(contact)
        if row is None or row.contact.channel is not Channel.CALLBACK:
            return
        if self._hub.calling_back is not None and not self._hub.roster.there(KIND, contact):
            await self._hub.calling_back.dial(contact, agent)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGUN_S):
                while not self._hub.roster.there(KIND, contact):
                    self._calls_moved.clear()
                    await self._calls_moved.wait()

    async def _leave(self, sid: str, session: Window, data: OfCall) -> Ack:
        return await self._there("leave", session, data.contact)

    async def _hold(self, sid: str, session: Window, data: OfCall) -> Ack:
        await self._hub.hold(session.user, data.contact, None, True)
        return {}

    async def _resume(self, sid: str, session: Window, data: OfCall) -> Ack:
        await self._hub.hold(session.user, data.contact, None, False)
        return {}

    async def _digits(self, sid: str, session: Window, data: Digits) -> Ack:
        return await self._there("digits", session, data.contact, digits=data.digits)

    async def _hang_up(self, sid: str, session: Window, data: HangUp) -> Ack:
        outcome = await self._hub.close(session.user, data.contact, data.client_id)
        return {"contact": await self._hub.views.for_agent(outcome.row)}

    async def _dial(self, sid: str, session: Window, data: Dial) -> Ack:
        row = await self._outbound.dial(session.user, data.number, data.queue, data.client_id)
        return {"contact": await self._hub.views.for_agent(row)}

    async def _stats(self, sid: str, session: Window, data: OfCall) -> Ack:
        return await self._there("stats", session, data.contact)

    async def _record(self, sid: str, session: Window, data: Recording) -> Ack:
        return await self._there("record", session, data.contact, state=data.state)

    # --- a test of microphone and loudspeaker -----------------------------------------------------------------------

    async def _test(self, sid: str, session: Window, data: Test) -> Ack:
        """A call to oneself, for a minute at most; a new one ends the one before."""
        media, call = self._calls.media, _test_call(sid)
        self._end_test(sid)
        await media.drop_call(call)
        answer = await media.web_leg(call, AGENT, m.WebOptions(("PCMU", "PCMA"), QUIET_MS), data.offer)
        await media.hear(call, AGENT, m.Hear((AGENT,)))
        self._tests[sid] = asyncio.get_running_loop().call_later(TEST_S, self._end_test, sid)
        return {"answer": answer}

    def _test_event(self, event: m.MediaEvent) -> None:
        if isinstance(event, m.Lost | m.Silent):
            for sid in list(self._tests):
                if event.call == _test_call(sid):
                    self._end_test(sid)

    def _end_test(self, sid: str) -> None:
        timer = self._tests.pop(sid, None)
        if timer is not None:
            timer.cancel()
            self._begin(self._calls.media.drop_call(_test_call(sid)))

    # --- pushes ------------------------------------------------------------------------------------------------------

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, live: LiveCall) -> None:
        agent = None if live.call.over else live.call.agent
        before = self._told.get(live.id)
        if before is not None and before != agent:
            del self._told[live.id]
            ended = {"contact": live.id, "state": "ended", "since": live.call.since, "recording": "off"}
            self._begin(self._publish(before, "", ended))
        if agent is not None:
            self._told[live.id] = agent
            self._begin(self._tell(live, agent))

    def _quality(self, live: LiveCall, stats: dict[str, m.LegStats]) -> None:
        figures = stats.get(AGENT)
        if figures is not None and live.call.agent is not None:
            self._begin(self._tell(live, live.call.agent, quality_json(figures)))

    async def _tell(
        self, live: LiveCall, agent: str, quality: dict[str, Any] | None = None, sid: str | None = None
    ) -> None:
        state = {
            "contact": live.id,
            "state": live.call.agent_state,
            "since": live.call.since,
            "recording": live.call.recording,
            "may_record": live.call.tape.allowed,
            "number": live.party.called if live.call.way in OUTGOING else live.party.caller,
        }
        await self._publish(agent, live.call.window, state if quality is None else state | {"quality": quality}, sid)

    async def _publish(self, agent: str, window: str, data: dict[str, Any], sid: str | None = None) -> None:
        """To all windows of the agent (or the one with this socket), at whatever node; `window` has the audio."""
        await self._hub.bus.publish(TELL, {"agent": agent, "window": window, "sid": sid, "data": data})

    def _told_to(self, message: Mapping[str, Any]) -> None:
        for session in list(self._sessions.values()):
            if session.user.id == message["agent"] and message["sid"] in (None, session.sid):
                elsewhere = message["window"] not in ("", window_key(session))
                data = {**message["data"], "elsewhere": elsewhere}
                self._begin(self._sio.emit("phone", data, to=session.sid, namespace=NAMESPACE))


def quality_json(figures: m.LegStats) -> dict[str, Any]:
    """A leg's figures as windows show them; `loss` is the worse of both directions."""
    return {
        "mos": figures.mos,
        "loss": max(figures.loss, figures.remote_loss or 0.0),
        "jitter_ms": figures.jitter_ms,
        "round_trip_ms": figures.round_trip_ms,
    }


def _test_call(sid: str) -> str:
    return f"test_{sid}"


async def _quietly(work: Any) -> None:
    with contextlib.suppress(HubError):
        await work
