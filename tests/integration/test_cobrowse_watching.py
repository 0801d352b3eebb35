"""Who looks at a shared page beside its agent, and who has it after him: supervisors that look on, and transfers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hub.model import Role
from tests.integration.serving import Serving, serving
from tests.integration.test_cobrowse import (
    CONFIG,
    Person,
    agent,
    code,
    frame,
    furnish,
    log_of,
    ok,
    on_line,
    shared,
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("watching"), **CONFIG) as served:
        furnish(served)
        served.user("lead", Role.SUPERVISOR)
        served.user("beate", Role.AGENT)
        yield served


def now_a(hub: Serving, name: str, role: Role) -> None:
    """The user's role is another, as the admin page makes it."""
    app = hub.application
    user = app.hub.directory.users()[f"us_{name}"]
    hub.run(app.auth.change_user(replace(user, role=role), version=user.version, by="system"))
    hub.run(app.hub.directory.refresh("user", user.id))


async def names(person: Person, *expected: str) -> None:
    """Waits until those are said to look on."""
    await person.until(
        lambda event, data: event == "cobrowse" and [one["name"] for one in data["watchers"]] == [*expected]
    )
    person.heard.clear()


async def test_a_supervisor_looks_on_and_the_customer_is_told_who(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "watch-1", "point", "type")
    lead, beate = await agent(hub, "lead"), await agent(hub, "beate")
    of = {"contact": contact}
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    ok(await page.call("cb:page", {"url": "https://shop.example/"}))
    for seq in (0, 1):
        ok(await page.call("cb:frame", frame(7, seq)))
    await nadia.until(lambda event, data: event == "cb:frame" and data["seq"] == 1)
    ok(await window.call("cb:ack", {"epoch": 7, "seq": 1}))

    # An agent without a part in it does not, a supervisor does: from the snapshot on, by name, and only that.
    assert code(await beate.client.call("cobrowse:ticket", of)) == "auth.forbidden"
    for person in (nadia, clara):
        person.heard.clear()
    eye = await on_line(hub, lead, contact)
    await names(clara, "Lead")
    await names(nadia, "Lead")
    await lead.until(lambda event, data: event == "cb:frame" and data["seq"] == 1)
    shown = ok(await clara.client.call("cobrowse:look", of))["cobrowse"]
    assert (shown["watchers"], shown["agent"]["name"]) == ([{"id": None, "name": "Lead"}], "Agent-watch-1")
    for event, data in (
        ("cb:point", {"x": 1, "y": 1}),
        ("cb:draw", {"id": "line-0001", "points": [[1, 1]]}),
        ("cb:look", {"node": 1, "epoch": 7}),
        ("cb:act", {"id": "act-0001", "operation": "fill", "epoch": 7, "node": 3, "value": "x"}),
    ):
        assert code(await eye.call(event, data)) == "cobrowse.not_yours"
    assert code(await lead.client.call("cobrowse:stop", of)) == "cobrowse.not_yours"
    wanted = of | {"capabilities": ["click"]}
    assert code(await lead.client.call("cobrowse:ask", wanted)) == "contact.not_yours"

    # What the site does not record is not asked for, whatever a window says.
    asked = ok(await nadia.client.call("cobrowse:ask", of | {"capabilities": ["record"]}))["cobrowse"]
    assert (asked["asked"], asked["records"]) == ([], False)

    # The card goes from the hub to the page, for its agent and nobody else; what became of each field is in the log.
    card = {"id": "card-0001", "epoch": 7}
    assert code(await eye.call("cb:card", card)) == "cobrowse.not_yours"
    ok(await window.call("cb:card", card))
    told = await clara.until(lambda event, _: event == "cb:card")
    assert {one["match"][0]: one["value"] for one in told["values"]} == {
        "given-name": "Clara",
        "family-name": "watch-1",
        "name": "Clara watch-1",
    }
    ok(await page.call("cb:act_res", {"id": "card-0001", "operation": "card", "result": "done", "field": "given"}))
    ok(await clara.client.call("cobrowse:revoke", of | {"capabilities": ["type"]}))
    assert code(await window.call("cb:card", card)) == "cobrowse.not_allowed"
    assert ("acted", "us_agent-watch-1") in await log_of(hub, contact)

    # He goes, and nobody looks on; the agent's sharing is none of his.
    await eye.close()
    await names(clara)
    assert ok(await nadia.client.call("cobrowse:look", of))["cobrowse"]["stage"] == "shared"
    events = await log_of(hub, contact)
    assert [one for one in events if one[0] in ("watched", "unwatched")] == [
        ("watched", "us_agent-watch-1"),
        ("watched", "us_lead"),
        ("unwatched", "us_lead"),
    ]

    # Whoever is a supervisor no more is cut off.
    eye = await on_line(hub, lead, contact)
    await names(clara, "Lead")
    await asyncio.to_thread(now_a, hub, "lead", Role.AGENT)
    await asyncio.wait_for(eye.closed.wait(), 20)
    await names(clara)
    await asyncio.to_thread(now_a, hub, "lead", Role.SUPERVISOR)
    for person in (nadia, clara, lead, beate):
        await person.close()


async def test_a_sharing_goes_with_its_contact_to_the_next_agent(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "pass-1", "point", "type")
    beate = await agent(hub, "beate")
    of = {"contact": contact}
    ok(await beate.client.call("presence:set", {"state": "available"}))
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    ok(await page.call("cb:page", {"url": "https://shop.example/"}))
    ok(await page.call("cb:frame", frame(7, 0)))
    await nadia.until(lambda event, _: event == "cb:frame")

    # From the transfer on nobody sees it until the next agent has it; the customer stops nothing and starts nothing.
    transfer = of | {"client_id": "pass-it-on", "agent": "us_beate"}
    ok(await nadia.client.call("contact:transfer", transfer))
    await asyncio.wait_for(window.closed.wait(), 20)
    offer = await beate.until(lambda event, data: event == "offer" and data["contact"]["id"] == contact)
    assert code(await beate.client.call("cobrowse:ticket", of)) == "cobrowse.not_yours"
    assert code(await nadia.client.call("cobrowse:ticket", of)) == "cobrowse.not_yours"
    ok(await beate.client.call("offer:accept", of | {"fence": offer["fence"], "client_id": "accept-pass-1"}))
    taken = await clara.until(
        lambda event, data: event == "cobrowse" and data["agent"] and data["agent"]["name"] == "Beate"
    )
    assert (taken["stage"], taken["granted"], page.closed.is_set()) == ("shared", ["view"], False)

    window = await on_line(hub, beate, contact)
    await clara.until(lambda event, _: event == "cb:resync")
    ok(await page.call("cb:frame", frame(8, 0)))
    await beate.until(lambda event, data: event == "cb:frame" and data["epoch"] == 8)
    assert code(await window.call("cb:point", {"x": 1, "y": 1})) == "cobrowse.not_allowed"
    assert code(await nadia.client.call("cobrowse:ticket", of)) == "cobrowse.not_yours"
    ok(await beate.client.call("cobrowse:ask", of | {"capabilities": ["point"]}))
    await clara.until(lambda event, data: event == "cobrowse" and data["asked"] == ["point"])
    ok(await clara.client.call("cobrowse:answer", of | {"capabilities": ["point"]}))
    ok(await window.call("cb:point", {"x": 1, "y": 1}))
    assert (await clara.until(lambda event, _: event == "cb:point"))["name"] == "Beate"
    for person in (nadia, clara, beate):
        await person.close()
