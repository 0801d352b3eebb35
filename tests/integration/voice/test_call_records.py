"""What stays of real calls: their records, and what a dying hub leaves of a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.hub import DemoHub
from tests.integration.media.exchange import channels, holds
from tests.integration.voice.desk import Record, a_desk, a_headset, a_record, a_telephone, client_id

CALLER, AGENT = 400.0, 700.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("records"), "[routing]\ngrace_s = 20\n")
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    record = a_record(hub)
    always(hub, record)
    return record


def always(hub: DemoHub, record: Record) -> None:
    """The demo's queue for calls records all of them."""
    queue = httpx.get(f"{hub.url}/api/v1/queues/support", headers=record.headers, trust_env=False).json()
    queue["recording"] = {"mode": "always", "announce": False}
    answer = httpx.put(f"{hub.url}/api/v1/queues/support", headers=record.headers, trust_env=False, json=queue)
    assert answer.status_code == 200, answer.text


async def call_of(record: Record, contact: str) -> dict[str, Any]:
    """The contact's call record, once it says that the call is over."""
    while True:
        items = (await record.get(f"calls?contact={contact}"))["items"]
        if items and items[0]["ended_at"] is not None:
            found: dict[str, Any] = items[0]
            return found
        await asyncio.sleep(0.05)


async def test_a_call_has_its_record(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        await asyncio.gather(telephone.phone.until_hears(AGENT, 2), headset.until_hears(CALLER, 2))
        telephone.hang_up()
        await desk.finish(contact["id"])
    call = await call_of(record, contact["id"])
    assert (call["way"], call["direction"], call["by"]) == ("trunk", "in", "customer")
    assert call["queue"]["id"] == "support" and call["agent"]["name"] == "Nadia Berg"
    assert call["talk_ms"] > 1500 and call["hold_ms"] == 0 and not call["abandoned"]
    times = [call[f"{name}_at"] for name in ("started", "offered", "connected", "ended")]
    assert None not in times and times == sorted(times)
    for party in ("customer", "agent"):
        leg = call["legs"][party]
        assert leg["codec"] == "PCMU" and leg["mos"] > 4 and leg["loss"] < 0.05
    (recording,) = call["recordings"]
    while (found := await record.get(f"recordings/{recording}"))["state"] == "recording":
        await asyncio.sleep(0.05)
    assert found["state"] == "complete" and found["reason"] == "always"
    assert [agent["name"] for agent in found["agents"]] == ["Nadia Berg"]
    assert abs(found["ms"] - call["talk_ms"]) < 2000
    peaks = await record.get(f"recordings/{recording}/peaks")
    assert max(peaks["customer"]) > 20 and max(peaks["agent"]) > 20
    assert found["bytes"] == len(await record.sound(recording))


async def test_what_a_killed_hub_recorded_is_found_and_heard(hub: DemoHub, record: Record) -> None:
    async with a_telephone(CALLER) as telephone, a_headset(AGENT) as headset:
        async with a_desk(hub) as desk:
            telephone.dial(hub.sip_port)
            await telephone.answered()
            contact = await desk.take_call(headset)
            await desk.until("phone", lambda data: data["recording"] == "on")
            await asyncio.gather(telephone.phone.until_hears(AGENT, 4), headset.until_hears(CALLER, 4))
            await asyncio.to_thread(hub.kill)
        await asyncio.to_thread(hub.start)
        (found,) = (await record.get(f"recordings?contact={contact['id']}"))["items"]
        while found["state"] == "recording":
            await asyncio.sleep(0.05)
            found = await record.get(f"recordings/{found['id']}")
        assert (found["state"], found["format"]) == ("interrupted", "wav")
        assert found["ms"] > 1500
        customer, agent = channels(await record.sound(found["id"]))
        assert holds(customer[4_000:12_000], CALLER) > 0.8
        assert holds(agent[4_000:12_000], AGENT) > 0.8
        call = await call_of(record, contact["id"])
        assert call["cause"] == "interrupted" and call["recordings"] == [found["id"]]
        async with a_desk(hub) as desk:
            await desk.ask("wrapup:finish", {"contact": contact["id"], "client_id": client_id(), "outcome": "solved"})


async def test_a_call_goes_on_unrecorded_when_the_disk_is_full(tmp_path_factory: pytest.TempPathFactory) -> None:
    hub = DemoHub(tmp_path_factory.mktemp("full"), f"[recordings]\nmin_free_bytes = {2**60}\n")
    hub.start()
    try:
        record = a_record(hub)
        always(hub, record)
        async with a_telephone(CALLER) as telephone, a_desk(hub) as desk, a_headset(AGENT) as headset:
            telephone.dial(hub.sip_port)
            await telephone.answered()
            contact = await desk.take_call(headset)
            # It is begun, and taken back at once.
            while (states := await recording_states(record, contact["id"])) != ["on", "off"]:
                assert states in ([], ["on"])
                await asyncio.sleep(0.05)
            await desk.until("phone", lambda data: data["recording"] == "off" and data["state"] == "active")
            await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CALLER))
            telephone.hang_up()
            await desk.finish(contact["id"])
        (found,) = (await record.get(f"recordings?contact={contact['id']}"))["items"]
        assert found["state"] == "failed" and "not enough room" in found["error"]
    finally:
        assert hub.stop() == 0


async def recording_states(record: Record, contact: str) -> list[str]:
    return [event["data"]["state"] for event in await record.events(contact) if event["type"] == "call.recording"]
