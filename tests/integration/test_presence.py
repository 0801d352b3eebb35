"""Agents whose browsers die, reload or fall silent: where their offers and chats go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients import Client, SignedIn, visitor
from tests.hub import DemoHub

GRACE_S = 3


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    settings = f"[routing]\npresence_lease_s = 4\ngrace_s = {GRACE_S}\n[chat]\nstarts_per_hour = 10000\n"
    started = DemoHub(tmp_path_factory.mktemp("presence"), settings).start()
    yield started
    assert started.stop() == 0, started.log.read_text()


class Desk:
    """A window of an agent that remembers what it was told and, unless it is `silent`, sends heartbeats."""

    def __init__(self, hub: DemoHub, signed_in: SignedIn, window: str) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.client: Client = signed_in.client(hub.url, window, lambda event, data: self.heard.append((event, data)))
        self._beat: asyncio.Task[None] | None = None

    async def open(self, *, silent: bool = False) -> Desk:
        await self.client.open()
        if not silent:
            self._beat = asyncio.create_task(self._heartbeat())
        return self

    async def _heartbeat(self) -> None:
        while True:
            await self.client.call("heartbeat", {"window": "w"})
            await asyncio.sleep(1)

    async def available(self) -> Desk:
        assert (await self.client.call("presence:set", {"state": "available"}))["ok"]
        return self

    async def told(self, event: str, seconds: float = 20, **expected: Any) -> Any:
        """The first such event with these values that has come or comes."""
        async with asyncio.timeout(seconds):
            while True:
                for name, data in self.heard:
                    if name == event and all(data.get(key) == value for key, value in expected.items()):
                        return data
                await asyncio.sleep(0.05)

    async def accept(self, contact: str) -> None:
        offer = await self.told("offer")
        while offer["contact"]["id"] != contact:
            await asyncio.sleep(0.05)
            offer = [data for name, data in self.heard if name == "offer"][-1]
        data = {"contact": contact, "fence": offer["fence"], "client_id": f"accept-{contact[-12:]}"}
        answer = await self.client.call("offer:accept", data)
        assert answer["ok"], answer

    async def leave(self) -> None:
        """As a browser that dies."""
        if self._beat is not None:
            self._beat.cancel()
        await self.client.abandon()

    async def go_home(self) -> None:
        await self.client.call("presence:set", {"state": "offline"})
        await self.leave()


async def ask(hub: DemoHub, number: str, topic: str) -> tuple[Client, str]:
    client = await visitor(hub.url).open()
    form = {"client_id": f"start-{number}", "name": "Clara", "email": "", "topic": topic, "text": "Hello"}
    answer = await client.call("chat:start", form)
    assert answer["ok"], answer
    return client, answer["contact"]["id"]


async def at_the_desk(hub: DemoHub, name: str, window: str = "window-1", *, silent: bool = False) -> Desk:
    return await Desk(hub, await asyncio.to_thread(SignedIn, hub.url, name), window).open(silent=silent)


async def test_an_offer_returns_at_once_when_the_browser_dies(hub: DemoHub) -> None:
    first = await (await at_the_desk(hub, "agent1")).available()
    visiting, contact = await ask(hub, "offer-dies", "billing")
    await first.told("offer")
    second = await (await at_the_desk(hub, "agent3")).available()
    await first.leave()
    offer = await second.told("offer", GRACE_S - 1)
    assert offer["contact"]["id"] == contact and offer["fence"] > 1
    await second.accept(contact)
    await visiting.call("chat:end", {"contact": contact, "client_id": "end-offer-dies"})
    finish = {"contact": contact, "client_id": "finish-offer", "outcome": "solved"}
    assert (await second.client.call("wrapup:finish", finish))["ok"]
    await visiting.close()
    await second.go_home()


async def test_a_chat_waits_for_its_agent_and_then_goes_back_at_its_age(hub: DemoHub) -> None:
    agent = await (await at_the_desk(hub, "agent1")).available()
    visiting, contact = await ask(hub, "chat-back1", "support")
    await agent.accept(contact)
    queued_at = (await asyncio.to_thread(_as_admin, hub, contact))["queued_at"]

    # A reload within the grace: he is available as before and still has his chat.
    await agent.leave()
    again = await at_the_desk(hub, "agent1")
    hello = await again.told("hello")
    assert [contact["id"] for contact in hello["contacts"]] == [contact]
    assert (await again.told("presence", state="available"))["reason"] is None

    # Gone for longer: the visitor is told that somebody else is looked for, and the next agent gets his chat.
    await again.leave()
    colleague = await at_the_desk(hub, "agent2")
    await asyncio.sleep(GRACE_S + 1)
    await colleague.available()
    synced = await visiting.call("chat:sync", {"contact": contact})
    assert "requeued" in [message["code"] for message in synced["messages"]]
    assert synced["contact"]["phase"] == "waiting" and synced["contact"]["can_write"]
    row = await asyncio.to_thread(_as_admin, hub, contact)
    assert row["queued_at"] == queued_at and row["phase"] in ("queued", "offered")
    await visiting.call("chat:end", {"contact": contact, "client_id": "end-chat-back"})
    await visiting.close()
    await colleague.go_home()


def _as_admin(hub: DemoHub, contact: str) -> dict[str, Any]:
    signed_in = SignedIn(hub.url, "admin")
    headers = {"Cookie": signed_in.cookie, "Origin": hub.url}
    answer = httpx.get(f"{hub.url}/api/v1/contacts/{contact}", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    row: dict[str, Any] = answer.json()
    return row


async def test_a_window_that_is_silent_past_its_lease_counts_as_gone(hub: DemoHub) -> None:
    agent = await at_the_desk(hub, "agent1", silent=True)
    await agent.available()
    lead = await at_the_desk(hub, "lead")
    await lead.client.call("supervise:subscribe", {})
    # A second window of his that is heard from keeps him there.
    other = await at_the_desk(hub, "agent1", "window-2")
    await asyncio.sleep(6)
    assert not any(name == "presence" and data["state"] == "offline" for name, data in agent.heard)
    await other.leave()
    await agent.told("presence", 10, state="offline", reason="connection_lost")
    await agent.leave()
    await lead.leave()


async def test_who_does_not_answer_is_not_asked_again_until_he_says_so(hub: DemoHub) -> None:
    agent = await (await at_the_desk(hub, "agent3")).available()
    visiting, contact = await ask(hub, "no-answer1", "billing")
    await agent.told("offer")
    await agent.told("offer:gone", 40, contact=contact, reason="missed")
    await agent.told("presence", state="not_responding")
    synced = await visiting.call("chat:sync", {"contact": contact})
    assert synced["contact"]["phase"] == "waiting"
    await visiting.call("chat:end", {"contact": contact, "client_id": "end-no-answer"})
    await visiting.close()
    await agent.go_home()


async def test_two_windows_of_one_agent_agree(hub: DemoHub) -> None:
    one = await (await at_the_desk(hub, "agent1")).available()
    two = await at_the_desk(hub, "agent1", "window-2")
    visiting, contact = await ask(hub, "two-window", "support")
    await two.told("offer")
    await one.accept(contact)
    await two.told("offer:gone", contact=contact, reason="accepted")
    send = {"contact": contact, "client_id": "two-windows-1", "text": "From the first window"}
    assert (await one.client.call("message:send", send))["ok"]

    def texts(desk: Desk) -> list[str]:
        return [
            m["text"] for name, data in desk.heard if name == "sync" for m in data["messages"] if m["kind"] == "text"
        ]

    async with asyncio.timeout(60):
        while "From the first window" not in texts(two):
            await asyncio.sleep(0.05)
    assert (await two.client.call("contact:close", {"contact": contact, "client_id": "close-two-win"}))["ok"]
    finish = {"contact": contact, "client_id": "finish-two-w", "outcome": "solved"}
    assert (await two.client.call("wrapup:finish", finish))["ok"]
    await one.told("sync", gone=contact)
    await visiting.close()
    await two.leave()
    await one.go_home()
