"""Which node dispatches, on both databases and a real Redis: one at a time, with a token that the store insists on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from msgspec.structs import replace

from hub import commands as c
from hub.bus.redis import RedisBus
from hub.clock import SystemClock
from hub.errors import Refused
from hub.feed import Feed
from hub.leadership import HOLDER_FIRST_AFTER_SILENCE_S, PULSE_S, STREAM, WITHOUT_PULSE_S, Leadership
from hub.ports import Fence
from hub.store import SqlStore
from tests.contract.test_bus import opened, until
from tests.redis import Line, RedisServer, redis_server
from tests.talk import Talk


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


class Node:
    """As much of a node as it takes to lead."""

    def __init__(self, store: SqlStore, bus: RedisBus) -> None:
        self.bus = bus
        self.feed = Feed(store.log, bus, 0.2)
        self.leadership = Leadership(store, bus, SystemClock())
        self._store = store

    async def start(self) -> Node:
        async def follow(batch: object) -> None:
            self.leadership.follow(batch)  # type: ignore[arg-type]

        head = await self._store.log.head()  # as the hub does: what comes while it loads is not to be missed
        await self.leadership.load()
        await self.feed.start()
        self.feed.add("state", follow, head)
        await self.leadership.start()
        return self

    async def stop(self) -> None:
        await self.leadership.stop()
        await self.feed.stop()
        await self.bus.close()

    async def die(self) -> None:
        """Without a word to anybody."""
        await self.bus.close()
        await self.leadership.stop()
        await self.feed.stop()


@pytest.fixture
async def nodes(store: SqlStore, redis: RedisServer) -> AsyncIterator[list[Node]]:
    redis.ask("FLUSHALL")
    made = [await Node(store, await opened(redis.url)).start() for _ in range(2)]
    yield made
    for node in made:
        await node.stop()


async def test_one_leads_and_the_other_after_its_death_with_a_later_token(
    nodes: list[Node], store: SqlStore, redis: RedisServer
) -> None:
    await until(lambda: any(node.leadership.leads for node in nodes))
    leader, other = sorted(nodes, key=lambda node: not node.leadership.leads)
    for _ in range(3):
        await asyncio.to_thread(redis.ask, "FLUSHALL")
        await asyncio.sleep(0.7)
    assert leader.leadership.leads and not other.leadership.leads, "who leads takes an emptied lease again first"
    loop = asyncio.get_running_loop()
    await leader.die()
    died = loop.time()
    await until(lambda: other.leadership.leads)
    print(f"moved after {loop.time() - died:.2f} s")
    assert loop.time() - died < 5
    moved = await store.log.stream(STREAM)
    assert [recorded.version for recorded in moved] == list(range(1, len(moved) + 1))
    assert other.leadership.leader == other.bus.node


async def test_who_stops_hands_over_at_once(nodes: list[Node]) -> None:
    await until(lambda: any(node.leadership.leads for node in nodes))
    leader, other = sorted(nodes, key=lambda node: not node.leadership.leads)
    stopped = asyncio.get_running_loop().time()
    await leader.leadership.stop()
    assert not leader.leadership.leads
    await until(lambda: other.leadership.leads)
    assert asyncio.get_running_loop().time() - stopped < 2.5


async def takeovers(store: SqlStore) -> int:
    return len(await store.log.stream(STREAM))


async def test_without_redis_another_takes_over_from_the_dead_and_nobody_from_the_living(
    nodes: list[Node], store: SqlStore, redis: RedisServer
) -> None:
    await until(lambda: any(node.leadership.leads for node in nodes))
    leader, other = sorted(nodes, key=lambda node: not node.leadership.leads)
    before = await takeovers(store)
    await asyncio.to_thread(redis.stop)
    late = RedisBus(redis.url)
    try:
        await until(lambda: other.bus.up_since is None)
        # One that starts while Redis is away finds the pulse, too.
        await late.start()
        third = await Node(store, late).start()
        await asyncio.sleep(WITHOUT_PULSE_S + 2 * PULSE_S)
        assert leader.leadership.leads and await takeovers(store) == before

        loop = asyncio.get_running_loop()
        await leader.die()
        died = loop.time()
        standing = (other, third)
        await until(lambda: any(node.leadership.leads for node in standing), 30)
        print(f"without Redis moved after {loop.time() - died:.2f} s")
        # One of the two, and the other sees its pulse.
        await asyncio.sleep(WITHOUT_PULSE_S + 2 * PULSE_S)
        assert sorted(node.leadership.leads for node in standing) == [False, True]
        assert await takeovers(store) == before + 1
    finally:
        await asyncio.to_thread(redis.start)
    # Who leads by the log takes the lease when Redis is back.
    new = other if other.leadership.leads else third
    await until(lambda: new.bus.up_since is not None)
    await asyncio.sleep(HOLDER_FIRST_AFTER_SILENCE_S + 1)
    assert new.leadership.leads and await takeovers(store) == before + 1
    await third.stop()


async def test_who_alone_is_cut_off_from_redis_lets_the_leader_lead(store: SqlStore, redis: RedisServer) -> None:
    redis.ask("FLUSHALL")
    leader = await Node(store, await opened(redis.url)).start()
    await until(lambda: leader.leadership.leads)
    before = await takeovers(store)
    line = Line(redis.port)
    apart = await Node(store, await opened(f"redis://127.0.0.1:{line.port}/0")).start()
    line.cut()
    await until(lambda: apart.bus.up_since is None)
    await asyncio.sleep(WITHOUT_PULSE_S + 2 * PULSE_S)
    assert leader.leadership.leads and await takeovers(store) == before
    for node in (leader, apart):
        await node.stop()
    line.close()


async def test_the_store_refuses_whoever_decides_with_an_old_token(nodes: list[Node], store: SqlStore) -> None:
    """Two that both believe to lead: of the same offer one is made, and of the old one none is."""
    await until(lambda: any(node.leadership.leads for node in nodes))
    version = (await store.log.stream(STREAM))[-1].version
    talk = await Talk(store.log).begin()
    old = replace(talk.change(c.MakeOffer("us_1", 1, talk.now + 20_000, 1)), fence=Fence(STREAM, version - 1))
    with pytest.raises(Refused) as refused:
        await store.log.append(old)
    assert refused.value.code == "fence.lost"
    new = replace(talk.change(c.MakeOffer("us_2", 1, talk.now + 20_000, 1)), fence=Fence(STREAM, version))
    outcomes = await asyncio.gather(store.log.append(new), store.log.append(old), return_exceptions=True)
    assert isinstance(outcomes[1], Refused) and not isinstance(outcomes[0], Exception)
    offered = [r for r in await store.log.stream(talk.contact.id) if r.event.__struct_config__.tag == "contact.offered"]
    assert [r.event.agent for r in offered] == ["us_2"]  # type: ignore[union-attr]
