"""How many shared pages one process of the hub carries, and how late a change is then, from page to agent.

    python -m bench.cobrowse
    python -m bench.cobrowse --sessions 20 --seconds 3        a look whether it works

The line of /cobrowse with real sharings, on SQLite in a temporary folder; in the place of Socket.IO stands what takes
the packets at once, so this is the hub's own work without sockets and browsers. Each page sends ten changes of 400
bytes and its pointer ten times a second, a snapshot of 16 KB every ten seconds; each agent acknowledges every 300 ms.
Printed: how busy the process was, and how long changes took through it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import socketio

from channels.cobrowse.desk import Ticket
from channels.cobrowse.inputs import AckInput, Cursor, PageInput
from channels.cobrowse.line import NAMESPACE, Line
from channels.cobrowse.session import Capability, Offer
from channels.cobrowse.sessions import Sessions
from hub.bus import open_bus
from hub.clock import SystemClock
from hub.recordings import Recordings, RecordingSettings
from hub.service import Hub
from hub.store import open_store

CHANGE, SNAPSHOT = b"x" * 400, b"x" * 16_000
PACE = 10


class Wire(socketio.AsyncServer):  # type: ignore[misc]  # socketio has no types
    """Takes what is sent to windows, and notes how long it was on its way."""

    def __init__(self) -> None:
        super().__init__(async_mode="asgi")
        self.late: list[float] = []
        self.sent = 0

    async def emit(self, event: str, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if event == "cb:frame":
            self.sent += len(data["body"])
            self.late.append(time.perf_counter() - float(data["body"][:24].decode()))


def body(of: bytes) -> bytes:
    return f"{time.perf_counter():<24.9f}".encode() + of[24:]


class Tickets:
    """Gives each end of a sharing the ticket that it names."""

    def __init__(self) -> None:
        self.good: dict[str, Ticket] = {}

    def redeem(self, key: str) -> Ticket:
        return self.good.pop(key)


class Pair:
    """One customer's page and one agent's window."""

    def __init__(self, n: int, line: Line, wire: Wire) -> None:
        self.n, self.line, self.contact = n, line, f"ct_bench{n}"
        self.epoch, self.seq = 0, 0
        self.hears = wire.handlers[NAMESPACE]

    async def tell(self, side: str, event: str, data: Any) -> None:
        sid = f"{side}{self.n}"
        await self.line.table.events[event].handle(sid, self.line.ends[sid], data)

    async def begin(self, sessions: Sessions, tickets: Tickets, sockets: dict[str, Any]) -> None:
        visitor, agent = f"vi_{self.n}", f"us_{self.n}"
        offer = Offer(f"sh_{self.n}", self.contact, "", agent, visitor, frozenset(Capability))
        sharing = await sessions.do(self.contact, offer, visitor)
        sockets[visitor] = SimpleNamespace(visitor=SimpleNamespace(id=visitor))
        sockets[agent] = SimpleNamespace(user=SimpleNamespace(id=agent))
        for side, who in (("page", visitor), ("window", agent)):
            sid = f"{side}{self.n}"
            tickets.good[sid] = Ticket(sharing.id, self.contact, who, who, 2**60, visitor=side == "page")
            await self.hears["connect"](sid, {}, {"ticket": sid})
        await self.tell("page", "cb:page", PageInput("https://shop.example/"))

    async def frame(self, snapshot: bool) -> None:
        self.epoch, self.seq = (self.epoch + 1, 0) if snapshot else (self.epoch, self.seq + 1)
        kind = "snapshot" if snapshot else "increment"
        data = {"epoch": self.epoch, "seq": self.seq, "kind": kind, "part": 0, "parts": 1, "encoding": "gzip"}
        sent = data | {"body": body(SNAPSHOT if snapshot else CHANGE)}
        answer = await self.hears["cb:frame"](f"page{self.n}", sent)
        assert answer["ok"], answer

    async def run(self, until: float) -> None:
        tick = first = self.n % (PACE * 10)
        at = time.perf_counter() + (self.n % 97) / 97 / PACE
        while (now := time.perf_counter()) < until:
            await asyncio.sleep(max(0.0, at - now))
            await self.frame(snapshot=tick == first or tick % (PACE * 10) == 0)
            await self.tell("page", "cb:cursor", Cursor(1.0, 2.0))
            if tick % 3 == 0:
                await self.tell("window", "cb:ack", AckInput(self.epoch, self.seq))
            tick, at = tick + 1, at + 1 / PACE


async def measure(sessions: int, seconds: float, folder: Path, say: Callable[[str], None]) -> float:
    """The share of one core that was used."""
    store, bus = open_store(f"sqlite:///{folder}/bench{sessions}.db"), open_bus("", "bench")
    await store.open()
    hub = Hub(store, bus, SystemClock(), b"secret")
    wire, kept = Wire(), Sessions(hub)
    sockets: dict[str, Any] = {}
    line = Line(hub, wire, kept, sockets, sockets, Recordings(hub, RecordingSettings(folder / "recordings")))
    tickets = Tickets()
    line.desk = tickets
    await line.start()
    pairs = [Pair(n, line, wire) for n in range(sessions)]
    for pair in pairs:
        await pair.begin(kept, tickets, sockets)
    wire.late.clear()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(*(pair.run(began + seconds) for pair in pairs))
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    busy = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / took
    late = sorted(wire.late)
    p50, p95, p99 = (late[int(len(late) * share)] * 1000 for share in (0.5, 0.95, 0.99))
    say(
        f"{sessions:>6} {len(late) / took:>10.0f} {wire.sent / took / 1e6:>8.2f} {busy:>7.2f} {p50:>8.2f} {p95:>8.2f} "
        f"{p99:>8.2f} {line.kept_bytes / 1e6:>9.1f}"
    )
    await line.stop()
    await store.close()
    return busy


async def main() -> None:
    parser = argparse.ArgumentParser(description="Shared pages on one process of the hub.")
    parser.add_argument("--sessions", type=int, action="append", help="may be given several times")
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    print("  sess.   frames/s     MB/s   cores   p50 ms   p95 ms   p99 ms   kept MB", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for sessions in asked.sessions or (10, 50, 100, 200, 400):
            await measure(sessions, asked.seconds, Path(folder), lambda text: print(text, flush=True))


if __name__ == "__main__":
    asyncio.run(main())
