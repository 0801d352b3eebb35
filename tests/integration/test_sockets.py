"""The two namespaces over real sockets: who may do what, and what hostile or unlucky clients meet."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from agent_ui.actions import Actions
from channels.cobrowse.desk import Desk
from docs.generate import VISITOR_EVENTS, WINDOW_EVENTS
from hub.model import Role, User
from hub.permissions import Permission, may
from hub.sockets import SocketEvent
from tests.clients import Client, Gone, Refused, SignedIn, visitor
from tests.hub import DemoHub
from tests.peers import CHECKOUT

ACTIONS: list[SocketEvent[Any]] = [
    *Actions(None).events(),  # type: ignore[arg-type]
    *Desk.__new__(Desk).agent_events(),
]
AGENT_EVENTS = {
    **{name: permission for name, (_, permission) in WINDOW_EVENTS.items()},
    **{event.name: str(event.permission or "") for event in ACTIONS},
}
ROLES = {"agent1": Role.AGENT, "lead": Role.SUPERVISOR, "admin": Role.ADMINISTRATOR}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    started = DemoHub(tmp_path_factory.mktemp("sockets"), "[chat]\nstarts_per_hour = 100000\n").start()
    yield started
    assert started.stop() == 0, started.log.read_text()


@pytest.fixture(scope="module")
def signed_in(hub: DemoHub) -> dict[str, SignedIn]:
    return {name: SignedIn(hub.url, name) for name in ROLES}


def form(number: str, **changes: Any) -> dict[str, Any]:
    return {"client_id": f"start-{number}", "name": "Clara", "email": "c@example.org", "topic": "support",
            "text": "Hello"} | changes  # fmt: skip


async def chat(hub: DemoHub, number: str) -> tuple[Client, str, str]:
    """A visitor with a chat: his connection, the contact's id and his token."""
    client = await visitor(hub.url).open()
    answer = await client.call("chat:start", form(number))
    assert answer["ok"], answer
    return client, answer["contact"]["id"], answer["token"]


def _note(heard: list[tuple[str, Any]], event: str, data: Any) -> None:
    heard.append((event, data))


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.1)


def code(answer: dict[str, Any]) -> str:
    assert not answer["ok"], answer
    return str(answer["error"]["code"])


# --- who may do what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
async def test_every_event_asks_for_its_permission(hub: DemoHub, signed_in: dict[str, SignedIn], name: str) -> None:
    user = User("us_x", name, name, ROLES[name])
    client = await signed_in[name].client(hub.url, f"matrix-{name}").open()
    for event, permission in AGENT_EVENTS.items():
        if event in {"heartbeat", "presence:set"}:
            continue
        answer = await client.call(event, {"contact": "ct_of_nobody", "nonsense": True})
        allowed = not permission or may(user, Permission(permission))
        if allowed:
            assert answer["ok"] or not answer["error"]["code"].startswith("auth."), (event, answer)
        else:
            assert code(answer) == "auth.forbidden", event
    for event in VISITOR_EVENTS.keys() - AGENT_EVENTS.keys():
        assert code(await client.call(event, {})) == "input.invalid"
    await client.close()


async def test_an_agents_socket_needs_his_session_and_his_pages_token(
    hub: DemoHub, signed_in: dict[str, SignedIn]
) -> None:
    agent = signed_in["agent1"]
    cases = [
        (None, agent.csrf, "auth.required"),
        ("ch_session=forged", agent.csrf, "auth.required"),
        (agent.cookie, "forged", "auth.csrf"),
    ]
    for cookie, csrf, expected in cases:
        headers = {"Cookie": cookie} if cookie else {}
        with pytest.raises(Refused) as refused:
            await Client(hub.url, "/agent", {"window": "window-1", "csrf": csrf}, headers=headers).open()
        assert refused.value.data["data"]["code"] == expected


async def test_visitors_have_none_of_the_agents_events(hub: DemoHub) -> None:
    client, contact, _ = await chat(hub, "only-mine1")
    for event in AGENT_EVENTS.keys() - VISITOR_EVENTS.keys():
        assert code(await client.call(event, {"contact": contact})) == "input.invalid"
    await client.close()


async def test_a_visitor_reaches_nothing_that_is_not_his(hub: DemoHub) -> None:
    mine, my_contact, my_token = await chat(hub, "visitor-a")
    other, contact, token = await chat(hub, "visitor-b")
    upload = httpx.post(
        f"{hub.url}/widget/files",
        content=b"hello",
        headers={
            "Authorization": f"Bearer {token}",
            "X-Contact": contact,
            "X-File-Name": "a.txt",
            "Content-Type": "text/plain",
        },
        trust_env=False,
    )
    assert upload.status_code == 201, upload.text
    file = upload.json()["file"]["id"]
    act = {"contact": contact, "client_id": "forged-1234"}
    for event, data in {
        "chat:sync": {"contact": contact, "after": 0},
        "message:send": act | {"text": "I am you"},
        "typing": {"contact": contact, "on": True},
        "mark": {"contact": contact, "read": 1},
        "chat:end": act,
        "chat:rate": act | {"score": 1},
    }.items():
        assert code(await mine.call(event, data)) == "auth.forbidden", event
    # A file of his cannot be sent into my conversation either, nor fetched with my token, nor without any.
    sent = await mine.call("message:send", {"contact": my_contact, "client_id": "forged-5678", "file": file})
    assert code(sent) == "file.not_found"
    for headers, status in (
        ({"Authorization": f"Bearer {my_token}"}, 403),
        ({}, 401),
        ({"Authorization": "Bearer x"}, 401),
    ):
        assert httpx.get(f"{hub.url}/files/{file}", headers=headers, trust_env=False).status_code == status
    assert (
        httpx.get(f"{hub.url}/files/{file}", headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code
        == 200
    )
    await mine.close()
    await other.close()


async def test_a_forged_token_is_nobody(hub: DemoHub) -> None:
    client, contact, token = await chat(hub, "visitor-c")
    await client.close()
    for forged in (token[:-3] + "abc", "x", token.replace(".", "..", 1)):
        heard: list[tuple[str, Any]] = []
        stranger = await visitor(hub.url, forged, partial(_note, heard)).open()
        assert code(await stranger.call("chat:sync", {"contact": contact})) == "auth.forbidden"
        hello = dict(heard)["hello"]
        assert hello["visitor"] is None and hello["contacts"] == []
        await stranger.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_foreign_origin_opens_no_socket(hub: DemoHub, transport: str) -> None:
    if transport == "polling":
        answer = httpx.get(
            f"{hub.url}/socket.io/?EIO=4&transport=polling", headers={"Origin": "https://evil.example"}, trust_env=False
        )
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "auth.origin"
    else:
        with pytest.raises(Gone, match="403"):
            await Client(hub.url, "/visitor", {"site": "demo"}, headers={"Origin": "https://evil.example"}).open()


async def test_signing_out_cuts_the_sockets_at_once(hub: DemoHub) -> None:
    agent = await asyncio.to_thread(SignedIn, hub.url, "agent3")
    heard: list[str] = []
    client = await agent.client(hub.url, on_event=lambda event, data: heard.append(event)).open()
    headers = {"Cookie": agent.cookie, "Origin": hub.url, "X-CSRF-Token": agent.csrf}
    answer = await asyncio.to_thread(httpx.post, f"{hub.url}/logout", headers=headers, trust_env=False)
    assert answer.status_code in (204, 303)
    await asyncio.wait_for(client.closed.wait(), 10)
    assert "signed_out" in heard
    with pytest.raises(Refused):
        await agent.client(hub.url).open()


async def test_a_disabled_users_sockets_are_cut_whoever_disabled_him(tmp_path: Path) -> None:
    hub = await asyncio.to_thread(DemoHub(tmp_path).start)
    agent = await asyncio.to_thread(SignedIn, hub.url, "agent3")
    client = await agent.client(hub.url).open()
    config = str(tmp_path / "demo-data" / "hub.toml")
    command = [sys.executable, "-m", "server", "--config", config, "user", "disable", "agent3"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=CHECKOUT, capture_output=True)
    assert done.returncode == 0, done.stderr
    await asyncio.wait_for(client.closed.wait(), 15)
    with pytest.raises(Refused):
        await agent.client(hub.url).open()
    assert await asyncio.to_thread(hub.stop) == 0


# --- hostile input ----------------------------------------------------------------------------------------------


async def test_bad_input_is_refused_with_its_path(hub: DemoHub) -> None:
    client, contact, _ = await chat(hub, "bad-input1")
    send = {"contact": contact, "client_id": "message-0001", "text": "x"}
    for data, expected in [
        (send | {"text": "x" * 70_000}, "input.too_large"),
        (send | {"text": "x" * 9_000}, "input.invalid"),
        (send | {"text": 5}, "input.invalid"),
        (send | {"client_id": "a b"}, "input.invalid"),
        (send | {"unknown": 1}, "input.invalid"),
        (send | {"text": ""}, "input.invalid"),
        ([1, 2], "input.invalid"),
        (None, "input.invalid"),
        ("text", "input.invalid"),
    ]:
        assert code(await client.call("message:send", data)) == expected, str(data)[:80]
    assert code(await client.call("chat:sync", {"contact": contact, "after": -1})) == "input.invalid"
    assert code(await client.call("chat:sync", {"contact": contact, "after": "9"})) == "input.invalid"
    assert code(await client.call("chat:start", form("bad-topic1", topic="nowhere"))) == "input.invalid"
    assert code(await client.call("chat:start", form("bad-email1", email="nobody"))) == "input.invalid"
    assert (await client.call("message:send", send))["ok"]
    await client.close()


async def test_a_frame_over_a_megabyte_ends_the_connection(hub: DemoHub) -> None:
    client, contact, _ = await chat(hub, "huge-frame")
    with pytest.raises(Gone):
        await client.call("message:send", {"contact": contact, "client_id": "huge-00001", "text": "x" * 1_500_000})


async def test_over_a_hundred_messages_a_minute_are_held_back(hub: DemoHub) -> None:
    client, contact, _ = await chat(hub, "talkative1")
    answers = [
        await client.call("message:send", {"contact": contact, "client_id": f"talk-{n:06d}", "text": str(n)})
        for n in range(103)
    ]
    assert [answer["ok"] for answer in answers] == [True] * 100 + [False] * 3
    assert code(answers[-1]) == "rate.limited" and answers[-1]["error"]["details"]["retry_after_ms"] > 0
    await client.close()


async def test_text_stays_text(hub: DemoHub, signed_in: dict[str, SignedIn]) -> None:
    """Nothing that a visitor sends is changed into markup, and what cannot be typed is taken out."""
    client = await visitor(hub.url).open()
    script = "<script>alert(1)</script>"
    answer = await client.call(
        "chat:start",
        form(
            "script-001",
            name=script,
            text=f"{script}\u202e\x00 中文　全角 👩‍👩‍👧",
            page={"url": "javascript:alert(1)", "title": script},
        ),
    )
    assert answer["ok"], answer
    assert answer["messages"][-1]["text"] == f"{script} 中文　全角 👩‍👩‍👧"
    lead = await signed_in["lead"].client(hub.url, "window-text").open()
    seen = await lead.call("contact:sync", {"contact": answer["contact"]["id"]})
    assert seen["contact"]["customer"]["name"] == script and seen["contact"]["page"]["title"] == script
    await client.close()
    await lead.close()


async def test_a_reader_that_never_reads_is_cut_off(tmp_path: Path) -> None:
    """What waits for it has a bound; everybody else goes on."""
    settings = "[chat]\nmessages_per_minute = 1000000\n"
    hub = await asyncio.to_thread(DemoHub(tmp_path, settings).start)
    client, contact, token = await chat(hub, "slow-reader")
    frozen = await visitor(hub.url, token).open()
    frozen.stop_reading()
    # The kernel's buffers take some megabytes before anything waits in the hub.
    for number in range(1150):
        send = {"contact": contact, "client_id": f"slow-{number:06d}", "text": "x" * 7_900}
        assert (await client.call("message:send", send))["ok"]
        if number % 50 == 0 and "socket.too_slow" in hub.log.read_text():
            break
    await until(lambda: "socket.too_slow" in hub.log.read_text())
    # The hub holds one connection, the other visitor's window; what the kernel still has to send is not the hub's.
    assert hub.process is not None
    server = psutil.Process(hub.process.pid)
    await until(lambda: sum(each.status == "ESTABLISHED" for each in server.net_connections()) == 1)
    await frozen.abandon()
    await client.close()
    assert await asyncio.to_thread(hub.stop) == 0, hub.log.read_text()


# --- bad luck ----------------------------------------------------------------------------------------------------


async def test_a_repeated_command_gives_the_first_result(hub: DemoHub) -> None:
    client, contact, token = await chat(hub, "repeated-1")
    again = await visitor(hub.url).open()
    repeated = await again.call("chat:start", form("repeated-1"))
    assert repeated["contact"]["id"] == contact and repeated["token"] == token
    send = {"contact": contact, "client_id": "message-0001", "text": "once"}
    first, second = await client.call("message:send", send), await again.call("message:send", send)
    assert first["message"]["id"] == second["message"]["id"]
    everything = await client.call("chat:sync", {"contact": contact})
    assert [m["text"] for m in everything["messages"] if m["kind"] == "text"] == ["Hello", "once"]
    await client.close()
    await again.close()


async def test_a_stale_view_and_what_it_missed_are_a_fresh_view(hub: DemoHub, signed_in: dict[str, SignedIn]) -> None:
    client, contact, _ = await chat(hub, "stale-view")
    lead = await signed_in["lead"].client(hub.url, "window-stale").open()
    before = await lead.call("contact:sync", {"contact": contact})
    for n in range(5):
        assert (await client.call("message:send", {"contact": contact, "client_id": f"stale-{n:04d}", "text": str(n)}))[
            "ok"
        ]
    await client.call("chat:end", {"contact": contact, "client_id": "stale-end1"})
    missed = await lead.call("contact:sync", {"contact": contact, "after": before["contact"]["seq"]})
    fresh = await lead.call("contact:sync", {"contact": contact})
    known = {message["id"]: message for message in before["messages"] + missed["messages"]}
    assert sorted(known.values(), key=lambda message: int(message["n"])) == fresh["messages"]
    assert missed["contact"] == fresh["contact"]
    await client.close()
    await lead.close()


async def test_a_locked_database_acknowledges_nothing(hub: DemoHub) -> None:
    client, contact, _ = await chat(hub, "locked-db1")
    send = {"contact": contact, "client_id": "locked-00001", "text": "kept"}
    release, locked = threading.Event(), threading.Event()

    def lock(path: Path) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        locked.set()
        release.wait(30)
        connection.execute("ROLLBACK")
        connection.close()

    holder = threading.Thread(target=lock, args=(hub.folder / "demo-data" / "hub.db",), daemon=True)
    holder.start()
    await asyncio.to_thread(locked.wait, 10)
    try:
        assert code(await client.call("message:send", send, timeout=40)) == "store.busy"
    finally:
        release.set()
        await asyncio.to_thread(holder.join)
    assert (await client.call("message:send", send))["ok"]
    everything = await client.call("chat:sync", {"contact": contact})
    assert [m["text"] for m in everything["messages"] if m["kind"] == "text"] == ["Hello", "kept"]
    await client.close()


async def test_sigterm_tells_everybody_and_loses_nothing(tmp_path: Path) -> None:
    hub = await asyncio.to_thread(DemoHub(tmp_path).start)
    agent = await asyncio.to_thread(SignedIn, hub.url, "agent1")
    heard: list[str] = []
    desk = await agent.client(hub.url, on_event=lambda event, data: heard.append(event)).open()
    visiting, contact, token = await chat(hub, "goodbye-01")
    visiting.on_event = lambda event, data: heard.append(event)
    send = {"contact": contact, "client_id": "goodbye-0001", "text": "last words"}
    assert (await visiting.call("message:send", send))["ok"]
    assert await asyncio.to_thread(hub.stop) == 0
    assert heard.count("reconnect") == 2
    await asyncio.to_thread(hub.start)
    again = await visitor(hub.url, token).open()
    everything = await again.call("chat:sync", {"contact": contact})
    assert [m["text"] for m in everything["messages"] if m["kind"] == "text"] == ["Hello", "last words"]
    await again.close()
    await desk.close()
    assert await asyncio.to_thread(hub.stop) == 0
