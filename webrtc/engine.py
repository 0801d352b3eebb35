"""`EmbeddedMedia`: the media plane in worker processes, which are started, given calls and supervised here.

A worker that dies, or whose loop stands still, ends its calls as `Interrupted` and is replaced. The web process does no
more for a call than to pass a few messages on.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import structlog

from hub.config import Logging
from hub.errors import InvalidInput, Unavailable
from hub.media import Interrupted, LegStats, MediaEvent, RecordingOptions, RtpOptions, Source, WebOptions
from webrtc import control
from webrtc.settings import MediaSettings

log = structlog.get_logger(__name__)

DEADLINE_S = 15.0
"""For an answer of a worker; gathering addresses from a STUN server that is away takes the longest, 5 s."""
START_S = 60.0
"""For a new worker's first answer: it has much to import, and the machine may be busy."""
MOST_STARTS = 3
"""When the hub starts a worker may die so often before it is given up."""
PING_S = 2.0
HUNG_S = 20.0
"""A worker that has not answered for so long is killed."""
MOST_PENDING = 500
"""Questions that wait for a worker; more means that it does not follow."""
QUICK_S = 10.0
"""A worker that dies sooner than this is replaced only after a while, longer each time."""
SLOWEST_S = 30.0
STOP_S = 10.0
Tell: TypeAlias = Callable[[MediaEvent], None]


class Workplace:
    """One place for a worker: the process that is there now, and what it was asked."""

    def __init__(
        self,
        number: int,
        begin: control.Begin,
        tell: Tell,
        interrupted: Callable[[tuple[str, ...]], None],
        hung_s: float,
    ) -> None:
        self.number = number
        self.calls: set[str] = set()
        self.pid = 0
        self.starts = 0
        self.up = asyncio.Event()
        self._begin = begin
        self._tell = tell
        self._interrupted = interrupted
        self._hung_s = hung_s
        self._link: control.Link[control.Answer] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self._gone = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name=f"media worker {self.number}")

    async def stop(self) -> None:
        """Lets the worker complete its recordings; kills it if it takes too long."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])

    async def ask(self, command: control.Command, deadline: float = DEADLINE_S) -> Any:
        """The worker's answer; Unavailable if it is away, dies meanwhile, or takes too long."""
        if not self.up.is_set() or len(self._pending) >= MOST_PENDING:
            raise Unavailable("The media plane is not available; try again in a moment.", code="media.unavailable")
        return await self._ask(command, deadline)

    async def _ask(self, command: control.Command, deadline: float) -> Any:
        id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[id] = future
        try:
            if self._link is None or not self._link.send(control.Ask(id, command)):
                raise Unavailable("The media plane is not available; try again in a moment.", code="media.unavailable")
            async with asyncio.timeout(deadline):
                return await future
        except TimeoutError:
            raise Unavailable("The media plane did not answer in time.", code="media.unavailable") from None
        finally:
            self._pending.pop(id, None)

    async def _run(self) -> None:
        pause = 0.0
        while True:
            begun = time.monotonic()
            try:
                await self._live()
            except (OSError, Unavailable) as error:
                log.error("media.worker_not_started", worker=self.number, reason=str(error))
            finally:
                self._fail()
            quick = time.monotonic() - begun < QUICK_S
            pause = min(SLOWEST_S, pause * 2 + 0.2) if quick else 0.0
            await asyncio.sleep(pause)

    async def _live(self) -> None:
        """One process, from its start to its end."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *command(theirs.fileno()), pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL
                )
            except BaseException:
                ours.close()
                raise
        process = self._process
        self.pid = process.pid
        self.starts += 1
        self._gone.clear()
        ours.setblocking(False)
        link: control.Link[control.Answer] = control.Link(control.Answer, self._receive, self._end)
        try:
            await loop.create_connection(lambda: link, sock=ours)
            self._link = link
            link.send(control.Ask(0, self._begin))
            await self._ask(control.Ping(), START_S)
            self.up.set()
            log.info("media.worker_started", worker=self.number, pid=self.pid)
            await self._watch()
            log.error("media.worker_died", worker=self.number, pid=self.pid, calls=len(self.calls))
        except asyncio.CancelledError:
            link.send(control.Ask(0, control.Stop()))
            await self._leave(process)
            raise
        finally:
            self.up.clear()
            self._link = None
            link.close()
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _watch(self) -> None:
        """Returns when the worker is gone, or has to go because its loop stands still."""
        heard = time.monotonic()
        while not self._gone.is_set():
            try:
                await self.ask(control.Ping(), PING_S)
                heard = time.monotonic()
            except Unavailable:
                if time.monotonic() - heard > self._hung_s:
                    log.error("media.worker_hung", worker=self.number, pid=self.pid)
                    return
            try:
                async with asyncio.timeout(PING_S):
                    await self._gone.wait()
            except TimeoutError:
                continue

    async def _leave(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            log.error("media.worker_not_stopped", worker=self.number, pid=self.pid)

    def _receive(self, answer: control.Answer) -> None:
        if isinstance(answer, control.Told):
            self._tell(answer.event)
            return
        future = self._pending.get(answer.id)
        if future is not None and not future.done():
            if answer.failure is not None:
                future.set_exception(answer.failure.error())
            else:
                future.set_result(answer.value)

    def _end(self) -> None:
        """The worker closed its end: nothing that was asked will be answered."""
        self._gone.set()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Unavailable("The media worker ended.", code="media.unavailable"))

    def _fail(self) -> None:
        self._end()
        calls, self.calls = self.calls, set()
        if calls:
            self._interrupted(tuple(sorted(calls)))


class EmbeddedMedia:
    """Implements `hub.media.MediaEngine`.

    `workers`: processes, by default one for each core; `calls_each`: how many calls one of them may have. One that has
    not answered for `hung_s` seconds is killed and replaced.
    """

    def __init__(
        self,
        settings: MediaSettings,
        workers: int | None = None,
        *,
        calls_each: int = 250,
        hung_s: float = HUNG_S,
        logging: Logging | None = None,
    ) -> None:
        count = workers or os.cpu_count() or 1
        first, last = settings.ports
        share = (last + 1 - first) // count
        if share < 4:
            raise InvalidInput("voice.ports", f"expected at least {4 * count} ports")
        self.places = [
            Workplace(
                n,
                control.Begin(settings, (first + n * share, first + (n + 1) * share - 1), logging or Logging()),
                self.tell,
                self._lose,
                hung_s,
            )
            for n in range(count)
        ]
        self._calls_each = calls_each
        self._calls: dict[str, Workplace] = {}
        self._handlers: list[Tell] = []

    async def start(self) -> None:
        """Returns when all workers are up; raises Unavailable if one cannot be started."""
        for place in self.places:
            place.start()
        try:
            async with asyncio.timeout(START_S):
                for place in self.places:
                    while not place.up.is_set():
                        if place.starts > MOST_STARTS:
                            raise TimeoutError
                        await asyncio.sleep(0.02)
        except TimeoutError:
            await self.stop()
            raise Unavailable("The media workers did not start; see the log.", code="media.unavailable") from None

    async def stop(self) -> None:
        """Every call ends; recordings are completed."""
        for place in self.places:
            place.calls.clear()
        self._calls.clear()
        await asyncio.gather(*(place.stop() for place in self.places))

    def listen(self, handler: Tell) -> None:
        """`handler` is called on the loop with each event, in order per call."""
        self._handlers.append(handler)

    def tell(self, event: MediaEvent) -> None:
        for handler in self._handlers:
            try:
                handler(event)
            except Exception:
                # One listener's fault must not cost the others, and other calls, their events.
                log.exception("media.listener_failed", event_type=type(event).__name__)

    def _lose(self, calls: tuple[str, ...]) -> None:
        for call in calls:
            self._calls.pop(call, None)
        self.tell(Interrupted(calls))

    def _place(self, call: str) -> Workplace:
        """Where the call is or, if it is new, will be: at the worker with the fewest."""
        place = self._calls.get(call)
        if place is None:
            free = [place for place in self.places if place.up.is_set() and len(place.calls) < self._calls_each]
            if not free:
                raise Unavailable("No more calls can be taken at the moment.", code="media.unavailable")
            place = min(free, key=lambda place: len(place.calls))
            self._calls[call] = place
            place.calls.add(call)
        return place

    async def _ask(self, call: str, command: control.Command) -> Any:
        place = self._calls.get(call)
        if place is None:
            raise InvalidInput("call", "there is no such call")
        return await place.ask(command)

    async def _open(self, call: str, command: control.OpenRtp | control.OpenWeb) -> str:
        known = call in self._calls
        place = self._place(call)
        try:
            answer = await place.ask(command)
        except BaseException:
            if not known and self._calls.get(call) is place:
                await self.drop_call(call)
            raise
        assert isinstance(answer, str)
        return answer

    async def rtp_leg(self, call: str, leg: str, options: RtpOptions, offer: str | None = None) -> str:
        """A new plain leg: the answer to the peer's SDP offer or, without one, our own offer."""
        return await self._open(call, control.OpenRtp(call, leg, options, offer))

    async def web_leg(self, call: str, leg: str, options: WebOptions, offer: str) -> str:
        """A new WebRTC leg: the answer (all candidates inside) to a browser's complete offer."""
        return await self._open(call, control.OpenWeb(call, leg, options, offer))

    async def answered(self, call: str, leg: str, answer: str) -> None:
        """The peer's answer to our offer; a second one (a fork, an early answer) replaces the first."""
        await self._ask(call, control.Answered(call, leg, answer))

    async def offered(self, call: str, leg: str, offer: str) -> str:
        """A plain leg's peer offers anew (re-INVITE, UPDATE): the answer. Hold and new addresses are honoured."""
        answer = await self._ask(call, control.Offered(call, leg, offer))
        assert isinstance(answer, str)
        return answer

    async def hear(self, call: str, leg: str, source: Source) -> None:
        """What the leg hears from now on."""
        await self._ask(call, control.SetSource(call, leg, source))

    async def digits(self, call: str, leg: str, digits: str) -> None:
        """Send keys to the leg's party, one after the other."""
        await self._ask(call, control.SendDigits(call, leg, digits))

    async def recognise(self, call: str, leg: str) -> None:
        """Listen to the leg's party from now on; `Recognised` follows."""
        await self._ask(call, control.Recognise(call, leg))

    async def record(self, call: str, options: RecordingOptions) -> None:
        await self._ask(call, control.Record(call, options))

    async def pause_recording(self, call: str, recording: str, paused: bool) -> None:
        """While paused, silence is written on both channels."""
        await self._ask(call, control.PauseRecording(call, recording, paused))

    async def stop_recording(self, call: str, recording: str) -> None:
        """`Recorded` follows."""
        await self._ask(call, control.StopRecording(call, recording))

    async def stats(self, call: str) -> dict[str, LegStats]:
        """By leg, of one that is gone as it was at its end; {} for a call that is not known."""
        if call not in self._calls:
            return {}
        return msgspec.convert(await self._ask(call, control.ReadStats(call)), dict[str, LegStats])

    async def drop_leg(self, call: str, leg: str) -> None:
        """Nothing happens if it is not there."""
        if call in self._calls:
            await self._ask(call, control.DropLeg(call, leg))

    async def drop_call(self, call: str) -> None:
        """All its legs and recordings end; nothing happens if it is not there."""
        place = self._calls.pop(call, None)
        if place is not None and call in place.calls:
            place.calls.discard(call)
            try:
                await place.ask(control.DropCall(call))
            except Unavailable as error:
                # A worker that is gone has no calls; one that hangs will be killed.
                log.warning("media.call_not_dropped", call=call, reason=error.message)


def command(descriptor: int) -> list[str]:
    """Starts a worker of this very code, wherever it is installed."""
    root = str(Path(__file__).resolve().parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); from webrtc.worker import main; main({descriptor})"
    return [sys.executable, "-c", code]
