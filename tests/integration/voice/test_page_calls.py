"""Calls from the web page: a new one, an open chat that goes on by voice, a reload, and either side hanging up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.voice.desk import Headset, Page, Record, a_desk, a_headset, a_page, a_record, client_id

VISITOR, AGENT, OTHER = 400.0, 700.0, 1000.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("page"))
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


async def call(page: Page, headset: Headset, **form: str) -> Json:
    """Starts a call and talks; the contact."""
    start = {"client_id": client_id(), "offer": await headset.offer(), **form}
    started = await page.ask("call_start", start)
    await headset.accept(started["answer"])
    contact: Json = started["contact"]
    return contact


async def test_a_visitor_calls_and_hangs_up(hub: DemoHub, record: Record) -> None:
    async with (
        a_page(hub) as page,
        a_desk(hub) as desk,
        a_headset(VISITOR) as theirs,
        a_headset(AGENT) as ours,
    ):
        assert (await page.ask("call_ice", {}))["ice_servers"] == []
        contact = await call(page, theirs, topic="support", name="Vera")
        await desk.take_call(ours)
        await asyncio.gather(theirs.until_hears(AGENT), ours.until_hears(VISITOR))
        await page.until("call", lambda data: data["state"] == "active")
        await desk.ask("phone_hold", {"contact": contact["id"]})
        await page.until("call", lambda data: data["state"] == "held")
        await page.ask("call_hang_up", {"contact": contact["id"], "client_id": client_id()})
        await page.until("call", lambda data: data["state"] == "ended")
        await desk.finish(contact["id"])
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], sorted(ended["legs"])) == ("customer", ["agent", "customer"])


async def test_a_chat_goes_on_by_voice_with_its_agent_and_its_history(hub: DemoHub, record: Record) -> None:
    async with (
        a_page(hub) as page,
        a_desk(hub) as desk,
        a_headset(VISITOR) as theirs,
        a_headset(AGENT) as ours,
    ):
        form = {"client_id": client_id(), "name": "Vera", "topic": "support", "text": "My bowl is cracked"}
        chat = (await page.ask("chat:start", form))["contact"]
        await desk.accept(await desk.until("offer"))
        contact = await call(page, theirs, contact=chat["id"])
        assert contact["id"] == chat["id"]
        # He is rung at once, without an offer.
        await desk.until("phone", lambda data: (data["contact"], data["state"]) == (chat["id"], "connecting"))
        await desk.join(chat["id"], ours)
        await asyncio.gather(theirs.until_hears(AGENT), ours.until_hears(VISITOR))
        now = await record.contact(chat["id"])
        assert (now["channel"], now["phase"]) == ("voice", "active")
        messages = (await record.get(f"contacts/{chat['id']}/messages"))["items"]
        assert "My bowl is cracked" in [message["text"] for message in messages]
        # They still write to each other.
        await page.ask("message:send", {"contact": chat["id"], "client_id": client_id(), "text": "MK 1234"})
        await desk.ask("phone_hang_up", {"contact": chat["id"], "client_id": client_id()})
        await page.until("call", lambda data: data["state"] == "ended")
        await desk.finish(chat["id"])
        # Both sides are told, in lines of the conversation, that it began and how long it was.
        ended = await record.until(chat["id"], "call.ended")
        messages = (await record.get(f"contacts/{chat['id']}/messages"))["items"]
        told = [(one["code"], one["data"]) for one in messages if (one["code"] or "").startswith("call_")]
        assert told == [("call_began", {"name": "Nadia"}), ("call_ended", {"ms": ended["talk_ms"]})]
        assert ended["talk_ms"] > 0
        shown = (await page.ask("chat:sync", {"contact": chat["id"]}))["messages"]
        assert [one["code"] for one in shown if one["code"]] == ["joined", "call_began", "ended", "call_ended"]


async def test_a_page_that_is_loaded_again_finds_its_call(hub: DemoHub) -> None:
    async with (
        a_page(hub) as page,
        a_desk(hub) as desk,
        a_headset(VISITOR) as theirs,
        a_headset(OTHER) as again,
        a_headset(AGENT) as ours,
    ):
        contact = await call(page, theirs, topic="support", name="Vera")
        await desk.take_call(ours)
        await ours.until_hears(VISITOR)
        theirs.fall_silent()
        await page.until("call", lambda data: data["state"] == "active")
        rejoined = await page.ask("call_rejoin", {"contact": contact["id"], "offer": await again.offer()})
        await again.accept(rejoined["answer"])
        await asyncio.gather(again.until_hears(AGENT), ours.until_hears(OTHER))
        await page.ask("call_hang_up", {"contact": contact["id"], "client_id": client_id()})
        await desk.finish(contact["id"])


async def test_a_page_that_is_gone_leaves_the_queue(hub: DemoHub, record: Record) -> None:
    async with a_page(hub) as page, a_headset(VISITOR) as theirs:
        contact = await call(page, theirs, topic="support")
        while len(theirs.heard) < 8_000:
            await asyncio.sleep(0.05)
        await theirs.close()
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("customer", "lost")
        assert (await record.contact(contact["id"]))["phase"] == "closed"


async def test_nobody_touches_the_call_of_another(hub: DemoHub) -> None:
    async with (
        a_page(hub) as page,
        a_page(hub) as stranger,
        a_desk(hub) as desk,
        a_desk(hub, "agent3") as colleague,
        a_headset(VISITOR) as theirs,
        a_headset(AGENT) as ours,
        a_headset(OTHER) as other,
    ):
        contact = await call(page, theirs, topic="support")
        await desk.take_call(ours)
        offer = await other.offer()
        of = {"contact": contact["id"]}
        for who, event, data in (
            (stranger, "call_rejoin", of | {"offer": offer}),
            (stranger, "call_hang_up", of | {"client_id": client_id()}),
            (stranger, "call_start", of | {"offer": offer, "client_id": client_id()}),
            (colleague, "phone_join", of | {"offer": offer}),
            (colleague, "phone_leave", of),
            (colleague, "phone_hold", of),
            (colleague, "phone_digits", of | {"digits": "1"}),
            (colleague, "phone_hang_up", of | {"client_id": client_id()}),
            (colleague, "phone_stats", of),
            (colleague, "phone_record", of | {"state": "on"}),
        ):
            answer = await who.client.call(event, data)
            assert not answer["ok"], event
            assert answer["error"]["code"] in ("auth.forbidden", "contact.not_yours"), (event, answer)
        await ours.until_hears(VISITOR)
        await page.ask("call_hang_up", {"contact": contact["id"], "client_id": client_id()})
        await desk.finish(contact["id"])


async def test_an_agent_hears_himself(hub: DemoHub) -> None:
    async with a_desk(hub) as desk, a_headset(AGENT) as headset:
        answer = await desk.ask("phone_test", {"offer": await headset.offer()})
        await headset.accept(answer["answer"])
        await headset.until_hears(AGENT)


async def test_calls_begin_at_a_bounded_rate(hub: DemoHub) -> None:
    async with a_page(hub) as page:
        codes = []
        for _ in range(40):
            answer = await page.client.call("call_start", {"client_id": client_id(), "offer": "rubbish"})
            codes.append(answer["error"]["code"])
        assert codes[0] == "input.invalid"
        assert codes[-1] == "rate.limited"
