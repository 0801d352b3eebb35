"""Callers who wait press keys to be called back in their place: telephones of this test call in and are called."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.voice.place_menu import Step
from tests.clients import Json
from tests.integration.voice.desk import Headset, Record, Telephone, a_headset, a_telephone
from tests.integration.voice.test_callbacks import NUMBER, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, Company, at_desk


async def living(record: Record, count: int = 1) -> list[Json]:
    while True:
        found: list[Json] = (await record.get("callbacks"))["items"]
        if len(found) == count:
            return found
        await asyncio.sleep(0.05)


async def called_back(hub: Company, record: Record, callback: Json, telephone: Telephone, headset: Headset) -> str:
    """An agent comes, takes it, and the two talk; the number that was called."""
    async with at_desk(hub) as desk:
        contact = await take(desk, headset)
        assert contact == callback["contact"]
        invited = await telephone.pick_up()
        await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CUSTOMER))
        telephone.hang_up()
        ended = await until(record, callback["id"], "reached")
        assert len(ended["attempts"]) == 1
        await desk.finish(contact)
    return invited.request_uri.partition("@")[0]


async def test_a_waiting_caller_presses_1_and_is_called_in_his_place(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        waiting = await record.newest()
        caller.phone.press("1")
        caller.phone.press("1")
        (callback,) = await living(record)
        assert (callback["contact"], callback["phone"], callback["origin"]) == (waiting["id"], NUMBER, "call")
        await until(record, callback["id"], "queued")
        # He hears that his place is kept, and his line is ended.
        assert (await caller.ended()).cause == "bye"
        found = await record.contact(waiting["id"])
        kept = ("channel", "phase", "queued_at", "priority")
        assert [found[name] for name in kept] == ["callback", "queued", waiting["queued_at"], waiting["priority"]]
        assert await called_back(hub, record, callback, telephone, headset) == f"sip:{NUMBER}"


async def test_a_caller_without_a_number_types_one_and_what_is_not_called_is_refused(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        caller.dial(hub.sip_port, caller="anonymous")
        await caller.answered()
        # A premium number first; then the right one.
        keys = "109001234567#1"
        caller.phone.press(keys)
        call = hub.serving.application.voice.calls.require((await record.newest())["id"]).call
        while (call.digits, call.menu.step) != (len(keys), Step.TYPING):
            await asyncio.sleep(0.05)
        caller.phone.press("030555011#1")
        (callback,) = await living(record)
        assert callback["phone"] == "+4930555011"
        await caller.ended()
        assert await called_back(hub, record, callback, telephone, headset) == "sip:+4930555011"


async def test_a_queue_that_overflows_into_callbacks_makes_one_of_a_caller(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        row = await record.get("queues/support")
        await record.send("PUT", "queues/support", row | {"overflow": [{"when": "unstaffed", "to": "callback"}]})
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        (callback,) = await living(record)
        assert (callback["origin"], callback["phone"]) == ("overflow", NUMBER)
        await caller.ended()
        await until(record, callback["id"], "queued")
        assert await called_back(hub, record, callback, telephone, headset) == f"sip:{NUMBER}"
