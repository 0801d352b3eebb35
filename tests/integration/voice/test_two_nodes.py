"""A call comes to one node and its agent sits at the other; the call's node dies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import DemoHub
from tests.integration.voice.desk import a_desk, a_headset, a_page, a_record, a_telephone, client_id
from tests.integration.voice.test_page_rings import ask as ask_at_page
from tests.peers import require
from tests.postgres import postgres_server
from tests.redis import redis_server

CALLER, AGENT, OTHER = 400.0, 700.0, 1000.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[DemoHub, DemoHub]]:
    require("postgres")
    key = tmp_path / "secret.key"
    key.write_text("a key that both nodes know, of many characters")
    with postgres_server() as database, redis_server() as redis:
        assert database is not None
        settings = (
            f'[store]\nurl = "{database.new_database()}"\n[bus]\nurl = "redis://127.0.0.1:{redis.port}/0"\n'
            f'[security]\nsecret_key = {{file = "{key}"}}\n[recordings]\ndir = "{tmp_path / "recordings"}"\n'
        )
        nodes = []
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            nodes.append(DemoHub(folder, settings).start())
        yield nodes[0], nodes[1]
        for node in nodes:
            if node.process is not None and node.process.poll() is None:
                node.stop()


async def test_the_agent_sits_at_another_node_than_the_call(house: tuple[DemoHub, DemoHub]) -> None:
    here, there = house
    record = await asyncio.to_thread(a_record, here)
    async with (
        a_telephone(CALLER) as telephone,
        a_desk(here) as desk,
        a_headset(AGENT) as headset,
        a_headset(OTHER) as again,
    ):
        telephone.dial(there.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        of = {"contact": contact["id"]}
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CALLER))
        assert set((await desk.ask("phone_stats", of))["legs"]) == {"customer", "agent"}
        await desk.ask("phone_digits", of | {"digits": "5"})
        while telephone.phone.keys != "5":
            await asyncio.sleep(0.02)
        await desk.join(contact["id"], again)
        await asyncio.gather(telephone.phone.until_hears(OTHER), again.until_hears(CALLER))
        await asyncio.to_thread(there.kill)
        ended = await record.until(contact["id"], "contact.ended")
        assert (ended["by"], ended["reason"]) == ("system", "interrupted")
        await desk.finish(contact["id"])


async def test_the_page_comes_back_at_another_node(house: tuple[DemoHub, DemoHub]) -> None:
    here, there = house
    async with a_headset(CALLER) as theirs, a_headset(OTHER) as again, a_headset(AGENT) as ours, a_desk(here) as desk:
        async with a_page(there) as page:
            start = {"client_id": client_id(), "offer": await theirs.offer(), "topic": "support"}
            started = await page.ask("call_start", start)
            await theirs.accept(started["answer"])
        contact = await desk.take_call(ours)
        async with a_page(here, started["token"]) as page:
            rejoin = {"contact": contact["id"], "offer": await again.offer()}
            await again.accept((await page.ask("call_rejoin", rejoin))["answer"])
            await asyncio.gather(again.until_hears(AGENT), ours.until_hears(OTHER))
            await page.ask("call_hang_up", {"contact": contact["id"], "client_id": client_id()})
            await page.until("call", lambda data: data["state"] == "ended")
        await desk.finish(contact["id"])


async def test_a_page_rings_at_whichever_node_it_is(house: tuple[DemoHub, DemoHub]) -> None:
    here, there = house
    async with (
        a_headset(CALLER) as theirs,
        a_headset(AGENT) as ours,
        a_desk(here) as desk,
        a_page(there) as page,
    ):
        asked = await ask_at_page(page)
        async with a_page(here, asked["visitor_token"]) as other:
            offer = await desk.until("offer", lambda data: data["contact"]["channel"] == "callback")
            await desk.accept(offer)
            contact = offer["contact"]["id"]
            await desk.until("phone", lambda data: data["contact"] == contact)  # he has read what it is about
            await desk.join(contact, ours)
            for each in (page, other):
                await each.until("call", lambda data: data["state"] == "incoming")
                assert (await each.ask("call_standing", {"contact": contact}))["call"]["state"] == "incoming"
            mine = {"contact": contact, "client_id": client_id()}
            await page.ask("call_take", mine)
            await other.until("call", lambda data: data["state"] == "ringing")
            answer = await page.ask("call_answer", mine | {"offer": await theirs.offer()})
            await theirs.accept(answer["answer"])
            await asyncio.gather(theirs.until_hears(AGENT), ours.until_hears(CALLER))
            await page.ask("call_hang_up", {"contact": contact, "client_id": client_id()})
            await other.until("call", lambda data: data["state"] == "ended")
        await desk.finish(contact)
