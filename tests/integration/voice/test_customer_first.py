"""Queues that call customers first: the phone rings when an agent is free, who answers hears why and waits for him."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.voice.sip.events import Invited
from tests.clients import Json
from tests.integration.voice.desk import Record, a_headset, a_telephone
from tests.integration.voice.test_callbacks import act, ask, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, at_desk

CUSTOMER_FIRST = {"dial": "customer_first", "answered_wait_s": 60}


async def of_support(record: Record) -> Json:
    rows = (await record.get("callback-dialling"))["items"]
    return next(row for row in rows if row["queue"]["id"] == "support")


async def test_he_is_called_before_an_agent_is_asked_and_both_talk(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone, queues=CUSTOMER_FIRST) as (hub, record),
    ):
        callback = (await ask(record, hub)).json()
        await until(record, callback["id"], "queued")
        async with at_desk(hub) as desk:
            # He came, and was asked nothing yet: the phone rings.
            await telephone.line.until(Invited)
            assert not [name for name, _ in desk.told if name == "offer"]
            ringing = await until(record, callback["id"], "dialling", "ringing")
            assert (ringing["attempts"][0]["ahead"], ringing["attempts"][0]["agent"]) == (True, None)
            await telephone.pick_up()
            contact = await take(desk, headset)
            assert contact == callback["contact"]
            talking = await until(record, callback["id"], "talking")
            assert talking["agent"]["id"] == talking["attempts"][0]["agent"]["id"] == "us_ada"
            assert talking["attempts"][0]["answered_at"] is not None
            assert (await record.contact(contact))["priority"] == 1000, "before all others"
            await asyncio.gather(telephone.phone.until_hears(AGENT), headset.until_hears(CUSTOMER))
            telephone.hang_up()
            ended = await until(record, callback["id"], "reached")
            assert [attempt["result"] for attempt in ended["attempts"]] == ["reached"]
            await desk.finish(contact)
            assert len(telephone.line.of(Invited)) == 1
        (figures,) = [
            row for row in (await record.get("callback-dialling"))["items"] if row["queue"]["id"] == "support"
        ]
        assert (figures["answered"], figures["abandoned"], figures["now"]) == (1, 0, "customer_first")


async def test_whom_nobody_serves_in_time_is_let_go_and_agents_come_first_from_then_on(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone, queues=CUSTOMER_FIRST | {"answered_wait_s": 2}) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        await telephone.pick_up()
        await desk.until("offer", lambda data: data["contact"]["channel"] == "callback")
        # The agent is asked and does nothing: the customer is told that he is called back.
        assert (await telephone.ended()).cause == "bye"
        waiting = await until(record, callback["id"], "scheduled")
        (attempt,) = waiting["attempts"]
        assert (attempt["result"], attempt["ahead"], attempt["agent"]) == ("unserved", True, None)
        assert waiting["reason"] == "unserved"
        (figures,) = [
            row for row in (await record.get("callback-dialling"))["items"] if row["queue"]["id"] == "support"
        ]
        assert (figures["answered"], figures["abandoned"]) == (1, 1)
        assert (figures["now"], figures["why"], figures["percent"]) == ("agent_first", "limit", 100.0)
        report = await record.get("callback-report?asked_from=0&asked_to=9000000000000")
        assert (report["answered"], report["unserved"]) == (1, 1)

        # Now an agent has accepted before anybody is called.
        telephone.hush()
        telephone.line.events.clear()
        desk.told.clear()
        await act(record, hub, f"callbacks/{callback['id']}/call-now")
        contact = await take(desk, headset)
        await telephone.pick_up()
        await until(record, callback["id"], "talking")
        telephone.hang_up()
        ended = await until(record, callback["id"], "reached")
        assert [(each["result"], each["ahead"]) for each in ended["attempts"]] == [
            ("unserved", True),
            ("reached", False),
        ]
        await desk.finish(contact)
