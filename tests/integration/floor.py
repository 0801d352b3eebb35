"""A floor of a running hub for one story of routing: its own skill, queue and agents, who sit at real sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from hub import commands as c
from hub import events as e
from hub.ids import new_id
from hub.model import Channel, Contact, Customer, Phase, Role
from tests.clients import Client, SignedIn
from tests.integration.serving import PASSWORD, Serving, serving

T = TypeVar("T")
PATIENCE_S = 30.0
_numbers = itertools.count(1)


@asynccontextmanager
async def own_hub(folder: Path, **config: Any) -> AsyncIterator[Serving]:
    """A hub that this test alone may break; it starts and stops beside the test's loop."""
    hub = serving(folder, **config)
    running = await asyncio.to_thread(hub.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(hub.__exit__, None, None, None)


class Floor:
    """Contacts come to the queue `name`, which asks for the skill `name`; offers there run for 5 seconds."""

    def __init__(self, serving: Serving, name: str, **queue: Any) -> None:
        self.serving, self.name = serving, name
        self.hub = serving.application.hub
        self.agents: list[Agent] = []
        serving.put("skill", name, name=name)
        limits = {"voice": 5, "chat": 5, "callback": 5}
        serving.put("queue", name, **{"name": name, "skills": {name: 1}, "offer_s": limits, "wrap_up_s": 60, **queue})

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.to_thread(self.serving.run, work)

    async def agent(self, name: str, *, here: bool = True, **values: Any) -> Agent:
        """A new agent with the floor's skill, signed in and available (unless not `here`)."""
        username = f"{self.name}_{name}"
        values = {"skills": {self.name: 3}, **values}
        user = await asyncio.to_thread(self.serving.user, username, Role.AGENT, **values)
        agent = Agent(self, user.id, await asyncio.to_thread(SignedIn, self.serving.origin, username, PASSWORD))
        self.agents.append(agent)
        await agent.client.open()
        if here:
            await agent.is_now("available")
        return agent

    async def arrive(self, channel: Channel = Channel.VOICE, **facts: Any) -> str:
        """A contact of a new customer waits in the queue; its id."""
        now, number = self.hub.clock.now(), next(_numbers)
        customer = Customer(new_id("cu", now), f"Customer {number}", created_at=now)
        enqueue = c.Enqueue(facts.pop("queue", self.name), facts.pop("requirements", {}), **facts)
        create = c.Create(channel, "shop", customer.id, media=channel is Channel.VOICE)
        id = new_id("ct", now)
        await self.run(
            self.hub.contacts.create(
                id, create, [enqueue], actor="visitor", command_id=f"come-{number}", customer=customer
            )
        )
        return id

    async def hang_up(self, contact: str) -> None:
        ended = c.End("visitor", "left", self.hub.wrap_up_ms(self.name))
        await self.run(self.hub.contacts.do(contact, ended, actor="visitor"))

    async def contact(self, id: str) -> Contact:
        return (await self.run(self.hub.contacts.get(id))).contact

    async def reaches(self, id: str, *phases: Phase) -> Contact:
        """The contact, once it is in one of the phases."""
        async with asyncio.timeout(PATIENCE_S):
            while (contact := await self.contact(id)).phase not in phases:
                await asyncio.sleep(0.02)
        return contact

    async def offered(self, id: str, to: Agent | None = None) -> int:
        """The fence of the contact's offer, once there is one (to that agent)."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                offer = (await self.contact(id)).offer
                if offer is not None and to in (None, self.of(offer.agent)):
                    return offer.fence
                await asyncio.sleep(0.02)

    def of(self, id: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.id == id), None)

    async def told(self, id: str) -> Counter[type[e.AnyEvent]]:
        """How often each kind of event happened to the contact."""
        stream = await self.run(self.hub.store.log.stream(id))
        return Counter(type(recorded.event) for recorded in stream)

    async def quiet(self) -> None:
        """Whatever was written is known to the dispatcher, and what it decided thereupon is written."""
        dispatcher = self.serving.application.dispatcher
        still = 0
        async with asyncio.timeout(PATIENCE_S):
            while still < 3:
                reader = self.hub.feed.readers["dispatcher"]
                busy = dispatcher.busy or reader.cursor < self.hub.feed.head
                still = 0 if busy else still + 1
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        for agent in self.agents:
            await agent.is_now("offline")
            await agent.client.close()


class Agent:
    """An agent at his desk."""

    def __init__(self, floor: Floor, id: str, signed_in: SignedIn) -> None:
        self.floor, self.id, self.signed_in = floor, id, signed_in
        self.offers: list[str] = []
        self.client: Client = signed_in.client(floor.serving.origin, on_event=self._hear)

    def _hear(self, event: str, data: Any) -> None:
        if event == "offer":
            self.offers.append(data["contact"]["id"])

    async def call(self, event: str, **data: Any) -> dict[str, Any]:
        return await self.client.call(event, data)

    async def command(self, event: str, contact: str, **data: Any) -> dict[str, Any]:
        return await self.call(event, contact=contact, client_id=f"command-{next(_numbers):08d}", **data)

    async def is_now(self, state: str) -> None:
        assert (await self.call("presence:set", state=state))["ok"]

    @property
    def state(self) -> str:
        return str(self.floor.hub.presence.get(self.id).state)

    async def accept(self, contact: str, fence: int | None = None) -> dict[str, Any]:
        """With the fence of the offer that is made to him, sooner or later, unless another is named."""
        shown = await self.floor.offered(contact, self) if fence is None else fence
        return await self.command("offer:accept", contact, fence=shown)

    async def takes(self, contact: str) -> None:
        answer = await self.accept(contact)
        assert answer["ok"], answer

    async def ends(self, contact: str) -> None:
        """Conversation and wrap-up."""
        assert (await self.command("contact:close", contact))["ok"]
        assert (await self.command("wrapup:finish", contact, outcome=None))["ok"]

    def has(self) -> set[str]:
        """The contacts that are with him now, offered ones too."""
        return {row.contact.id for row in self.floor.hub.living.of_agent(self.id)}
