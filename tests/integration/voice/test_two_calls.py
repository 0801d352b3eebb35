"""An agent with two calls: he talks in one, and the other has music, whichever way he comes to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.voice.desk import Desk, Headset, Page, Record, a_desk, a_headset, a_page, a_record, client_id

FIRST, SECOND, AGENT, AGENT_AGAIN = 400.0, 550.0, 700.0, 1000.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("two"))
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


async def chat(page: Page, desk: Desk, name: str) -> str:
    form = {"client_id": client_id(), "name": name, "topic": "support", "text": "Hello"}
    contact: Json = (await page.ask("chat:start", form))["contact"]
    await desk.accept(await desk.until("offer"))
    return str(contact["id"])


async def by_voice(page: Page, headset: Headset, contact: str) -> None:
    start = {"client_id": client_id(), "offer": await headset.offer(), "contact": contact}
    await headset.accept((await page.ask("call_start", start))["answer"])


async def shows(desk: Desk, contact: str, state: str) -> None:
    await desk.until("phone", lambda data: (data["contact"], data["state"]) == (contact, state))


@asynccontextmanager
async def two_chats(hub: DemoHub) -> AsyncIterator[tuple[Desk, Page, str, Page, str]]:
    async with a_page(hub) as page, a_page(hub) as other, a_desk(hub) as desk:
        first = await chat(page, desk, "Vera")
        second = await chat(other, desk, "Wim")
        yield desk, page, first, other, second
        for contact in (first, second):
            await desk.ask("phone_hang_up", {"contact": contact, "client_id": client_id()})
            await desk.finish(contact)


async def test_he_talks_in_one_call_at_a_time(hub: DemoHub, record: Record) -> None:
    async with (
        two_chats(hub) as (desk, page, first, other, second),
        a_headset(FIRST) as vera,
        a_headset(SECOND) as wim,
        a_headset(AGENT) as ours,
        a_headset(AGENT_AGAIN) as again,
    ):
        await by_voice(page, vera, first)
        await shows(desk, first, "connecting")
        await desk.join(first, ours)
        await asyncio.gather(vera.until_hears(AGENT), ours.until_hears(FIRST))

        await by_voice(other, wim, second)
        await shows(desk, second, "connecting")
        # It rings; the first goes on until he takes up the second.
        assert (await record.contact(first))["phase"] == "active"
        await desk.join(second, again)
        await shows(desk, first, "held")
        await asyncio.gather(wim.until_hears(AGENT_AGAIN), again.until_hears(SECOND))
        await page.until("call", lambda data: data["state"] == "held")
        heard = len(vera.heard)
        while len(vera.heard) < heard + 12_000:
            await asyncio.sleep(0.05)
        assert vera.hears(AGENT) < 0.2
        assert vera.hears(AGENT_AGAIN) < 0.2
        assert len({*vera.heard[-4_000:]}) > 30, "there is music"

        # Swap, and back.
        await desk.ask("phone_resume", {"contact": first})
        await shows(desk, second, "held")
        await asyncio.gather(vera.until_hears(AGENT), ours.until_hears(FIRST))
        await other.until("call", lambda data: data["state"] == "held")
        assert wim.hears(AGENT) < 0.2
        await desk.ask("contact:resume", {"contact": second, "client_id": client_id()})
        await shows(desk, first, "held")
        await wim.until_hears(AGENT_AGAIN)

        talks = {"contact.connected": True, "contact.resumed": True, "contact.held": False}
        steps: list[tuple[int, bool, str]] = []
        for contact in (first, second):
            events = [event for event in await record.events(contact) if event["type"] in talks]
            # The first is that of the chat.
            steps += [(event["at"], talks[event["type"]], contact) for event in events[1:]]
        live: set[str] = set()
        for _, begins, contact in sorted(steps):
            live = live | {contact} if begins else live - {contact}
            assert len(live) <= 1
        assert len(steps) == 7


async def test_who_talks_and_does_not_take_up_a_second_call_goes_on_talking(hub: DemoHub, record: Record) -> None:
    async with (
        a_page(hub) as page,
        a_page(hub) as other,
        a_desk(hub) as desk,
        a_headset(FIRST) as vera,
        a_headset(SECOND) as wim,
        a_headset(AGENT) as ours,
    ):
        first, second = await chat(page, desk, "Vera"), await chat(other, desk, "Wim")
        await by_voice(page, vera, first)
        await shows(desk, first, "connecting")
        await desk.join(first, ours)
        await vera.until_hears(AGENT)
        await by_voice(other, wim, second)
        await shows(desk, second, "ended")
        # The second waits for others; nobody says of him who talks that he does not respond.
        lost = await record.until(second, "contact.requeued")
        assert lost["reason"] == "no_media"
        assert (await record.contact(first))["phase"] == "active"
        agents = (await record.get("agents"))["items"]
        assert [one["presence"]["state"] for one in agents if one["username"] == "agent1"] == ["available"]
        await asyncio.gather(vera.until_hears(AGENT), ours.until_hears(FIRST))
        await other.ask("call_hang_up", {"contact": second, "client_id": client_id()})
        await page.ask("call_hang_up", {"contact": first, "client_id": client_id()})
        await desk.finish(first)


async def test_a_held_call_that_is_joined_again_stays_held(hub: DemoHub) -> None:
    """A page that is loaded anew takes up both of its calls, and changes nothing between them."""
    async with (
        two_chats(hub) as (desk, page, first, other, second),
        a_headset(FIRST) as vera,
        a_headset(SECOND) as wim,
        a_headset(AGENT) as ours,
        a_headset(AGENT) as theirs,
        a_headset(AGENT_AGAIN) as again,
    ):
        for talk, headset, contact, own in ((page, vera, first, ours), (other, wim, second, theirs)):
            await by_voice(talk, headset, contact)
            await shows(desk, contact, "connecting")
            await desk.join(contact, own)
            await shows(desk, contact, "active")
        await desk.join(first, again)
        await shows(desk, first, "held")
        await wim.until_hears(AGENT)
        await desk.ask("phone_resume", {"contact": first})
        await asyncio.gather(vera.until_hears(AGENT_AGAIN), again.until_hears(FIRST))
