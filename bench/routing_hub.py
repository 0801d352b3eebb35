"""Contacts through the whole hub: service, machine, store and dispatcher in one process, without sockets.

Each contact is created and queued, offered, accepted, ended and wrapped up: five appends, each committed before the
next. Beside it stands the same number of bare appends of the same size, which is what the store alone allows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from hub import commands as c
from hub import events as e
from hub.bus import LocalBus
from hub.clock import SystemClock
from hub.errors import Unavailable
from hub.events import Recorded
from hub.interpreter import settle
from hub.model import Channel, Customer, PresenceState, Role, User
from hub.service import Hub
from hub.store import open_store
from routing.dispatcher import Dispatcher

QUEUES = 10


class Running:
    """A hub over a new SQLite file, whose agents accept and end whatever they are offered, at once."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(f"sqlite:///{folder / 'hub.db'}")
        self.hub = Hub(self.store, LocalBus(), SystemClock(), b"secret")
        self.dispatcher = Dispatcher(self.hub)
        self.hub.routing = self.dispatcher
        self.answering = True
        self.closed = 0
        self.goal = 0
        self.done = asyncio.Event()
        self.work: set[asyncio.Task[None]] = set()

    async def open(self, agents: int, *, present: bool) -> None:
        await self.store.open()
        for n in range(QUEUES):
            row = {"name": f"Queue {n}", "wrap_up_s": 60}
            await self.store.configs.put("queue", f"queue{n}", row, version=None, actor="system", at=1)
        made = [
            self.store.accounts.put_user(
                User(f"us_{n:05d}", f"agent{n}", f"Agent {n}", Role.AGENT, units=100, maxima={"chat": 3}, created_at=1),
                version=None,
                actor="system",
                at=1,
            )
            for n in range(agents)
        ]
        for start in range(0, agents, 500):
            await asyncio.gather(*made[start : start + 500])
        await self.hub.start()
        await self.dispatcher.start()
        self.hub.follow("bench", self.follow)
        settle()
        if present:
            for start in range(0, agents, 500):
                await asyncio.gather(*(self.come(n) for n in range(start, min(agents, start + 500))))

    async def come(self, n: int) -> None:
        await self.hub.presence.set(f"us_{n:05d}", PresenceState.AVAILABLE, None, f"us_{n:05d}")

    async def close(self) -> None:
        await self.dispatcher.stop()
        await self.hub.stop()
        await self.store.close()

    async def follow(self, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            event = recorded.event
            if isinstance(event, e.ContactOffered) and self.answering:
                task = asyncio.create_task(self.serve(recorded.stream, event))
                self.work.add(task)
                task.add_done_callback(self.work.discard)
            elif isinstance(event, e.ContactClosed):
                self.closed += 1
                if self.closed >= self.goal:
                    self.done.set()

    async def serve(self, contact: str, offer: e.ContactOffered) -> None:
        agent = offer.agent
        for command in (c.Accept(agent, offer.fence), c.End(agent, "closed", 60_000), c.Finish(agent, None)):
            while True:
                try:
                    await self.hub.contacts.do(contact, command, actor=agent)
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)

    async def arrive(self, n: int) -> None:
        now = self.hub.clock.now()
        customer = Customer(f"cu_{n:08d}", f"Customer {n}", created_at=now)
        create = c.Create(Channel.CHAT, "shop", customer.id)
        await self.hub.contacts.create(
            f"ct_{n:08d}",
            create,
            [c.Enqueue(f"queue{n % QUEUES}", {})],
            actor="visitor",
            command_id=f"start-{n}",
            customer=customer,
        )


async def lifecycles(folder: Path, contacts: int, agents: int = 200, at_once: int = 100) -> None:
    running = Running(folder)
    await running.open(agents, present=True)
    running.goal = contacts
    started, cpu, loop_cpu = time.perf_counter(), time.process_time(), time.thread_time()
    limit = asyncio.Semaphore(at_once)

    async def one(n: int) -> None:
        async with limit:
            await running.arrive(n)

    await asyncio.gather(*(one(n) for n in range(contacts)))
    await running.done.wait()
    took, cpu, loop_cpu = time.perf_counter() - started, time.process_time() - cpu, time.thread_time() - loop_cpu
    await running.close()
    rate = contacts / took
    print(f"  {contacts:,} contacts, {agents} agents: {rate:,.0f} whole lives a second ({5 * rate:,.0f} appends)")
    loop_us, other_us = loop_cpu / contacts * 1e6, (cpu - loop_cpu) / contacts * 1e6
    print(
        f"  took {took:.1f} s; CPU a contact: {loop_us:,.0f} us in the loop's thread, {other_us:,.0f} us in the store's"
    )
