"""Co-browsing at the hub: who may ask, answer, see and act, what the log keeps of it, and what outlives a restart."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hub.events import to_dict
from hub.model import Role
from tests.clients import Client, Refused, visitor
from tests.integration.serving import Serving, serving

BODY = base64.b64encode(b"[]").decode()
CONFIG: dict[str, Any] = {"chat": {"starts_per_hour": 1000}, "cobrowse": {"enabled": True, "viewer_port": 1}}


def furnish(served: Serving) -> None:
    served.put("queue", "open", name="Open", wrap_up_s=600)
    topic = {"id": "open", "label": {"en": "Open"}, "queue": "open"}
    served.put(
        "site",
        "demo",
        name="Shop",
        allowed_origins=[served.origin],
        topics=[topic],
        prechat=[{"name": "name"}],
        cobrowse={"on": True, "paused": ["*/account*"]},
    )


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("cobrowse"), **CONFIG) as served:
        furnish(served)
        served.user("omar", Role.AGENT)
        yield served


@dataclass
class Person:
    """A browser's sockets, and everything that was pushed to them."""

    client: Client
    heard: list[tuple[str, Any]] = field(default_factory=list)
    ends: list[Client] = field(default_factory=list)

    async def until(self, what: Callable[[str, Any], bool]) -> Any:
        """The data of the first push like that, from now on or from before."""
        async with asyncio.timeout(20):
            while True:
                for event, data in self.heard:
                    if what(event, data):
                        return data
                await asyncio.sleep(0.02)

    async def stage(self, stage: str) -> Any:
        return await self.until(lambda event, data: event == "cobrowse" and data["stage"] == stage)

    async def close(self) -> None:
        if not self.client.closed.is_set():
            await self.client.call("presence:set", {"state": "away"})
        for client in [*self.ends, self.client]:
            await client.close()


def ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["ok"], answer
    return answer


def code(answer: dict[str, Any]) -> str:
    assert not answer["ok"], answer
    return str(answer["error"]["code"])


async def agent(hub: Serving, name: str) -> Person:
    browser = await asyncio.to_thread(hub.sign_in, name)
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.http.cookies.items()), "Origin": hub.origin}
    heard: list[tuple[str, Any]] = []
    auth = {"window": f"window-{name}", "csrf": browser.csrf}
    client = Client(hub.origin, "/agent", auth, headers=headers, on_event=lambda *said: heard.append(said))
    return Person(await client.open(), heard)


async def customer(hub: Serving, token: str | None = None) -> Person:
    heard: list[tuple[str, Any]] = []
    return Person(await visitor(hub.origin, token, lambda *said: heard.append(said)).open(), heard)


async def talking(hub: Serving, number: str) -> tuple[Person, Person, str, str]:
    """An agent of its own and a customer in a chat: both, the contact and the customer's token."""
    await asyncio.to_thread(hub.user, f"agent-{number}", Role.AGENT)
    nadia, clara = await agent(hub, f"agent-{number}"), await customer(hub)
    form = {"client_id": f"start-{number}", "name": f"Clara {number}", "topic": "open", "text": "Hello"}
    started = ok(await clara.client.call("chat:start", form))
    contact = started["contact"]["id"]
    ok(await nadia.client.call("presence:set", {"state": "available"}))
    offer = await nadia.until(lambda event, data: event == "offer" and data["contact"]["id"] == contact)
    accept = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{number}"}
    ok(await nadia.client.call("offer:accept", accept))
    return nadia, clara, contact, started["token"]


async def on_line(hub: Serving, person: Person, contact: str) -> Client:
    ticket = ok(await person.client.call("cobrowse:ticket", {"contact": contact}))["ticket"]
    end = Client(hub.origin, "/cobrowse", {"ticket": ticket}, on_event=lambda *said: person.heard.append(said))
    person.ends.append(await end.open())
    return end


async def shared(hub: Serving, number: str, *granted: str) -> tuple[Person, Person, str, str]:
    nadia, clara, contact, token = await talking(hub, number)
    capabilities = ["view", *granted]
    ok(await nadia.client.call("cobrowse:ask", {"contact": contact, "capabilities": capabilities}))
    await clara.stage("asked")
    ok(await clara.client.call("cobrowse:answer", {"contact": contact, "capabilities": capabilities}))
    await nadia.stage("shared")
    return nadia, clara, contact, token


async def by_mail(hub: Serving, number: str, site: str | None = None) -> tuple[Person, str]:
    """An agent of its own with a contact that no window of the widget has: both."""
    await asyncio.to_thread(hub.user, f"agent-{number}", Role.AGENT)
    await asyncio.to_thread(hub.user, f"boss-{number}", Role.ADMINISTRATOR)
    nadia, boss = await agent(hub, f"agent-{number}"), await asyncio.to_thread(hub.sign_in, f"boss-{number}")
    ok(await nadia.client.call("presence:set", {"state": "available"}))
    wanted = {
        "channel": "email",
        "queue": "open",
        "customer": {"name": f"Mara {number}"},
        **({"site": site} if site else {}),
    }
    made = await asyncio.to_thread(boss.request, "POST", "/api/v1/contacts", json=wanted)
    assert made.status_code == 201, made.text
    contact = made.json()["id"]
    offer = await nadia.until(lambda event, data: event == "offer" and data["contact"]["id"] == contact)
    accept = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{number}"}
    ok(await nadia.client.call("offer:accept", accept))
    return nadia, contact


def frame(epoch: int, seq: int) -> dict[str, Any]:
    kind = "increment" if seq else "snapshot"
    return {"epoch": epoch, "seq": seq, "kind": kind, "part": 0, "parts": 1, "encoding": "json", "body": BODY}


async def log_of(hub: Serving, contact: str) -> list[tuple[str, str]]:
    """(event, actor) of the contact's sharings."""

    async def read() -> list[tuple[str, str]]:
        recorded = await hub.application.store.log.stream(f"cobrowse/{contact}")
        return [(to_dict(one.event)["type"].removeprefix("cobrowse."), one.actor) for one in recorded]

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(read(), hub.loop))


async def test_a_page_is_shown_as_far_as_its_customer_allows(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "allow-1", "point")
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    assert ok(await page.call("cb:page", {"url": "https://shop.example/checkout"}))["shared"]
    await clara.until(lambda event, _: event == "cb:resync")
    for seq in (0, 1):
        ok(await page.call("cb:frame", frame(7, seq)))
    await nadia.until(lambda event, data: event == "cb:frame" and data["seq"] == 1)
    ok(await window.call("cb:ack", {"epoch": 7, "seq": 1}))

    ok(await window.call("cb:point", {"x": 10, "y": 20}))
    assert (await clara.until(lambda event, _: event == "cb:point"))["name"] == "Agent-allow-1"
    act = {"id": "act-0001", "operation": "fill", "epoch": 7, "node": 3, "value": "10435"}
    assert code(await window.call("cb:act", act)) == "cobrowse.not_allowed"
    ok(await nadia.client.call("cobrowse:ask", {"contact": contact, "capabilities": ["type"]}))
    await clara.until(lambda event, data: event == "cobrowse" and data["asked"] == ["type"])
    ok(await clara.client.call("cobrowse:answer", {"contact": contact, "capabilities": ["type"]}))
    ok(await window.call("cb:act", act))
    assert (await clara.until(lambda event, _: event == "cb:act"))["value"] == "10435"
    ok(await page.call("cb:act_res", {"id": "act-0001", "operation": "fill", "result": "done", "field": "postcode"}))
    await nadia.until(lambda event, data: event == "cb:act_res" and data["result"] == "done")

    ok(await clara.client.call("cobrowse:revoke", {"contact": contact, "capabilities": ["point"]}))
    assert code(await window.call("cb:point", {"x": 1, "y": 1})) == "cobrowse.not_allowed"
    # A page that the site keeps to itself: nothing of it is taken, nothing can be done there.
    assert not ok(await page.call("cb:page", {"url": "https://shop.example/account.html"}))["shared"]
    assert code(await page.call("cb:frame", frame(7, 2))) == "cobrowse.paused"
    assert code(await window.call("cb:act", act)) == "cobrowse.not_allowed"

    ok(await clara.client.call("cobrowse:stop", {"contact": contact}))
    assert (await nadia.stage("ended"))["ending"] == "stopped"
    await asyncio.wait_for(asyncio.gather(page.closed.wait(), window.closed.wait()), 20)
    events = await log_of(hub, contact)
    you, her = "us_agent-allow-1", events[1][1]
    assert events == [
        *(("asked", you), ("granted", her), ("watched", you), ("asked", you), ("granted", her), ("acted", you)),
        *(("revoked", her), ("paused", her), ("ended", her)),
    ]
    for person in (nadia, clara):
        await person.close()


def test_only_the_desktop_frames_the_viewer_and_nothing_else(hub: Serving) -> None:
    hub.user("lena", Role.SUPERVISOR)
    lena = hub.sign_in("lena")
    framed = {
        path: lena.http.get(path).headers["content-security-policy"].partition("frame-src ")[2].partition(";")[0]
        for path in ("/agent", "/supervisor", "/calls")
    }
    assert framed == {"/agent": "'self' http://127.0.0.1:1", "/supervisor": "'self'", "/calls": "'self'"}


async def test_nobody_else_sees_answers_or_acts(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "other-1", "point", "type")
    stranger, omar = await customer(hub), await agent(hub, "omar")
    of = {"contact": contact}
    assert code(await stranger.client.call("cobrowse:look", of)) == "auth.required"
    form = {"client_id": "start-stranger", "name": "Mallory", "topic": "open", "text": "Hello"}
    ok(await stranger.client.call("chat:start", form))
    for event in ("cobrowse:look", "cobrowse:stop", "cobrowse:ticket"):
        assert code(await stranger.client.call(event, of)) == "cobrowse.not_yours"
    for event in ("cobrowse:answer", "cobrowse:offer", "cobrowse:revoke"):
        assert code(await stranger.client.call(event, of | {"capabilities": ["view"]})) == "cobrowse.not_yours"
    for event in ("cobrowse:look", "cobrowse:ticket", "cobrowse:stop"):
        assert code(await omar.client.call(event, of)) == "auth.forbidden"
    assert code(await omar.client.call("cobrowse:ask", of | {"capabilities": ["view"]})) == "auth.forbidden"

    # A ticket is good once, and for its own side only.
    ticket = ok(await nadia.client.call("cobrowse:ticket", of))["ticket"]
    window = await Client(hub.origin, "/cobrowse", {"ticket": ticket}).open()
    nadia.ends.append(window)
    for spent in (ticket, "nonsense", ""):
        with pytest.raises(Refused):
            await Client(hub.origin, "/cobrowse", {"ticket": spent}).open()
    page = await on_line(hub, clara, contact)
    ok(await page.call("cb:page", {"url": "https://shop.example/"}))
    for event, data in (("cb:frame", frame(1, 0)), ("cb:page", {"url": "https://shop.example/"})):
        assert code(await window.call(event, data)) == "cobrowse.elsewhere"
    assert code(await page.call("cb:point", {"x": 1, "y": 1})) == "cobrowse.not_yours"
    act = {"id": "act-0001", "operation": "fill", "epoch": 1, "node": 3, "value": "x"}
    assert code(await page.call("cb:act", act)) == "cobrowse.not_yours"
    for wrong in (frame(0, 0), frame(1, 0) | {"kind": "increment"}, frame(1, 0) | {"parts": 99}, {}, None, [1]):
        assert code(await page.call("cb:frame", wrong)) == "input.invalid"

    # Another of her tabs takes over; the one before is told and not heard any more.
    await on_line(hub, clara, contact)
    await clara.until(lambda event, _: event == "cb:elsewhere")
    assert code(await page.call("cb:frame", frame(9, 0))) == "cobrowse.elsewhere"
    # The agent's window goes, and what it looked at with it.
    await nadia.client.close()
    await asyncio.wait_for(window.closed.wait(), 20)
    for person in (clara, stranger, omar):
        await person.close()


async def test_a_sharing_ends_with_its_contact(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "end-1")
    page = await on_line(hub, clara, contact)
    ok(await clara.client.call("chat:end", {"contact": contact, "client_id": "end-it-now"}))
    assert (await nadia.stage("ended"))["ending"] == "contact"
    await asyncio.wait_for(page.closed.wait(), 20)
    assert (await log_of(hub, contact))[-1] == ("ended", "hub")
    for person in (nadia, clara):
        await person.close()


async def test_a_site_can_keep_its_pages_to_itself(hub: Serving) -> None:
    nadia, clara, contact, _ = await talking(hub, "off-1")

    def put(on: bool) -> None:
        stored = hub.application.hub.directory.stored("site", "demo")
        assert stored is not None
        data = stored.data | {"cobrowse": {"on": on, "paused": ["*/account*"]}}
        configs = hub.application.store.configs
        hub.run(configs.put("site", "demo", data, version=stored.version, actor="system", at=1))
        hub.run(hub.application.hub.directory.refresh("site", "demo"))

    await asyncio.to_thread(put, False)
    assert not ok(await nadia.client.call("cobrowse:look", {"contact": contact}))["possible"]
    wanted = {"contact": contact, "capabilities": ["view"]}
    assert code(await nadia.client.call("cobrowse:ask", wanted)) == "cobrowse.off"
    assert code(await clara.client.call("cobrowse:offer", wanted)) == "cobrowse.off"
    await asyncio.to_thread(put, True)
    offered = ok(await clara.client.call("cobrowse:offer", wanted))
    assert offered["cobrowse"]["stage"] == "shared"
    # What is under way ends when the site changes its mind.
    await asyncio.to_thread(put, False)
    assert (await nadia.stage("ended"))["ending"] == "site"
    await asyncio.to_thread(put, True)
    for person in (nadia, clara):
        await person.close()


async def test_a_customer_without_a_conversation_joins_by_a_code(hub: Serving) -> None:
    nadia, contact = await by_mail(hub, "code-1")
    of, wanted = {"contact": contact}, {"contact": contact, "capabilities": ["view", "point"]}
    looked = ok(await nadia.client.call("cobrowse:look", of))
    assert (looked["possible"], looked["by_code"], looked["code"]) == (True, True, None)
    first = ok(await nadia.client.call("cobrowse:ask", wanted))
    assert (first["cobrowse"]["stage"], first["cobrowse"]["joined"], len(first["code"])) == ("asked", False, 6)
    again = ok(await nadia.client.call("cobrowse:ask", wanted))
    assert again["cobrowse"]["session"] == first["cobrowse"]["session"] and again["code"] != first["code"]
    assert ok(await nadia.client.call("cobrowse:look", of))["code"] == again["code"]

    # Nobody who has not entered it gets anywhere, and one that is void says no more than one that never was.
    clara, mallory = await customer(hub), await customer(hub)
    assert code(await mallory.client.call("cobrowse:answer", wanted)) == "auth.required"
    never = next(one for one in ("000000", "000001", "000002") if one not in (first["code"], again["code"]))
    told = [await clara.client.call("cobrowse:enter", {"code": one}) for one in (first["code"], never, "abc")]
    assert told[0] == told[1] == told[2] and code(told[0]) == "code.not_found"
    joined = ok(await clara.client.call("cobrowse:enter", {"code": f"{again['code'][:3]} {again['code'][3:]}"}))
    assert joined["cobrowse"]["agent"] == {"id": None, "name": "Agent-code-1"} and "code" not in joined
    assert (await nadia.until(lambda event, data: event == "cobrowse" and data["joined"]))["stage"] == "asked"
    assert ok(await nadia.client.call("cobrowse:look", of))["code"] is None
    assert await mallory.client.call("cobrowse:enter", {"code": again["code"]}) == told[0]
    form = {"client_id": "start-mallory", "name": "Mallory", "topic": "open", "text": "Hello"}
    ok(await mallory.client.call("chat:start", form))
    for event in ("cobrowse:look", "cobrowse:stop", "cobrowse:ticket"):
        assert code(await mallory.client.call(event, of)) == "cobrowse.not_yours"
    assert code(await mallory.client.call("cobrowse:answer", wanted)) == "cobrowse.not_yours"

    # From here as with anybody, over the next page and the next socket.
    ok(await clara.client.call("cobrowse:answer", wanted))
    await nadia.stage("shared")
    await clara.close()
    clara = await customer(hub, joined["token"])
    assert ok(await clara.client.call("cobrowse:look", of))["cobrowse"]["granted"] == ["point", "view"]
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    assert ok(await page.call("cb:page", {"url": "https://shop.example/"}))["shared"]
    await clara.until(lambda event, _: event == "cb:resync")
    ok(await page.call("cb:frame", frame(7, 0)))
    await nadia.until(lambda event, _: event == "cb:frame")
    ok(await window.call("cb:point", {"x": 1, "y": 1}))
    await clara.until(lambda event, _: event == "cb:point")
    # The contact is of no site; the page's own keeps this one to itself.
    assert not ok(await page.call("cb:page", {"url": "https://shop.example/account"}))["shared"]
    ok(await nadia.client.call("cobrowse:ask", of | {"capabilities": ["type"]}))
    await clara.until(lambda event, data: event == "cobrowse" and data["asked"] == ["type"])
    ok(await clara.client.call("cobrowse:stop", of))
    assert (await nadia.stage("ended"))["ending"] == "stopped"
    # What is over gives no right to the contact.
    assert code(await clara.client.call("cobrowse:offer", wanted)) == "cobrowse.not_yours"
    assert code(await clara.client.call("chat:sync", of)) == "auth.forbidden"
    events = await log_of(hub, contact)
    you, her = "us_agent-code-1", events[2][1]
    assert events == [
        *(("asked", you), ("asked", you), ("joined", her), ("granted", her), ("watched", you), ("paused", her)),
        *(("asked", you), ("ended", her)),
    ]
    for person in (nadia, clara, mallory):
        await person.close()


async def test_codes_cannot_be_guessed(hub: Serving) -> None:
    nadia, contact = await by_mail(hub, "code-2", "demo")
    wanted = {"contact": contact, "capabilities": ["view"]}
    right = ok(await nadia.client.call("cobrowse:ask", wanted))["code"]
    clara = await customer(hub)
    for _ in range(20):
        said = await clara.client.call("cobrowse:enter", {"code": "x"})
        if code(said) == "rate.limited":
            break
        assert code(said) == "code.not_found"
    # Another socket, and even the right one.
    other = await customer(hub)
    assert code(await other.client.call("cobrowse:enter", {"code": right})) == "rate.limited"
    # Taken back.
    ok(await nadia.client.call("cobrowse:stop", {"contact": contact}))
    assert ok(await nadia.client.call("cobrowse:look", {"contact": contact}))["code"] is None
    for person in (nadia, clara, other):
        await person.close()


async def test_a_sharing_outlives_the_hub(tmp_path: Path) -> None:
    def start() -> Any:
        return serving(tmp_path, **CONFIG)

    first = start()
    hub = await asyncio.to_thread(first.__enter__)
    await asyncio.to_thread(furnish, hub)
    nadia, clara, contact, token = await shared(hub, "again-1", "point")
    given = ok(await clara.client.call("cobrowse:ticket", {"contact": contact}))["epoch"]
    for person in (nadia, clara):
        await person.close()
    await asyncio.to_thread(first.__exit__, None, None, None)

    second = start()
    hub = await asyncio.to_thread(second.__enter__)
    try:
        nadia, clara = await agent(hub, "agent-again-1"), await customer(hub, token)
        known = ok(await clara.client.call("cobrowse:look", {"contact": contact}))["cobrowse"]
        assert (known["stage"], known["granted"]) == ("shared", ["point", "view"])
        # What begins now is newer than all that was before.
        assert ok(await clara.client.call("cobrowse:ticket", {"contact": contact}))["epoch"] > given
        page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
        ok(await page.call("cb:page", {"url": "https://shop.example/"}))
        await clara.until(lambda event, _: event == "cb:resync")
        ok(await page.call("cb:frame", frame(given + 1000, 0)))
        await nadia.until(lambda event, _: event == "cb:frame")
        ok(await window.call("cb:point", {"x": 1, "y": 1}))
        for person in (nadia, clara):
            await person.close()
    finally:
        await asyncio.to_thread(second.__exit__, None, None, None)
