"""How many messages a second the hub persists and delivers, how fast, and with how much memory.

    python -m bench.chat                      the whole run, about three minutes
    python -m bench.chat --visitors 200 --agents 10 --seconds 5 --sockets 0

Visitors and agents talk over real WebSockets to `contacthub serve` in a process of its own. Half of the messages go
each way; the time from sending to receiving is taken on one clock, in this process. Beside it, in the same run, a bare
Socket.IO relay without a store shows what the transport alone costs. This process needs a core of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from hub import demo
from hub.auth import Auth, AuthSettings
from hub.clock import SystemClock
from hub.ids import new_id
from hub.model import Role, User
from hub.store import open_store
from tests.clients import Client, SignedIn
from tests.peers import CHECKOUT
from tests.ports import free_port

CONFIG = """
[server]
port = {port}
data_dir = "."
[security]
requests_per_minute = 1000000
shortest_password = 4
[chat]
messages_per_minute = 1000000
starts_per_hour = 1000000
[logging]
level = "warning"
"""


# A message whose number was used before would be taken for that one.
numbers = itertools.count()


@dataclass
class Pair:
    """A conversation: the visitor's and his agent's end."""

    contact: str
    visitor: Client
    agent: Client


@dataclass
class Figures:
    """Latencies in milliseconds of one load."""

    rate: int
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    cpu_s: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def delivered(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies) or [float("nan")]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        return (
            f"{self.rate:5d}/s asked  {self.delivered:7.1f}/s delivered  p50 {self.percentile(0.5):6.1f} ms  "
            f"p95 {self.percentile(0.95):6.1f} ms  p99 {self.percentile(0.99):6.1f} ms  "
            f"refused {dict(self.refused) or 0}  {self.cpu_s / max(1, self.sent) * 1000:.2f} ms of CPU a message"
        )


class Clock:
    """Hears messages arrive: their text is the time they were sent at and who sent them."""

    def __init__(self) -> None:
        self.figures: Figures | None = None

    def hear(self, side: str) -> Callable[[str, Any], None]:
        def heard(event: str, data: Any) -> None:
            if event != "sync" or self.figures is None:
                return
            now = time.perf_counter()
            for message in data.get("messages", ()):
                sent, _, by = message["text"].partition(" ")
                if by and by != side:
                    self.figures.latencies.append((now - float(sent)) * 1000)

        return heard


def cpu_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


async def load(server: psutil.Process, pairs: list[Pair], clock: Clock, rate: int, seconds: float) -> Figures:
    """Sends at a steady rate, each message from the next conversation, the two sides taking turns."""
    figures = Figures(rate)
    clock.figures = figures
    tasks: set[asyncio.Task[None]] = set()
    turns = itertools.cycle([(pair, side) for side in ("visitor", "agent") for pair in pairs])
    started = time.perf_counter()
    cpu_before = cpu_s(server)

    async def send(pair: Pair, side: str) -> None:
        client = pair.visitor if side == "visitor" else pair.agent
        text = f"{time.perf_counter():.6f} {side}"
        answer = await client.call(
            "message:send",
            {"contact": pair.contact, "client_id": f"bench-{next(numbers):08d}", "text": text},
            timeout=60,
        )
        if not answer["ok"]:
            figures.refused[answer["error"]["code"]] += 1

    for number in range(int(rate * seconds)):
        due = started + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        pair, side = next(turns)
        task = asyncio.create_task(send(pair, side))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        figures.sent += 1
    while tasks:
        await asyncio.wait(tasks)
    figures.seconds = time.perf_counter() - started
    await asyncio.sleep(0.3)
    figures.cpu_s = cpu_s(server) - cpu_before
    clock.figures = None
    return figures


async def prepare(folder: Path, agents: int) -> None:
    """The demo's queues and site, and agents enough."""
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    await store.open()
    await demo.seed(store, 1)
    auth = Auth(store, SystemClock(), AuthSettings(shortest_password=4))
    hashed = await auth.passwords.hash("demo")
    for number in range(agents):
        user = User(
            new_id("us", number),
            f"bench{number}",
            f"Bench {number}",
            Role.AGENT,
            password_hash=hashed,
            skills={"support": 5},
            units=100_000,
            maxima={"chat": 1000},
        )
        await auth.create_user(user, None, by="system")
    await store.close()


@contextlib.contextmanager
def process(*command: str, url: str, cwd: Path) -> Iterator[tuple[psutil.Process, float]]:
    """The server as a process of its own, and how long it took to the first answer, in seconds."""
    started = time.perf_counter()
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen([sys.executable, *command], cwd=cwd, env=env) as child:
        try:
            while True:
                assert child.poll() is None, "the server ended"
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{url}/healthz", trust_env=False).status_code < 500:
                        break
                time.sleep(0.02)
            yield psutil.Process(child.pid), time.perf_counter() - started
        finally:
            child.terminate()
            child.wait(30)


def megabytes(server: psutil.Process) -> float:
    return float(server.memory_info().rss) / 1e6


async def talk(url: str, clock: Clock, visitors: int, agents: int) -> list[Pair]:
    """Every visitor in a conversation with one of the agents."""
    offers: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()
    hear = clock.hear("agent")
    desks: list[Client] = []

    def listener(number: int) -> Callable[[str, Any], None]:
        def heard(event: str, data: Any) -> None:
            if event == "offer":
                offers.put_nowait((number, data))
            hear(event, data)

        return heard

    for number in range(agents):
        signed_in = await asyncio.to_thread(SignedIn, url, f"bench{number}")
        desk = await signed_in.client(url, f"window-{number}", listener(number)).open()
        await desk.call("presence:set", {"state": "available"})
        desks.append(desk)
    accepted: dict[str, Client] = {}

    async def accept() -> None:
        while len(accepted) < visitors:
            number, offer = await offers.get()
            contact = offer["contact"]["id"]
            data = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{contact[3:20]}"}
            if (await desks[number].call("offer:accept", data))["ok"]:
                accepted[contact] = desks[number]

    accepting = asyncio.create_task(accept())
    ends: dict[str, Client] = {}

    async def arrive(number: int) -> None:
        auth = {"site": "demo", "token": None}
        client = await Client(url, "/visitor", auth, on_event=clock.hear("visitor")).open(60)
        form = {"client_id": f"start-{number:08d}", "name": f"Visitor {number}", "topic": "support", "text": "Hello"}
        answer = await client.call("chat:start", form, timeout=60)
        assert answer["ok"], answer
        ends[answer["contact"]["id"]] = client

    for start in range(0, visitors, 50):
        await asyncio.gather(*(arrive(number) for number in range(start, min(start + 50, visitors))))
    await asyncio.wait_for(accepting, 120)
    return [Pair(contact, client, accepted[contact]) for contact, client in ends.items()]


async def relay_talk(url: str, clock: Clock, visitors: int, agents: int) -> list[Pair]:
    """The same shape of conversations over the bare relay."""
    desks = [await Client(url, "/relay", {"room": ""}, on_event=clock.hear("agent")).open(60) for _ in range(agents)]
    pairs = []
    for number in range(visitors):
        contact = f"room-{number}"
        desk = desks[number % agents]
        await desk.call("join", {"contact": contact})
        client = await Client(url, "/relay", {"room": contact}, on_event=clock.hear("visitor")).open(60)
        await client.call("join", {"contact": contact})
        pairs.append(Pair(contact, client, desk))
    return pairs


@contextlib.asynccontextmanager
async def conversations(pairs: list[Pair], *, stay: bool = False) -> AsyncIterator[None]:
    """Closes all sockets in the end. With `stay`, agents give the sign of life without which they are gone after their
    lease, as the desktop's worker does."""
    desks = {id(pair.agent): pair.agent for pair in pairs}.values()

    async def live() -> None:
        while True:
            await asyncio.gather(*(desk.call("heartbeat", {}) for desk in desks))
            await asyncio.sleep(10)

    living = asyncio.create_task(live()) if stay else None
    try:
        yield
    finally:
        if living is not None:
            living.cancel()
        for client in (*desks, *(pair.visitor for pair in pairs)):
            await client.close()


async def main(options: argparse.Namespace) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        (folder / "hub.toml").write_text(CONFIG.format(port=port))
        await prepare(folder, options.agents)
        serve = ("-m", "server", "serve", "--config", str(folder / "hub.toml"))
        with process(*serve, url=url, cwd=CHECKOUT) as (_, took):
            print(f"first start to first answer: {took:.2f} s")
        with process(*serve, url=url, cwd=CHECKOUT) as (server, took):
            print(f"second start to first answer: {took:.2f} s; idle memory {megabytes(server):.0f} MB")
            clock = Clock()
            pairs = await talk(url, clock, options.visitors, options.agents)
            print(f"{len(pairs)} conversations of {options.agents} agents; memory {megabytes(server):.0f} MB")
            async with conversations(pairs, stay=True):
                await load(server, pairs, clock, options.rate // 2, 3)
                ours = await load(server, pairs, clock, options.rate, options.seconds)
                print(f"hub    {ours}")
                rate = options.rate
                while rate < 20 * options.rate:
                    rate = int(rate * 1.5)
                    more = await load(server, pairs, clock, rate, min(5, options.seconds))
                    print(f"hub    {more}")
                    if more.delivered < 0.95 * rate or more.percentile(0.99) > 500:
                        print(f"hub    saturates at about {more.delivered:.0f}/s")
                        break
            print(f"memory after the load: {megabytes(server):.0f} MB")
        with process("-m", "bench.relay", str(port), url=url, cwd=CHECKOUT) as (server, _):
            pairs = await relay_talk(url, clock, options.visitors, options.agents)
            async with conversations(pairs):
                await load(server, pairs, clock, options.rate // 2, 3)
                bare = await load(server, pairs, clock, options.rate, options.seconds)
                print(f"relay  {bare}")
        print(
            f"ratio hub/relay at {options.rate}/s: p50 {ours.percentile(0.5) / bare.percentile(0.5):.1f}, "
            f"p99 {ours.percentile(0.99) / bare.percentile(0.99):.1f}"
        )
        if options.sockets:
            with process(*serve, url=url, cwd=CHECKOUT) as (server, _):
                before = megabytes(server)
                clients: list[Client] = []
                for start in range(0, options.sockets, 100):
                    count = min(100, options.sockets - start)
                    new = [Client(url, "/visitor", {"site": "demo", "token": None}) for _ in range(count)]
                    clients += await asyncio.gather(*(client.open(60) for client in new))
                await asyncio.sleep(3)
                after = megabytes(server)
                each = (after - before) * 1000 / options.sockets
                print(f"{len(clients)} sockets: {after:.0f} MB, {each:.1f} kB a socket above {before:.0f} MB")
                await asyncio.gather(*(client.close() for client in clients))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--rate", type=int, default=300, help="messages a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--sockets", type=int, default=5000)
    asyncio.run(main(parser.parse_args()))
