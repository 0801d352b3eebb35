"""Two nodes behind nginx with the configuration that docs/howto/two-nodes.md shows, and the browsers' own client."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import Client, SignedIn
from tests.hub import DemoHub
from tests.integration.test_two_nodes import Desk, database, until
from tests.nginx import Nginx, nginx
from tests.peers import require
from tests.ports import free_port
from tests.postgres import PostgresServer
from tests.redis import redis_server

__all__ = ["database"]
SCRIPT = Path(__file__).with_name("socket_io.mjs")
BACK_WITHIN_S = 10.0
STARTS = 8


@dataclass
class House:
    nodes: dict[int, DemoHub]  # by port
    front: Nginx

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.front.certificate))

    def node_of(self, address: str) -> int:
        """The port of the node to which nginx sends what comes from this address."""
        transport = httpx.HTTPTransport(local_address=address, verify=self.tls)
        with httpx.Client(transport=transport, trust_env=False, timeout=20) as client:
            path = f"/healthz?{secrets.token_hex(4)}"
            assert client.get(self.front.url + path).status_code == 200
        while not (found := [row for row in self.front.served() if row.path == path]):
            time.sleep(0.01)  # nginx writes it down after it has answered
        assert found[0].address == address
        return found[0].nodes[-1]

    def addresses(self) -> dict[int, str]:
        """An address of each node; nginx goes by the first three parts of it."""
        found: dict[int, str] = {}
        for part in range(1, 33):  # 127.0.0.x are the agents
            found.setdefault(self.node_of(f"127.0.{part}.1"), f"127.0.{part}.1")
            if len(found) == len(self.nodes):
                return found
        raise AssertionError(f"32 addresses came to {found} only")


@pytest.fixture
def house(tmp_path: Path, database: PostgresServer) -> Iterator[House]:
    require("node")
    key = tmp_path / "secret.key"
    key.write_text("a key that both nodes know, of many characters")
    url, port = database.new_database(), free_port()
    with redis_server() as redis:
        nodes: dict[int, DemoHub] = {}
        for name in ("a", "b"):
            data = tmp_path / name / "demo-data"
            data.mkdir(parents=True)
            (data / "hub.toml").write_text(
                f'[server]\ndata_dir = "."\npublic_url = "https://localhost:{port}"\ntrusted_proxies = ["127.0.0.1"]\n'
                f'[demo]\nenabled = true\n[store]\nurl = "{url}"\n[bus]\nurl = "{redis.url}"\n'
                f'[security]\nsecret_key = {{file = "{key}"}}\n[routing]\npresence_lease_s = 4\ngrace_s = 20\n'
                f"[chat]\nstarts_per_hour = {STARTS}\n"
            )
            node = DemoHub(tmp_path / name)
            nodes[node.port] = node
        for node in nodes.values():
            node.start()
        try:
            with nginx(tmp_path / "nginx", port, list(nodes)) as front:
                yield House(nodes, front)
        finally:
            for node in nodes.values():
                assert node.process is not None
                if node.process.poll() is None:
                    node.kill()


class Browser:
    """A visitor's Socket.IO client, by the library that browsers load, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: list[dict[str, Any]] = []
        self._acks: dict[int, Any] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def at(cls, front: Nginx, address: str, *transports: str) -> Browser:
        said = {
            "url": front.url,
            "namespace": "/visitor",
            "auth": {"site": "demo"},
            "transports": transports,
            "ca": str(front.certificate),
            "from": address,
        }
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            require("node"), SCRIPT, json.dumps(said), stdin=pipe, stdout=pipe, limit=1 << 20
        )
        browser = cls(process)
        await until(lambda: browser.when("connect"))
        return browser

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            row = json.loads(line)
            if "n" in row:
                self._acks[row["n"]] = row
            else:
                self.told.append(row)

    def when(self, what: str) -> list[dict[str, Any]]:
        return [row for row in self.told if row["on"] == what]

    def texts(self) -> list[str]:
        """What it was pushed of the conversation."""
        synced = [row["data"] for row in self.when("event") if row["event"] == "sync"]
        return [message["text"] for data in synced for message in data.get("messages") or []]

    async def call(self, event: str, data: Any) -> Any:
        assert self._process.stdin is not None
        number = len(self._acks) + 1
        self._process.stdin.write(json.dumps({"n": number, "event": event, "data": data}).encode() + b"\n")
        row = await until(lambda: self._acks.get(number), 30)
        assert "ack" in row, row
        return row["ack"]

    async def reads(self, text: str) -> None:
        await until(lambda: text in self.texts())

    async def connects(self, times: int) -> None:
        await until(lambda: len(self.when("connect")) == times)

    async def start_chat(self, client_id: str) -> str:
        form = {"client_id": client_id, "name": "Clara", "email": "", "topic": "support", "text": "Hello"}
        answer = await self.call("chat:start", form)
        assert answer["ok"], answer
        return str(answer["contact"]["id"])

    async def say(self, contact: str, client_id: str, text: str) -> None:
        answer = await self.call("message:send", {"contact": contact, "client_id": client_id, "text": text})
        assert answer["ok"], answer

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader


async def desk_at(house: House, name: str) -> Desk:
    """An agent whose sign-in and window come through nginx: the cookie is for https only, the origin the public one."""
    heard: list[tuple[str, Any]] = []
    signed_in = await asyncio.to_thread(lambda: SignedIn(house.front.url, name, tls=house.tls))
    client = signed_in.client(house.front.url, on_event=lambda event, data: heard.append((event, data)))
    desk = Desk(await client.open(), heard)
    assert (await desk.client.call("presence:set", {"state": "available"}))["ok"]
    return desk


async def test_visitors_and_agents_talk_through_nginx(house: House) -> None:
    addresses = await asyncio.to_thread(house.addresses)
    # By every way that the client knows: a WebSocket at once, polling alone, and polling that becomes a WebSocket.
    desk = await desk_at(house, "agent1")
    ways = [("websocket",), ("polling",), ("polling", "websocket")]
    browsers = {
        (way, port): await Browser.at(house.front, address, *way) for way in ways for port, address in addresses.items()
    }
    for number, ((way, _), browser) in enumerate(browsers.items()):
        assert browser.when("open")[0]["transport"] == way[0]
        if len(way) == 2:
            await until(partial(browser.when, "upgrade"))
            assert browser.when("upgrade")[0]["transport"] == "websocket"
        contact = await browser.start_chat(f"through-{number:03d}")
        if way == ("websocket",):
            await desk.accept(contact)
            said = {"contact": contact, "client_id": f"agent-{number:04d}", "text": f"Good morning {number}"}
            assert (await desk.client.call("message:send", said))["ok"]
            await browser.reads(f"Good morning {number}")
        for line in range(5):
            await browser.say(contact, f"line-{number:03d}-{line:03d}", f"Line {line}")
        assert browser.when("disconnect") == browser.when("connect_error") == []
    for browser in browsers.values():
        await browser.close()
    await desk.close()

    served = house.front.served()
    for port, address in addresses.items():
        polls = [row for row in served if row.address == address and "transport=polling" in row.path]
        assert len(polls) > 20 and {row.nodes for row in polls} == {(port,)}, "an address keeps to its node"
        assert {row.status for row in polls} <= {200, 499}, "499: the client went, with a poll on its way"
        upgraded = [row for row in served if row.address == address and "transport=websocket" in row.path]
        assert [(row.status, row.nodes) for row in upgraded] == [(101, (port,))] * 2


async def test_the_hub_learns_the_visitors_own_address_and_scheme(house: House) -> None:
    """Else all visitors would share one limit, and a sign-in's cookie would go over plain http."""

    def page(address: str, forged: str) -> httpx.Response:
        transport = httpx.HTTPTransport(local_address=address, verify=house.tls)
        with httpx.Client(transport=transport, trust_env=False, timeout=20) as client:
            return client.get(f"{house.front.url}/login", headers={"X-Forwarded-For": forged})

    answer = await asyncio.to_thread(page, "127.0.7.1", "198.51.100.7")
    assert answer.status_code == 200
    cookies = [value for name, value in answer.headers.multi_items() if name == "set-cookie"]
    assert cookies and all("secure" in cookie.lower() for cookie in cookies)
    logs = "".join(node.log.read_text() for node in house.nodes.values())
    assert "198.51.100.7" not in logs, "what a visitor says of his own address is not believed"


async def test_an_address_has_one_allowance_at_all_nodes(house: House) -> None:
    """Whoever goes round nginx, or changes the node, gains nothing: here the test is the trusted proxy."""

    async def start(node: DemoHub, address: str, number: int) -> Any:
        headers = {"X-Forwarded-For": address}
        client = await Client(node.url, "/visitor", {"site": "demo"}, headers=headers).open()
        form = {"client_id": f"start-{number:04d}", "name": "Clara", "email": "", "topic": "support", "text": "Hello"}
        answer = await client.call("chat:start", form)
        await client.close()
        return answer if answer["ok"] else answer["error"]["code"]

    nodes = list(house.nodes.values())
    for number in range(STARTS):
        assert (await start(nodes[number % 2], "198.51.100.7", number))["ok"]
    async with asyncio.timeout(20):
        for node in nodes:
            # The other node's last one may still be on its way.
            while await start(node, "198.51.100.7", secrets.randbelow(9000) + 1000) != "rate.limited":
                await asyncio.sleep(0.05)
    assert (await start(nodes[0], "198.51.100.8", 99))["ok"]


async def test_a_killed_node_is_passed_over_and_its_visitors_come_back(house: House) -> None:
    addresses = await asyncio.to_thread(house.addresses)
    # Agents come from 127.0.0.1; the node that dies is the other one.
    living = await asyncio.to_thread(house.node_of, "127.0.0.1")
    (dying,) = set(house.nodes) - {living}
    desk = await desk_at(house, "agent1")
    socket = await Browser.at(house.front, addresses[dying], "websocket", "polling")
    polling = await Browser.at(house.front, addresses[dying], "polling")
    contact = await socket.start_chat("before-the-kill")
    await desk.accept(contact)
    await polling.start_chat("polling-before")

    await asyncio.to_thread(house.nodes[dying].kill)
    killed = time.monotonic()
    for browser in (socket, polling):
        await browser.connects(2)
        print(f"{browser.when('open')[0]['transport']} was back {time.monotonic() - killed:.2f} s after the kill")
    assert time.monotonic() - killed < BACK_WITHIN_S
    await socket.say(contact, "after-the-kill", "Are you still there?")
    told = await until(
        lambda: [m for e, d in desk.heard if e == "sync" for m in d["messages"] if m["text"] == "Are you still there?"]
    )
    assert len(told) == 1
    assert (await desk.client.call("message:send", {"contact": contact, "client_id": "agent-1-after", "text": "Yes"}))[
        "ok"
    ]
    await socket.reads("Yes")
    # Plain requests, too, of those who have never been anywhere else.
    assert await asyncio.to_thread(house.node_of, addresses[dying]) == living
    tried = [row for row in house.front.served() if row.nodes == (dying, living)]
    # A session that only the dead node knew is refused by the other, at which the client begins a new one.
    assert tried and {row.status for row in tried if "&sid=" not in row.path} <= {101, 200}
    assert {row.status for row in tried} <= {101, 200, 400}

    # And back again, without a word to nginx.
    await asyncio.to_thread(house.nodes[dying].start)
    async with asyncio.timeout(30):
        while await asyncio.to_thread(house.node_of, addresses[dying]) != dying:
            await asyncio.sleep(0.5)
    # Polls go to the node that is back, which does not know them: one more new session. WebSockets stay where they are.
    await polling.connects(3)
    await polling.start_chat("polling-after1")
    assert len(socket.when("connect")) == 2
    await socket.say(contact, "after-return", "Thank you")
    for browser in (socket, polling):
        await browser.close()
    await desk.close()
