"""Agents dial: the customer is called when the agent's audio is there, by a trunk that is a telephone of this test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.voice.call_values import Limits
from channels.voice.settings import DialSettings, NumberSettings, TrunkSettings, VoiceSettings
from channels.voice.sip.transport import Listen
from hub.model import Role
from tests.clients import Json, SignedIn
from tests.integration.serving import PASSWORD, Serving, serving
from tests.integration.voice.desk import Desk, Record, Telephone, a_headset, a_telephone, client_id
from tests.ports import free_port
from webrtc.settings import MediaSettings

CUSTOMER, AGENT = 400.0, 700.0


@dataclass
class Company:
    """A hub whose trunk leads to the test's telephone."""

    serving: Serving
    sip_port: int

    @property
    def url(self) -> str:
        return self.serving.origin


@asynccontextmanager
async def company(folder: Path, telephone: Telephone, **dial: Any) -> AsyncIterator[Company]:
    with ExitStack() as stack:
        yield await asyncio.to_thread(lambda: stack.enter_context(open_company(folder, telephone, **dial)))
        await asyncio.to_thread(stack.close)


@contextmanager
def open_company(
    folder: Path,
    telephone: Telephone,
    callbacks: dict[str, Any] | None = None,
    preview_s: int = 0,
    queues: dict[str, Any] | None = None,
    **dial: Any,
) -> Iterator[Company]:
    port = free_port()
    settings = VoiceSettings(
        enabled=True,
        listen=(Listen("udp", "127.0.0.1", port),),
        trunks=(
            TrunkSettings(
                "line",
                networks=("127.0.0.1",),
                host="127.0.0.1",
                port=telephone.line.port("udp"),
                region="DE",
                caller_id="+4930900",
            ),
        ),
        numbers=(NumberSettings("*", "support", "shop"),),
        caller_ids={"sales": "+4930901"},
        dial=DialSettings(("DE", "GB"), **dial),
        limits=Limits(ring_ms=3_000, connect_ms=3_000),
        media=MediaSettings(host="127.0.0.1", loopback=True, ports=(32_000, 33_999)),
    )
    with serving(folder, settings, callbacks=callbacks or {}) as hub:
        hub.put("skill", "support", name="Support")
        for queue in ("support", "sales"):
            row = {"recording": {"mode": "always"}, "preview_s": preview_s} | (queues or {})
            hub.put("queue", queue, name=queue.title(), **row)
        hub.put("site", "shop", name="Shop")
        hub.put("outcome", "solved", name="Solved")
        hub.user("ada", Role.AGENT, units=200)
        hub.user("root", Role.ADMINISTRATOR)
        yield Company(hub, port)


@asynccontextmanager
async def at_desk(company: Company) -> AsyncIterator[Desk]:
    desk = Desk(company, await asyncio.to_thread(SignedIn, company.url, "ada", PASSWORD), "window-1")
    await desk.client.open()
    await desk.ask("presence:set", {"state": "available"})
    yield desk
    await desk.client.close()


def a_record(company: Company, user: str = "us_root") -> Record:
    hub = company.serving
    return Record(company, hub.token(hub.application.hub.directory.user(user)))


async def refusal(desk: Desk, number: str, queue: str = "support") -> Json:
    answer = await desk.client.call("phone_dial", {"number": number, "queue": queue, "client_id": client_id()})
    assert not answer["ok"]
    error: Json = answer["error"]
    return error


async def test_an_agent_dials_and_talks(tmp_path: Path) -> None:
    async with a_telephone(CUSTOMER) as telephone, a_headset(AGENT) as headset, company(tmp_path, telephone) as hub:
        record = await asyncio.to_thread(a_record, hub)
        async with at_desk(hub) as desk:
            dial = {"number": "030 1234567", "queue": "sales", "client_id": client_id()}
            contact = (await desk.ask("phone_dial", dial))["contact"]
            assert (await desk.ask("phone_dial", dial))["contact"]["id"] == contact["id"], "the same again"
            assert (await refusal(desk, "+49301234567"))["code"] == "phone.busy"
            await desk.join(contact["id"], headset)
            invited = await telephone.pick_up()
            assert invited.from_.uri.startswith("sip:+4930901@")
            assert invited.request_uri.startswith("sip:+49301234567@")
            await desk.until("phone", lambda data: data["state"] == "active")
            await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CUSTOMER))
            told = await desk.ask("phone_stats", {"contact": contact["id"]})
            assert set(told["legs"]) == {"customer", "agent"}
            telephone.hang_up()
            await desk.finish(contact["id"])
            ended = await record.until(contact["id"], "call.ended")
            assert (ended["by"], ended["cause"]) == ("customer", "bye")
            found = await record.contact(contact["id"])
            assert found["customer"]["phone"] == "+49301234567"
            voice = hub.serving.application.voice
            assert len(voice.calls) == 0
            recordings = (await record.get("recordings"))["items"]
            assert [recording["contact"] for recording in recordings] == [contact["id"]]


async def test_who_does_not_answer_or_refuses(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        company(tmp_path, telephone) as hub,
        at_desk(hub) as desk,
    ):
        record = await asyncio.to_thread(a_record, hub)
        first = await desk.ask("phone_dial", {"number": "+49301234567", "queue": "support", "client_id": client_id()})
        await desk.join(first["contact"]["id"], headset)
        ended = await record.until(first["contact"]["id"], "call.ended")
        assert (ended["by"], ended["cause"]) == ("system", "no_answer")
        assert (await telephone.ended()).cause == "cancelled"
        await desk.finish(first["contact"]["id"])

        telephone.line.events.clear()
        second = await desk.ask("phone_dial", {"number": "+49301234567", "queue": "support", "client_id": client_id()})
        await desk.join(second["contact"]["id"], again)
        await telephone.refuse(486)
        ended = await record.until(second["contact"]["id"], "call.ended")
        assert (ended["by"], ended["cause"], ended["status"]) == ("network", "busy", 486)
        await desk.finish(second["contact"]["id"])


async def test_what_may_not_be_dialled(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        company(tmp_path, telephone, per_minute=1) as hub,
        at_desk(hub) as desk,
    ):
        assert (await refusal(desk, "hello"))["code"] == "input.invalid"
        assert (await refusal(desk, "+49301"))["code"] == "input.invalid"
        for number, reason in (
            ("+49 900 1234567", "premium"),
            ("+44 871 123 4567", "premium"),
            ("+881 6 1234 5678", "satellite"),
            ("+33 1 23 45 67 89", "country"),
        ):
            error = await refusal(desk, number)
            assert (error["code"], error["details"]["reason"]) == ("dial.refused", reason), number
        assert (await refusal(desk, "+49301234567", "nowhere"))["code"] == "queue.not_found"
        dial = {"number": "+49301234567", "queue": "support", "client_id": client_id()}
        contact = (await desk.ask("phone_dial", dial))["contact"]
        # He never brings his audio: nobody is called, and the call is over.
        await desk.until("phone", lambda data: data["state"] == "ended")
        await desk.finish(contact["id"])
        assert telephone.line.events == []
        assert (await refusal(desk, "+49301234567"))["code"] == "rate.limited"
