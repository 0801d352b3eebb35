"""A contact that is offered or answered in the very moment in which it is told to leave stays with its agent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hub import commands as c
from hub.errors import Refused
from hub.model import Contact, Phase
from routing.dispatch_overflow import leave_queue
from routing.specs import OverflowReason
from tests.integration.house import House, furnished

MESSAGE = [{"when": "unstaffed", "to": "message", "after_s": 3600, "text": {"en": "Nobody is here."}}]
LATER = 4_000_000_000_000


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        row = house.call("GET", "/queues/support").json()
        assert house.call("PUT", "/queues/support", json={**row, "overflow": MESSAGE}).status_code == 200
        yield house


async def _offer(house: House, id: str, *more: c.ContactCommand) -> None:
    agent = house.users["supervisor"].id
    await house.serving.application.hub.contacts.do(id, c.MakeOffer(agent, 1, LATER, 1), *more, actor="system")


async def _leave(house: House, id: str) -> None:
    await leave_queue(house.serving.application.hub, id, "support", OverflowReason.UNSTAFFED)


async def _contact(house: House, id: str) -> Contact:
    return (await house.serving.application.hub.contacts.get(id)).contact


def test_an_offered_contact_is_not_sent_away(house: House) -> None:
    id = house.contact("offered")

    async def story() -> Contact:
        await _offer(house, id)
        await _leave(house, id)
        return await _contact(house, id)

    after = house.serving.run(story())
    assert after.phase is Phase.OFFERED and not after.abandoned


def test_a_contact_that_is_answered_while_the_words_are_said_is_not_ended(house: House) -> None:
    id = house.contact("answered")
    accept = c.Accept(house.users["supervisor"].id, 1)

    async def story() -> tuple[Contact, BaseException | None]:
        said, _ = await asyncio.gather(_leave(house, id), _offer(house, id, accept), return_exceptions=True)
        return await _contact(house, id), said

    after, said = house.serving.run(story())
    assert after.phase is Phase.ACTIVE and isinstance(said, Refused)


def test_who_waits_on_is_told_and_leaves(house: House) -> None:
    id = house.contact("waits")

    async def story() -> Contact:
        await _leave(house, id)
        await _leave(house, id)
        return await _contact(house, id)

    assert house.serving.run(story()).phase is Phase.CLOSED
    said = house.call("GET", f"/contacts/{id}/messages").json()["items"]
    assert [line["text"] for line in said].count("Nobody is here.") == 1
