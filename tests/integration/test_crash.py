"""Kill -9 a hundred times while visitors and agents write: nothing acknowledged is missing, doubled or out of order."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.clients import Client, Gone, Refused, SignedIn, visitor
from tests.hub import DemoHub

KILLS = 100
VISITORS = 3
BACK_WITHIN_S = 5.0


@dataclass
class Writer:
    """Someone who writes numbered messages, each again and again under its client id until it is acknowledged."""

    name: str
    contact: str = ""
    client: Client | None = None
    number: int = 0
    acknowledged: list[str] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.number += 1
            text = f"{self.name} {self.number}"
            message = {"contact": self.contact, "client_id": f"{self.name}-{self.number:08d}", "text": text}
            if await self._until_acknowledged(message):
                self.acknowledged.append(text)
            await asyncio.sleep(0.01)

    async def _until_acknowledged(self, message: dict[str, Any]) -> bool:
        while True:
            await self.connected.wait()
            assert self.client is not None
            try:
                answer = await self.client.call("message:send", message)
            except (Gone, TimeoutError):
                await asyncio.sleep(0.02)
                continue
            if answer["ok"]:
                return True
            assert answer["error"]["code"] in {"store.busy", "rate.limited", "server.stopping"}, answer
            await asyncio.sleep(0.1)

    async def stay(self, connect: Any, stop: asyncio.Event) -> None:
        """Keeps the connection, coming back as soon as the hub answers."""
        while not stop.is_set():
            try:
                self.client = await connect()
            except (Gone, OSError, Refused, TimeoutError):
                await asyncio.sleep(0.05)
                continue
            self.connected.set()
            await self.client.closed.wait()
            self.connected.clear()


async def wait_for(what: Any, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := await what():
            return value
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.mark.timeout(3600)
async def test_a_hundred_crashes_lose_and_double_nothing(tmp_path: Path) -> None:
    settings = "[chat]\nmessages_per_minute = 1000000\n[routing]\ngrace_s = 3600\n[logging]\nlevel = 'warning'\n"
    hub = await asyncio.to_thread(DemoHub(tmp_path, settings).start)
    agent = await asyncio.to_thread(SignedIn, hub.url, "agent1")
    offers: asyncio.Queue[Any] = asyncio.Queue()

    def heard(event: str, data: Any) -> None:
        if event == "offer":
            offers.put_nowait(data)

    desk = await agent.client(hub.url, on_event=heard).open()
    assert (await desk.call("presence:set", {"state": "available"}))["ok"]
    writers: list[Writer] = []
    tokens: dict[str, str] = {}
    for i in range(VISITORS):
        client = await visitor(hub.url).open()
        form = {
            "client_id": f"start-{i:08d}",
            "name": f"V{i}",
            "email": "v@example.org",
            "topic": "support",
            "text": "hi",
        }
        started = await client.call("chat:start", form)
        contact = started["contact"]["id"]
        offer = await asyncio.wait_for(offers.get(), 20)
        accept = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{i:08d}"}
        assert (await desk.call("offer:accept", accept))["ok"]
        tokens[contact] = started["token"]
        writers += [Writer(f"visitor{i}", contact), Writer(f"agent{i}", contact)]
        await client.close()
    await desk.close()

    stop = asyncio.Event()

    def connector(writer: Writer) -> Any:
        if writer.name.startswith("agent"):
            return lambda: agent.client(hub.url, f"window-{writer.name}").open(5)
        return lambda: visitor(hub.url, tokens[writer.contact]).open(5)

    staying = [asyncio.create_task(writer.stay(connector(writer), stop)) for writer in writers]
    writing = [asyncio.create_task(writer.write(stop)) for writer in writers]
    away: list[float] = []
    for _ in range(KILLS):
        await asyncio.sleep(random.uniform(0.05, 0.4))
        await asyncio.to_thread(hub.kill)
        await asyncio.to_thread(hub.start)
        answering = time.monotonic()
        for writer in writers:
            await asyncio.wait_for(writer.connected.wait(), 30)
        away.append(time.monotonic() - answering)
    stop.set()
    await asyncio.gather(*writing)

    # What the agent's desktop is shown, contact by contact, is compared with what everybody was told is kept.
    desk = await agent.client(hub.url, "window-last").open()
    stored: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for contact in tokens:
        after, more = 0, True
        while more:
            page = await desk.call("contact:sync", {"contact": contact, "after": after})
            assert page["ok"], page
            stored[contact] += page["messages"]
            more, after = page["more"], page["messages"][-1]["seq"] if page["messages"] else after
    await desk.close()
    for writer in writers:
        if writer.client is not None:
            await writer.client.close()
    await asyncio.gather(*staying)
    assert await asyncio.to_thread(hub.stop) == 0, hub.log.read_text()

    for contact, messages in stored.items():
        assert [message["n"] for message in messages] == list(range(1, len(messages) + 1))
        assert sorted(message["seq"] for message in messages) == [message["seq"] for message in messages]
        for writer in (writer for writer in writers if writer.contact == contact):
            written = [message["text"] for message in messages if message["text"].startswith(f"{writer.name} ")]
            # In the order written, each once, and nothing that was acknowledged is missing.
            assert written == writer.acknowledged
    assert sum(len(writer.acknowledged) for writer in writers) > KILLS
    print(f"back after {sorted(away)[len(away) // 2]:.2f} s in the median, {max(away):.2f} s at most")
    assert max(away) < BACK_WITHIN_S
