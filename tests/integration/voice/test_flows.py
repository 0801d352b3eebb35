"""Callers who go through a flow before they come to a queue: a telephone presses keys, a server is asked for orders."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from channels.voice.settings import NumberSettings
from tests.clients import Json
from tests.integration.voice.desk import Record, Telephone, a_headset, a_telephone
from tests.integration.voice.test_dial import AGENT, CUSTOMER, Company, a_record, at_desk, company
from tests.peers import require

PIN = "975312468"
PROMPT = [{"say": "prompt", "prompt": "please-wait"}]


class Orders(ThreadingHTTPServer):
    """A shop's server; `asked` is what came, `hangs` that nothing goes back until then."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Order)
        self.asked: list[tuple[str, Json]] = []
        self.answers = threading.Event()
        self.answers.set()


class _Order(BaseHTTPRequestHandler):
    server: Orders

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        self.server.answers.wait(30)
        if self.path == "/orders/1234":
            answer = json.dumps({"order": {"state": "shipped", "parcels": [{"count": 2}]}}).encode()
            self.send_response(200)
        else:
            answer = b"{}"
            self.send_response(302 if self.path == "/orders/3020" else 404)
            self.send_header("Location", "/orders/1234")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def a_shop() -> Iterator[Orders]:
    with Orders() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()


def front_door(shop: Orders) -> Json:
    collect = {"do": "collect", "parts": PROMPT, "failed": "help"}
    return {
        "name": "Front door",
        "start": "menu",
        "nodes": {
            "menu": {"do": "menu", "parts": PROMPT, "options": {"1": "order", "2": "bye"}, "failed": "help"},
            "order": collect | {"into": "order", "most": 4, "next": "pin"},
            "pin": collect | {"into": "pin", "least": 9, "most": 9, "secret": True, "next": "ask"},
            "ask": {
                "do": "lookup",
                "url": f"http://127.0.0.1:{shop.server_port}/orders/{{order}}",
                "method": "POST",
                "body": {"pin": "{pin}"},
                "take": {"state": "/order/state", "parcels": "/order/parcels/0/count"},
                "timeout_s": 2,
                "next": "tell",
                "missing": "bye",
                "failed": "help",
            },
            "tell": {"do": "say", "parts": [{"say": "value", "of": "parcels"}], "next": "help"},
            "help": {"do": "queue", "queue": "sales"},
            "bye": {"do": "hang_up", "parts": PROMPT},
        },
    }


@asynccontextmanager
async def guided(folder: Path, telephone: Telephone, flow: Json) -> AsyncIterator[tuple[Company, Record]]:
    """Whoever calls goes through the flow."""
    async with company(folder, telephone) as hub:
        record = await asyncio.to_thread(a_record, hub)
        await record.send("POST", "flows", {"id": "front"} | flow)
        voice = hub.serving.application.voice
        numbers = (NumberSettings("*", "support", "shop", flow="front"),)
        # On the loop that the hub runs on.
        settings = replace(voice.settings, numbers=numbers)
        voice.lookups.allow_private = True
        hub.serving.loop.call_soon_threadsafe(voice.configure, settings)
        while voice.calls.settings.numbers != numbers:
            await asyncio.sleep(0.02)
        yield hub, record


async def in_queue(record: Record, caller: Telephone, hub: Company) -> Json:
    while True:
        found = (await record.get("contacts?limit=1"))["items"]
        if found and found[0]["queue"]:
            return dict(found[0]) | {"queue": found[0]["queue"]["id"]}
        await asyncio.sleep(0.05)


async def test_a_caller_is_told_of_his_order_and_comes_to_an_agent_who_knows_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_telephone(CUSTOMER) as caller, a_headset(AGENT) as headset:
        with a_shop() as shop:
            async with guided(tmp_path, caller, front_door(shop)) as (hub, record):
                caller.dial(hub.sip_port)
                await caller.answered()
                # Before anything was said to the end, with the key that ends a number.
                caller.phone.press(f"11234#{PIN}")
                waiting = await in_queue(record, caller, hub)
                assert shop.asked == [("/orders/1234", {"pin": PIN})]
                assert waiting["queue"] == "sales"
                contact = await record.contact(waiting["id"])
                known = {name: contact["fields"][name] for name in ("order", "state", "parcels")}
                assert known == {"order": "1234", "state": "shipped", "parcels": "2"}
                async with at_desk(hub) as desk:
                    await desk.take_call(headset)
                    await asyncio.gather(caller.phone.until_hears(AGENT), headset.until_hears(CUSTOMER))
                    caller.hang_up()
                    await desk.finish(contact["id"])
                types = [event["type"] for event in await record.events(contact["id"])]
                assert types.index("contact.guided") < types.index("contact.queued")
    # What was secret is nowhere: not in the log, the store or a file.
    assert PIN not in caplog.text
    assert all(PIN.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


async def test_orders_that_are_not_there_servers_that_hang_and_redirects_have_their_exits(tmp_path: Path) -> None:
    async with a_telephone(CUSTOMER) as caller:
        with a_shop() as shop:
            async with guided(tmp_path, caller, front_door(shop)) as (hub, record):
                caller.dial(hub.sip_port)
                await caller.answered()
                calls = hub.serving.application.voice.calls
                live = calls.require((await record.newest())["id"])
                caller.phone.press(f"19999#{PIN}")
                assert (await caller.ended()).cause == "bye", "it hangs up when it has said so"
                await record.until(live.id, "contact.abandoned")
                # Whose call ends in the moment in which he is put somewhere is put nowhere, and that is no fault.
                await asyncio.to_thread(hub.serving.run, calls.flows.enter(live, None))
                contact = await record.newest()
                assert (contact["phase"], contact["queue"]) == ("closed", None)
                for order in ("3020", "1234"):
                    if order == "1234":
                        shop.answers.clear()
                    caller.line.events.clear()
                    caller.hush()
                    caller.dial(hub.sip_port)
                    await caller.answered()
                    caller.phone.press(f"1{order}#{PIN}")
                    waiting = await in_queue(record, caller, hub)
                    assert waiting["queue"] == "sales" and waiting["id"] != contact["id"]
                    caller.hang_up()
                    await record.until(waiting["id"], "contact.abandoned")
                    # The next one is to be another.
                    contact = waiting
                    while (await record.newest())["phase"] != "closed":
                        await asyncio.sleep(0.05)
                shop.answers.set()


async def test_a_flow_is_read_aloud(tmp_path: Path) -> None:
    require("espeak-ng")
    flow = {
        "name": "Words",
        "start": "hello",
        "nodes": {
            "hello": {
                "do": "say",
                "parts": [{"say": "words", "text": {"en": "Good morning from the shop."}}],
                "next": "a",
            },
            "a": {"do": "queue", "queue": "sales"},
        },
    }
    async with a_telephone(CUSTOMER) as caller, guided(tmp_path, caller, flow) as (hub, record):
        caller.dial(hub.sip_port)
        await caller.answered()
        await in_queue(record, caller, hub)
        (kept,) = tmp_path.rglob("speech/*.wav")
        spoken = kept.read_bytes()
        assert len(spoken) > 8_000, "more than a second"
        # Packet by packet as it was made.
        assert spoken[4_000:6_000] in caller.phone.heard
        caller.hang_up()


async def test_a_draft_guides_nobody_and_a_flow_in_use_stays(tmp_path: Path) -> None:
    async with a_telephone(CUSTOMER) as caller:
        draft = {"name": "Draft", "draft": True, "start": None, "nodes": {}}
        async with guided(tmp_path, caller, draft) as (hub, record):
            caller.dial(hub.sip_port)
            await caller.answered()
            assert (await in_queue(record, caller, hub))["queue"] == "support"
            await record.send(
                "POST",
                "numbers",
                {"id": "all", "name": "All", "pattern": "*", "queue": "support", "site": "shop", "flow": "front"},
            )
            async with httpx.AsyncClient(base_url=hub.url, headers=record.headers, trust_env=False) as http:
                refused = await http.delete("/api/v1/flows/front")
                assert refused.status_code == 409 and refused.json()["error"]["code"] == "config.in_use", refused.text
                broken = {"name": "Broken", "start": "a", "nodes": {"a": {"do": "say", "parts": [], "next": "b"}}}
                wrong = await http.post("/api/v1/flows", json={"id": "broken"} | broken)
                assert wrong.status_code == 422 and wrong.json()["error"]["details"]["path"] == "nodes.a.next", (
                    wrong.text
                )
            caller.hang_up()
