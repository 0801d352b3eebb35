"""How many shared pages one process of the hub carries over real sockets, and how soon a page is back after a restart.

    python -m bench.cobrowse_sockets
    python -m bench.cobrowse_sockets --sessions 20 --seconds 3        a look whether it works

`contacthub serve` in a process of its own, on SQLite; customers, agents' windows and both ends of each shared page over
WebSockets from this one, which needs a core of its own. Pages send and agents acknowledge what they do in
`bench/cobrowse.py`. Printed: how busy the hub's process was, its memory, and how long changes took from page to agent.
At last the hub is killed and started, everybody comes back, and the time from an agent's connection to the whole page
is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.chat import CONFIG, Clock, Pair, conversations, cpu_s, megabytes, prepare, process, talk
from bench.cobrowse import CHANGE, PACE, SNAPSHOT
from tests.clients import Client, SignedIn
from tests.ports import free_port

# Each may ask ten customers a minute.
PAGES_AN_AGENT = 8
BODIES = {"snapshot": base64.b64encode(SNAPSHOT).decode(), "increment": base64.b64encode(CHANGE).decode()}


@dataclass
class Shared:
    """One page, and the agent's window that shows it."""

    url: str
    pair: Pair
    page: Client | None = None
    window: Client | None = None
    epoch: int = 0
    seq: int = 0
    sent: dict[tuple[int, int], float] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        of = {"contact": self.pair.contact}
        wanted = of | {"capabilities": ["view", "point", "type"]}
        for client, event in ((self.pair.agent, "cobrowse:ask"), (self.pair.visitor, "cobrowse:answer")):
            answer = await client.call(event, wanted, timeout=60)
            assert answer["ok"], answer
        await self.join()

    async def join(self) -> None:
        """Both ends, and the first picture."""
        self.page = await self._end(self.pair.visitor, self._to_page)
        answer = await self.page.call("cb:page", {"url": "https://shop.example/"}, timeout=60)
        assert answer["ok"], answer
        self.window = await self._end(self.pair.agent, self._to_window)

    async def _end(self, parent: Client, hear: Any) -> Client:
        given = await parent.call("cobrowse:ticket", {"contact": self.pair.contact}, timeout=60)
        assert given["ok"], given
        self.epoch = max(self.epoch, given.get("epoch", 0))
        return await Client(self.url, "/cobrowse", {"ticket": given["ticket"]}, on_event=hear).open(60)

    def _to_page(self, event: str, data: Any) -> None:
        if event == "cb:resync":
            self.asked.set()

    def _to_window(self, event: str, data: Any) -> None:
        if event != "cb:frame":
            return
        if sent := self.sent.pop((data["epoch"], data["seq"]), None):
            self.late.append((time.perf_counter() - sent) * 1000)
        if data["kind"] == "snapshot":
            self.whole.set()

    async def frame(self, snapshot: bool) -> None:
        assert self.page is not None
        self.epoch, self.seq = (self.epoch + 1, 0) if snapshot else (self.epoch, self.seq + 1)
        kind = "snapshot" if snapshot else "increment"
        self.sent[self.epoch, self.seq] = time.perf_counter()
        data = {"epoch": self.epoch, "seq": self.seq, "kind": kind, "part": 0, "parts": 1, "encoding": "gzip"}
        answer = await self.page.call("cb:frame", data | {"body": BODIES[kind]}, timeout=60)
        assert answer["ok"], answer

    async def run(self, until: float, offset: float) -> None:
        assert self.page is not None and self.window is not None
        tick, at = 0, time.perf_counter() + offset / PACE
        while (now := time.perf_counter()) < until:
            await asyncio.sleep(max(0.0, at - now))
            again = self.asked.is_set()
            self.asked.clear()
            await self.frame(snapshot=again or tick % (PACE * 10) == 0)
            await self.page.call("cb:cursor", {"x": 1, "y": 2}, timeout=60)
            if tick % 3 == 0:
                await self.window.call("cb:ack", {"epoch": self.epoch, "seq": self.seq}, timeout=60)
            tick, at = tick + 1, at + 1 / PACE

    async def back(self) -> float:
        """In ms, from the agent's connection to the whole page."""
        self.whole.clear()
        self.asked.clear()
        await self.join()
        began = time.perf_counter()
        await self.asked.wait()
        await self.frame(snapshot=True)
        await self.whole.wait()
        return (time.perf_counter() - began) * 1000

    async def close(self) -> None:
        for client in (self.page, self.window):
            if client is not None:
                await client.close()


def percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    return " ".join(f"p{int(share * 100)} {ordered[int(len(ordered) * share)]:.1f} ms" for share in (0.5, 0.95, 0.99))


async def measure(server: Any, shared: list[Shared], seconds: float) -> None:
    for one in shared:
        one.late.clear()
    before, began = cpu_s(server), time.perf_counter()
    await asyncio.gather(*(one.run(began + seconds, n / len(shared)) for n, one in enumerate(shared)))
    took = time.perf_counter() - began
    late = [time for one in shared for time in one.late]
    print(
        f"{len(shared):>5} pages  {len(late) / took:>6.0f} frames/s  {(cpu_s(server) - before) / took:.2f} cores  "
        f"{megabytes(server):.0f} MB  {percentiles(late)}",
        flush=True,
    )


async def talk_to_one(url: str, agent: SignedIn, count: int) -> tuple[Client, dict[str, tuple[Client, str]]]:
    """The agent's window, and by contact each customer's socket and token."""
    offers: asyncio.Queue[Any] = asyncio.Queue()
    desk = await agent.client(
        url, on_event=lambda event, data: offers.put_nowait(data) if event == "offer" else None
    ).open()
    await desk.call("presence:set", {"state": "available"})
    found: dict[str, tuple[Client, str]] = {}
    for number in range(count):
        client = await Client(url, "/visitor", {"site": "demo", "token": None}).open(60)
        form = {"client_id": f"again-{number:08d}", "name": f"Visitor {number}", "topic": "support", "text": "Hello"}
        started = await client.call("chat:start", form, timeout=60)
        assert started["ok"], started
        found[started["contact"]["id"]] = client, started["token"]
        offer = await asyncio.wait_for(offers.get(), 60)
        accept = {"contact": offer["contact"]["id"], "fence": offer["fence"], "client_id": f"accept-{number:08d}"}
        assert (await desk.call("offer:accept", accept))["ok"]
    return desk, found


async def restart(url: str, serve: tuple[str, ...], folder: Path, count: int) -> None:
    """Everybody comes back with new sockets, all at once."""
    with process(*serve, url=url, cwd=folder):
        agent = await asyncio.to_thread(SignedIn, url, "bench0")
        desk, talks = await talk_to_one(url, agent, count)
        shared = [Shared(url, Pair(contact, client, desk)) for contact, (client, _) in talks.items()]
        for one in shared:
            await one.begin()
            await one.frame(snapshot=True)
    for client in [desk, *(client for client, _ in talks.values())]:
        await client.close()
    with process(*serve, url=url, cwd=folder):
        desk = await agent.client(url).open(60)
        for one in shared:
            await one.close()
            token = talks[one.pair.contact][1]
            one.pair = Pair(
                one.pair.contact, await Client(url, "/visitor", {"site": "demo", "token": token}).open(60), desk
            )
        times = await asyncio.gather(*(one.back() for one in shared))
        print(f"after a restart {count} pages were whole, from the agent's connection on: {percentiles(times)}")
        for one in shared:
            await one.close()
            await one.pair.visitor.close()
        await desk.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="Shared pages on one process of the hub, over sockets.")
    parser.add_argument("--sessions", type=int, action="append", help="may be given several times, rising")
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    most = max(asked.sessions or (100,))
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        cobrowse = '[cobrowse]\nenabled = true\nviewer_url = "http://view.example.net"\n'
        (folder / "hub.toml").write_text(CONFIG.format(port=port) + cobrowse)
        agents = -(-most // PAGES_AN_AGENT)
        await prepare(folder, agents)
        serve = ("-m", "server", "serve", "--config", str(folder / "hub.toml"))
        with process(*serve, url=url, cwd=folder) as (server, _):
            pairs = await talk(url, Clock(), most, agents)
            async with conversations(pairs, stay=True):
                shared = [Shared(url, pair) for pair in pairs]
                begun: list[Shared] = []
                for sessions in asked.sessions or (10, 50, 100):
                    for one in shared[len(begun) : sessions]:
                        await one.begin()
                        begun.append(one)
                    await measure(server, begun, asked.seconds)
                for one in begun:
                    await one.close()
        for left in folder.glob("hub.db*"):
            left.unlink()
        await prepare(folder, 1)
        await restart(url, serve, folder, 10)


if __name__ == "__main__":
    asyncio.run(main())
