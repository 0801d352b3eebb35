"""Customers who are called first, in a telephone network that is no code of ours: SIPp does not answer, is a machine,
answers. An agent is asked once somebody is on the line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import DemoHub
from tests.integration.sip.scenarios import SPEECH, hear, say, scenario, speak
from tests.integration.sip.sipp import sipp
from tests.integration.voice.desk import Record, a_desk, a_headset, a_record
from tests.integration.voice.test_callback_screening import said
from tests.integration.voice.test_callbacks import act, ask, take, until
from tests.ports import free_port
from webrtc.g711 import encode

AGENT = 700.0
SETTINGS = '[callbacks]\nmachine = "hang_up"\n'


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("network"), SETTINGS)
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


def is_offered(told: list[tuple[str, object]]) -> bool:
    return any(name == "offer" for name, _ in told)


async def test_no_answer_a_machine_and_an_answer(hub: DemoHub, tmp_path: Path) -> None:
    record: Record = a_record(hub)
    row = await record.get("queues/support")
    await record.send("PUT", "queues/support", row | {"dial": "customer_first", "answered_wait_s": 60})
    port = hub.sip_port + 2
    async with a_desk(hub) as desk:
        silent = scenario(tmp_path, "silent", hear("INVITE"), say(180), say(480), hear("ACK"))
        async with sipp(tmp_path, silent, "", "-m", "1", port=port) as peer:
            callback = (await ask(record, hub, phone="+49 30 5550011", topic="Support", queue="", site="demo")).json()
            await peer.finish()
        waits = await until(record, callback["id"], "scheduled")
        assert [(each["result"], each["ahead"], each["agent"]) for each in waits["attempts"]] == [
            ("no_answer", True, None)
        ]
        assert waits["next_at"] - waits["attempts"][0]["ended_at"] == 30 * 60_000
        assert not is_offered(desk.told), "nobody was on the line"

        sound = tmp_path / "machine.pcmu"
        speech = said("closed") + said("busy")
        sound.write_bytes(encode("PCMU", speech + bytes(-len(speech) % 320)))
        machine = scenario(
            *(tmp_path, "machine", hear("INVITE"), say(200, body=SPEECH), hear("ACK"), speak(sound)),
            *(hear("BYE"), say(200, to=False)),
        )
        async with sipp(tmp_path, machine, "", "-m", "1", "-mp", str(free_port()), port=port) as peer:
            assert (await act(record, hub, f"callbacks/{callback['id']}/call-now")).status_code == 200
            await peer.finish()
        waits = await until(record, callback["id"], "scheduled")
        assert [each["result"] for each in waits["attempts"]] == ["no_answer", "machine"]

        desk.told.clear()
        async with a_headset(AGENT) as headset:
            options = ("-m", "1", "-mp", str(free_port()), "-rtp_echo")
            async with sipp(tmp_path, "uas", "", *options, port=port) as peer:
                assert (await act(record, hub, f"callbacks/{callback['id']}/call-now")).status_code == 200
                contact = await take(desk, headset)
                talking = await until(record, callback["id"], "talking")
                assert talking["attempts"][2]["answered_at"] is not None
                await headset.until_hears(AGENT, 2)
                await desk.ask("phone_hang_up", {"contact": contact, "client_id": f"hang-up-{contact}"})
                await peer.finish()
            ended = await until(record, callback["id"], "reached")
            assert [each["result"] for each in ended["attempts"]] == ["no_answer", "machine", "reached"]
            await desk.finish(contact)
        (figures,) = (await record.get("callback-dialling"))["items"]
        assert (figures["answered"], figures["abandoned"], figures["now"]) == (1, 0, "customer_first")
