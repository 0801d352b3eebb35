"""Callers who are not let in hear why, in their language, and the log says why: closed, full, or our own trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.voice.announce import Prompts
from channels.voice.sip.events import Ended, Progress, Rejected
from tests.clients import Json
from tests.hub import DemoHub
from tests.integration.media.exchange import media_port
from tests.integration.sip import scenarios as s
from tests.integration.sip.sipp import sipp
from tests.integration.voice.desk import Record, Telephone, a_page, a_record, a_telephone, client_id

CALLER = 400.0
# Whoever is known is spoken to in the language that he is known to speak.
CALLERS = {"billing": "+49301234501", "beijing": "+49301234502", "sales": "+49301234503"}
EARLY = {"id": "early", "name": "Early", "networks": ["127.0.0.1/32"], "announce": "early"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    hub = DemoHub(tmp_path_factory.mktemp("away"))
    hub.start()
    yield hub
    assert hub.stop() == 0
    assert "Traceback" not in hub.log.read_text()


@pytest.fixture(scope="module")
def record(hub: DemoHub) -> Record:
    return a_record(hub)


@pytest.fixture(scope="module", autouse=True)
def closed_and_full(hub: DemoHub, record: Record) -> None:
    async def set_up() -> None:
        await record.send("POST", "hours", {"id": "never", "name": "Never"})
        for queue, change in (("billing", {"hours": "never"}), ("sales", {"max_length": 1})):
            row = await record.get(f"queues/{queue}")
            await record.send("PUT", f"queues/{queue}", row | change)
        number = {"id": "cn", "name": "Beijing", "pattern": "beijing", "queue": "billing", "site": "demo"}
        await record.send("POST", "numbers", number | {"language": "zh-CN"})
        async with a_page(hub) as page:  # who waits there fills it
            form = {"client_id": client_id(), "name": "Vera", "topic": "sales", "text": "Hello"}
            await page.ask("chat:start", form)

    asyncio.run(set_up())


def words(name: str, language: str) -> bytes:
    """What the prompt's file says, as it is sent (mu-law), without the silence at its ends."""
    (file,) = Prompts().files([name], language)
    data = Path(file).read_bytes()
    at = data.index(b"data") + 8
    return data[at : at + int.from_bytes(data[at - 4 : at], "little")].strip(b"\xff\x7f")


async def ended(record: Record, contact: str) -> Json:
    said = await record.until(contact, "call.ended")
    abandoned = await record.until(contact, "contact.abandoned")
    assert abandoned == {"by": "system", "reason": said["cause"]}
    return said


def heard_all_of(telephone: Telephone, name: str, language: str) -> None:
    said = words(name, language)
    assert said in bytes(telephone.phone.heard), f"he heard all of {name}.wav in {language}"


async def sipp_calls(hub: DemoHub, folder: Path, called: str, *then: str) -> None:
    """Signalling that is not ours: SIPp calls and goes through these steps, and no others."""
    path = Path(s.scenario(folder, f"calls-{called}", s.invite(), s.progress(), *then))
    path.write_text(path.read_text().replace("sip:service@", f"sip:{called}@"))
    async with sipp(folder, str(path), f"127.0.0.1:{hub.sip_port}", "-m", "1") as caller:
        await caller.finish()


@pytest.mark.parametrize(
    ("called", "prompt", "language", "cause", "q850"),
    [
        ("billing", "closed", "en", "queue_closed", 18),
        ("beijing", "closed", "zh-CN", "queue_closed", 18),
        ("sales", "busy", "en", "queue_full", 17),
    ],
)
async def test_in_an_answered_call(
    hub: DemoHub, record: Record, tmp_path: Path, called: str, prompt: str, language: str, cause: str, q850: int
) -> None:
    async with a_telephone(CALLER) as telephone:
        telephone.dial(hub.sip_port, called, caller=CALLERS[called])
        await telephone.answered()
        bye: Ended = await telephone.ended()
        assert (bye.by, [(reason.protocol, reason.cause) for reason in bye.causes]) == ("remote", [("Q.850", q850)])
        heard_all_of(telephone, prompt, language)
    contact = await record.newest()
    said = await ended(record, contact["id"])
    assert (said["by"], said["cause"], said["status"]) == ("system", cause, None)
    (call,) = (await record.get(f"calls?contact={contact['id']}"))["items"]
    assert (call["cause"], call["abandoned"], call["connected_at"]) == (cause, False, None)
    await sipp_calls(hub, tmp_path, called, s.hear(200), s.ack(), s.hear("BYE"), s.say(200, to=False))


async def early_media(telephone: Telephone) -> Rejected:
    progress = await telephone.line.until(Progress)
    while progress.sdp is None:
        telephone.line.events.remove(progress)
        progress = await telephone.line.until(Progress)
    assert progress.status == 183
    telephone.begin_to_talk(progress.sdp)
    assert media_port(progress.sdp) > 0
    return await telephone.rejected()


async def test_before_an_answer_where_the_trunk_has_it_so(hub: DemoHub, record: Record, tmp_path: Path) -> None:
    await record.send("POST", "trunks", EARLY)
    for called, prompt, language, cause, status in (
        ("beijing", "closed", "zh-CN", "queue_closed", 480),
        ("sales", "busy", "en", "queue_full", 486),
    ):
        async with a_telephone(CALLER) as telephone:
            telephone.dial(hub.sip_port, called, caller=CALLERS[called])
            assert (await early_media(telephone)).status == status
            heard_all_of(telephone, prompt, language)
        contact = await record.newest()
        said = await ended(record, contact["id"])
        assert (said["cause"], said["status"]) == (cause, status)
        types = [event["type"] for event in await record.events(contact["id"])]
        assert "call.answered" not in types, "nobody pays for it"
        await sipp_calls(hub, tmp_path, called, s.hear(183), s.hear(status), s.ack(branch="invite"))


async def test_in_trouble_of_our_own(hub: DemoHub, record: Record, tmp_path: Path) -> None:
    """The store cannot be written to: the caller is told that something is wrong, and the log when it can."""
    before = await record.newest()
    database = sqlite3.connect(hub.folder / "demo-data" / "hub.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        async with a_telephone(CALLER) as telephone:
            telephone.dial(hub.sip_port, "support", caller="+493087654321")
            assert (await early_media(telephone)).status == 503
            heard_all_of(telephone, "sorry", "en")
        await sipp_calls(hub, tmp_path, "support", s.hear(183), s.hear(503), s.ack(branch="invite"))
    finally:
        database.execute("ROLLBACK")
        database.close()
    while (contact := await record.newest())["id"] == before["id"]:
        await asyncio.sleep(0.1)
    said = await ended(record, contact["id"])
    assert (said["by"], said["cause"], said["status"]) == ("system", "trouble", 503)
    assert contact["phase"] == "closed"
