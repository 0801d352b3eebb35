"""Who answers a callback is told why he is called, and may refuse all further ones."""

from __future__ import annotations

from pathlib import Path

from channels.voice.sip.events import Invited
from tests.integration.voice.desk import a_headset, a_telephone
from tests.integration.voice.test_callbacks import NUMBER, ask, open_house, take, until
from tests.integration.voice.test_dial import AGENT, CUSTOMER, at_desk


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
