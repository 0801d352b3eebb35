"""The chat channel's own rules: idle visitors, closed queues, full queues, the site's form, identities."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.email import puzzle
from hub.model import Role
from tests.clients import Client, visitor
from tests.integration.serving import Browser, Serving, serving

SECRET = "a-secret-of-the-site"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("chat"), chat={"starts_per_hour": 1000, "waiting_gone_s": 2}) as served:
        never = {"name": "Never open", "week": {}}
        served.put("skill", "support", name="Support")
        served.put("calendar", "never", **never)
        served.put("queue", "open", name="Open", skills={"support": 1}, wrap_up_s=600)
        served.put("queue", "closed", name="Closed", skills={"support": 1}, hours="never")
        served.put("queue", "short", name="Short", skills={"support": 1}, max_length=1)
        topics = [{"id": id, "label": {"en": id.title()}, "queue": id} for id in ("open", "closed", "short")]
        served.put(
            "site",
            "demo",
            name="Shop",
            allowed_origins=[served.origin],
            topics=topics,
            identity_secret=SECRET,
            idle_reminder_s=10,
            idle_close_s=20,
            prechat=[
                {"name": "name", "required": True},
                {"name": "order", "label": {"en": "Order number"}, "required": True},
                {"name": "size", "type": "select", "options": ["S", "L"]},
            ],
        )
        yield served


def form(number: str, **changes: Any) -> dict[str, Any]:
    basic = {"client_id": f"start-{number}", "name": "Clara", "topic": "open", "text": "Hello"}
    return basic | {"fields": {"order": "MK-1"}} | changes


def code(answer: dict[str, Any]) -> str:
    assert not answer["ok"], answer
    return str(answer["error"]["code"])


async def test_the_sites_own_fields_are_asked_for_and_kept(hub: Serving) -> None:
    client = await visitor(hub.origin).open()
    missing = await client.call("chat:start", form("fields-1", fields={}))
    assert code(missing) == "input.invalid" and missing["error"]["details"]["path"] == "order"
    assert (
        code(await client.call("chat:start", form("fields-2", fields={"order": "1", "size": "XXL"}))) == "input.invalid"
    )
    answer = await client.call("chat:start", form("fields-3", fields={"order": "MK-7", "size": "L", "other": "x"}))
    assert answer["ok"], answer
    contact = hub.application.hub.living.get(answer["contact"]["id"])
    assert contact is not None and contact.contact.fields == {"order": "MK-7", "size": "L"}
    await client.close()


async def test_a_closed_queue_takes_no_chat(hub: Serving) -> None:
    client = await visitor(hub.origin).open()
    assert code(await client.call("chat:start", form("closed-01", topic="closed"))) == "queue.closed"
    await client.close()


async def test_a_mail_is_taken_when_all_is_closed_and_asked_about(hub: Serving) -> None:
    """Over the socket, as the widget does it; this hub sends no mail (tests/integration/mail/test_form.py has one)."""
    pushed: dict[str, Any] = {}
    client = visitor(hub.origin)
    client.on_event = pushed.__setitem__
    await client.open()
    begun = await client.call("email:begin", {})
    assert begun["ok"] and begun["files"] == {"count": 5, "bytes": 15_000_000}
    made = puzzle.Puzzle(begun["nonce"], "demo", 0, begun["bits"])
    counter = await asyncio.to_thread(lambda: next(n for n in range(2**24) if puzzle.solved(made, n)))
    mail = {"ticket": begun["ticket"], "counter": counter, "name": "Clara", "email": "c@example.org", "text": "Hello"}
    mail |= {"topic": "closed", "fields": {"order": "MK-9"}, "locale": "en"}
    early = await client.call("email:send", mail)
    assert code(early) == "form.early"
    headers = {"Authorization": f"Bearer {begun['ticket']}.{counter}", "X-Contact": "form", "X-File-Name": "a.txt"}
    async with httpx.AsyncClient(base_url=hub.origin, trust_env=False) as http:
        kept = await http.post("/widget/files", headers=headers | {"Content-Type": "text/plain"}, content=b"A note")
        refused = await http.post("/widget/files", headers=headers | {"Authorization": "Bearer x.1"}, content=b"A note")
        program = await http.post(
            "/widget/files", headers=headers | {"X-File-Name": "a.exe"}, content=b"MZ\x90\x00" + bytes(64)
        )
    assert (kept.status_code, refused.status_code, program.status_code) == (201, 401, 415)
    await asyncio.sleep(early["error"]["details"]["retry_after_ms"] / 1000)
    mail["files"] = [kept.json()["file"]["id"]]
    no_address = await client.call("email:send", mail | {"email": ""})
    assert code(no_address) == "input.invalid" and no_address["error"]["details"]["path"] == "email"
    sent = await client.call("email:send", mail)
    assert sent["ok"] and len(sent["reference"]) == 8
    again = await client.call("email:send", mail)
    assert again["reference"] == sent["reference"]
    assert code(await client.call("email:send", mail | {"text": "Something else"})) == "form.used"
    asked = {"reference": sent["reference"], "email": "c@example.org"}
    standing = await client.call("email:ask", asked)
    assert {name for name in standing if name != "ok"} == {"state", "received_at", "answered_at"}
    assert standing["state"] == "waiting"
    assert code(await client.call("email:ask", asked | {"email": "d@example.org"})) == "reference.not_found"
    # Who reads the visitor's conversations finds nothing of it.
    assert pushed["hello"]["contacts"] == [] and "sync" not in pushed
    await client.close()


async def test_a_full_queue_is_refused_whole(hub: Serving) -> None:
    first, second = await visitor(hub.origin).open(), await visitor(hub.origin).open()
    assert (await first.call("chat:start", form("full-0001", topic="short")))["ok"]
    await asyncio.sleep(0.3)
    assert code(await second.call("chat:start", form("full-0002", topic="short"))) == "queue.full"
    await first.close()
    await second.close()


async def test_a_waiting_visitor_who_has_gone_leaves_the_queue(hub: Serving) -> None:
    client = await visitor(hub.origin).open()
    contact = (await client.call("chat:start", form("gone-0001")))["contact"]["id"]
    await client.close()
    async with asyncio.timeout(20):
        while hub.application.hub.living.get(contact) is not None:
            await asyncio.sleep(0.1)
    row = await asyncio.to_thread(hub.run, hub.application.store.contacts.get(contact))
    assert row is not None and row.contact.abandoned and row.contact.ended_by == "visitor"


def signed(id: str, nonce: str, *, exp: int | None = None, secret: str = SECRET) -> dict[str, Any]:
    until = exp or int(time.time()) + 600
    proof = hmac.new(secret.encode(), f"{id}.{until}.{nonce}".encode(), hashlib.sha256).hexdigest()
    return {"id": id, "name": "Clara Berg", "email": "clara@berg.example", "exp": until, "nonce": nonce, "hash": proof}


async def test_only_a_signed_identity_is_verified_and_only_once(hub: Serving) -> None:
    client = await visitor(hub.origin).open()
    answer = await client.call("chat:start", form("signed-01", identity=signed("u-1", "nonce-1")))
    assert answer["ok"], answer
    customer = await _customer(hub, answer["contact"]["id"])
    assert (customer.name, customer.verified, customer.external_id) == ("Clara Berg", True, "u-1")
    # The same proof in somebody else's browser proves nothing any more.
    stranger = await visitor(hub.origin).open()
    stolen = await stranger.call("chat:start", form("signed-02", identity=signed("u-1", "nonce-1")))
    assert stolen["ok"] and not (await _customer(hub, stolen["contact"]["id"])).verified
    for identity, expected in [
        (signed("u-1", "nonce-2", secret="wrong"), "identity.refused"),
        (signed("u-1", "nonce-3", exp=int(time.time()) - 5), "identity.expired"),
        (signed("u-1", "nonce-1"), "identity.replayed"),
    ]:
        assert code(await stranger.call("identify", identity)) == expected
    # Another browser of the same user, with a proof of its own, is the same customer.
    assert (await stranger.call("identify", signed("u-1", "nonce-4")))["verified"]
    async with asyncio.timeout(60):
        while not (await _customer(hub, stolen["contact"]["id"])).verified:
            await asyncio.sleep(0.05)
    assert (await _customer(hub, stolen["contact"]["id"])).id == customer.id
    await client.close()
    await stranger.close()


async def _customer(hub: Serving, contact: str) -> Any:
    app = hub.application
    row = await asyncio.to_thread(hub.run, app.store.contacts.get(contact))
    assert row is not None
    found = await asyncio.to_thread(hub.run, app.store.people.customers([row.contact.customer]))
    return found[row.contact.customer]


async def test_a_visitor_who_says_nothing_is_reminded_and_then_let_go(hub: Serving, tmp_path: Path) -> None:
    await asyncio.to_thread(hub.user, "nadia", Role.AGENT, skills={"support": 5})
    browser: Browser = await asyncio.to_thread(hub.sign_in, "nadia")
    offers: asyncio.Queue[Any] = asyncio.Queue()
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.http.cookies.items()), "Origin": hub.origin}

    def heard(event: str, data: Any) -> None:
        if event == "offer":
            offers.put_nowait(data)

    auth = {"window": "window-1", "csrf": browser.csrf}
    desk = await Client(hub.origin, "/agent", auth, headers=headers, on_event=heard).open()
    client = await visitor(hub.origin).open()
    contact = (await client.call("chat:start", form("silent-01")))["contact"]["id"]
    assert (await desk.call("presence:set", {"state": "available"}))["ok"]
    offer = await asyncio.wait_for(offers.get(), 20)
    while offer["contact"]["id"] != contact:
        other = offer["contact"]["id"]
        decline = {"contact": other, "fence": offer["fence"], "client_id": f"decline-{other[-9:]}"}
        assert (await desk.call("offer:decline", decline))["ok"]
        offer = await asyncio.wait_for(offers.get(), 20)
    accept = {"contact": contact, "fence": offer["fence"], "client_id": "accept-silent"}
    assert (await desk.call("offer:accept", accept))["ok"]
    assert (await desk.call("message:send", {"contact": contact, "client_id": "are-you-there", "text": "Which one?"}))[
        "ok"
    ]
    async with asyncio.timeout(60):
        codes: list[str | None] = []
        while "idle_closed" not in codes:
            await asyncio.sleep(1)
            messages = (await client.call("chat:sync", {"contact": contact}))["messages"]
            codes = [message["code"] for message in messages if message["code"]]
    assert codes[-2:] == ["reminder", "idle_closed"]
    await client.close()
    await desk.close()
