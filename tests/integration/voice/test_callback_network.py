"""Callbacks of the demo into a telephone network that is no code of ours: SIPp answers, is busy, refuses; and after
each the next attempt, or the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.sip.scenarios import hear, say, scenario
from tests.integration.sip.sipp import sipp
from tests.integration.voice.desk import Desk, Headset, Record, a_desk, a_headset, a_record
from tests.integration.voice.test_callbacks import act, ask, take, until
from tests.ports import free_port

AGENT = 700.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("network"))
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


async def called(hub: DemoHub, folder: Path, desk: Desk, headset: Headset, *steps: str) -> str:
    """The agent takes the callback while the network does these steps once; the contact."""
    folder.mkdir(exist_ok=True)
    network = scenario(folder, "network", hear("INVITE"), *steps)
    options = ("-m", "1", "-mp", str(free_port()), "-rtp_echo")
    async with sipp(folder, network, "", *options, port=hub.sip_port + 2) as peer:
        contact = await take(desk, headset)
        await peer.finish()
    return contact


async def refused(
    hub: DemoHub, record: Record, folder: Path, desk: Desk, callback: Json, *statuses: int
) -> tuple[Json, list[int | None]]:
    """Called again and again, and refused each time; the callback, and the minutes until each next attempt."""
    delays: list[int | None] = []
    for number, status in enumerate(statuses):
        if number:
            now = await act(record, hub, f"callbacks/{callback['id']}/call-now")
            assert now.status_code == 200, now.text
        async with a_headset(AGENT) as headset:
            contact = await called(hub, folder / f"{status}-{number}", desk, headset, say(status), hear("ACK"))
        callback = await until(record, callback["id"], "scheduled", "closed")
        await desk.finish(contact)
        ended = callback["attempts"][-1]["ended_at"]
        delays.append(None if callback["next_at"] is None else (callback["next_at"] - ended) // 60_000)
    return callback, delays


async def test_the_phone_rings_is_answered_and_both_talk(hub: DemoHub, record: Record, tmp_path: Path) -> None:
    asked = await ask(record, hub, phone="+49 30 5550001", topic="Support", queue="", site="demo")
    assert asked.status_code == 201, asked.text
    callback = asked.json()
    async with a_desk(hub) as desk, a_headset(AGENT) as headset:
        # As docs/howto/callbacks.md has it: it sends back what the agent says.
        options = ("-m", "1", "-mp", str(free_port()), "-rtp_echo")
        async with sipp(tmp_path, "uas", "", *options, port=hub.sip_port + 2) as peer:
            contact = await take(desk, headset)
            await until(record, callback["id"], "talking")
            await headset.until_hears(AGENT, 2)
            await desk.ask("phone_hang_up", {"contact": contact, "client_id": f"hang-up-{contact}"})
            await peer.finish()
        ended = await until(record, callback["id"], "reached")
        assert [attempt["result"] for attempt in ended["attempts"]] == ["reached"]
        await desk.finish(contact)


async def test_who_is_busy_three_times_is_given_up(hub: DemoHub, record: Record, tmp_path: Path) -> None:
    callback = (await ask(record, hub, phone="+49 30 5550002")).json()
    async with a_desk(hub) as desk:
        ended, delays = await refused(hub, record, tmp_path, desk, callback, 486, 486, 600)
    assert delays == [5, 5, None]
    assert (ended["state"], ended["reason"]) == ("closed", "attempts")
    assert [(attempt["result"], attempt["status"]) for attempt in ended["attempts"]] == [
        ("busy", 486),
        ("busy", 486),
        ("busy", 600),
    ]


async def test_each_cause_has_its_delay_and_a_wrong_number_ends_it(
    hub: DemoHub, record: Record, tmp_path: Path
) -> None:
    callback = (await ask(record, hub, phone="+49 30 5550003")).json()
    async with a_desk(hub) as desk:
        ended, delays = await refused(hub, record, tmp_path, desk, callback, 480, 603, 503, 404)
    assert delays == [30, 120, 5, None]
    assert (ended["state"], ended["reason"]) == ("closed", "wrong_number")
    results = [attempt["result"] for attempt in ended["attempts"]]
    assert results == ["no_answer", "rejected", "unreachable", "wrong_number"]
