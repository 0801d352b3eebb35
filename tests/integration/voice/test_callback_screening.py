"""Who or what answers a callback: people are told why they are called, and may refuse all further calls; machines are
left a message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.voice.announce import PROMPTS
from channels.voice.sip.events import Invited
from hub.callback_desk import Asker, NewCallback, switched_on
from hub.callbacks.model import Callback
from hub.errors import RateLimited
from tests.integration.voice.desk import a_headset, a_telephone
from tests.integration.voice.test_callbacks import NUMBER, act, ask, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, at_desk
from webrtc.g711 import audioop, decode, encode
from webrtc.wav import samples


async def test_he_hears_why_he_is_called_and_may_never_be_called_again(tmp_path: Path) -> None:
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        open_house(tmp_path, telephone, announce=True) as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        contact = await take(desk, headset)
        await telephone.pick_up()
        await headset.until_hears(CUSTOMER)
        assert (await record.contact(contact))["phase"] == "connecting", "he is being told"
        assert telephone.phone.hears(AGENT) < 0.1
        # When it was said, the two talk.
        await until(record, callback["id"], "talking")
        await telephone.phone.until_hears(AGENT)
        telephone.hang_up()
        await until(record, callback["id"], "reached")
        await desk.finish(contact)

        telephone.hush()
        telephone.line.events.clear()
        callback = (await ask(record, hub)).json()
        contact = await take(desk, again)
        await telephone.pick_up()
        telephone.phone.press("9")
        assert (await telephone.ended()).cause == "bye", "after he was told that it is so"
        ended = await until(record, callback["id"], "cancelled")
        assert ended["reason"] == "customer"
        await desk.finish(contact)
        (listed,) = (await record.get("do-not-call"))["items"]
        assert (listed["number"], listed["source"]) == (NUMBER, "customer")
        refused = await ask(record, hub)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"]["reason"] == "do_not_call"
        assert len(telephone.line.of(Invited)) == 1


async def test_who_answers_confirms_what_nobody_else_could(tmp_path: Path) -> None:
    """Beyond the caps, without an address for a code: a key says that it was he, or it counts against who asked."""
    other = "+49301234568"
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        open_house(tmp_path, telephone, per_number=1) as (hub, record),
        at_desk(hub) as desk,
    ):
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        hub_ = hub.serving.application.hub

        async def in_widget(number: str, address: str) -> Callback:
            asked = switched_on(hub_.calling_back).ask(
                NewCallback(number, queue="support"), Asker("widget", "widget", address), f"widget-{number}-{address}"
            )
            return (await asyncio.to_thread(hub.serving.run, asked)).callback

        for number in (NUMBER, other):
            made = (await ask(record, hub, phone=number, when=tomorrow.isoformat())).json()
            await act(record, hub, f"callbacks/{made['id']}/cancel")
        doubted = await in_widget(NUMBER, "203.0.113.7")
        assert (doubted.code, doubted.attempts) == ("call", ())
        contact = await take(desk, headset)
        await telephone.pick_up()
        await headset.until_hears(CUSTOMER)
        assert telephone.phone.hears(AGENT) < 0.1, "he is not put through"
        telephone.hang_up()
        ended = await until(record, doubted.id, "closed")
        assert (ended["reason"], [each["result"] for each in ended["attempts"]]) == ("not_confirmed", ["not_confirmed"])
        await desk.finish(contact)
        with pytest.raises(RateLimited):
            await in_widget(other, "203.0.113.7")

        telephone.hush()
        telephone.line.events.clear()
        wanted = await in_widget(other, "203.0.113.8")
        contact = await take(desk, again)
        await telephone.pick_up()
        await again.until_hears(CUSTOMER)
        telephone.phone.press("1")
        await until(record, wanted.id, "talking")
        await telephone.phone.until_hears(AGENT)
        telephone.hang_up()
        await until(record, wanted.id, "reached")
        await desk.finish(contact)


def said(name: str) -> bytes:
    return samples((PROMPTS / "en" / f"{name}.wav").read_bytes())


def voice(sound: bytes) -> bytes:
    """After a third of a second, in whole packets."""
    sound = bytes(16 * 320) + sound
    return encode("PCMU", sound + bytes(-len(sound) % 320))


async def test_a_machine_gets_its_message_and_a_person_the_agent(tmp_path: Path) -> None:
    pause = bytes(2 * 8_000)
    async with (
        a_telephone(CUSTOMER) as telephone,
        a_headset(AGENT) as headset,
        a_headset(AGENT) as again,
        open_house(tmp_path, telephone, machine="message") as (hub, record),
        at_desk(hub) as desk,
    ):
        callback = (await ask(record, hub)).json()
        contact = await take(desk, headset)
        telephone.phone.voice = voice(said("closed") + pause * 5)
        await telephone.pick_up()
        # The message is spoken to the end, then it is left.
        assert (await telephone.ended()).cause == "bye"
        heard = decode("PCMU", bytes(telephone.phone.heard))
        loud = sum(audioop.rms(heard[at : at + 320], 2) > 1_000 for at in range(0, len(heard), 320))
        assert loud * 20 > 1_500, "milliseconds of speech"
        assert telephone.phone.hears(AGENT) < 0.1
        waiting = await until(record, callback["id"], "scheduled")
        assert ([each["result"] for each in waiting["attempts"]], waiting["reason"]) == (["machine"], "machine")
        assert waiting["next_at"] - waiting["attempts"][0]["ended_at"] == 120 * 60_000
        await desk.finish(contact)

        telephone.hush()
        telephone.line.events.clear()
        await act(record, hub, f"callbacks/{callback['id']}/call-now")
        contact = await take(desk, again)
        telephone.phone.voice, telephone.phone.sent = voice(said("n-1") + pause * 2), 0
        await telephone.pick_up()
        await until(record, callback["id"], "talking")
        await telephone.phone.until_hears(AGENT)
        telephone.hang_up()
        ended = await until(record, callback["id"], "reached")
        assert [each["result"] for each in ended["attempts"]] == ["machine", "reached"]
        await desk.finish(contact)
