"""For how long the loop does nothing else, through the whole hub: everybody signs in while many wait; a takeover.

A turn of the loop is what lies between two turns of a task that does nothing. It is given as CPU of the loop's thread,
which other programs on the machine hardly change, and as time on the clock, in which the thread may also have waited
for the store's thread or for another program.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sqlalchemy import insert

from bench.routing_hub import QUEUES, Running
from hub import commands as c
from hub import events as e
from hub.contacts import Step
from hub.interpreter import settle
from hub.model import Channel, Contact, Customer, Role, User
from hub.ports import Change
from hub.store import rows
from hub.store.append import Transaction
from hub.store.tables import users

SOCKETS = 1_024  # that the loop reads in one turn, at most


class Watch:
    """The loop's turns inside the block, in ms."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self._began = 0.0

    async def __aenter__(self) -> Watch:
        self._began = time.perf_counter()
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.took = time.perf_counter() - self._began
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            cpu, wall = time.thread_time(), time.perf_counter()
            await asyncio.sleep(0)
            self.cpu.append((time.thread_time() - cpu) * 1000)
            self.wall.append((time.perf_counter() - wall) * 1000)

    def report(self, what: str) -> None:
        figures = []
        for turns in (sorted(self.cpu), sorted(self.wall)):
            figures.append(f"p99 {turns[len(turns) * 99 // 100]:.1f} longest {turns[-1]:.1f} ms")
        print(f"  {what:<44} {self.took:>6.1f} s; turns of the loop: CPU {figures[0]}, clock {figures[1]}", flush=True)


class Centre(Running):
    """Agents and waiting contacts are in the store before the hub starts."""

    async def fill(self, agents: int, waiting: int) -> None:
        await self.store.open()
        for n in range(QUEUES):
            row = {"name": f"Queue {n}", "wrap_up_s": 60}
            await self.store.configs.put("queue", f"queue{n}", row, version=None, actor="system", at=1)
        await self.hub.directory.load()
        await self._put_agents(agents)
        now = self.hub.clock.now()
        for start in range(0, waiting, 1_000):
            changes = (self._arrival(n, now) for n in range(start, min(waiting, start + 1_000)))
            await asyncio.gather(*map(self.store.log.append, changes))

    async def _put_agents(self, count: int) -> None:
        """In one write: each by itself, with its audit entry, would take longer than all that is measured."""
        made = [
            User(f"us_{n:05d}", f"agent{n}", f"Agent {n}", Role.AGENT, units=100, maxima={"chat": 3}, created_at=1)
            for n in range(count)
        ]
        values = [{"id": user.id, "username": user.username, "version": 1, "data": rows.pack(user)} for user in made]

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(insert(users), values)

        await self.store._writer.submit(write)

    def _arrival(self, n: int, now: int) -> Change:
        customer = Customer(f"cu_{n:08d}", f"Customer {n}", created_at=now)
        step = Step(Contact(id=f"ct_{n:08d}"), now, self.hub.directory)
        step.do(c.Create(Channel.CHAT, "shop", customer.id))
        step.do(c.Enqueue(f"queue{n % QUEUES}", {}))
        return step.change("visitor", f"start-{n}", customer=customer)

    async def everybody_comes(self, agents: int) -> None:
        """All at once: as many in each turn of the loop as it reads sockets."""
        coming = []
        for n in range(agents):
            coming.append(asyncio.create_task(self.come(n)))
            if n % SOCKETS == SOCKETS - 1:
                await asyncio.sleep(0)
        await asyncio.gather(*coming)
        await self.heard()

    async def heard(self) -> None:
        """Returns when the dispatcher has dealt with all events that are there now."""
        feed = self.hub.feed
        await feed.reached(feed.readers["dispatcher"], feed.head)

    async def written(self) -> None:
        """Returns when every decision is in the log, and known from there."""
        while self.dispatcher.busy:
            await asyncio.sleep(0.01)
        await self.heard()

    async def take_over(self) -> None:
        """The log says that a node took over: here the same one again, as after a moment without its lease."""
        moved = Change("dispatcher", 0, (e.DispatcherMoved("bench"),), self.hub.clock.now(), "system")
        await self.store.log.append(moved)
        await self.heard()


async def herd(folder: Path, waiting: int, agents: int) -> None:
    centre = Centre(folder)
    centre.answering = False
    began = time.perf_counter()
    await centre.fill(agents, waiting)
    print(
        f"  {agents:,} agents and {waiting:,} waiting contacts stored in {time.perf_counter() - began:.1f} s",
        flush=True,
    )
    began = time.perf_counter()
    await centre.hub.start()
    print(f"  the hub without its dispatcher started in {time.perf_counter() - began:.1f} s", flush=True)
    async with Watch() as watch:
        await centre.dispatcher.start()
    watch.report("the dispatcher starts")
    centre.hub.follow("bench", centre.follow)
    settle()
    async with Watch() as watch:
        await centre.everybody_comes(agents)
    watch.report(f"{agents:,} sign in at once")
    async with Watch() as watch:
        await centre.written()
    watch.report("their offers are written")
    async with Watch() as watch:
        await centre.take_over()
    watch.report("a takeover")
    async with Watch() as watch:
        await asyncio.sleep(0)
        while any(task.get_name() == "dispatcher.take_apart" for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)
    watch.report("the engine before it is taken apart")
    await centre.close()
