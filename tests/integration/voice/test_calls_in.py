"""A customer who was promised a callback calls in himself: one callback, never two calls at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from channels.voice.sip.events import Invited
from tests.integration.voice.desk import a_headset, a_telephone
from tests.integration.voice.test_callbacks import NUMBER, ask, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, at_desk


async def test_his_call_takes_the_place_of_his_callback(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        callback = (await ask(record, hub)).json()
        await until(record, callback["id"], "queued")
        promised = await record.contact(callback["contact"])
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        held = await until(record, callback["id"], "scheduled")
        assert (held["reason"], held["attempts"]) == ("calling_in", [])
        call = await record.newest()
        assert (call["channel"], call["queued_at"]) == ("voice", promised["queued_at"]), "at the callback's age"
        assert call["fields"]["callback"] == callback["reference"]
        async with at_desk(hub) as desk:
            assert (await desk.take_call(headset))["id"] == call["id"]
            ended = await until(record, callback["id"], "reached")
            assert (ended["reason"], ended["attempts"]) == ("called_in", [])
            later = (await ask(record, hub)).json()
            assert later["id"] != callback["id"], "what is asked for in the call is a callback of its own"
            assert (await until(record, later["id"], "scheduled"))["reason"] == "calling_in"
            caller.hang_up()
            await desk.finish(call["id"])
            assert await take(desk, again) == later["contact"], "due when he has hung up"
            await telephone.line.until(Invited)
            assert len(telephone.line.of(Invited)) == 1


async def test_who_gives_up_his_call_is_called_back_at_once(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        callback = (await ask(record, hub)).json()
        queued = await until(record, callback["id"], "queued")
        age = (await record.contact(queued["contact"]))["queued_at"]
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        await until(record, callback["id"], "scheduled")
        caller.hang_up()
        await until(record, callback["id"], "queued")
        found = await record.contact(queued["contact"])
        assert (found["channel"], found["queued_at"]) == ("callback", age)
        async with at_desk(hub) as desk:
            assert await take(desk, headset) == queued["contact"]
            await telephone.pick_up()
            await until(record, callback["id"], "talking")
            telephone.hang_up()
            await until(record, callback["id"], "reached")
            await desk.finish(queued["contact"])


async def test_who_presses_1_while_a_callback_of_his_is_planned_gets_that_one_now(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as caller,
        a_telephone(CUSTOMER) as telephone,
        open_house(tmp_path, telephone) as (hub, record),
    ):
        slots = (await record.get("callback-slots?queue=support"))["items"]
        later = datetime.fromtimestamp(slots[-1]["start"] / 1000, UTC).isoformat()
        callback = (await ask(record, hub, when=later)).json()
        assert callback["state"] == "scheduled"
        caller.dial(hub.sip_port, caller=NUMBER)
        await caller.answered()
        call = await record.newest()
        caller.phone.press("11")
        await until(record, callback["id"], "queued")
        await caller.ended()
        assert [each["id"] for each in (await record.get("callbacks"))["items"]] == [callback["id"]]
        assert (await record.contact(call["id"]))["phase"] == "closed"
