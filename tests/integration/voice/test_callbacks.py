"""Callbacks over a trunk that is a telephone of this test: the agent accepts, then the customer's phone rings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.voice.sip.events import Invited
from hub.clock import SystemClock
from tests.clients import Json
from tests.integration.voice.desk import Desk, Headset, House, Record, Telephone, a_headset, a_telephone, client_id
from tests.integration.voice.test_dial import AGENT, CUSTOMER, Company, a_record, at_desk, company

NUMBER = "+49301234567"
ALL_DAY = {"hours": "00:00-24:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "per_number": 50}


@asynccontextmanager
async def open_house(
    folder: Path, telephone: Telephone, preview_s: int = 0, queues: Json | None = None, **callbacks: Any
) -> AsyncIterator[tuple[Company, Record]]:
    settings = {"enabled": True} | ALL_DAY | callbacks
    async with company(folder, telephone, callbacks=settings, preview_s=preview_s, queues=queues) as hub:
        yield hub, await asyncio.to_thread(a_record, hub)


async def ask(record: Record, hub: House, key: str = "", **values: Any) -> httpx.Response:
    body = {"phone": NUMBER, "queue": "support", "name": "Eva"} | values
    headers = record.headers | {"Idempotency-Key": key or client_id()}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, trust_env=False) as http:
        return await http.post("/api/v1/callbacks", json=body)


async def act(record: Record, hub: House, path: str, body: Json | None = None) -> httpx.Response:
    async with httpx.AsyncClient(base_url=hub.url, headers=record.headers, trust_env=False) as http:
        return await http.post(f"/api/v1/{path}", json=body or {})


async def until(record: Record, id: str, *states: str) -> Json:
    while True:
        found: Json = await record.get(f"callbacks/{id}")
        if found["state"] in states:
            return found
        await asyncio.sleep(0.05)


async def take(desk: Desk, headset: Headset) -> str:
    """Accepts the callback that is offered and talks; its contact."""
    offer = await desk.until("offer", lambda data: data["contact"]["channel"] == "callback")
    await desk.accept(offer)
    contact: str = offer["contact"]["id"]
    await desk.join(contact, headset)
    return contact


async def test_the_agent_accepts_the_phone_rings_and_both_talk(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        asked = await ask(record, hub, "the-first-key", phone="030 1234567", note="My order 4711")
        assert asked.status_code == 201, asked.text
        callback = asked.json()
        again = (await ask(record, hub, "the-first-key", phone="030 1234567")).json()
        assert (again["id"], again["joined"]) == (callback["id"], False), "the same key, the same callback"
        twice = (await ask(record, hub)).json()
        assert (twice["id"], twice["joined"]) == (callback["id"], True), "one callback for a number"

        contact = await take(desk, headset)
        assert contact == callback["contact"]
        invited = await telephone.pick_up()
        assert invited.request_uri.startswith(f"sip:{NUMBER}@")
        await desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CUSTOMER))
        assert (await until(record, callback["id"], "talking"))["agent"]["id"] == "us_ada"
        telephone.hang_up()
        ended = await until(record, callback["id"], "reached")
        assert [attempt["result"] for attempt in ended["attempts"]] == ["reached"]
        assert ended["attempts"][0]["talk_ms"] > 0
        await desk.finish(contact)
        assert len(telephone.line.of(Invited)) == 1

        found = await record.contact(contact)
        assert (found["channel"], found["customer"]["phone"]) == ("callback", NUMBER)
        calls = (await record.get(f"calls?contact={contact}"))["items"]
        assert [(call["way"], call["direction"], call["result"]) for call in calls] == [("callback", "out", "answered")]
        report = await record.get("callback-report?asked_from=0&asked_to=9000000000000")
        assert (report["asked"], report["reached"], report["on_time"], report["attempts"]) == (1, 1, 1, 1)


async def test_who_is_busy_is_called_again_in_his_place(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        open_house(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        contact = await take(desk, headset)
        age = (await record.contact(contact))["queued_at"]
        await telephone.refuse(486)
        waiting = await until(record, callback["id"], "scheduled")
        assert [(a["result"], a["status"]) for a in waiting["attempts"]] == [("busy", 486)]
        assert waiting["reason"] == "busy"
        assert waiting["next_at"] - waiting["attempts"][0]["ended_at"] == 5 * 60_000
        await desk.finish(contact)

        telephone.line.events.clear()
        now = await act(record, hub, f"callbacks/{callback['id']}/call-now")
        assert now.json()["next_at"] < waiting["next_at"], now.text
        assert await take(desk, again) == contact, "the same contact"
        assert (await record.contact(contact))["queued_at"] == age, "at its age"
        await telephone.refuse(603)
        waiting = await until(record, callback["id"], "scheduled")
        assert [a["result"] for a in waiting["attempts"]] == ["busy", "rejected"]
        await desk.finish(contact)

        cancelled = await act(record, hub, f"callbacks/{callback['id']}/cancel")
        assert (cancelled.json()["state"], cancelled.json()["next_at"]) == ("cancelled", None)
        refused = await act(record, hub, f"callbacks/{callback['id']}/call-now")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "callback.state")


async def test_what_the_network_says_before_an_answer_is_heard_and_is_no_talk(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        contact = await take(desk, headset)
        await telephone.speak_early()
        await headset.until_hears(CUSTOMER)
        await until(record, callback["id"], "ringing")
        await telephone.refuse(486)
        waiting = await until(record, callback["id"], "scheduled")
        assert [(a["result"], a.get("talk_ms", 0)) for a in waiting["attempts"]] == [("busy", 0)]
        await desk.finish(contact)


async def test_who_does_not_answer_and_who_is_given_up(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone, attempts=1) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        contact = await take(desk, headset)
        ended = await until(record, callback["id"], "closed")
        assert ([a["result"] for a in ended["attempts"]], ended["reason"]) == (["no_answer"], "attempts")
        assert (await telephone.ended()).cause == "cancelled"
        await desk.finish(contact)


async def test_an_agent_without_audio_gives_it_back_and_nobody_was_called(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        offer = await desk.until("offer")
        await desk.accept(offer)
        await until(record, callback["id"], "connecting")
        found = await until(record, callback["id"], "queued")
        assert (found["attempts"], telephone.line.of(Invited)) == ([], [])
        await desk.ask("presence:set", {"state": "available"})
        contact = await take(desk, headset)
        await telephone.pick_up()
        await until(record, callback["id"], "talking")
        telephone.hang_up()
        await until(record, callback["id"], "reached")
        await desk.finish(contact)


async def test_a_callback_that_is_cancelled_while_it_rings_rings_no_more(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        await take(desk, headset)
        await telephone.line.until(Invited)
        await act(record, hub, f"callbacks/{callback['id']}/cancel")
        assert (await telephone.ended()).cause == "cancelled"
        assert (await until(record, callback["id"], "cancelled"))["reason"] == "us_root"


async def test_who_waits_in_a_chat_keeps_his_place_as_a_callback(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        async with httpx.AsyncClient(base_url=hub.url, headers=record.headers, trust_env=False) as http:
            customer = {"name": "Eva", "phone": NUMBER}
            made = await http.post(
                "/api/v1/contacts", json={"channel": "chat", "queue": "support", "customer": customer}
            )
        assert made.status_code == 201, made.text
        chat = made.json()
        callback = (await ask(record, hub, contact=chat["id"])).json()
        assert callback["contact"] == chat["id"]
        await until(record, callback["id"], "queued")
        found = await record.contact(chat["id"])
        assert (found["channel"], found["queued_at"], found["phase"]) == ("callback", chat["queued_at"], "queued")
        async with at_desk(hub) as desk:
            assert await take(desk, headset) == chat["id"]
            await telephone.pick_up()
            await until(record, callback["id"], "talking")
            telephone.hang_up()
            await until(record, callback["id"], "reached")
            await desk.finish(chat["id"])


async def test_who_waits_on_the_line_keeps_his_place_and_hangs_up(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        waiting = await record.newest()
        callback = (await ask(record, hub, contact=waiting["id"])).json()
        await until(record, callback["id"], "queued")
        found = await record.contact(waiting["id"])
        assert (found["channel"], found["queued_at"]) == ("callback", waiting["queued_at"])
        await caller.ended()
        async with at_desk(hub) as desk:
            assert await take(desk, headset) == waiting["id"]
            await telephone.pick_up()
            await until(record, callback["id"], "talking")
            telephone.hang_up()
            ended = await until(record, callback["id"], "reached")
            assert len(ended["attempts"]) == 1
            await desk.finish(waiting["id"])


async def test_the_agent_reads_first_and_may_say_not_now(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone, preview_s=600) as (hub, record),
        at_desk(hub) as desk,
    ):
        ada = await asyncio.to_thread(a_record, hub, "us_ada")

        async def agent(path: str, **body: Any) -> httpx.Response:
            return await act(ada, hub, path, body)

        callback = (await ask(record, hub, note="My order 4711")).json()
        offer = await desk.until("offer")
        seen = (await ada.get(f"contacts/{callback['contact']}/callback"))["callback"]
        assert (seen["note"], seen["most_attempts"], seen["preview_until"]) == ("My order 4711", 3, None)
        await desk.accept(offer)
        await desk.until("callback", lambda data: data["state"] == "connecting")
        reading = await until(record, callback["id"], "connecting")
        assert reading["preview_until"] > reading["asked_at"]

        wish = {"minutes": 30, "reason": "asks for the boss", "client_id": "not-now-0001"}
        later = await agent(f"callbacks/{callback['id']}/not-now", **wish)
        found = later.json()
        assert (found["state"], found["reason"], found["put_off"]) == ("scheduled", "put_off", "asks for the boss")
        assert found["attempts"] == [], later.text
        assert (await agent(f"callbacks/{callback['id']}/not-now", **wish)).json()["put_off"] == "asks for the boss"
        again = await agent(f"callbacks/{callback['id']}/not-now", minutes=30)
        assert (again.status_code, again.json()["error"]["code"]) == (403, "auth.forbidden"), "he has it no more"

        await act(record, hub, f"callbacks/{callback['id']}/call-now")
        await desk.accept(await desk.until("offer", lambda data: data["fence"] > offer["fence"]))
        await until(record, callback["id"], "connecting")
        given_back = await agent(f"callbacks/{callback['id']}/not-now")
        assert given_back.status_code == 200, given_back.text
        await until(record, callback["id"], "queued")
        contact = await record.contact(callback["contact"])
        assert (contact["phase"], contact["agent"]) == ("queued", None), "he is not asked again at once"
        assert telephone.line.of(Invited) == []

        # A colleague would be asked now; here it is he once more, when his time is over.
        moved = await act(record, hub, f"callbacks/{callback['id']}/cancel")
        assert moved.json()["state"] == "cancelled"
        callback = (await ask(record, hub)).json()
        await desk.accept(await desk.until("offer", lambda data: data["contact"]["id"] == callback["contact"]))
        await until(record, callback["id"], "connecting")
        dialled = await agent(f"callbacks/{callback['id']}/dial")
        assert dialled.json()["preview_until"] is None, dialled.text
        await desk.join(callback["contact"], headset)
        await telephone.pick_up()
        await until(record, callback["id"], "talking")
        refused = await agent(f"callbacks/{callback['id']}/not-now")
        assert refused.status_code == 409, refused.text
        telephone.hang_up()
        await until(record, callback["id"], "reached")


async def test_a_slot_tomorrow_is_dialled_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, now = [0], SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + ahead[0])
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        today = now(SystemClock())
        slots = (await record.get("callback-slots?queue=support"))["items"]
        start = next(slot["start"] for slot in slots if slot["start"] > today + 20 * 3_600_000)
        callback = (await ask(record, hub, when=moment(start))).json()
        assert (callback["state"], callback["due_at"]) == ("scheduled", start)
        listed = (await record.get(f"callbacks?due_from={start}&due_to={start + 1}"))["items"]
        assert [each["id"] for each in listed] == [callback["id"]]
        ahead[0] = start - today - 60_000
        # Whoever asks for another one makes it look at its clock.
        await ask(record, hub, phone="+49 30 5550009", when=moment(slots[-1]["start"]))
        assert (await record.get(f"callbacks/{callback['id']}"))["state"] == "scheduled", "a minute early"
        ahead[0] = start - today + 1_000
        await ask(record, hub, phone="+49 30 5550008", when=moment(slots[-1]["start"]))
        await until(record, callback["id"], "queued")
        async with at_desk(hub) as desk:
            contact = await take(desk, headset)
            await telephone.pick_up()
            await until(record, callback["id"], "talking")
            telephone.hang_up()
            ended = await until(record, callback["id"], "reached")
            await desk.finish(contact)
        assert start <= ended["attempts"][0]["at"] < start + 30 * 60_000


def moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
