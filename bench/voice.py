"""Calls: what a core carries, how many are set up a second, how soon both hear the other, and what chats feel of them.

    python -m bench.voice media                150 calls, 20 s, and the same with rtpengine beside it
    python -m bench.voice media --calls 50 100 150 200 --seconds 10 --alone
    python -m bench.voice setup                20 calls a second by SIPp through a queue to agents, 600 of them
    python -m bench.voice audio                from an agent's answer to audio both ways, 100 calls one after the other
    python -m bench.voice chat                 chat's p50 and p99 with 100 calls and without, by turns

`setup`, `audio` and `chat` have a whole hub (`contacthub serve`) in a process of its own, with a trunk on this machine,
the demo's queues, recording, and agents at web sockets who join with a browser's end of a call (ICE, DTLS-SRTP).

`media` measures how many calls a core carries between telephones and browsers, with recording; how late the audio is;
losses. Each call is a plain telephone (PCMU over UDP) and a browser's end (ICE, DTLS-SRTP), both in this process,
which bridges nothing: every packet of either goes through one media worker, a process of its own, to the other. A
packet carries the time at which it was sent. The time is taken on one clock, so the delay holds the work of this
process too: it is an upper bound. CPU is that of the worker (its recorder's thread included) or of rtpengine, as
measured by the system. Both record: ours a WAV with two channels, rtpengine a capture file (pcap), for which it has
to do no more than to write. This process needs a core of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import logging
import os
import socket
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import structlog

from bench.rtpengine import installed, open_rtpengine
from bench.voice_chat import chats
from bench.voice_hub import answers, set_up
from hub.media import Hear, RecordingOptions, RtpOptions, WebOptions
from tests.integration.media.exchange import describe, media_port
from tests.integration.media.peer import Peer
from webrtc.engine import EmbeddedMedia
from webrtc.settings import MediaSettings
from webrtc.stream import HEADER

STAMP = struct.Struct("!d")
PAYLOAD = bytes(160 - STAMP.size)
OURS = (30_000, 39_999)
RTPENGINES = (40_000, 49_999)
PEERS = MediaSettings(host="127.0.0.1", ports=(50_000, 59_999))


class Line(asyncio.DatagramProtocol):
    """One call's two ends. Delays in ms are noted while `noting`."""

    noting = False
    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.number = next(self.numbers)
        self.peer = Peer(PEERS)
        self.peer.on_rtp = self._web_got
        self.target = ("", 0)
        self.sequence = 0
        self.sent = 0
        self.plain_delays: list[float] = []
        self.web_delays: list[float] = []
        self.first_plain: float | None = None
        self.first_web: float | None = None
        self._transport: Any = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) == 172:
            self._got(data, self.plain_delays)
            if self.first_plain is None and data[20]:
                self.first_plain = time.perf_counter()

    def _web_got(self, packet: bytes, now: float) -> None:
        if len(packet) == 172:
            self._got(packet, self.web_delays)
            if self.first_web is None and packet[20]:
                self.first_web = time.perf_counter()

    def _got(self, packet: bytes, delays: list[float]) -> None:
        # What is no packet of ours (the worker's silence) has 0xFF here.
        if packet[20] == 1:
            delays.append((time.perf_counter() - STAMP.unpack_from(packet, 12)[0]) * 1000)

    def send(self) -> None:
        """One packet from each end."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        at = self.sequence * 160
        mark = b"\1" if self.noting else b"\2"
        now = STAMP.pack(time.perf_counter())
        self._transport.sendto(
            HEADER.pack(0x80, 0, self.sequence, at, self.number) + now + mark + PAYLOAD[1:], self.target
        )
        now = STAMP.pack(time.perf_counter())
        self.peer.secure.send_rtp(HEADER.pack(0x80, 0, self.sequence, at, self.number) + now + mark + PAYLOAD[1:])
        self.sent += self.noting

    async def close(self) -> None:
        self._transport.close()
        await self.peer.close()


async def talk(lines: list[Line]) -> None:
    """Each line sends every 20 ms, all of them spread over these.

    This hardly sleeps: waking a process costs its sender 10 us and more on a virtual machine, only where packets stay
    on the machine, and would be counted as the worker's. The little sleep keeps a real-time process from being stopped.
    """
    loop = asyncio.get_running_loop()
    slots = [lines[n::20] for n in range(20)]
    start = loop.time()
    for tick in itertools.count():
        await asyncio.sleep(0)
        if tick % 10 == 0:
            time.sleep(0.0007)
        while loop.time() < start + tick * 0.001:
            await asyncio.sleep(0)
        for line in slots[tick % 20]:
            line.send()


@dataclass
class Result:
    name: str
    calls: int
    cpu: float
    """Per cent of a core."""
    set_up_rate: float
    to_audio: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    sent: int = 0
    load: float = 0.0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Of the packets that were due, those that this process came to send."""
        return self.sent / (self.calls * 100 * self.seconds)

    @property
    def each(self) -> float:
        """CPU for a packet in and out, us."""
        return self.cpu * 1e4 * self.seconds / self.sent

    @property
    def lost(self) -> int:
        return self.sent - len(self.delays)

    def show(self) -> str:
        delays, audio = sorted(self.delays), sorted(self.to_audio)
        return (
            f"{self.name:>10} {self.calls:>6} {self.cpu:>8.1f} {self.cpu / self.calls:>10.3f} {self.each:>9.1f}"
            f" {at(delays, 0.5):>9.2f} {at(delays, 0.99):>8.2f} {self.lost:>6} of {self.sent:<8}"
            f" {self.set_up_rate:>8.1f} {at(audio, 0.5):>9.0f} {at(audio, 0.99):>6.0f} {self.load:>7.0f}"
        )


HEAD = (
    f"{'':>10} {'calls':>6} {'CPU %':>8} {'% a call':>10} {'us/packet':>9} {'delay p50':>9} {'p99 ms':>8} {'lost':>18}"
    f" {'calls/s':>8} {'audio p50':>9} {'p99 ms':>6} {'load %':>7}"
)


def at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


Connect = Callable[[Line], Awaitable[str]]
"""Makes a call of a line: sets its telephone's target and gives the browser's answer."""


async def measure(name: str, pid: int, connect: Connect, calls: int, seconds: float, abreast: int) -> Result:
    lines = [Line() for _ in range(calls)]
    for line in lines:
        await line.open()
    limit = asyncio.Semaphore(abreast)

    async def set_up(line: Line) -> None:
        async with limit:
            answer = await connect(line)
            assert await line.peer.accept(answer)

    began = time.perf_counter()
    await asyncio.gather(*map(set_up, lines))
    rate = calls / (time.perf_counter() - began)
    talking = asyncio.create_task(talk(lines))
    await asyncio.sleep(2)
    gc.collect()
    gc.disable()
    worker, own = psutil.Process(pid), psutil.Process()
    before, own_before, start = used(worker), used(own), time.perf_counter()
    Line.noting = True
    await asyncio.sleep(seconds)
    Line.noting = False
    passed = time.perf_counter() - start
    cpu, load = (used(worker) - before) / passed * 100, (used(own) - own_before) / passed * 100
    gc.enable()
    await asyncio.sleep(1)
    talking.cancel()
    await asyncio.wait([talking])
    result = Result(name, calls, cpu, rate, load=load, sent=sum(2 * line.sent for line in lines))
    result.seconds = passed
    result.delays = [delay for line in lines for delay in (*line.plain_delays, *line.web_delays)]
    await asyncio.gather(*(line.close() for line in lines))
    return result


def prefer(pid: int, realtime: bool) -> None:
    """So that whatever else runs on this machine does not look like a delay of what is measured."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, -20)
        if realtime:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))


def used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def answer_to_audio(connect: Connect, calls: int) -> list[float]:
    """From when a browser is told its answer until both ends hear the other; ms, call by call."""
    found = []
    for _ in range(calls):
        line = Line()
        await line.open()
        answer = await connect(line)
        start = time.perf_counter()
        accepting = asyncio.create_task(line.peer.accept(answer))
        while line.first_plain is None or line.first_web is None:
            line.send()
            await asyncio.sleep(0.02)
        found.append((max(line.first_plain, line.first_web) - start) * 1000)
        await accepting
        await line.close()
    return found


@contextlib.asynccontextmanager
async def ours(folder: Path, *, record: bool) -> AsyncIterator[tuple[int, Connect, Callable[[], Awaitable[None]]]]:
    engine = EmbeddedMedia(MediaSettings(host="127.0.0.1", ports=OURS), workers=1, calls_each=1000)
    await engine.start()
    live: list[str] = []

    async def connect(line: Line) -> str:
        call = f"{line.number}"
        live.append(call)
        line.target = (
            "127.0.0.1",
            media_port(await engine.rtp_leg(call, "customer", RtpOptions(), describe(line.port))),
        )
        answer = await engine.web_leg(call, "agent", WebOptions(), await line.peer.offer())
        await engine.hear(call, "customer", Hear(("agent",)))
        await engine.hear(call, "agent", Hear(("customer",)))
        if record:
            await engine.record(call, RecordingOptions(call, str(folder / f"{call}.wav"), "customer", "agent"))
        return answer

    async def clear() -> None:
        for call in live:
            await engine.drop_call(call)
        live.clear()

    try:
        yield engine.places[0].pid, connect, clear
    finally:
        await engine.stop()


@contextlib.asynccontextmanager
async def theirs(folder: Path, *, record: bool) -> AsyncIterator[tuple[int, Connect, Callable[[], Awaitable[None]]]]:
    async with open_rtpengine(folder, *RTPENGINES) as engine:
        live: list[str] = []

        async def connect(line: Line) -> str:
            live.append(f"{line.number}")
            answer, port = await engine.web_and_plain(
                f"{line.number}", await line.peer.offer(), line.port, record=record
            )
            line.target = ("127.0.0.1", port)
            return answer

        async def clear() -> None:
            for call in live:
                await engine.ask("delete", call_id=call, from_tag="web", delete_delay=0)
            live.clear()

        yield engine.pid, connect, clear


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Mode `media`."""
    print(HEAD, flush=True)
    worlds = [("ours", ours(folder, record=not options.silent_recorder))]
    if not options.alone:
        if installed() is None:
            print("rtpengine is not installed (Debian: rtpengine-daemon); measuring ours alone")
        else:
            worlds.append(("rtpengine", theirs(folder, record=not options.silent_recorder)))
    results: dict[tuple[str, int], Result] = {}
    for name, world in worlds:
        async with world as (pid, connect, clear):
            prefer(pid, options.realtime)
            prefer(os.getpid(), options.realtime)
            for calls in options.calls:
                result = await measure(name, pid, connect, calls, options.seconds, options.abreast)
                await clear()
                result.to_audio = await answer_to_audio(connect, options.answers)
                await clear()
                results[name, calls] = result
                print(result.show(), flush=True)
                if result.share < 0.97:
                    print(f"this process sent {result.share:.0%} of the load only: it lacks a core of its own")
    for calls in options.calls:
        if ("rtpengine", calls) in results:
            one, other = results["ours", calls], results["rtpengine", calls]
            print(f"{calls} calls: {one.each / other.each:.2f} times rtpengine's CPU")
        one = results["ours", calls]
        print(f"{calls} calls: at 75 % of a core this would be {75 / one.each * 100:.0f} calls")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    media = modes.add_parser("media", help="what a core carries, with rtpengine beside it")
    media.add_argument("--calls", type=int, nargs="+", default=[150])
    media.add_argument("--seconds", type=float, default=20)
    media.add_argument("--abreast", type=int, default=10, help="calls that are set up at the same time")
    media.add_argument("--answers", type=int, default=20, help="calls whose time from answer to audio is taken")
    media.add_argument("--alone", action="store_true", help="without rtpengine")
    media.add_argument("--realtime", action="store_true", help="real-time priority, on a machine with other work")
    media.add_argument("--silent-recorder", action="store_true", help="without recording")
    setup = modes.add_parser("setup", help="calls a second through a queue")
    setup.add_argument("--rate", type=float, default=20, help="calls a second")
    setup.add_argument("--calls", type=int, default=600)
    setup.add_argument("--seconds", type=float, default=4, help="how long each lasts")
    audio = modes.add_parser("audio", help="from an agent's answer to audio both ways")
    audio.add_argument("--calls", type=int, default=100)
    chat = modes.add_parser("chat", help="what chats feel of calls")
    chat.add_argument("--calls", type=int, default=100, dest="chat_calls")
    chat.add_argument("--visitors", type=int, default=200)
    chat.add_argument("--agents", type=int, default=20, dest="chat_agents")
    chat.add_argument("--rate", type=int, default=100, dest="chat_rate", help="messages a second")
    chat.add_argument("--seconds", type=float, default=15, help="of one round")
    chat.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {socket.gethostname()}")
    try:
        import uvloop
    except ImportError:
        asyncio.run(begin(options))
    else:
        uvloop.run(begin(options))


async def begin(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        match options.mode:
            case "media":
                await run(options, folder)
            case "setup":
                await set_up(folder, options.rate, options.calls, options.seconds)
            case "audio":
                await answers(folder, options.calls)
            case "chat":
                await chats(folder, options)


if __name__ == "__main__":
    main()
