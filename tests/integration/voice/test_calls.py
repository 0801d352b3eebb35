"""Calls from a telephone to an agent's browser, in the demo as a new user starts it; a tone for each party."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hub import DemoHub
from tests.integration.media.exchange import channels, holds
from tests.integration.sip.sipp import sipp
from tests.integration.voice.desk import Record, a_desk, a_headset, a_record, a_telephone, client_id

CALLER, AGENT, OTHER = 400.0, 700.0, 1000.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("voice"), "[routing]\ngrace_s = 20\n")
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


async def test_a_telephone_and_an_agent_talk(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CALLER))

        await desk.ask("phone_hold", {"contact": contact["id"]})
        await desk.until("phone", lambda data: data["state"] == "held")
        # Music is no single tone, and nobody talks into it.
        heard = len(telephone.phone.heard)
        while len(telephone.phone.heard) < heard + 12_000:
            await asyncio.sleep(0.05)
        assert telephone.phone.hears(AGENT) < 0.2
        assert headset.hears(CALLER) < 0.2
        await desk.ask("phone_resume", {"contact": contact["id"]})
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CALLER))

        await desk.ask("phone_digits", {"contact": contact["id"], "digits": "42#"})
        while telephone.phone.keys != "42#":
            await asyncio.sleep(0.02)
        telephone.phone.press("17")
        while headset.keys != "17":
            await asyncio.sleep(0.02)
        stats = await desk.ask("phone_stats", {"contact": contact["id"]})
        assert {leg["codec"] for leg in stats["legs"].values()} == {"PCMU"}

        telephone.hang_up()
        await desk.finish(contact["id"])
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"], ended["digits"]) == ("customer", "bye", 2)
        assert ended["legs"]["customer"]["packets_in"] > 100
        assert ended["legs"]["agent"]["packets_in"] > 100
        types = [event["type"] for event in await record.events(contact["id"])]
        assert [type for type in types if type.startswith("call.")] == [
            "call.started",
            "call.answered",
            "call.answered",
            "call.recording",
            "call.ended",
        ]
        assert types.index("contact.connected") < types.index("contact.held") < types.index("contact.resumed")


async def test_the_agent_hangs_up(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        await desk.ask("phone_hang_up", {"contact": contact["id"], "client_id": client_id()})
        assert (await telephone.ended()).by == "remote"
        await desk.until("phone", lambda data: data["state"] == "ended")
        await desk.finish(contact["id"])
        ended = await record.until(contact["id"], "call.ended")
        assert ended["by"].startswith("us_")


async def test_who_waits_hears_the_greeting_and_music_and_leaves_no_trace_but_its_event(
    hub: DemoHub, record: Record
) -> None:
    async with a_telephone(CALLER) as telephone:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        while len(telephone.phone.heard) < 16_000:
            await asyncio.sleep(0.05)
        assert len({*telephone.phone.heard}) > 50, "something is said"
        contact = await record.newest()
        assert (contact["channel"], contact["phase"], contact["queue"]["id"]) == ("voice", "queued", "support")
        telephone.hang_up()
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("customer", "bye")
        assert (await record.contact(contact["id"]))["phase"] == "closed"
        types = [event["type"] for event in await record.events(contact["id"])]
        assert "contact.abandoned" in types


async def test_a_reload_costs_a_moment_and_not_the_call(hub: DemoHub) -> None:
    async with (
        a_telephone(CALLER) as telephone,
        a_desk(hub) as desk,
        a_headset(AGENT) as first,
        a_headset(OTHER) as second,
    ):
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(first)
        await telephone.phone.until_hears(AGENT)
        # The page is gone without a word: it is missed after three seconds, and the caller hears music.
        first.fall_silent()
        await desk.until("phone", lambda data: data["state"] == "reconnecting")
        await desk.join(contact["id"], second)
        await asyncio.gather(telephone.phone.until_hears(OTHER), second.until_hears(CALLER))
        await desk.ask("phone_hang_up", {"contact": contact["id"], "client_id": client_id()})
        await telephone.ended()
        await desk.finish(contact["id"])


async def test_an_agent_who_does_not_come_back_loses_the_call_to_another(hub: DemoHub) -> None:
    async with (
        a_telephone(CALLER) as telephone,
        a_desk(hub) as desk,
        a_headset(AGENT) as headset,
        a_headset(OTHER) as other,
    ):
        telephone.dial(hub.sip_port, "billing")
        await telephone.answered()
        contact = await desk.take_call(headset)
        await telephone.phone.until_hears(AGENT)
        headset.fall_silent()
        await desk.client.abandon()
        async with a_desk(hub, "agent3") as colleague:
            found = await colleague.take_call(other)
            assert found["id"] == contact["id"]
            await asyncio.gather(telephone.phone.until_hears(OTHER), other.until_hears(CALLER))
            telephone.hang_up()
            await colleague.finish(contact["id"])


async def test_a_dead_media_worker_ends_its_calls_and_frees_the_agent(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        assert hub.process is not None
        for worker in psutil.Process(hub.process.pid).children():
            if any("webrtc.worker" in part for part in worker.cmdline()):
                worker.kill()
        assert (await telephone.ended()).by == "remote"
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("system", "interrupted")
        await desk.finish(contact["id"])

    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        # The worker is replaced, and the next call works.
        while not await telephone.gets_through(hub.sip_port):
            await asyncio.sleep(0.5)
        contact = await desk.take_call(headset)
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CALLER))
        telephone.hang_up()
        await desk.finish(contact["id"])


async def test_both_sides_are_recorded_on_their_channels_and_pauses_are_silent(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        await desk.until("phone", lambda data: data["recording"] == "on")
        await asyncio.gather(telephone.phone.until_hears(AGENT, 2), headset.until_hears(CALLER, 2))
        await desk.ask("phone_record", {"contact": contact["id"], "state": "paused"})
        await desk.until("phone", lambda data: data["recording"] == "paused")
        await asyncio.gather(telephone.phone.until_hears(AGENT, 2), headset.until_hears(CALLER, 2))
        telephone.hang_up()
        await desk.finish(contact["id"])
        while (found := (await record.get(f"recordings?contact={contact['id']}"))["items"])[0]["state"] != "complete":
            await asyncio.sleep(0.1)
        (made,) = found
        customer, agent = channels(await record.sound(made["id"]))
        # Its beginning and its end are apart from each other: spoken, then silent.
        assert holds(customer[2_000:14_000], CALLER) > 0.8
        assert holds(agent[2_000:14_000], AGENT) > 0.8
        assert holds(customer[-8_000:], CALLER) < 0.2
        assert holds(agent[-8_000:], AGENT) < 0.2
        states = [
            event["data"]["state"] for event in await record.events(contact["id"]) if event["type"] == "call.recording"
        ]
        assert states[:2] == ["on", "paused"]


async def test_a_call_that_dies_with_its_hub_is_ended_when_the_hub_is_back(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_headset(AGENT) as headset:
        async with a_desk(hub) as desk:
            telephone.dial(hub.sip_port)
            await telephone.answered()
            contact = await desk.take_call(headset)
            await asyncio.to_thread(hub.kill)
        await asyncio.to_thread(hub.start)
        ended = await record.until(contact["id"], "contact.ended")
        assert (ended["by"], ended["reason"]) == ("system", "interrupted")
        async with a_desk(hub) as desk:
            await desk.ask("wrapup:finish", {"contact": contact["id"], "client_id": client_id(), "outcome": "solved"})
        assert (await record.contact(contact["id"]))["phase"] == "closed"


async def test_a_hub_that_stops_hangs_up(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_headset(AGENT) as headset:
        async with a_desk(hub) as desk:
            telephone.dial(hub.sip_port)
            await telephone.answered()
            contact = await desk.take_call(headset)
            stopping = asyncio.create_task(asyncio.to_thread(hub.stop))
            assert (await telephone.ended()).by == "remote"
            assert await stopping == 0
        await asyncio.to_thread(hub.start)
        ended = await record.until(contact["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("system", "interrupted")
        async with a_desk(hub) as desk:
            await desk.ask("wrapup:finish", {"contact": contact["id"], "client_id": client_id(), "outcome": "solved"})


async def test_sipp_calls_and_hangs_up(hub: DemoHub, record: Record, tmp_path: Path) -> None:
    """Signalling that is not ours: SIPp's own caller, by UDP and by TCP."""
    for options in ((), ("-t", "t1")):
        async with sipp(
            tmp_path, "uac", f"127.0.0.1:{hub.sip_port}", "-s", "sales", "-m", "1", "-d", "500", *options
        ) as caller:
            await caller.finish()
        contact = await record.newest()
        assert (contact["channel"], contact["queue"]["id"]) == ("voice", "sales")
        await record.until(contact["id"], "call.ended")


async def test_a_number_that_leads_nowhere_is_refused(hub: DemoHub) -> None:
    async with a_telephone(CALLER) as telephone:
        telephone.dial(hub.sip_port, "nobody")
        assert (await telephone.rejected()).status == 404
