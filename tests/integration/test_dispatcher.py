"""The dispatcher over a real store: what comes while the engine is rebuilt, and decisions that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import commands as c
from hub import events as e
from hub.bus import LocalBus
from hub.clock import SystemClock
from hub.model import Channel, Contact, Customer, Phase, PresenceState, Role, User
from hub.ports import Change
from hub.service import Hub
from hub.store import open_store
from routing import dispatch_decisions, dispatch_rebuild
from routing.dispatch_turns import Turns
from routing.dispatcher import Dispatcher

AVAILABLE, OFFLINE = PresenceState.AVAILABLE, PresenceState.OFFLINE


class Clock(SystemClock):
    """The time, which can be set forward."""

    ahead_ms = 0

    def now(self) -> int:
        return super().now() + self.ahead_ms


class Office:
    """A hub in this very loop, without pages."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.clock = Clock()
        self.store = open_store(f"sqlite:///{folder / 'hub.db'}", **options)
        self.hub = Hub(self.store, LocalBus(), self.clock, b"secret")
        self.dispatcher = Dispatcher(self.hub)
        self.hub.routing = self.dispatcher
        self._takeovers = 0

    async def queue(self, id: str, **row: Any) -> None:
        version = known.version if (known := self.hub.directory.stored("queue", id)) else None
        await self.store.configs.put("queue", id, {"name": id, **row}, version=version, actor="system", at=1)
        await self.seen()

    async def agent(self, id: str, chats: int = 3) -> None:
        user = User(id, id, id, Role.AGENT, units=100, maxima={"chat": chats}, created_at=1)
        await self.store.accounts.put_user(user, version=None, actor="system", at=1)
        await self.seen()

    async def is_now(self, agent: str, state: PresenceState) -> None:
        await self.hub.presence.set(agent, state, None, agent)

    async def arrive(self, id: str, queue: str) -> None:
        customer = Customer(f"cu_{id}", id, created_at=self.clock.now())
        create, enqueue = c.Create(Channel.CHAT, "shop", customer.id), c.Enqueue(queue, {})
        await self.hub.contacts.create(
            id, create, [enqueue], actor="visitor", command_id=f"start-{id}", customer=customer
        )

    async def leave(self, id: str) -> None:
        await self.hub.contacts.do(id, c.End("visitor", "left", 0), actor="visitor")

    async def contact(self, id: str) -> Contact:
        return (await self.hub.contacts.get(id)).contact

    async def told(self, id: str, kind: type[e.AnyEvent]) -> list[Any]:
        """The contact's events of this kind."""
        return [r.event for r in await self.store.log.stream(id) if isinstance(r.event, kind)]

    async def take_over(self) -> None:
        moved = e.DispatcherMoved("this-node")
        await self.store.log.append(Change("dispatcher", self._takeovers, (moved,), self.clock.now(), "system"))
        self._takeovers += 1

    async def seen(self) -> None:
        """The hub's state is what the log says."""
        feed = self.hub.feed
        if "state" in feed.readers:
            await feed.reached(feed.readers["state"], await self.store.log.head())

    async def quiet(self) -> None:
        """All that was written is known to the dispatcher, and what it decided thereupon is written and known."""
        feed, still = self.hub.feed, 0
        while still < 3:
            await feed.reached(feed.readers["dispatcher"], await self.store.log.head())
            still = 0 if self.dispatcher.busy else still + 1
            await asyncio.sleep(0.01)


@asynccontextmanager
async def office(folder: Path, **options: Any) -> AsyncIterator[Office]:
    """Before anything is started; it is stopped in the end."""
    made = Office(folder, **options)
    await made.store.open()
    try:
        yield made
    finally:
        await made.dispatcher.stop()
        await made.hub.stop()
        await made.store.close()


class Halt:
    """Stops a rebuild at its n-th step, until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
        self.there, self.go_on = asyncio.Event(), asyncio.Event()
        halt, self.left = self, step

        class Halting(Turns):
            over = True  # each step is a turn of its own

            async def rest(self) -> None:
                halt.left -= 1
                if halt.left < 0:
                    halt.there.set()
                    await halt.go_on.wait()
                await super().rest()

        monkeypatch.setattr(dispatch_rebuild, "Turns", Halting)


STEPS = 7
"""Two queues, an agent, what was handled today, three contacts; the last step, the presence, is behind."""


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("at", ["start", "takeover"])
async def test_what_comes_during_a_rebuild_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, step: int
) -> None:
    async with office(tmp_path) as it:
        for queue in ("sales", "support"):
            await it.queue(queue)
        await it.agent("ann")
        await it.hub.start()
        await it.is_now("ann", OFFLINE)
        for id in ("first", "second", "third"):
            await it.arrive(id, "sales")
        await it.seen()
        if at == "takeover":
            await it.dispatcher.start()
        halt = Halt(monkeypatch, step)
        rebuilding = asyncio.create_task(it.take_over() if at == "takeover" else it.dispatcher.start())
        await halt.there.wait()

        await it.queue("late")
        await it.queue("support", priority=5)
        await it.agent("bob")
        await it.is_now("bob", AVAILABLE)
        await it.arrive("fourth", "late")
        await it.leave("second")
        await it.seen()
        # The engine before answers, and nobody decides.
        if at == "takeover":
            assert [it.dispatcher.position(id) for id in ("first", "third", "fourth")] == [1, 3, None]
        for id in ("first", "third", "fourth"):
            assert (await it.contact(id)).phase is Phase.QUEUED

        halt.go_on.set()
        await rebuilding
        await it.quiet()
        for id in ("first", "third", "fourth"):
            (offer,) = await it.told(id, e.ContactOffered)
            assert offer.agent == "bob"
        assert not await it.told("second", e.ContactOffered)
        assert it.dispatcher.standing("late").staffed == 1
        # It goes on as ever.
        await it.is_now("ann", AVAILABLE)
        await it.arrive("fifth", "support")
        await it.quiet()
        (offer,) = await it.told("fifth", e.ContactOffered)
        assert offer.agent == "ann"


async def test_a_takeover_keeps_what_is_under_way(tmp_path: Path) -> None:
    """An offer that runs, a conversation and the agents' room are to the new engine what they were to the old one."""
    async with office(tmp_path) as it:
        await it.queue("sales")
        await it.agent("ann", chats=2)
        await it.hub.start()
        await it.dispatcher.start()
        await it.is_now("ann", AVAILABLE)
        for id in ("talking", "ringing", "waiting"):
            await it.arrive(id, "sales")
            await it.quiet()
        await it.hub.contacts.do("talking", c.Accept("ann", 1), actor="ann")
        await it.quiet()
        for _ in range(2):
            await it.take_over()
            await it.quiet()
            assert (await it.contact("ringing")).offer is not None
            assert (await it.contact("waiting")).phase is Phase.QUEUED
            assert it.dispatcher.load("ann")["used"] == 60
        await it.leave("ringing")
        await it.quiet()
        assert len(await it.told("ringing", e.ContactOffered)) == 1
        (offer,) = await it.told("waiting", e.ContactOffered)
        assert offer.agent == "ann"


async def test_nobody_is_sent_away_as_unstaffed_before_it_is_known_who_is_there(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        await it.queue("other")
        await it.queue("sales", overflow=[{"when": "unstaffed", "after_s": 0, "to": "queue", "queue": "other"}])
        await it.agent("ann", chats=1)
        await it.hub.start()
        await it.dispatcher.start()
        await it.is_now("ann", AVAILABLE)
        for id in ("ringing", "waiting"):
            await it.arrive(id, "sales")
            await it.quiet()
        await it.take_over()
        await it.quiet()
        assert (await it.contact("waiting")).queue == "sales"


async def test_an_offer_that_is_taken_back_before_its_turn_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path) as it:
        await it.queue("sales")
        for agent in ("ann", "bob"):
            await it.agent(agent)
        await it.hub.start()
        await it.dispatcher.start()
        await it.arrive("chat", "sales")
        with monkeypatch.context() as nobodys_turn:
            nobodys_turn.setattr(dispatch_decisions, "MOST_AT_ONCE", 0)
            await it.is_now("ann", AVAILABLE)
            await it.hub.feed.reached(it.hub.feed.readers["dispatcher"], it.hub.feed.head)
            assert it.dispatcher.busy
            await it.is_now("ann", PresenceState.AWAY)
            await it.quiet()
        await it.is_now("bob", AVAILABLE)
        await it.quiet()
        (offer,) = await it.told("chat", e.ContactOffered)
        assert offer.agent == "bob"
        assert not await it.told("chat", e.OfferRescinded)


async def test_an_offer_runs_from_its_turn_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited longer than it is to run: it is neither missed meanwhile nor made with less time than all others."""
    async with office(tmp_path) as it:
        await it.queue("sales", offer_s={"chat": 20})
        await it.agent("ann")
        await it.hub.start()
        await it.dispatcher.start()
        await it.arrive("chat", "sales")
        with monkeypatch.context() as nobodys_turn:
            nobodys_turn.setattr(dispatch_decisions, "MOST_AT_ONCE", 0)
            await it.is_now("ann", AVAILABLE)
            await it.hub.feed.reached(it.hub.feed.readers["dispatcher"], it.hub.feed.head)
            it.clock.ahead_ms += 60_000
            await it.arrive("next", "sales")
            await it.hub.feed.reached(it.hub.feed.readers["dispatcher"], it.hub.feed.head)
            assert it.dispatcher.busy
        await it.arrive("last", "sales")
        await it.quiet()
        offers = [(await it.contact(id)).offer for id in ("chat", "next", "last")]
        left = [offer.deadline - it.clock.now() for offer in offers if offer is not None]
        assert len(left) == 3 and all(15_000 < each <= 20_000 for each in left)
        assert it.hub.presence.get("ann").state is AVAILABLE


async def test_a_queue_that_the_engine_refuses_keeps_it_from_nothing_else(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        await it.queue("good")
        await it.queue("bad")
        await it.agent("ann")
        await it.hub.start()
        await it.dispatcher.start()
        asks_more_later = [{"after_s": 10, "skills": {"french": 3}}]
        await it.queue("bad", relax=asks_more_later)
        await it.is_now("ann", AVAILABLE)
        await it.queue("later")
        # What the queue was before stays in force, and a new engine does without it until it is put right.
        await it.arrive("before", "bad")
        await it.arrive("other", "later")
        await it.quiet()
        await it.take_over()
        await it.arrive("after", "bad")
        await it.arrive("another", "good")
        await it.quiet()
        told = {id: len(await it.told(id, e.ContactOffered)) for id in ("before", "other", "after", "another")}
        assert told == {"before": 1, "other": 1, "after": 0, "another": 1}
        await it.leave("before")
        await it.queue("bad")
        await it.quiet()
        assert len(await it.told("after", e.ContactOffered)) == 1


async def test_more_agents_come_at_once_than_the_store_has_room_for(tmp_path: Path) -> None:
    async with office(tmp_path, longest_queue=300) as it:
        await it.hub.start()
        await it.dispatcher.start()
        await asyncio.gather(*(it.is_now(f"agent{n}", AVAILABLE) for n in range(1_000)))
        assert len(await it.store.people.presences()) == 1_000
