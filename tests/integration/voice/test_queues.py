"""Callers who find nobody, and callers who are handed on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.voice.announce import Prompts
from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.media.exchange import channels, holds
from tests.integration.voice.desk import Record, a_desk, a_headset, a_record, a_telephone, client_id
from webrtc.wav import samples

CALLER, AGENT, OTHER = 400.0, 700.0, 1000.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("queues"))
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


async def keep_hours(record: Record, queue: str, hours: str) -> None:
    row = await record.get(f"queues/{queue}")
    await record.send("PUT", f"queues/{queue}", row | {"hours": hours})


async def test_a_caller_outside_the_hours_is_told_so(hub: DemoHub, record: Record) -> None:
    await record.send("POST", "hours", {"id": "never", "name": "Never"})
    await keep_hours(record, "billing", "never")
    async with a_telephone(CALLER) as telephone:
        telephone.dial(hub.sip_port, "billing")
        await telephone.answered()
        assert (await telephone.ended()).by == "remote"
        (file,) = Prompts().files(["closed"], "en")
        said = len(samples(Path(file).read_bytes())) // 2
        assert len(telephone.phone.heard) > said - 800, "he heard all of it"
    await keep_hours(record, "billing", "always")


async def test_a_caller_is_handed_on_to_another_queue(hub: DemoHub, record: Record) -> None:
    async with (
        a_telephone(CALLER) as telephone,
        a_desk(hub) as desk,
        a_headset(AGENT) as headset,
        a_headset(OTHER) as other,
    ):
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        await telephone.phone.until_hears(AGENT)
        async with a_desk(hub, "agent2") as colleague:
            transfer = {"contact": contact["id"], "client_id": client_id(), "queue": "sales"}
            await desk.ask("contact:transfer", transfer)
            await desk.until("phone", lambda data: data["state"] == "ended")
            found = await colleague.take_call(other)
            assert found["id"] == contact["id"]
            await asyncio.gather(telephone.phone.until_hears(OTHER), other.until_hears(CALLER))
            # The first agent's window hears nothing any more, and cannot come back.
            refused = await desk.client.call("phone_leave", {"contact": contact["id"]})
            assert refused["error"]["code"] == "contact.not_yours"
            await colleague.ask("phone_hang_up", {"contact": contact["id"], "client_id": client_id()})
            await telephone.ended()
            await colleague.finish(contact["id"])


async def test_each_queue_records_as_it_has_it(hub: DemoHub, record: Record) -> None:
    """Handed from a queue that records to one that never does, and back: two recordings, and silence on the rest."""
    for queue, mode in (("support", "always"), ("sales", "never")):
        row = await record.get(f"queues/{queue}")
        await record.send("PUT", f"queues/{queue}", row | {"recording": {"mode": mode}})
    async with (
        a_telephone(CALLER) as telephone,
        a_desk(hub) as desk,
        a_desk(hub, "agent2") as colleague,
        a_headset(AGENT) as headset,
        a_headset(OTHER) as other,
        a_headset(AGENT) as again,
    ):
        telephone.dial(hub.sip_port)
        await telephone.answered()
        contact = await desk.take_call(headset)
        id = contact["id"]
        await desk.until("phone", lambda data: (data["recording"], data["may_record"]) == ("on", True))
        await asyncio.gather(telephone.phone.until_hears(AGENT, 2), headset.until_hears(CALLER, 2))
        await desk.ask("contact:transfer", {"contact": id, "client_id": client_id(), "queue": "sales"})
        await colleague.take_call(other)
        await telephone.phone.until_hears(OTHER, 2)
        for state in ("on", "paused"):
            refused = await colleague.client.call("phone_record", {"contact": id, "state": state})
            assert refused["error"]["code"] == "recording.never"
        await colleague.ask("contact:transfer", {"contact": id, "client_id": client_id(), "queue": "support"})
        await desk.take_call(again)
        await desk.until("phone", lambda data: data["recording"] == "on")
        await asyncio.gather(telephone.phone.until_hears(AGENT, 2), again.until_hears(CALLER, 2))
        telephone.hang_up()
        await desk.finish(id)
    found: list[Json] = []
    while not found or {one["state"] for one in found} != {"complete"}:
        await asyncio.sleep(0.1)
        found = (await record.get(f"recordings?contact={id}"))["items"]
    second, first = found
    assert second["id"] == f"{first['id']}-2"
    for made in found:
        _, agent = channels(await record.sound(made["id"]))
        assert holds(agent[2_000:12_000], AGENT) > 0.8
        assert holds(agent, OTHER) < 0.2
    (call,) = (await record.get(f"calls?contact={id}"))["items"]
    assert call["recordings"] == [first["id"], second["id"]]
