"""The calls that live at this node, and what their machines want done: the asyncio shell around `call.py`.

Calls come from three sides (`inbound.py` the trunks, `visitor_phone.py` the widget, `agent_phone.py` the desktop) and
are set up there; from then on what signalling, media, contacts and windows tell goes to the call's machine,
and what it wants is carried out here. A call is known by its contact's id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from channels.voice import announce
from channels.voice import call_values as v
from channels.voice.call import Call
from channels.voice.call_values import AGENT, CUSTOMER, Sound, Way
from channels.voice.flows import Flows
from channels.voice.live import CONTACT_OUTPUTS, LiveCall, Party
from channels.voice.page_ring import At
from channels.voice.saying import said
from channels.voice.settings import VoiceSettings
from channels.voice.wishes import keep_place, never_call
from hub import commands as c
from hub import events as e
from hub import media as m
from hub.config_rows import RecordingPolicy
from hub.errors import HubError, InvalidInput, NotFound, Refused, Unavailable
from hub.events import Recorded
from hub.ids import new_id
from hub.machine import TRANSITIONS
from hub.model import Channel, Contact, Phase
from hub.recordings import plan_of
from hub.service import Hub

log = structlog.get_logger(__name__)

STATS_S = 2.0
MEDIA_S = 10.0  # a media worker that takes longer is as good as dead; its engine says so
RETRY_S = 0.5
KIND = "call"


class Telephony(Protocol):
    """What calls ask of the trunks (`trunks.py`); `sip` is the user agent's name of a leg."""

    def ring(self, sip: str) -> None: ...

    def ring_early(self, sip: str, sdp: str) -> None: ...

    def answer(self, sip: str, sdp: str) -> None: ...

    def reject(self, sip: str, status: int) -> None: ...

    def hang_up(self, sip: str, cause: str) -> None: ...

    def digits(self, sip: str, digits: str) -> None: ...

    def rtp_options(self, trunk: str) -> m.RtpOptions: ...

    async def dial(self, trunk: str, number: str, caller_id: str, sdp: str) -> str:
        """Raises Unavailable."""
        ...


class Recorder(Protocol):
    """Where recordings go; `hub/recordings.py` keeps them."""

    async def begin(self, contact: Contact, recording: str) -> m.RecordingOptions: ...

    async def over(self, contact: str, recorded: m.Recorded) -> None: ...


class Calls:
    """`telephony` and `flows` are given by `channel.py` before anything comes in."""

    telephony: Telephony
    flows: Flows

    def __init__(
        self, hub: Hub, media: m.MediaEngine, settings: VoiceSettings, recorder: Recorder, prompts: announce.Prompts
    ) -> None:
        self.hub = hub
        self.media = media
        self.settings = settings
        self.recorder = recorder
        self.prompts = prompts
        self._live: dict[str, LiveCall] = {}
        self._by_sip: dict[str, str] = {}
        self._listeners: list[Callable[[LiveCall], None]] = []
        self._quality_listeners: list[Callable[[LiveCall, dict[str, m.LegStats]], None]] = []
        self._other_media: list[Callable[[m.MediaEvent], None]] = []
        self.may_place: Callable[[str, bool], Awaitable[bool]] | None = None
        """Asked, with the contact, right before somebody is called who asked for it: at his page (True) or phone."""
        self.may_wait: Callable[[str], Awaitable[bool]] | None = None
        """Told, with the contact, that a person answered who was called ahead of an agent; whether he is kept."""
        self._closing: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        media.listen(self._media_event)

    # --- start and stop ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        self.hub.follow("voice-calls", self.follow)
        self._task = asyncio.create_task(self._watch_quality(), name="calls.quality")

    async def stop(self) -> None:
        """Every call ends as interrupted, as far as there is time for it."""
        for live in list(self._live.values()):
            live.give(v.WorkerDied())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MEDIA_S):
                while self._closing:
                    await asyncio.gather(*self._closing)
        for live in list(self._live.values()):
            await live.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # --- the calls ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._live)

    def get(self, contact: str) -> LiveCall | None:
        return self._live.get(contact)

    def of_agent(self, agent: str) -> list[LiveCall]:
        return [live for live in self._live.values() if live.call.agent == agent]

    def of_trunk(self, trunk: str) -> int:
        return sum(live.party.trunk == trunk for live in self._live.values())

    def require(self, contact: str) -> LiveCall:
        """Raises NotFound for a call that is not (any more) at this node."""
        live = self._live.get(contact)
        if live is None or live.call.over:
            raise NotFound("call", contact)
        return live

    def on_change(self, listener: Callable[[LiveCall], None]) -> None:
        """`listener(live)` is called when what windows show of a call has changed."""
        self._listeners.append(listener)

    def on_quality(self, listener: Callable[[LiveCall, dict[str, m.LegStats]], None]) -> None:
        self._quality_listeners.append(listener)

    def on_other_media(self, listener: Callable[[m.MediaEvent], None]) -> None:
        """For legs that belong to no contact (an agent's test of his microphone)."""
        self._other_media.append(listener)

    def open(self, contact: str, way: Way, party: Party, queue: str) -> LiveCall:
        """A new call, in its set-up."""
        now = self.hub.clock.now()
        call = Call(contact, way, now, self.settings.limits, recording=new_id("rc", now))
        live = LiveCall(call, self.hub.clock.now, self._carry_out, party, since=now)
        self._live[contact] = live
        self.put_in(live, queue)
        if party.sip is not None:
            self._by_sip[party.sip] = contact
        self.hub.roster.here(KIND, contact, True)
        return live

    def recording_policy(self, queue: str) -> RecordingPolicy:
        row = self.hub.directory.queues().get(queue)
        return row.recording if row is not None else RecordingPolicy()

    def put_in(self, live: LiveCall, queue: str) -> None:
        """The queue that the call is in from now on, with its rule for recordings."""
        if queue != live.queue:
            live.queue = queue
            plan = plan_of(self.recording_policy(queue), live.id)
            live.give(v.RecordRule(plan.record, plan.allowed))

    def note_start(self, live: LiveCall) -> e.CallStarted:
        party = live.party
        return e.CallStarted(str(live.call.way), party.caller, party.called, party.trunk, self.hub.bus.node)

    def bind_sip(self, live: LiveCall, sip: str) -> None:
        live.party.sip = sip
        self._by_sip[sip] = live.id

    def by_sip(self, sip: str) -> LiveCall | None:
        return self._live.get(self._by_sip.get(sip, ""))

    async def tell_contact(self, live: LiveCall) -> None:
        """Tells the machine how the contact stands."""
        contact = (await self.hub.contacts.get(live.id)).contact
        live.give(_standing(live, contact))

    async def undo(self, live: LiveCall) -> None:
        """Takes back a set-up whose caller gave up meanwhile."""
        await self._do(live, c.End("visitor", "cancelled", 0))
        with contextlib.suppress(HubError):
            await self.media.drop_call(live.id)

    # --- what comes in -----------------------------------------------------------------------------------------------

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: each change of a contact that has a call here goes to its machine, as the state it led to."""
        reasons: dict[str, str] = {}
        for recorded in batch:
            if recorded.stream in self._live and type(recorded.event) in TRANSITIONS:
                reason = reasons.get(recorded.stream, "")
                if isinstance(recorded.event, e.ContactEnded | e.ContactAbandoned):
                    reason = recorded.event.reason
                reasons[recorded.stream] = reason
        for id, reason in reasons.items():
            live = self._live.get(id)
            if live is not None:
                contact = (await self.hub.contacts.get(id)).contact
                self.put_in(live, contact.queue or live.queue)
                live.give(_standing(live, contact, reason))

    def _media_event(self, event: m.MediaEvent) -> None:
        if isinstance(event, m.Interrupted):
            for id in event.calls:
                if (live := self._live.get(id)) is not None:
                    live.give(v.WorkerDied())
        elif isinstance(event, m.Recorded):
            self._background(self.recorder.over(event.call, event))
        live = None if isinstance(event, m.Interrupted) else self._live.get(event.call)
        if live is None:
            for listener in self._other_media:
                listener(event)
            return
        match event:
            case m.Connected() | m.Lost() if live.agent_phone and event.leg == AGENT:
                pass
            case m.Connected():
                live.give(v.LegUp(event.leg))
            case m.Digit() if event.leg == CUSTOMER:
                live.give(v.Pressed(event.digit))
            case m.Played(token=token) if token.isdigit():
                live.give(v.Played(int(token)))
            case m.Recognised():
                live.give(v.Heard(event.what))
            case m.Silent():
                live.give(v.LegQuiet(event.leg))
            case m.Lost():
                live.give(v.LegLost(event.leg, event.reason))

    def window(self, window: str, there: bool) -> None:
        """An agent's window lost its line to the hub, or has it again."""
        for live in list(self._live.values()):
            live.give(v.WindowOpened(window) if there else v.WindowClosed(window))

    # --- what is wanted ----------------------------------------------------------------------------------------------

    def _carry_out(self, live: LiveCall, output: v.Output) -> None:
        if isinstance(output, v.Tell):
            for listener in self._listeners:
                listener(live)
        elif isinstance(output, v.Close):
            self._background(self._close(live, output))
        elif isinstance(output, v.LookUp):
            self._background(self.flows.look_up(live, output.fetch))
        elif isinstance(output, CONTACT_OUTPUTS):
            live.log.put(lambda: self._change_contact(live, output))
        else:
            live.media.put(lambda: self._move_media(live, output))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _move_media(self, live: LiveCall, output: v.Output) -> None:
        media, sip = self.media, live.party.sip
        async with asyncio.timeout(MEDIA_S):
            match output:
                case v.Place():
                    await self._place(live)
                case v.Ring() if sip is not None:
                    self.telephony.ring(sip)
                case v.Early() if sip is not None:
                    self.telephony.ring_early(sip, live.party.sdp)
                case v.Answer() if sip is not None:
                    self.telephony.answer(sip, live.party.sdp)
                case v.Refuse() if sip is not None:
                    self.telephony.reject(sip, output.status)
                case v.HangUp() if sip is not None:
                    self.telephony.hang_up(sip, output.cause)
                case v.Hears():
                    await self._let_hear(live, output)
                case v.DropLeg():
                    await media.drop_leg(live.id, output.party)
                case v.Listen():
                    with contextlib.suppress(InvalidInput):  # the line has gone meanwhile
                        await media.recognise(live.id, CUSTOMER)
                case v.Record():
                    await self._record(live, output)

    async def _record(self, live: LiveCall, wanted: v.Record) -> None:
        if wanted.state == "on" and live.recorded != wanted.recording:
            await self._begin_recording(live, wanted.recording)
        elif live.recorded == wanted.recording:
            if wanted.state == "off":
                await self.media.stop_recording(live.id, wanted.recording)
            else:
                await self.media.pause_recording(live.id, wanted.recording, wanted.state == "paused")

    async def _begin_recording(self, live: LiveCall, recording: str) -> None:
        contact = (await self.hub.contacts.get(live.id)).contact
        begun = False
        try:
            options = await self.recorder.begin(contact, recording)
            begun = True
            await self.media.record(live.id, options)
        except HubError as error:
            # A full disk, say. The call goes on, and nobody is told that it is recorded.
            log.error("call.not_recorded", call=live.id, code=error.code, reason=error.message)
            live.give(v.RecordFailed(recording))
            if begun:
                await self.recorder.over(live.id, m.Recorded(live.id, recording, 0, 0, error.message))
            return
        live.recorded = recording

    async def _let_hear(self, live: LiveCall, output: v.Hears) -> None:
        files: tuple[str, ...] = ()
        source: m.Source = m.Silence()
        match output.sound:
            case Sound.OTHER:
                source = m.Hear((AGENT if output.party == CUSTOMER else CUSTOMER,))
            case Sound.MUSIC | Sound.RINGING:
                if files := self.prompts.sound(str(output.sound)):
                    source = m.Play(files, loop=True)
            case Sound.SILENCE:
                pass
            case _:
                speech = live.call.guide.speech
                if output.sound is Sound.FLOW and speech is not None:
                    files = await self.flows.files(live, speech)
                else:
                    names = said(self.hub, live, output.sound, self.recording_policy(live.queue))
                    files = self.prompts.files(names, live.party.language)
                if not files:
                    live.give(v.Played(output.token))
                    return
                source = m.Play(files, token=str(output.token))
        try:
            await self.media.hear(live.id, output.party, source)
        except InvalidInput as error:
            if error.details["path"] not in ("leg", "call"):
                raise
            # Line or worker went while this was on its way; their loss is told by an event of its own.
            log.info("call.line_gone", call=live.id, party=output.party)

    async def _place(self, live: LiveCall) -> None:
        """Rings the customer's page, or calls his phone."""
        party = live.party
        if live.call.page.at is At.FIRST:
            await self._ring_page(live)
            return
        try:
            party.sdp = await self.media.rtp_leg(live.id, CUSTOMER, self.telephony.rtp_options(party.trunk))
            if live.call.over:
                return
            if live.call.way is Way.CALLBACK and not await self._may_place(live, page=False):
                missed = live.call.page.at is At.MISSED
                live.give(v.CustomerLeft("no_answer" if missed else "withdrawn", "system"))
                return
            self.bind_sip(live, await self.telephony.dial(party.trunk, party.called, party.caller, party.sdp))
        except HubError as error:
            log.warning("call.dial_failed", call=live.id, reason=error.code)
            live.give(v.CustomerLeft("unreachable", "network", 503))

    async def _may_place(self, live: LiveCall, *, page: bool) -> bool:
        return self.may_place is not None and await self.may_place(live.id, page)

    async def _ring_page(self, live: LiveCall) -> None:
        there = self.hub.roster.there("visitor", live.party.visitor or "")
        if not there and live.call.page.phone:
            live.give(v.PageMissed())  # nothing rang: the attempt begins with his telephone
            return
        try:
            may = await self._may_place(live, page=True)
        except HubError as error:
            log.warning("call.page_failed", call=live.id, reason=error.code)
            may = False
        if not may:
            live.give(v.CustomerLeft("withdrawn", "system"))
        else:
            live.give(v.PageRings() if there else v.PageMissed())

    async def _change_contact(self, live: LiveCall, output: v.Output) -> None:
        match output:
            case v.Connect(agent):
                with contextlib.suppress(Unavailable):
                    await self.hub.hold_others(agent, live.id)
                await self._do(live, c.Connect(agent))
            case v.End(by, reason):
                by = "visitor" if by == CUSTOMER else "system" if by == "network" else by
                await self._do(live, c.End(by, reason, self.hub.wrap_up_ms(live.queue)))
            case v.Lose(agent, reason, absent):
                if absent and not any(other.call.up(AGENT) for other in self.of_agent(agent)):
                    # He would be asked again at once, and accept without a telephone again.
                    presence = self.hub.presence
                    await presence.not_responding(agent, presence.get(agent).epoch)
                await self._do(live, c.LoseAgent(agent, reason))
            case v.Note(event):
                await self._do(live, c.NoteCall(event))
            case v.Enter(queue):
                await self.until_stored(lambda: self.flows.enter(live, queue))
            case v.KeepPlace(number):
                await keep_place(self.hub, live, number)
            case v.Await():
                await self.until_stored(lambda: self._await(live))
            case v.NeverCall():
                await self.until_stored(lambda: never_call(self.hub, live))

    async def _await(self, live: LiveCall) -> None:
        try:
            kept = self.may_wait is not None and await self.may_wait(live.id)
        except (Refused, NotFound) as error:
            log.info("call.not_kept", call=live.id, reason=error.code)
            kept = False
        if not kept:
            live.give(v.Withdrawn())

    async def _do(self, live: LiveCall, command: c.ContactCommand) -> None:
        """Carries out a command to the contact; a refusal is the log's word."""

        async def carry_out() -> None:
            try:
                await self.hub.contacts.do(live.id, command, actor="system")
            except (Refused, NotFound) as error:
                log.info("call.contact_refused", call=live.id, command=type(command).__name__, reason=error.code)

        await self.until_stored(carry_out)

    async def until_stored(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it again and again while the store cannot."""
        pause = RETRY_S
        while True:
            try:
                await work()
                return
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)

    async def _close(self, live: LiveCall, output: v.Close) -> None:
        """What was begun is carried out, then the media go and the call is forgotten."""
        stats: dict[str, m.LegStats] = {}
        with contextlib.suppress(HubError, TimeoutError):
            async with asyncio.timeout(MEDIA_S):
                stats = await self.media.stats(live.id)
        await live.media.done()
        with contextlib.suppress(HubError, TimeoutError):
            async with asyncio.timeout(MEDIA_S):
                await self.media.drop_call(live.id)
        legs = {party: msgspec.to_builtins(figures) for party, figures in stats.items()}
        ended = e.CallEnded(output.by, output.cause, output.status, live.call.digits, legs, output.talk_ms)
        live.log.put(lambda: self._do(live, c.NoteCall(ended)))
        if live.party.sip is not None:
            self._by_sip.pop(live.party.sip, None)
        if self._live.get(live.id) is live:
            del self._live[live.id]
        await live.log.done()
        if live.id not in self._live:
            self.hub.roster.here(KIND, live.id, False)
        log.info("call.ended", call=live.id, by=output.by, cause=output.cause)

    # --- figures -----------------------------------------------------------------------------------------------------

    async def _watch_quality(self) -> None:
        while True:
            await asyncio.sleep(STATS_S)
            for live in list(self._live.values()):
                if live.call.up(AGENT) and live.call.up(CUSTOMER):
                    with contextlib.suppress(HubError, TimeoutError):
                        async with asyncio.timeout(MEDIA_S):
                            stats = await self.media.stats(live.id)
                        for listener in self._quality_listeners:
                            listener(live, stats)


def _standing(live: LiveCall, contact: Contact, reason: str = "") -> v.ContactIs:
    own = Channel.CALLBACK if live.call.way is Way.CALLBACK else Channel.VOICE
    if contact.channel is not own and contact.phase not in (Phase.WRAPPING, Phase.CLOSED):
        # It was given another channel (a callback): nobody calls any more.
        return v.ContactIs(Phase.CLOSED, None, "system", "channel_changed")
    by = contact.ended_by or ""
    return v.ContactIs(contact.phase, contact.agent, CUSTOMER if by == "visitor" else by, reason)
