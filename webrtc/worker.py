"""A media worker: one process on one core that holds the legs of many calls. `engine.py` starts and supervises it.

    python -c "..." FD      (see `engine.command`)

It ends when it is told to, or when the hub at the other end of the socket is gone; recordings are completed either way.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections import defaultdict
from typing import Any

import msgspec
import structlog

from hub import interpreter, logs
from hub.errors import HubError, InvalidInput, Unavailable
from hub.media import Connected, LegStats, Lost, MediaEvent, Recorded, RecordingOptions, RtpOptions
from webrtc import control, sdp
from webrtc.graph import Call, Party
from webrtc.places import numeric, own_places
from webrtc.player import Prompts
from webrtc.recorder import Recorder, Recording
from webrtc.rtp_leg import Ports, RtpLeg
from webrtc.settings import MediaSettings
from webrtc.stream import Codec, Outgoing
from webrtc.web_leg import WebLeg

log = structlog.get_logger(__name__)

NICENESS = -10
LEG_COMMANDS = control.OpenRtp | control.OpenWeb | control.Answered | control.Offered | control.DropLeg
TICKS = 10
TICK_S = 1 / TICKS
FIRST_CODEC = Codec("PCMU", 0)


class Listener:
    """Passes a leg's news on as events of its call, until the leg is dropped or replaced."""

    def __init__(self, worker: Worker, call: Call, name: str) -> None:
        self._worker = worker
        self._call = call
        self._name = name
        self.silent = False

    def connected(self) -> None:
        if not self.silent:
            self._worker.tell(Connected(self._call.id, self._name))

    def lost(self, reason: str) -> None:
        if not self.silent:
            self.silent = True
            self._worker.tell(Lost(self._call.id, self._name, reason))
            self._worker.spawn(self._worker.drop_leg(control.DropLeg(self._call.id, self._name)))


class PlainState(msgspec.Struct):
    """What the offer/answer exchange of a plain leg needs to remember."""

    leg: RtpLeg
    options: RtpOptions
    local: sdp.Local
    offer: str = ""
    answer: str = ""


class Worker:
    def __init__(self, settings: MediaSettings, ports: tuple[int, int]) -> None:
        self._settings = msgspec.structs.replace(settings, ports=ports)
        self._ports = Ports(*ports, start=secrets.randbelow(5000))
        self._prompts = Prompts(settings.prompt_cache_mb * 1024 * 1024)
        self._loop = asyncio.get_running_loop()
        self._recorder = Recorder(self._recorded)
        self._recordings: dict[Recording, Call] = {}
        self._calls: dict[str, Call] = {}
        self._plain: dict[tuple[str, str], PlainState] = {}
        self._listeners: dict[tuple[str, str], Listener] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over = asyncio.Event()
        self._link: control.Link[control.Ask] | None = None

    async def run(self, link: control.Link[control.Ask]) -> None:
        self._link = link
        ticking = asyncio.create_task(self._tick())
        await self._over.wait()
        ticking.cancel()
        for call in list(self._calls.values()):
            await self.drop_call(control.DropCall(call.id))
        self._recorder.stop(time.monotonic())
        await asyncio.to_thread(self._recorder.join)
        await asyncio.sleep(0)
        link.close()

    async def _tick(self) -> None:
        tick = 0
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            tick += 1
            self._recorder.tick(now)
            # A share of the calls at each tick, so that each has its turn once a second and packets need not wait.
            for call in [call for n, call in enumerate(list(self._calls.values())) if (n + tick) % TICKS == 0]:
                try:
                    call.tick(now)
                except Exception:
                    # One call's trouble must not end the reports and recordings of all.
                    log.exception("media.tick_failed", call=call.id)

    def end(self) -> None:
        self._over.set()

    def tell(self, event: MediaEvent) -> None:
        if self._link is not None:
            self._link.send(control.Told(event))

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def ask(self, ask: control.Ask) -> None:
        self.spawn(self._answer(ask))

    async def _answer(self, ask: control.Ask) -> None:
        """Commands for one leg are done in the order in which they came; an error is the answer."""
        command = ask.command
        failure: control.Failure | None = None
        value: Any = None
        try:
            if isinstance(command, LEG_COMMANDS):
                try:
                    async with self._locks[command.call, command.leg]:
                        value = await self._do_leg(command)
                finally:
                    self._forget(command.call, command.leg)
            else:
                value = await self._do(command)
        except HubError as error:
            failure = control.failure(error)
        except Exception:
            log.exception("media.command_failed", command=type(command).__name__)
            failure = control.Failure("error", "The media plane could not do that; see the log.")
        if self._link is not None:
            self._link.send(control.Reply(ask.id, value, failure))

    async def _do_leg(self, command: control.Command) -> str | None:
        match command:
            case control.OpenRtp():
                return await self._open_rtp(command)
            case control.OpenWeb():
                return await self._open_web(command)
            case control.Answered():
                await self._answered(command)
            case control.Offered():
                return await self._offered(command)
            case control.DropLeg():
                await self.drop_leg(command)
        return None

    async def _do(self, command: control.Command) -> dict[str, LegStats] | None:
        match command:
            case control.SetSource():
                await self._call(command.call, command.leg).hear(command.leg, command.source)
            case control.SendDigits():
                self._send_digits(command)
            case control.Recognise():
                self._call(command.call, command.leg).recognise(command.leg)
            case control.Record():
                self._record(command.call, command.options)
            case control.PauseRecording():
                recording = self._calls[command.call].recordings.get(command.recording) if self._has(command) else None
                if recording is not None:
                    recording.pause(command.paused)
            case control.StopRecording():
                self._stop_recording(command)
            case control.ReadStats():
                now, call = time.monotonic(), self._calls.get(command.call)
                return call.past | {name: each.leg.stats(now) for name, each in call.parties.items()} if call else {}
            case control.DropCall():
                await self.drop_call(command)
            case control.Stop():
                self._over.set()
        return None

    def _has(self, command: control.PauseRecording | control.StopRecording) -> bool:
        return command.call in self._calls

    def _call(self, id: str, leg: str) -> Call:
        call = self._calls.get(id)
        if call is None or leg not in call.parties:
            raise InvalidInput("leg", f"the call has no leg {leg}")
        return call

    def _begin(self, id: str) -> Call:
        call = self._calls.get(id)
        if call is None:
            call = self._calls[id] = Call(id, self._prompts, self.tell)
        return call

    def _forget(self, call_id: str, name: str) -> None:
        """Leaves nothing behind of a leg that could not be opened, nor of its call if it was the first."""
        call = self._calls.get(call_id)
        if call is None or name not in call.parties:
            lock = self._locks.get((call_id, name))
            if lock is not None and not lock.locked():
                del self._locks[call_id, name]
            self._listeners.pop((call_id, name), None)
        if call is not None and not call.parties and not call.recordings:
            self._calls.pop(call_id)

    async def _open_rtp(self, command: control.OpenRtp) -> str:
        options, offer = command.options, command.offer
        theirs = sdp.parse(offer) if offer is not None else None
        if theirs is not None:
            peer = await numeric(next((audio.host for audio in theirs.audio if audio.port), "192.0.2.1"))
        else:
            peer = await numeric(options.towards or self._settings.public or self._settings.host or "192.0.2.1")
        bind, named = own_places(self._settings, peer)
        sockets = self._ports.take(bind)
        local = sdp.Local(named, sockets[0].getsockname()[1], secrets.randbits(62))
        call = self._begin(command.call)
        listener = Listener(self, call, command.leg)
        outgoing = Outgoing(
            FIRST_CODEC,
            lambda packet: None,
            ssrc=secrets.randbits(32),
            # Below 2**15: a wrap among the first packets could be missed, and with it SRTP's index.
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(32),
        )
        try:
            leg = await RtpLeg.open(command.leg, options, listener, outgoing, secrets.token_hex(8), sockets)
        except BaseException:
            for taken in sockets:
                taken.close()
            raise
        state = PlainState(leg, options, local)
        try:
            if theirs is None:
                state.offer = sdp.offer(
                    local, options.codecs, events=events(options), secure=options.secure, random=secrets.token_bytes
                )
            else:
                await self._accept(state, theirs)
            party = Party(leg, options.dtmf, options.quiet_ms, time.monotonic())
            await self._install(call, command.leg, party, listener)
        except BaseException:
            listener.silent = True
            await leg.close()
            raise
        self._plain[command.call, command.leg] = state
        if theirs is None:
            return state.offer
        await self._ready(call, command.leg, leg)
        return state.answer

    async def _accept(self, state: PlainState, theirs: sdp.Description) -> None:
        """Answers an offer; the codec in use is kept if it is still offered."""
        options = state.options
        codecs = options.codecs if state.leg.agreed is None else (state.leg.codec.name, *options.codecs)
        answer, agreed = sdp.answer(
            theirs, state.local, codecs, events=events(options), secure=options.secure, random=secrets.token_bytes
        )
        state.leg.apply(await located(agreed))
        state.answer = answer

    async def _install(self, call: Call, name: str, party: Party, listener: Listener) -> None:
        """Puts the leg into the call, in the place of the one of its name."""
        if call.closed:
            raise Unavailable("The call has ended.")
        self._calls.setdefault(call.id, call)
        before = self._listeners.get((call.id, name))
        if before is not None:
            before.silent = True
        self._listeners[call.id, name] = listener
        old = call.add(name, party)
        self._plain.pop((call.id, name), None)
        if old is not None:
            await old.leg.close()

    async def _ready(self, call: Call, name: str, leg: RtpLeg) -> None:
        party = call.parties[name]
        party.waits = leg.agreed is not None and leg.agreed.sends
        await call.ready(name)

    def _state(self, call: str, leg: str) -> PlainState:
        state = self._plain.get((call, leg))
        if state is None:
            raise InvalidInput("leg", f"the call has no plain leg {leg}")
        return state

    async def _answered(self, command: control.Answered) -> None:
        state = self._state(command.call, command.leg)
        if not state.offer:
            raise InvalidInput("leg", "the leg made no offer")
        agreed = sdp.agree(sdp.parse(state.offer), sdp.parse(command.answer))
        state.leg.apply(await located(agreed))
        await self._ready(self._call(command.call, command.leg), command.leg, state.leg)

    async def _offered(self, command: control.Offered) -> str:
        state = self._state(command.call, command.leg)
        local = state.local
        state.local = msgspec.structs.replace(local, version=local.version + 1)
        try:
            await self._accept(state, sdp.parse(command.offer))
        except HubError:
            state.local = local
            raise
        await self._ready(self._call(command.call, command.leg), command.leg, state.leg)
        return state.answer

    async def _open_web(self, command: control.OpenWeb) -> str:
        call = self._begin(command.call)
        listener = Listener(self, call, command.leg)
        leg, answer = await WebLeg.answer(command.leg, command.offer, command.options, self._settings, listener)
        party = Party(leg, "rfc4733", command.options.quiet_ms, time.monotonic())
        try:
            await self._install(call, command.leg, party, listener)
        except BaseException:
            listener.silent = True
            await leg.close()
            raise
        await call.ready(command.leg)
        return answer

    def _send_digits(self, command: control.SendDigits) -> None:
        party = self._call(command.call, command.leg).parties[command.leg]
        if party.dtmf == "info":
            raise InvalidInput("digits", "this leg's digits are sent by the signalling (SIP INFO)")
        if not party.ready:
            raise InvalidInput("leg", "the leg is not connected yet")
        party.keys.send(command.digits)

    def _record(self, id: str, options: RecordingOptions) -> None:
        call = self._calls.get(id)
        if call is None:
            raise InvalidInput("call", "there is no such call")
        if options.id in call.recordings:
            raise InvalidInput("recording", "is running already")
        sides = [party for name in (options.left, options.right) if (party := call.parties.get(name)) and party.ready]
        recording = Recording(options, sides[0].leg.codec.name if sides else "PCMU", time.monotonic())
        call.recordings[options.id] = recording
        self._recordings[recording] = call
        self._recorder.add(recording)
        call.wire()

    def _stop_recording(self, command: control.StopRecording) -> None:
        call = self._calls.get(command.call)
        recording = call.recordings.pop(command.recording, None) if call is not None else None
        if call is not None and recording is not None:
            self._recorder.finish(recording, time.monotonic())
            call.wire()

    def _recorded(self, recording: Recording) -> None:
        """On the recorder's thread."""
        self._loop.call_soon_threadsafe(self._tell_recorded, recording)

    def _tell_recorded(self, recording: Recording) -> None:
        call = self._recordings.pop(recording)
        self.tell(Recorded(call.id, recording.options.id, recording.ms, recording.bytes, recording.failed))

    async def drop_leg(self, command: control.DropLeg) -> None:
        call = self._calls.get(command.call)
        party = call.remove(command.leg) if call is not None else None
        listener = self._listeners.pop((command.call, command.leg), None)
        if listener is not None:
            listener.silent = True
        self._plain.pop((command.call, command.leg), None)
        self._locks.pop((command.call, command.leg), None)
        if party is not None:
            if call is not None and party.ready:
                call.past[command.leg] = party.leg.stats(time.monotonic())
            await party.leg.close()

    async def drop_call(self, command: control.DropCall) -> None:
        call = self._calls.pop(command.call, None)
        if call is None:
            return
        call.stop()
        now = time.monotonic()
        for recording in call.recordings.values():
            self._recorder.finish(recording, now)
        call.recordings.clear()
        for name, party in list(call.parties.items()):
            self._plain.pop((call.id, name), None)
            self._locks.pop((call.id, name), None)
            listener = self._listeners.pop((call.id, name), None)
            if listener is not None:
                listener.silent = True
            await party.leg.close()


async def located(agreed: sdp.Agreed) -> sdp.Agreed:
    """With addresses in the place of names; InvalidInput for a name that nobody knows."""
    host = await numeric(agreed.host)
    rtcp = (host if agreed.rtcp[0] == agreed.host else agreed.rtcp[0], agreed.rtcp[1])
    return msgspec.structs.replace(agreed, host=host, rtcp=rtcp)


def events(options: RtpOptions) -> bool:
    return options.dtmf != "inband"


async def serve(end: socket.socket) -> None:
    """Runs a worker over its end of the socket pair until that is closed."""
    loop = asyncio.get_running_loop()
    begun: asyncio.Future[Worker] = loop.create_future()

    def receive(ask: control.Ask) -> None:
        if isinstance(ask.command, control.Begin):
            logs.configure(ask.command.logging)
            begun.set_result(Worker(ask.command.settings, ask.command.ports))
        elif begun.done():
            begun.result().ask(ask)

    def ended() -> None:
        if begun.done():
            begun.result().end()
        else:
            begun.cancel()

    link: control.Link[control.Ask] = control.Link(control.Ask, receive, ended)
    await loop.create_connection(lambda: link, sock=end)
    await (await begun).run(link)


def main(descriptor: int) -> None:
    # A worker late by milliseconds is heard; most systems allow this to root only.
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    # A pause of Python's is heard, too, and so is waiting for the recorder's thread.
    interpreter.settle()
    # Ctrl-C and the service manager's stop reach all processes; the hub then ends the calls in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = socket.socket(fileno=descriptor)
    end.setblocking(False)
    try:
        import uvloop
    except ImportError:
        runner = asyncio.Runner()
    else:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner, contextlib.suppress(asyncio.CancelledError):
        runner.run(serve(end))
