"""Two hub processes on one PostgreSQL and one Redis are one hub, whatever becomes of a node or of Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import Client, SignedIn, visitor
from tests.hub import DemoHub
from tests.peers import require
from tests.postgres import PostgresServer, postgres_server
from tests.redis import Line, RedisServer, redis_server

MOVED_WITHIN_S = 5.0


@dataclass
class House:
    """Nodes `a` and `b`; `line` is b's way to Redis."""

    a: DemoHub
    b: DemoHub
    redis: RedisServer
    line: Line
    store: str

    def leader(self) -> DemoHub:
        """Whoever said last that he leads."""
        gained = {
            node.port: max((at for at, word in _leadership(node) if word == "gained"), default=0.0)
            for node in (self.a, self.b)
        }
        return self.a if gained[self.a.port] > gained[self.b.port] else self.b

    def other(self, node: DemoHub) -> DemoHub:
        return self.b if node is self.a else self.a


def _leadership(node: DemoHub) -> list[tuple[float, str]]:
    """(when, gained or lost), from the node's log."""
    found = []
    for line in node.log.read_text().splitlines():
        if '"leadership.' in line:
            row = json.loads(line)
            at = time.mktime(time.strptime(row["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) + float(
                "0." + row["timestamp"][20:].rstrip("Z")
            )
            found.append((at, row["event"].removeprefix("leadership.")))
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    require("postgres")
    with postgres_server() as server:
        assert server is not None
        yield server


@pytest.fixture
def house(tmp_path: Path, database: PostgresServer) -> Iterator[House]:
    key = tmp_path / "secret.key"
    key.write_text("a key that both nodes know, of many characters")
    with redis_server() as redis:
        line = Line(redis.port)
        url = database.new_database()
        nodes = []
        for name, port in (("a", redis.port), ("b", line.port)):
            settings = (
                f'[store]\nurl = "{url}"\n[bus]\nurl = "redis://127.0.0.1:{port}/0"\n'
                f'[security]\nsecret_key = {{file = "{key}"}}\n[logging]\nformat = "json"\n'
                f'[files]\ndir = "{tmp_path}/files"\n'
                "[routing]\npresence_lease_s = 4\ngrace_s = 20\n"
                "[chat]\nstarts_per_hour = 10000\nmessages_per_minute = 100000\n"
                '[cobrowse]\nenabled = true\nviewer_url = "http://view.example.net"\n'
            )
            (tmp_path / name).mkdir()
            nodes.append(DemoHub(tmp_path / name, settings))
        for node in nodes:
            node.start()
        try:
            yield House(nodes[0], nodes[1], redis, line, url)
        finally:
            for node in nodes:
                assert node.process is not None
                if node.process.poll() is None:
                    node.kill()
            line.close()


async def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := what()):
            await asyncio.sleep(0.02)
        return found


class Desk:
    """An agent's window at a node, with heartbeats; it remembers what it was told."""

    def __init__(self, client: Client, heard: list[tuple[str, Any]]) -> None:
        self.client, self.heard = client, heard
        self._beat = asyncio.create_task(self._heartbeat())

    @classmethod
    async def at(cls, node: DemoHub, name: str) -> Desk:
        heard: list[tuple[str, Any]] = []
        signed_in = await asyncio.to_thread(SignedIn, node.url, name)
        client = await signed_in.client(node.url, on_event=lambda event, data: heard.append((event, data))).open()
        return cls(client, heard)

    async def _heartbeat(self) -> None:
        while True:
            await self.client.call("heartbeat", {"window": "w"})
            await asyncio.sleep(1)

    async def offer(self, contact: str, seconds: float = 20) -> Any:
        def found() -> Any:
            return next((d for e, d in self.heard if e == "offer" and d["contact"]["id"] == contact), None)

        return await until(found, seconds)

    def offers(self, contact: str) -> list[int]:
        return [data["fence"] for event, data in self.heard if event == "offer" and data["contact"]["id"] == contact]

    async def accept(self, contact: str) -> None:
        offer = await self.offer(contact)
        data = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{contact[-12:]}"}
        answer = await self.client.call("offer:accept", data)
        assert answer["ok"], answer

    async def close(self) -> None:
        self._beat.cancel()
        await self.client.close()


async def ask(node: DemoHub, number: str, on_event: Any = None) -> tuple[Client, str]:
    client = await visitor(node.url, on_event=on_event).open()
    form = {"client_id": f"start-{number}", "name": "Clara", "email": "", "topic": "support", "text": "Hello"}
    answer = await client.call("chat:start", form)
    assert answer["ok"], answer
    return client, answer["contact"]["id"]


async def bus_is(node: DemoHub, state: str) -> None:
    """Returns when /readyz says so."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client, asyncio.timeout(20):
        while (await client.get(f"{node.url}/readyz")).json()["checks"]["bus"] != state:
            await asyncio.sleep(0.1)


async def test_a_visitor_at_one_node_and_an_agent_at_the_other_talk(house: House) -> None:
    desk = await Desk.at(house.b, "agent1")
    assert (await desk.client.call("presence:set", {"state": "available"}))["ok"]
    told: list[tuple[str, Any]] = []
    began = time.monotonic()
    visiting, contact = await ask(house.a, "crossing1", lambda event, data: told.append((event, data)))
    await desk.offer(contact)
    crossed = time.monotonic() - began
    await desk.accept(contact)
    answer = {"contact": contact, "client_id": "agent-says-1", "text": "Good morning"}
    assert (await desk.client.call("message:send", answer))["ok"]
    await until(lambda: [m for e, d in told if e == "sync" for m in d["messages"] if m["text"] == "Good morning"])
    await visiting.call("typing", {"contact": contact, "on": True})
    await until(lambda: [d for e, d in desk.heard if e == "typing" and d["contact"] == contact])
    # A window at the other node shows the agent as he is.
    lead = await Desk.at(house.a, "lead")
    rows = (await lead.client.call("supervise:subscribe", {}))["agents"]
    (row,) = [row for row in rows if row["name"].startswith(desk_name(desk))]
    assert row["connected"] and row["state"] == "busy", row  # with the one chat
    assert len(desk.offers(contact)) == 1
    print(f"a contact that came to one node was offered at the other after {crossed * 1000:.0f} ms")
    # The nodes need no look at the log for it.
    assert crossed < 1.5
    await _share_by_code(house, desk, lead)
    for each in (visiting, desk, lead):
        await each.close()


async def _share_by_code(house: House, desk: Desk, lead: Desk) -> None:
    """The agent's node makes the code, the customer enters it at the other; once, at either."""
    admin = await asyncio.to_thread(SignedIn, house.a.url, "admin")
    headers = {"Cookie": admin.cookie, "X-CSRF-Token": admin.csrf, "Origin": house.a.url}
    made = {"channel": "email", "queue": "support", "customer": {"name": "Mara"}}
    async with httpx.AsyncClient(trust_env=False, timeout=10, headers=headers) as http:
        answer = await http.post(f"{house.a.url}/api/v1/contacts", json=made)
    assert answer.status_code == 201, answer.text
    contact = answer.json()["id"]
    await desk.accept(contact)
    asked = await desk.client.call("cobrowse:ask", {"contact": contact, "capabilities": ["view"]})
    assert asked["ok"], asked
    there, here = await visitor(house.a.url).open(), await visitor(house.b.url).open()
    code = {"code": asked["code"]}
    answers = await asyncio.gather(there.call("cobrowse:enter", code), here.call("cobrowse:enter", code))
    assert sorted(answer["ok"] for answer in answers) == [False, True], answers
    for each in (there, here):
        await each.close()

    # And one that is entered where the agent is not.
    assert (await desk.client.call("cobrowse:stop", {"contact": contact}))["ok"]
    asked = await desk.client.call("cobrowse:ask", {"contact": contact, "capabilities": ["view"]})
    there = await visitor(house.a.url).open()
    joined = await there.call("cobrowse:enter", {"code": asked["code"]})
    assert joined["ok"], joined
    allowed = await there.call("cobrowse:answer", {"contact": contact, "capabilities": ["view"]})
    assert allowed["ok"], allowed
    await until(lambda: [d for e, d in desk.heard if e == "cobrowse" and d["stage"] == "shared"])
    await _page_crosses(house, there, desk, lead, contact)
    await there.close()


async def _page_crosses(house: House, there: Client, desk: Desk, lead: Desk, contact: str) -> None:
    """The page is at node a, its agent at b, and a supervisor that looks on at a."""
    heard: dict[str, list[tuple[str, Any]]] = {"page": [], "agent": [], "lead": []}

    async def end(who: str, node: DemoHub, client: Client) -> Client:
        given = await client.call("cobrowse:ticket", {"contact": contact})
        assert given["ok"], given
        auth = {"ticket": given["ticket"]}
        return await Client(
            node.url, "/cobrowse", auth, on_event=lambda event, data: heard[who].append((event, data))
        ).open()

    def seen(who: str) -> list[tuple[int, int]]:
        return [(data["epoch"], data["seq"]) for event, data in heard[who] if event == "cb:frame"]

    page = await end("page", house.a, there)
    assert (await page.call("cb:page", {"url": "https://shop.example/"}))["shared"]

    async def frame(epoch: int, seq: int) -> None:
        kind = "increment" if seq else "snapshot"
        data = {"epoch": epoch, "seq": seq, "kind": kind, "part": 0, "parts": 1, "encoding": "json"}
        assert (await page.call("cb:frame", data | {"body": "W10="}))["ok"]

    window, eye = await end("agent", house.b, desk.client), await end("lead", house.a, lead.client)
    told = await there.call("cobrowse:look", {"contact": contact})
    assert len(told["cobrowse"]["watchers"]) == 1, told
    for seq in range(4):
        await frame(7, seq)
    expected = [(7, seq) for seq in range(4)]
    await until(lambda: seen("agent") == seen("lead") == expected)

    # What the agent's node missed while Redis was away makes nothing wrong: it asks, and begins anew.
    house.line.cut()
    await bus_is(house.b, "failed")
    for seq in (4, 5):
        await frame(7, seq)
    await until(lambda: seen("lead")[-1] == (7, 5))
    heard["page"].clear()
    house.line.mend()
    await bus_is(house.b, "ok")
    began = time.monotonic()
    asked = 0
    while not any(event == "cb:resync" for event, _ in heard["page"]):
        asked += 1
        await frame(7, 5 + asked)
        await asyncio.sleep(0.05)
    await frame(8, 0)
    await until(lambda: seen("agent")[-1] == (8, 0))
    print(f"a page was whole again {(time.monotonic() - began) * 1000:.0f} ms after its agent's node had the bus again")
    assert seen("agent") == [*expected, (8, 0)]
    for each in (page, window, eye):
        await each.close()


def desk_name(desk: Desk) -> str:
    return str(next(data["me"]["name"] for event, data in desk.heard if event == "hello"))


async def test_the_dispatcher_moves_when_its_node_is_killed(house: House) -> None:
    leader = await asyncio.to_thread(house.leader)
    living = house.other(leader)
    here, there = await Desk.at(living, "agent1"), await Desk.at(leader, "agent2")
    for desk in (here, there):
        assert (await desk.client.call("presence:set", {"state": "available"}))["ok"]
    visiting, first = await ask(living, "before-kill")
    taker = await until(lambda: next((desk for desk in (here, there) if desk.offers(first)), None))
    await taker.accept(first)
    await asyncio.to_thread(leader.kill)
    killed = time.monotonic()
    here.heard.clear()
    second_visitor, second = await ask(living, "after-kill1")
    await here.offer(second, MOVED_WITHIN_S + 20)
    moved = time.monotonic() - killed
    print(f"offered by the other node {moved:.2f} s after the kill")
    await here.accept(second)
    assert here.offers(second) == [here.offers(second)[0]]
    # Whoever was at the dead node and comes back at the other within his grace keeps his chats.
    back = await Desk.at(living, "agent2")
    hello = next(data for event, data in back.heard if event == "hello")
    if taker is there:
        assert first in [contact["id"] for contact in hello["contacts"]]
    await until(
        lambda: (
            any(e == "presence" and d["state"] == "available" for e, d in back.heard)
            or hello["presence"]["state"] == "available"
        )
    )
    assert moved < MOVED_WITHIN_S
    there._beat.cancel()
    for each in (visiting, second_visitor, here, back):
        await each.close()


async def test_what_becomes_of_redis_loses_and_doubles_nothing(house: House) -> None:
    desk = await Desk.at(house.b, "agent1")
    assert (await desk.client.call("presence:set", {"state": "available"}))["ok"]
    told: list[tuple[str, Any]] = []
    visiting, contact = await ask(house.a, "redis-away", lambda event, data: told.append((event, data)))
    await desk.accept(contact)
    stop = asyncio.Event()
    sent: dict[str, list[str]] = {"visitor": [], "agent": []}

    async def talk(who: str, client: Client) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            message = {"contact": contact, "client_id": f"{who}-{number:08d}", "text": f"{who} {number}"}
            answer = await client.call("message:send", message)
            assert answer["ok"], answer
            sent[who].append(message["text"])
            await asyncio.sleep(0.05)

    talking = [asyncio.create_task(talk("visitor", visiting)), asyncio.create_task(talk("agent", desk.client))]
    await bus_is(house.b, "ok")
    for _ in range(3):
        await asyncio.to_thread(house.redis.ask, "FLUSHALL")
        await asyncio.sleep(1)
    await asyncio.to_thread(house.redis.stop)
    await asyncio.sleep(6)
    await bus_is(house.a, "failed")
    during_visitor, during = await ask(house.a, "no-redis-1")
    await desk.accept(during)  # heard of by the look at the log
    await asyncio.to_thread(house.redis.start)
    await until(lambda: not talking[0].done())
    await asyncio.sleep(3)
    house.line.cut()
    await asyncio.sleep(60)
    parted_visitor, parted = await ask(house.a, "parted-one")
    await desk.accept(parted)
    house.line.mend()
    await asyncio.sleep(5)
    stop.set()
    await asyncio.gather(*talking)
    await bus_is(house.b, "ok")
    assert len(desk.offers(during)) == len(set(desk.offers(during)))

    stored: list[dict[str, Any]] = []
    after, more = 0, True
    while more:
        page = await desk.client.call("contact:sync", {"contact": contact, "after": after})
        assert page["ok"], page
        stored += page["messages"]
        more, after = page["more"], page["messages"][-1]["seq"] if page["messages"] else after
    assert [message["n"] for message in stored] == list(range(1, len(stored) + 1))
    for who, texts in sent.items():
        assert [m["text"] for m in stored if m["text"].startswith(f"{who} ")] == texts
    # What the other side was pushed is what is stored: nothing missing, nothing twice.
    await until(lambda: {m["text"] for e, d in told if e == "sync" for m in d["messages"]} >= set(sent["agent"]))
    pushed = [m["text"] for e, d in told if e == "sync" for m in d["messages"] if m["text"].startswith("agent ")]
    assert pushed == sent["agent"]
    for each in (visiting, during_visitor, parted_visitor, desk):
        await each.close()


async def test_the_dispatcher_moves_when_its_node_is_killed_while_redis_is_away(house: House) -> None:
    leader = await asyncio.to_thread(house.leader)
    living = house.other(leader)
    desk = await Desk.at(living, "agent1")
    assert (await desk.client.call("presence:set", {"state": "available"}))["ok"]
    await asyncio.to_thread(house.redis.stop)
    await bus_is(living, "failed")
    await asyncio.to_thread(leader.kill)
    killed = time.monotonic()
    visiting, contact = await ask(living, "nobody-there")
    await desk.offer(contact, 60)
    print(f"without Redis offered by the other node {time.monotonic() - killed:.2f} s after the kill")
    await desk.accept(contact)
    # Redis is back, and the node, too: who dispatches goes on, once.
    await asyncio.to_thread(house.redis.start)
    await asyncio.to_thread(leader.start)
    await bus_is(leader, "ok")
    second_visitor, second = await ask(leader, "redis-back-1")
    await desk.accept(second)
    assert len(desk.offers(second)) == len(desk.offers(contact)) == 1
    for each in (visiting, second_visitor, desk):
        await each.close()


def test_guesses_at_one_node_count_at_the_other(house: House) -> None:
    """Whoever guesses passwords gains nothing by asking all nodes in turn."""

    def guess(node: DemoHub) -> tuple[int, float]:
        """(status, for how many seconds the next guess has to wait)."""
        with httpx.Client(base_url=node.url, trust_env=False, timeout=30, headers={"Origin": node.url}) as http:
            token = http.get("/login").text.partition('<meta name="csrf" content="')[2].partition('"')[0]
            answer = http.post(
                "/login", json={"username": "agent1", "password": "wrong"}, headers={"X-CSRF-Token": token}
            )
            return answer.status_code, answer.json()["error"]["details"].get("retry_after_ms", 0) / 1000

    wait = 0.0
    while wait < 3:
        time.sleep(wait)
        status, wait = guess(house.a)
        assert status in (401, 429)
    assert guess(house.b)[0] == 429
