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
from hub.leadership import STREAM, Leadership
from hub.ports import Fence
from hub.store import SqlStore
from tests.contract.test_bus import opened, until
from tests.redis import RedisServer, redis_server
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
        self.leadership = Leadership(store.log, bus, SystemClock())
        self._store = store

    async def start(self) -> Node:
        async def follow(batch: object) -> None:
            self.leadership.follow(batch)  # type: ignore[arg-type]

        await self.leadership.load()
        await self.feed.start()
        self.feed.add("state", follow, self.feed.head)
        await self.leadership.start()
        return self

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
        await node.leadership.stop()
        await node.feed.stop()
        await node.bus.close()


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
