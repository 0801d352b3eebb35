"""Agents on their own telephones: the offer rings there, the desktop stays in control; tones prove who hears whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from channels.voice.sip.events import Ended, Invited, Rejected
from tests.clients import Json
from tests.integration.voice.desk import Record, Telephone, a_headset, a_telephone, client_id
from tests.integration.voice.own_phone import (
    Office,
    OwnPhone,
    Watcher,
    an_office,
    an_own_phone,
    at_desk,
    until_keys,
    until_not,
)
from tests.integration.voice.test_callbacks import ask, until

CUSTOMER, AGENT, BROWSER = 400.0, 700.0, 1000.0


@dataclass
class Day:
    """A customer at his telephone, an agent at his desk with one of his own, which is registered."""

    office: Office
    customer: Telephone
    desk: Watcher
    phone: OwnPhone
    record: Record

    async def offer(self) -> Json:
        return await self.desk.until("offer", lambda data: data["contact"]["channel"] == "voice")

    async def ends(self, contact: str) -> None:
        await self.desk.finish(contact)
        while len(self.office.serving.application.voice.calls):
            await asyncio.sleep(0.02)

    async def hang_up(self, contact: str) -> None:
        await self.desk.ask("phone_hang_up", {"contact": contact, "client_id": client_id()})


@asynccontextmanager
async def a_day(folder: Path) -> AsyncIterator[Day]:
    async with (
        a_telephone(CUSTOMER) as customer,
        an_own_phone(AGENT) as phone,
        an_office(folder, customer.line.port("udp")) as office,
    ):
        account = await asyncio.to_thread(office.account)
        await asyncio.to_thread(office.talks_on_phone)
        record = await asyncio.to_thread(office.record)
        async with at_desk(office) as desk:
            told = await desk.until("phone_line")
            assert (told["line"], told["account"], told["registered"]) == ("phone", account.username, False)
            await phone.register(office, account)
            assert (await desk.until("phone_line"))["registered"] is True
            yield Day(office, customer, desk, phone, record)


async def test_the_telephone_rings_and_answering_it_accepts(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.customer.dial(day.office.port)
        contact = (await day.offer())["contact"]["id"]
        invited = await day.phone.rings()
        assert invited.from_.uri.startswith("sip:+493012345@")
        await day.customer.answered()  # by the announcement
        await day.desk.rang(contact, "ringing")
        day.phone.answer(invited)
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await day.desk.rang(contact, "up")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))

        # The desktop is in control.
        await day.desk.ask("phone_hold", {"contact": contact})
        await day.desk.until("phone", lambda data: data["state"] == "held")
        await asyncio.gather(until_not(day.phone.phone, CUSTOMER), until_not(day.customer.phone, AGENT))
        await day.desk.ask("phone_resume", {"contact": contact})
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        await day.desk.ask("phone_digits", {"contact": contact, "digits": "42#"})
        await until_keys(day.customer.phone, "42#")
        assert (await day.desk.ask("phone_record", {"contact": contact, "state": "paused"}))["recording"] == "paused"
        told = await day.desk.ask("phone_stats", {"contact": contact})
        assert set(told["legs"]) == {"customer", "agent"}
        await day.hang_up(contact)
        assert (await day.phone.ended()).cause == "bye"
        assert (await day.customer.ended()).cause == "bye"
        await day.ends(contact)
        accepted = [event for event in await day.record.events(contact) if event["type"] == "offer.accepted"]
        assert [event["data"]["agent"] for event in accepted] == ["us_ada"]


async def test_keys_and_hold_of_the_telephone_and_its_own_end(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.customer.dial(day.office.port)
        contact = (await day.offer())["contact"]["id"]
        day.phone.answer(await day.phone.rings())
        await day.customer.answered()
        await day.desk.until("phone", lambda data: data["state"] == "active")
        day.phone.phone.press("7*")
        await until_keys(day.customer.phone, "7*")
        await day.customer.phone.until_hears(AGENT)
        day.phone.hold(True)
        await day.desk.until("phone", lambda data: data["state"] == "held")
        await until_not(day.customer.phone, AGENT)
        day.phone.hold(False)
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        day.phone.hang_up()
        assert (await day.customer.ended()).cause == "bye"
        await day.ends(contact)
        assert (await day.record.contact(contact))["ended_by"] == "us_ada"


async def test_accepted_in_the_desktop_it_rings_on_until_it_is_answered(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.customer.dial(day.office.port)
        offer = await day.offer()
        contact = offer["contact"]["id"]
        invited = await day.phone.rings()
        await day.desk.accept(offer)
        await day.desk.until("phone", lambda data: data["state"] == "connecting")
        await day.customer.answered()
        assert day.phone.line.of(Ended) == []
        day.phone.answer(invited)
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        day.customer.hang_up()
        await day.phone.ended()
        await day.ends(contact)


async def test_a_browser_that_takes_it_stops_the_telephone_also_in_the_middle(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day, a_headset(BROWSER) as headset, a_headset(BROWSER) as again:
        day.customer.dial(day.office.port)
        offer = await day.offer()
        contact = offer["contact"]["id"]
        await day.phone.rings()
        await day.desk.accept(offer)
        await day.desk.join(contact, headset)
        assert (await day.phone.ended()).cause == "cancelled"
        await day.customer.answered()
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(headset.until_hears(CUSTOMER), day.customer.phone.until_hears(BROWSER))
        await day.desk.rang(contact, "over")

        await day.desk.ask("phone_ring", {"contact": contact})
        day.phone.answer(await day.phone.rings(2))
        await day.desk.rang(contact, "up")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        await day.desk.join(contact, again)
        await day.phone.line.until(Ended, 2)
        await asyncio.gather(again.until_hears(CUSTOMER), day.customer.phone.until_hears(BROWSER))
        await day.hang_up(contact)
        await day.ends(contact)


async def test_it_stops_ringing_when_the_offer_ends(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.customer.dial(day.office.port)
        await day.offer()
        await day.phone.rings()
        await day.customer.answered()
        day.customer.hang_up()
        assert (await day.phone.ended()).cause == "cancelled"

        day.customer.line.events.clear()
        day.customer.dial(day.office.port)
        offer = await day.offer()
        await day.phone.rings(2)
        answer = {"contact": offer["contact"]["id"], "fence": offer["fence"], "client_id": client_id()}
        await day.desk.ask("offer:decline", answer)
        assert (await day.phone.line.until(Ended, 2)).cause == "cancelled"


async def test_declined_at_the_telephone_is_declined(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.customer.dial(day.office.port)
        contact = (await day.offer())["contact"]["id"]
        await day.phone.rings()
        day.phone.decline()
        await day.record.until(contact, "offer.declined")
        # It waits, and comes again.
        again = await day.offer()
        assert again["contact"]["id"] == contact
        day.phone.answer(await day.phone.rings(2))
        await day.customer.answered()
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await day.hang_up(contact)
        await day.ends(contact)


async def test_an_accepted_callback_rings_the_agent_first_and_then_the_customer(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        callback = (await ask(day.record, day.office, phone="+49301234567")).json()
        offer = await day.desk.until("offer", lambda data: data["contact"]["channel"] == "callback")
        await day.desk.accept(offer)
        invited = await day.phone.rings()
        assert invited.from_.uri.startswith("sip:+49301234567@")
        assert day.customer.line.of(Invited) == [], "nobody is called before the agent is there"
        day.phone.answer(invited)
        await day.customer.pick_up()
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        day.customer.hang_up()
        await until(day.record, callback["id"], "reached")
        await day.ends(callback["contact"])


async def test_a_telephone_that_cannot_be_reached_costs_no_call(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day, a_headset(BROWSER) as headset:
        day.customer.dial(day.office.port)
        offer = await day.offer()
        contact = offer["contact"]["id"]
        await day.phone.rings()
        day.phone.decline(503)
        await day.desk.rang(contact, "failed", "unreachable")
        assert (await day.record.contact(contact))["phase"] == "offered"
        await day.desk.accept(offer)
        await day.desk.join(contact, headset)
        await day.customer.answered()
        await asyncio.gather(headset.until_hears(CUSTOMER), day.customer.phone.until_hears(BROWSER))
        await day.hang_up(contact)
        await day.ends(contact)

        day.phone.unregister()
        assert (await day.desk.until("phone_line", lambda data: not data["registered"]))["line"] == "phone"
        day.customer.line.events.clear()
        day.customer.dial(day.office.port)
        offer = await day.offer()
        contact = offer["contact"]["id"]
        await day.desk.rang(contact, "failed", "unregistered")
        await day.desk.accept(offer)
        # Nobody takes it up: it goes back to its queue.
        assert (await day.record.until(contact, "contact.requeued"))["reason"] == "no_media"


async def test_an_agents_call_rings_him_first(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        dial = {"number": "+49301234567", "queue": "support", "client_id": client_id()}
        contact = (await day.desk.ask("phone_dial", dial))["contact"]["id"]
        invited = await day.phone.rings()
        assert invited.from_.uri.startswith("sip:+49301234567@")
        assert day.customer.line.of(Invited) == [], "nobody is called before he is there"
        day.phone.answer(invited)
        called = await day.customer.pick_up()
        assert called.request_uri.startswith("sip:+49301234567@")
        await day.desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        day.phone.hang_up()
        await day.customer.ended()
        await day.ends(contact)

        dial = {"number": "+49301234567", "queue": "support", "client_id": client_id()}
        contact = (await day.desk.ask("phone_dial", dial))["contact"]["id"]
        await day.phone.rings(2)
        day.phone.decline()
        await day.ends(contact)


async def test_a_number_dialled_at_the_telephone(tmp_path: Path) -> None:
    async with a_day(tmp_path) as day:
        day.phone.dial_out("+881612345678")
        refused = await day.phone.line.until(Rejected)
        assert (refused.status, "atellite" in refused.reason) == (403, True)
        day.phone.dial_out("0301234")
        assert (await day.phone.line.until(Rejected, 2)).status == 484
        day.phone.dial_out("+49301234567")
        await day.phone.answered()
        called = await day.customer.pick_up()
        assert called.request_uri.startswith("sip:+49301234567@")
        told = await day.desk.until("phone", lambda data: data["state"] == "active")
        await asyncio.gather(day.phone.phone.until_hears(CUSTOMER), day.customer.phone.until_hears(AGENT))
        await day.hang_up(told["contact"])
        await day.phone.ended()
        await day.ends(told["contact"])
        assert day.phone.line.of(Invited) == [], "he was not rung for what he dialled himself"
