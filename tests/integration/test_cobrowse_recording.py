"""Recordings of shared pages: made with the customer's consent only, sealed, watched and deleted by whoever may."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.film import LENGTHS, MAGIC
from hub.model import Role
from tests.integration.serving import Browser, Serving, serving
from tests.integration.test_cobrowse import CONFIG, Person, code, frame, furnish, ok, on_line, talking

SAID = "what only the agent was to see"
BODY = base64.b64encode(json.dumps([SAID]).encode()).decode()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("films")
    key = folder / "recordings.key"
    key.write_text("ab" * 32)
    with serving(folder, **CONFIG, recordings={"key": {"file": str(key)}}) as served:
        furnish(served)
        stored = served.application.hub.directory.stored("site", "demo")
        assert stored is not None
        data = stored.data | {"cobrowse": {"on": True, "paused": ["*/account*"], "record": True, "keep_days": 7}}
        configs = served.application.store.configs
        served.run(configs.put("site", "demo", data, version=stored.version, actor="system", at=1))
        served.run(served.application.hub.directory.refresh("site", "demo"))
        served.user("lead", Role.SUPERVISOR)
        served.user("boss", Role.ADMINISTRATOR)
        served.user("omar", Role.AGENT)
        yield served


def entries(film: bytes) -> list[tuple[dict[str, Any], bytes]]:
    assert film.startswith(MAGIC)
    found, at = [], len(MAGIC)
    while at < len(film):
        head, body = LENGTHS.unpack_from(film, at)
        at += LENGTHS.size
        found.append((json.loads(film[at : at + head]), film[at + head : at + head + body]))
        at += head + body
    return found


async def sharing(hub: Serving, number: str, *granted: str) -> tuple[Person, Person, str]:
    """The agent asks to see and point; the site asks for the recording."""
    nadia, clara, contact, _ = await talking(hub, number)
    ok(await nadia.client.call("cobrowse:ask", {"contact": contact, "capabilities": ["view", "point"]}))
    asked = await clara.stage("asked")
    assert asked["asked"] == ["point", "record", "view"] and asked["records"]
    ok(await clara.client.call("cobrowse:answer", {"contact": contact, "capabilities": [*granted]}))
    return nadia, clara, contact


async def recorded(browser: Browser, contact: str, state: str = "complete") -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found = browser.request("GET", f"/api/v1/recordings?deleted=true&contact={contact}").json()["items"]
            if found and found[0]["state"] == state:
                assert len(found) == 1
                return dict(found[0])
            await asyncio.sleep(0.05)


async def test_what_the_customer_lets_be_recorded_is_kept_and_nothing_else(hub: Serving) -> None:
    nadia, clara, contact = await sharing(hub, "film-1", "view", "record")
    page = await on_line(hub, clara, contact)
    ok(await page.call("cb:page", {"url": "https://shop.example/"}))
    for seq in (0, 1):
        ok(await page.call("cb:frame", frame(7, seq) | {"body": BODY}))
    ok(await page.call("cb:cursor", {"x": 30, "y": 40}))
    # One is missing: what follows is nothing without it, so the page is asked for a snapshot.
    clara.heard.clear()
    ok(await page.call("cb:frame", frame(7, 3)))
    await clara.until(lambda event, _: event == "cb:resync")
    ok(await page.call("cb:frame", frame(8, 0)))
    # A page that the site keeps to itself is in nothing.
    assert not ok(await page.call("cb:page", {"url": "https://shop.example/account"}))["shared"]
    assert code(await page.call("cb:frame", frame(9, 0))) == "cobrowse.paused"
    ok(await page.call("cb:page", {"url": "https://shop.example/tea"}))
    # Taken back: the sharing goes on, the recording does not.
    ok(await clara.client.call("cobrowse:revoke", {"contact": contact, "capabilities": ["record"]}))
    ok(await page.call("cb:frame", frame(10, 0)))

    boss = await asyncio.to_thread(hub.sign_in, "boss")
    row = await recorded(boss, contact)
    assert (row["kind"], row["format"], row["encrypted"], row["reason"]) == ("page", "page", True, "consent")
    assert (row["expires_at"] - row["started_at"], row["announced"]) == (7 * 86_400_000, True)
    (file,) = (path for path in Path(hub.application.config.recordings_dir).rglob("rc*") if path.is_file())
    assert SAID.encode() not in file.read_bytes() and row["bytes"] == file.stat().st_size

    # The agent whose contact it was and supervisors watch, others do not; each of them is in the audit log.
    urls = {what: f"/api/v1/recordings/{row['id']}/{what}" for what in ("frames", "audio", "peaks", "export")}
    watchers = {name: await asyncio.to_thread(hub.sign_in, name) for name in ("agent-film-1", "lead", "omar")}
    answers = {name: await asyncio.to_thread(b.request, "GET", urls["frames"]) for name, b in watchers.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "agent-film-1": 200,
        "lead": 200,
        "omar": 403,
    }
    film = entries(answers["lead"].content)
    assert [(head.get("epoch"), head.get("seq")) for head, _ in film] == [(7, 0), (7, 1), (None, None), (8, 0)]
    assert film[0][1] == base64.b64decode(BODY) and film[2][0]["x"] == 30
    assert [head["at"] for head, _ in film] == sorted(head["at"] for head, _ in film) and row["ms"] == film[-1][0]["at"]
    part = await asyncio.to_thread(watchers["lead"].request, "GET", urls["frames"], headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, MAGIC)
    for what in ("audio", "peaks", "export"):
        assert (await asyncio.to_thread(boss.request, "GET", urls[what])).status_code == 404
    audit = (await asyncio.to_thread(boss.request, "GET", "/api/v1/audit?kind=recording")).json()["items"]
    assert {(one["actor"], one["action"]) for one in audit} == {
        ("us_agent-film-1", "watch"),
        ("us_lead", "watch"),
    }

    # Deleted by whoever may: its file is gone, that there was one is known.
    one = f"/api/v1/recordings/{row['id']}"
    assert (await asyncio.to_thread(watchers["lead"].request, "DELETE", one)).status_code == 403
    assert (await asyncio.to_thread(boss.request, "DELETE", one)).status_code == 204
    assert not file.exists()
    assert (await asyncio.to_thread(boss.request, "GET", urls["frames"])).status_code == 404
    for person in (nadia, clara):
        await person.close()


async def test_nothing_is_recorded_that_was_not_allowed(hub: Serving) -> None:
    nadia, clara, contact = await sharing(hub, "film-2", "view", "point")
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    ok(await page.call("cb:page", {"url": "https://shop.example/"}))
    ok(await page.call("cb:frame", frame(7, 0)))
    await nadia.until(lambda event, _: event == "cb:frame")
    lead = await asyncio.to_thread(hub.sign_in, "lead")
    url = f"/api/v1/recordings?deleted=true&contact={contact}"
    assert (await asyncio.to_thread(lead.request, "GET", url)).json()["items"] == []

    # Asked for later, and allowed: from the next snapshot on, until the contact is over.
    ok(await nadia.client.call("cobrowse:ask", {"contact": contact, "capabilities": ["record"]}))
    await clara.until(lambda event, data: event == "cobrowse" and data["asked"] == ["record"])
    ok(await clara.client.call("cobrowse:answer", {"contact": contact, "capabilities": ["record"]}))
    clara.heard.clear()
    ok(await page.call("cb:frame", frame(7, 1)))
    await clara.until(lambda event, _: event == "cb:resync")
    ok(await page.call("cb:frame", frame(8, 0)))
    ok(await clara.client.call("chat:end", {"contact": contact, "client_id": "end-film-2"}))
    row = await recorded(lead, contact)
    film = await asyncio.to_thread(lead.request, "GET", f"/api/v1/recordings/{row['id']}/frames")
    assert [(head["epoch"], head["seq"]) for head, _ in entries(film.content)] == [(8, 0)]
    await asyncio.wait_for(window.closed.wait(), 20)
    for person in (nadia, clara):
        await person.close()
