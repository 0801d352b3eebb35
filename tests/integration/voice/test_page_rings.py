"""Callbacks at the customer's page: it rings before his telephone, never with it; one window answers; only he may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.callback import door
from channels.email import puzzle
from channels.voice.sip.events import Invited
from tests.clients import Json
from tests.integration.voice.desk import Page, Record, Telephone, a_headset, a_page, a_telephone, client_id
from tests.integration.voice.test_callbacks import NUMBER, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, Company, at_desk

CONSENT = {"consent": "You may ring me.", "consent_version": "1"}
VISITOR = 1000.0


@asynccontextmanager
async def a_shop(folder: Path, telephone: Telephone) -> AsyncIterator[tuple[Company, Record]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "SOONEST_MS", 10)  # what is a machine's pace is tested in test_callback_door.py
        async with open_house(folder, telephone) as (hub, record):
            topics = [{"id": "support", "label": {"en": "Support"}, "queue": "support"}]
            await asyncio.to_thread(lambda: hub.serving.put("site", "demo", name="Shop", topics=topics))
            yield hub, record


async def ask(there: Page, /, **values: Any) -> Json:
    """Asks to be rung at this page; what its form was told."""
    begun = await there.ask("callback:begin", {})
    assert begun["page"] is True
    made = puzzle.Puzzle(begun["nonce"], "", 0, begun["bits"])
    counter = await asyncio.to_thread(lambda: next(n for n in range(2**24) if puzzle.solved(made, n)))
    await asyncio.sleep(begun["wait_ms"] / 1000)
    form = {"ticket": begun["ticket"], "counter": counter, "phone": "", "topic": "support", "name": "Eva", "page": True}
    return await there.ask("callback:ask", form | CONSENT | values)


def id_of(asked: Json) -> str:
    return "cb_" + str(asked["token"]).partition(".")[0]


async def refused(page: Page, event: str, data: Json) -> str:
    answer = await page.client.call(event, data)
    assert not answer["ok"], answer
    return str(answer["error"]["code"])


def is_there(hub: Company, contact: Json) -> bool:
    application = hub.serving.application
    row = application.hub.living.get(contact["id"])
    return row is not None and application.hub.roster.there("visitor", row.contact.visitor or "")


async def rings(page: Page) -> Json:
    return await page.until("call", lambda data: data["state"] == "incoming")


async def test_one_window_answers_and_both_talk(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as ours,
        a_headset(VISITOR) as theirs,
        a_shop(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
        a_page(hub) as page,
        a_page(hub) as stranger,
    ):
        asked = await ask(page, phone=NUMBER)
        assert (asked["callback"]["page"], asked["callback"]["phone"]) == (True, "+49 30 1234567")
        async with a_page(hub, asked["visitor_token"]) as tab:
            contact = await take(desk, ours)
            call = await rings(page)
            assert (call["contact"], call["agent"], 0 < call["left_ms"] <= 30_000) == (contact, "Ada", True)
            await rings(tab)
            # A page that comes now is told as well.
            async with a_page(hub, asked["visitor_token"]) as late:
                standing = await late.ask("call_standing", {"contact": contact})
                assert standing["call"]["state"] == "incoming"
            mine, other = ({"contact": contact, "client_id": client_id()} for _ in range(2))
            assert await refused(stranger, "call_take", mine) == "auth.forbidden"
            assert await refused(stranger, "call_decline", {"contact": contact, "why": "not_now"}) == "auth.forbidden"
            await page.ask("call_take", mine)
            await tab.until("call", lambda data: data["state"] == "ringing")
            assert await refused(tab, "call_take", other) == "call.over"
            offer = await theirs.offer()
            assert await refused(tab, "call_answer", other | {"offer": offer}) == "call.over"
            answer = await page.ask("call_answer", mine | {"offer": offer})
            await theirs.accept(answer["answer"])
            await asyncio.gather(theirs.until_hears(AGENT), ours.until_hears(VISITOR))
            assert answer["contact"]["id"] == contact
        found = await until(record, id_of(asked), "talking")
        assert (found["at_page"], len(found["attempts"])) == (True, 1)
        await page.ask("call_hang_up", {"contact": contact, "client_id": client_id()})
        ended = await until(record, id_of(asked), "reached")
        assert [each["result"] for each in ended["attempts"]] == ["reached"]
        assert telephone.line.of(Invited) == [], "his telephone was left in peace"
        await desk.finish(contact)


async def test_who_cannot_be_heard_at_his_page_is_called_at_his_telephone(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as ours,
        a_shop(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
        a_page(hub) as page,
    ):
        asked = await ask(page, phone=NUMBER)
        contact = await take(desk, ours)
        await rings(page)
        assert telephone.line.of(Invited) == [], "never both at once"
        taken = {"contact": contact, "client_id": client_id()}
        await page.ask("call_take", taken)
        await page.ask("call_decline", {"contact": contact, "why": "unheard"})
        await page.until("call", lambda data: data["state"] == "ended")
        await telephone.pick_up()
        await asyncio.gather(telephone.phone.until_hears(AGENT), ours.until_hears(CUSTOMER))
        assert await refused(page, "call_answer", taken | {"offer": "v=0"}) == "call.over"
        found = await until(record, id_of(asked), "talking")
        assert (found["at_page"], len(found["attempts"])) == (False, 1), "one attempt, in which both were tried"
        telephone.hang_up()
        await until(record, id_of(asked), "reached")
        await desk.finish(contact)


async def test_a_page_that_is_gone_is_no_answer_and_not_now_is_a_refusal(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as ours,
        a_headset(AGENT) as again,
        a_shop(tmp_path, telephone) as (hub, record),
        at_desk(hub) as desk,
    ):
        async with a_page(hub) as page:
            asked = await ask(page)
            offer = await desk.until("offer", lambda data: data["contact"]["channel"] == "callback")
        contact = offer["contact"]["id"]
        while is_there(hub, await record.get(f"contacts/{contact}")):
            await asyncio.sleep(0.05)
        await desk.accept(offer)
        await desk.join(contact, ours)
        waiting = await until(record, id_of(asked), "scheduled")
        assert [each["result"] for each in waiting["attempts"]] == ["no_answer"]
        assert waiting["next_at"] - waiting["attempts"][0]["ended_at"] == 30 * 60_000
        await desk.finish(contact)

        async with a_page(hub, asked["visitor_token"]) as page:
            await record.send("POST", f"callbacks/{id_of(asked)}/call-now", {})
            await take(desk, again)
            await rings(page)
            await page.ask("call_decline", {"contact": contact, "why": "not_now"})
            waiting = await until(record, id_of(asked), "scheduled")
            assert [each["result"] for each in waiting["attempts"]] == ["no_answer", "rejected"]
            held = {"reference": asked["callback"]["reference"], "token": asked["token"]}
            status = await page.ask("callback:status", held)
            assert (status["callback"]["phone"], status["callback"]["attempts"]) == ("", 2)
            assert not status["callback"]["can_move"], "who knows whether his page is open then"
            moved = held | {"when": "2099-01-01T10:00:00Z", "client_id": client_id()}
            assert await refused(page, "callback:move", moved) == "input.invalid"
        await desk.finish(contact)


async def test_who_calls_from_his_page_himself_is_not_rung_there(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as ours,
        a_headset(VISITOR) as theirs,
        a_shop(tmp_path, telephone) as (hub, record),
        a_page(hub) as page,
    ):
        asked = await ask(page)
        await until(record, id_of(asked), "queued")
        start = {"client_id": client_id(), "offer": await theirs.offer(), "topic": "support", "name": "Eva"}
        await theirs.accept((await page.ask("call_start", start))["answer"])
        waiting = await until(record, id_of(asked), "scheduled")
        assert waiting["reason"] == "calling_in"
        async with at_desk(hub) as desk:
            call = await desk.take_call(ours)
            ended = await until(record, id_of(asked), "reached")
            assert (ended["reason"], ended["attempts"]) == ("called_in", [])
            await page.ask("call_hang_up", {"contact": call["id"], "client_id": client_id()})
            await desk.finish(call["id"])


async def test_what_a_form_cannot_ask_for(tmp_path: Path) -> None:
    async with a_telephone(CUSTOMER) as telephone, a_shop(tmp_path, telephone) as (hub, _), a_page(hub) as page:
        for wrong in ({"page": False}, {"phone": "+1 900 555 0100"}):
            with pytest.raises(AssertionError, match="number_refused"):
                await ask(page, **wrong)
        slots = (await page.ask("callback:slots", {"topic": "support"}))["slots"]
        at = datetime.fromtimestamp(slots[0]["start"] / 1000, UTC).isoformat()
        with pytest.raises(AssertionError, match="expected a number to call at that time"):
            await ask(page, when=at)
        first = await ask(page)
        twice = await ask(page)
        assert (twice["joined"], twice["callback"]["reference"]) == (True, first["callback"]["reference"])
