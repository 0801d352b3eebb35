"""Calls through a whole hub: a trunk on this machine, a queue, agents at web sockets with a browser's end of a call.

The modes `setup` and `audio` of `python -m bench.voice`, and the calls of its mode `chat`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.chat import CONFIG, cpu_s, process
from channels.voice.sip.events import Answered
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.wire import Destination
from hub import demo
from hub.auth import Auth, AuthSettings
from hub.clock import SystemClock
from hub.ids import new_id
from hub.model import Role, User
from hub.store import open_store
from tests.clients import Client, Gone, SignedIn
from tests.integration.media.exchange import describe, media_port
from tests.integration.media.peer import Peer
from tests.integration.sip.line import a_line
from tests.integration.sip.sipp import Sipp, sipp
from tests.peers import CHECKOUT
from tests.ports import free_port
from webrtc.settings import MediaSettings
from webrtc.stream import HEADER

VOICE = """
[voice]
enabled = true
listen = ["udp:127.0.0.1:{sip}"]
media_host = "127.0.0.1"
media_ports = [30000, 39999]
[[voice.trunks]]
id = "bench"
networks = ["127.0.0.1/32"]
calls = 10000
calls_per_s = 1000
[[voice.numbers]]
id = "all"
pattern = "*"
queue = "support"
site = "demo"
"""
PEERS = MediaSettings(host="127.0.0.1", ports=(50_000, 59_999))
PACKET_S = 0.02
AGENTS, CUSTOMERS = b"\x11" * 160, b"\x22" * 160
"""What each side says: audio that nothing else of the hub's sounds like, passed on bit by bit."""


def spread(found: Sequence[float]) -> str:
    """Median and 99th percentile."""
    ordered = sorted(found) or [float("nan")]
    middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {middle:6.0f} ms  p99 {high:6.0f} ms"


class Headset:
    """One call's end in an agent's browser. `heard` is set at the first packet that says `wanted`."""

    def __init__(self, wanted: bytes) -> None:
        self.peer = Peer(PEERS)
        self.peer.on_rtp = self._got
        self.heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.ready = False
        self._wanted = wanted
        self._sequence = 0

    def _got(self, packet: bytes, now: float) -> None:
        if not self.heard.done() and packet[12:] == self._wanted:
            self.heard.set_result(time.perf_counter())

    def send(self) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.peer.secure.send_rtp(HEADER.pack(0x80, 0, self._sequence, self._sequence * 160, 7) + AGENTS)

    async def join(self, desk: Client, contact: str) -> None:
        """Raises Gone, AssertionError."""
        answer = await desk.call("phone_join", {"contact": contact, "offer": await self.peer.offer()}, timeout=30)
        assert answer["ok"], answer
        assert await self.peer.accept(answer["answer"])
        self.ready = True


class Seat:
    """An agent who accepts by himself, joins each call with a new headset, and finishes his wrap-up at once.

    `to_audio` is, call by call, the time in ms from when he was told to when he heard what he said come back.
    """

    def __init__(self) -> None:
        self.client: Client
        self.headset: Headset | None = None
        self.to_audio: list[float] = []
        self.failures: list[str] = []
        self._contact = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, event: str, data: Any) -> None:
        if event == "phone" and data["state"] == "connecting" and data["contact"] != self._contact:
            self._contact = data["contact"]
            self._begin(self._talk(data["contact"], time.perf_counter()))
        elif event == "phone" and data["state"] == "ended":
            self._begin(self._put_down())
        elif event == "sync" and data.get("contact") and data["contact"]["phase"] == "wrapping":
            self._begin(self._finish(data["contact"]["id"]))

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(self._noting(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _noting(self, work: Any) -> None:
        try:
            await work
        except (Gone, OSError, TimeoutError, AssertionError, AttributeError) as error:
            # AttributeError: aiortc's, when a link is closed while it is made.
            self.failures.append(f"{type(error).__name__}: {error}")

    async def _talk(self, contact: str, told: float) -> None:
        await self._put_down()
        headset = self.headset = Headset(AGENTS)
        await headset.join(self.client, contact)
        self.to_audio.append((await headset.heard - told) * 1000)

    async def _put_down(self) -> None:
        headset, self.headset = self.headset, None
        if headset is not None:
            headset.ready = False
            if not headset.heard.done():
                headset.heard.cancel()
            await headset.peer.close()

    async def _finish(self, contact: str) -> None:
        act = {"contact": contact, "client_id": f"finish-{contact[3:40]}", "outcome": "solved", "note": ""}
        await self.client.call("wrapup:finish", act)

    async def hang_up(self) -> None:
        if self.headset is not None:
            act = {"contact": self._contact, "client_id": f"hang-up-{self._contact[3:40]}"}
            await self.client.call("phone_hang_up", act)

    async def leave(self) -> None:
        await self._put_down()
        await self.client.close()


async def prepare(folder: Path, voice: int, chat: int = 0, *, by_hand: bool = False) -> None:
    """The demo's queues and site, agents for calls (voice0 ...) who accept `by_hand` or by themselves, and agents for
    chats (bench0 ...)."""
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    await store.open()
    await demo.seed(store, 1)
    auth = Auth(store, SystemClock(), AuthSettings(shortest_password=4))
    hashed = await auth.passwords.hash("demo")
    names = [*((f"voice{n}", "voice", 1) for n in range(voice)), *((f"bench{n}", "chat", 1000) for n in range(chat))]
    for number, (name, channel, most) in enumerate(names):
        user = User(
            new_id("us", number),
            name,
            name.title(),
            Role.AGENT,
            password_hash=hashed,
            skills={"support": 5},
            units=100_000,
            maxima={"voice": 0, "chat": 0, "email": 0} | {channel: most},
            auto_accept=("voice",) if channel == "voice" and not by_hand else (),
        )
        await auth.create_user(user, None, by="system")
    await store.close()


@dataclass(frozen=True)
class Reach:
    """Where a hub is reached; for another process, too."""

    folder: Path
    url: str
    sip_port: int


class Hub:
    """A hub of its own in the folder."""

    def __init__(self, folder: Path) -> None:
        port, sip_port = free_port(), free_port()
        self.reach = Reach(folder, f"http://127.0.0.1:{port}", sip_port)
        self.server: psutil.Process
        (folder / "hub.toml").write_text(CONFIG.format(port=port) + VOICE.format(sip=sip_port))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Hub]:
        serve = ("-m", "server", "serve", "--config", str(self.reach.folder / "hub.toml"))
        with process(*serve, url=self.reach.url, cwd=CHECKOUT) as (self.server, _):
            yield self


@contextlib.asynccontextmanager
async def seats(url: str, count: int, *, quiet: bool = False) -> AsyncIterator[list[Seat]]:
    """Agents at their desks, available, who talk every 20 ms while they have a call; `quiet`: until heard, then
    now and then."""
    found: list[Seat] = []

    async def open_one(number: int) -> None:
        seat = Seat()
        signed_in = await asyncio.to_thread(SignedIn, url, f"voice{number}")
        seat.client = signed_in.client(url, f"seat-{number}", seat.hear)
        await seat.client.open()
        answer = await seat.client.call("presence:set", {"state": "available"})
        assert answer["ok"], answer
        found.append(seat)

    async def live() -> None:
        for turn in itertools.count():
            await asyncio.sleep(10)
            if turn % 2 == 0:
                await asyncio.gather(*(seat.client.call("heartbeat", {}) for seat in found))

    for start in range(0, count, 4):
        await asyncio.gather(*map(open_one, range(start, min(start + 4, count))))
    tasks = [asyncio.create_task(live()), asyncio.create_task(talking(lambda: [s.headset for s in found], quiet=quiet))]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.gather(*(seat.leave() for seat in found))


async def talking(headsets: Callable[[], list[Headset | None]], *, quiet: bool = False) -> None:
    """Each headset says something every 20 ms, all of them spread over these; `quiet` ones once heard every second."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for tick in itertools.count():
        for headset in headsets()[tick % 10 :: 10]:
            if headset is not None and headset.ready and not (quiet and headset.heard.done() and tick % 500 >= 10):
                headset.send()
        await asyncio.sleep(max(0, start + tick * PACKET_S / 10 - loop.time()))


@contextlib.asynccontextmanager
async def callers(hub: Reach, rate: float, calls: int, seconds: float) -> AsyncIterator[Sipp]:
    """SIPp makes calls that last so long, and sends back what it hears."""
    options = ["-s", "support", "-r", f"{rate:g}", "-m", str(calls), "-l", str(calls), "-d", f"{seconds * 1000:.0f}"]
    options += ["-rtp_echo", "-mp", str(free_port()), "-trace_rtt", "-rtt_freq", "1"]
    async with sipp(hub.folder, "uac", f"127.0.0.1:{hub.sip_port}", *options) as peer:
        yield peer


def answered_after(folder: Path) -> list[float]:
    """From INVITE to 200 in ms, as SIPp measured it."""
    lines = [line for path in folder.glob("*_rtt.csv") for line in path.read_text().splitlines()[1:]]
    return [float(line.split(";")[1]) for line in lines]


async def set_up(folder: Path, rate: float, calls: int, seconds: float) -> None:
    """Mode `setup`."""
    # So many talk at the same time, and some more wrap up or are being connected.
    agents = int(rate * (seconds + 1.5)) + 4
    await prepare(folder, agents)
    async with Hub(folder).running() as hub, seats(hub.reach.url, agents, quiet=True) as staff:
        print(f"{agents} agents are available; {calls} calls of {seconds:g} s, {rate:g} a second", flush=True)
        cpu, started = cpu_s(hub.server), time.perf_counter()
        failed = ""
        async with callers(hub.reach, rate, calls, seconds) as peer:
            try:
                await peer.finish()
            except AssertionError as error:
                failed = str(error)
        passed = time.perf_counter() - started
        used = (cpu_s(hub.server) - cpu) / passed * 100
        await asyncio.sleep(2)
        times = [ms for seat in staff for ms in seat.to_audio]
        troubles = [trouble for seat in staff for trouble in seat.failures]
        begun = calls / (passed - seconds)
        print(f"answered by the hub   {len(answered_after(folder)):6d} of {calls}, {spread(answered_after(folder))}")
        print(f"talked to an agent    {len(times):6d} of {calls}, {spread(times)} from being told to audio both ways")
        end = f"{calls - len(times)} failed, web process {used:.0f} % of a core"
        print(f"set up                {begun:6.1f} calls/s, {end}")
        for trouble in [*([failed] if failed else []), *troubles][:5]:
            print(f"    {trouble}")


class Caller(asyncio.DatagramProtocol):
    """A telephone that says something every 20 ms. `heard` is set when it hears the agent."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.heard.done() and data[12:] == AGENTS:
            self.heard.set_result(time.perf_counter())

    async def talk(self, target: tuple[str, int]) -> None:
        for sequence in itertools.count(1):
            number = sequence & 0xFFFF
            self.transport.sendto(HEADER.pack(0x80, 0, number, number * 160, 9) + CUSTOMERS, target)
            await asyncio.sleep(PACKET_S)


async def answers(folder: Path, calls: int) -> None:
    """Mode `audio`: one call after the other; the agent accepts by hand, as the desktop does it."""
    await prepare(folder, 1, by_hand=True)
    totals: list[float] = []
    steps: dict[str, list[float]] = {
        name: [] for name in ("accepted", "joined", "connected", "agent hears", "customer hears")
    }
    async with Hub(folder).running() as hub:
        signed_in = await asyncio.to_thread(SignedIn, hub.reach.url, "voice0")
        news: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        desk = await signed_in.client(hub.reach.url, "seat-0", lambda name, data: news.put_nowait((name, data))).open()
        await desk.call("presence:set", {"state": "available"})

        async def until(name: str, fits: Callable[[Any], bool]) -> Any:
            while True:
                found, data = await news.get()
                if found == name and fits(data):
                    return data

        for number in range(calls):
            headset, loop = Headset(CUSTOMERS), asyncio.get_running_loop()
            transport, caller = await loop.create_datagram_endpoint(Caller, local_addr=("127.0.0.1", 0))
            port = int(transport.get_extra_info("sockname")[1])
            async with a_line(("udp",)) as line:
                offer = await headset.peer.offer()
                call = line.agent.invite(
                    NameAddr("", f"sip:support@127.0.0.1:{hub.reach.sip_port}"),
                    NameAddr("", f"sip:+49301234{number:04d}@127.0.0.1"),
                    describe(port),
                    [Destination("udp", "127.0.0.1", hub.reach.sip_port)],
                    line.now,
                )
                line.transport.flush()
                answer = await line.until(Answered)
                assert answer.sdp is not None
                customer = asyncio.create_task(caller.talk(("127.0.0.1", media_port(answer.sdp))))
                told = await until("offer", lambda data: data["contact"]["channel"] == "voice")
                contact = told["contact"]["id"]
                started = time.perf_counter()
                act = {"contact": contact, "fence": told["fence"], "client_id": f"accept-{number:06d}"}
                accepted = await desk.call("offer:accept", act)
                assert accepted["ok"], accepted
                steps["accepted"].append((time.perf_counter() - started) * 1000)
                joined = await desk.call("phone_join", {"contact": contact, "offer": offer})
                assert joined["ok"], joined
                steps["joined"].append((time.perf_counter() - started) * 1000)
                assert await headset.peer.accept(joined["answer"])
                steps["connected"].append((time.perf_counter() - started) * 1000)
                headset.ready = True
                agent = asyncio.create_task(talking(lambda headset=headset: [headset] * 10))  # type: ignore[misc]
                hears, is_heard = await asyncio.gather(headset.heard, caller.heard)
                steps["agent hears"].append((hears - started) * 1000)
                steps["customer hears"].append((is_heard - started) * 1000)
                totals.append((max(hears, is_heard) - started) * 1000)
                line.hang_up(call)
                await until("sync", lambda data: (data.get("contact") or {}).get("phase") == "wrapping")
                end = {"contact": contact, "client_id": f"finish-{number:06d}", "outcome": "solved", "note": ""}
                await desk.call("wrapup:finish", end)
                for task in (customer, agent):
                    task.cancel()
                await asyncio.wait([customer, agent])
                await headset.peer.close()
                transport.close()
        await desk.close()
    print(f"{calls} calls, one after the other; from the agent's answer, step by step")
    for name, found in steps.items():
        if found:
            print(f"{name:>16}  {spread(found)}")
    print(f"{'audio both ways':>16}  {spread(totals)}")
