"""One suite over both buses, the one in the process and the one over Redis; then what only Redis can do to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hub.bus import LocalBus, open_bus
from hub.bus.redis import LEASE_MS, WAITING, RedisBus
from hub.errors import ConfigError, Unavailable
from hub.ports import Bus
from hub.roster import Roster
from tests.redis import Line, RedisServer, redis_server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


async def until(what: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)


async def opened(url: str, name: str = "contacthub") -> RedisBus:
    bus = RedisBus(url, name)
    await bus.start()
    await until(lambda: bus.up_since is not None)
    return bus


@pytest.fixture(params=["local", "redis"])
async def buses(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Bus, Bus]]:
    """What two parts of a hub hold: the same bus in one process, two that meet at Redis at two nodes."""
    if request.param == "local":
        local = LocalBus()
        await local.start()
        yield local, local
        await local.close()
        return
    server: RedisServer = request.getfixturevalue("redis")
    one, other = await opened(server.url), await opened(server.url)
    yield one, other
    await one.close()
    await other.close()


@pytest.fixture
async def pair(redis: RedisServer) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    one, other = await opened(redis.url), await opened(redis.url)
    yield one, other
    await one.close()
    await other.close()


# --- every bus ----------------------------------------------------------------------------------------------------


async def test_a_message_is_heard_here_at_once_and_elsewhere_soon_in_order(buses: tuple[Bus, Bus]) -> None:
    one, other = buses
    here: list[Any] = []
    there: list[Any] = []
    one.subscribe("typing", lambda message: here.append(message["n"]))
    other.subscribe("typing", lambda message: there.append(message["n"]))
    other.subscribe("else", lambda message: there.append("wrong"))
    for n in range(300):
        await one.publish("typing", {"n": n})
        assert here[-1] == n
    await until(lambda: len(there) >= 300)
    assert here == there == list(range(300))


async def test_a_subscriber_that_fails_does_not_keep_others_from_hearing(buses: tuple[Bus, Bus]) -> None:
    one, other = buses
    heard: list[Any] = []

    def fail(message: Any) -> None:
        raise RuntimeError("a mistake")

    other.subscribe("typing", fail)
    other.subscribe("typing", heard.append)
    await one.publish("typing", {"n": 1})
    await one.publish("typing", {"n": 2})
    await until(lambda: len(heard) == 2)


async def test_who_has_ended_his_subscription_hears_no_more(buses: tuple[Bus, Bus]) -> None:
    one, other = buses
    heard: list[str] = []
    end = other.subscribe("typing", lambda message: heard.append("first"))
    other.subscribe("typing", lambda message: heard.append("second"))
    end()
    end()
    await one.publish("typing", {})
    await until(lambda: heard)
    assert heard == ["second"]


async def test_a_lease_is_taken_renewed_and_given_up(buses: tuple[Bus, Bus]) -> None:
    one, _ = buses
    lease = one.lease("work")
    assert await lease.take() and await lease.take()
    await lease.release()
    assert await lease.take()
    await lease.release()


async def test_it_says_whether_others_can_be_heard(buses: tuple[Bus, Bus]) -> None:
    one, other = buses
    await one.check()
    assert one.up_since is not None
    assert one.shared == (one is not other) == (one.node != other.node)


async def test_a_roster_knows_who_is_anywhere(buses: tuple[Bus, Bus]) -> None:
    one = Roster(buses[0])
    other = one if buses[0] is buses[1] else Roster(buses[1])
    moves: list[tuple[str, bool]] = []
    other.on_change("agent", lambda id, there: moves.append((id, there)))
    one.here("agent", "us_early", True)
    for roster in {one, other}:
        await roster.start()
    await until(lambda: other.there("agent", "us_early"))
    one.here("agent", "us_1", True)
    one.here("visitor", "vi_1", True)
    await until(lambda: other.there("agent", "us_1") and other.there("visitor", "vi_1"))
    assert not other.there("agent", "vi_1")
    # At two nodes he is there once, until he has left both.
    other.here("agent", "us_1", True)
    one.here("agent", "us_1", False)
    other.here("agent", "us_1", False)
    await until(lambda: not one.there("agent", "us_1") and not other.there("agent", "us_1"))
    for roster in {one, other}:
        await roster.stop()
    if one is not other:
        await until(lambda: not other.there("visitor", "vi_1"))
        assert moves == [("us_early", True), ("us_1", True), ("us_1", False), ("us_early", False)]


# --- leases between nodes -------------------------------------------------------------------------------------------


async def test_one_node_holds_a_lease_and_only_it_frees_it(pair: tuple[RedisBus, RedisBus]) -> None:
    one, other = pair[0].lease("work"), pair[1].lease("work")
    assert await one.free() and await one.take()
    assert not await other.take() and not await other.free()
    await other.release()
    assert not await other.take()
    await one.release()
    assert await other.take() and not await one.take()
    await other.release()


async def test_a_lease_that_is_not_renewed_is_anothers(pair: tuple[RedisBus, RedisBus]) -> None:
    one, other = pair[0].lease("work"), pair[1].lease("work")
    assert await one.take()
    await asyncio.sleep(LEASE_MS / 2000)
    assert await one.take()
    await asyncio.sleep(LEASE_MS / 2000 + 0.3)
    assert not await other.take(), "renewed a moment ago"
    await asyncio.sleep(LEASE_MS / 1000)
    assert await other.take() and not await one.take()
    await other.release()


# --- what Redis does to us ------------------------------------------------------------------------------------------


async def test_hubs_of_other_names_are_not_heard(redis: RedisServer) -> None:
    one, other = await opened(redis.url, "blue"), await opened(redis.url, "green")
    heard: list[Any] = []
    other.subscribe("typing", heard.append)
    await one.publish("typing", {})
    assert await one.lease("work").take() and await other.lease("work").take()
    await asyncio.sleep(0.5)
    assert heard == []
    await one.close()
    await other.close()


async def test_messages_flow_again_after_redis_was_killed(pair: tuple[RedisBus, RedisBus], redis: RedisServer) -> None:
    one, other = pair
    heard: list[Any] = []
    here: list[Any] = []
    one.subscribe("typing", here.append)
    other.subscribe("typing", heard.append)
    redis.stop()
    await until(lambda: one.up_since is None and other.up_since is None)
    with pytest.raises(Unavailable):
        await one.check()
    with pytest.raises(Unavailable):
        await one.lease("work").take()
    await one.publish("typing", {"n": 1})
    assert here == [{"n": 1}], "one's own subscribers hear without Redis"
    redis.start()
    await until(lambda: one.up_since is not None and other.up_since is not None)
    await one.publish("typing", {"n": 2})
    await until(lambda: heard)
    assert heard == [{"n": 2}], "what was said while nobody could hear is not said late"


async def test_a_silent_line_is_noticed_and_left(redis: RedisServer) -> None:
    """Nothing is closed and nothing arrives: only one's own pulse that stays away can tell."""
    line = Line(redis.port)
    near = await opened(f"redis://127.0.0.1:{line.port}/0")
    far = await opened(redis.url)
    line.cut()
    await until(lambda: near.up_since is None)
    for _ in range(WAITING + 500):
        await near.publish("typing", {})
    assert near.dropped > 0, "what waits is bounded"
    with pytest.raises(Unavailable):
        await near.lease("work").take()
    assert far.up_since is not None
    line.mend()
    heard: list[Any] = []
    far.subscribe("back", heard.append)
    await until(lambda: near.up_since is not None)
    await near.publish("back", {})
    await until(lambda: heard)
    await near.close()
    await far.close()
    line.close()


async def test_a_roster_that_missed_something_asks_again(redis: RedisServer) -> None:
    line = Line(redis.port)
    near_bus, far_bus = await opened(f"redis://127.0.0.1:{line.port}/0"), await opened(redis.url)
    near, far = Roster(near_bus), Roster(far_bus)
    await near.start()
    await far.start()
    far.here("agent", "us_1", True)
    await until(lambda: near.there("agent", "us_1"))
    line.cut()
    await until(lambda: near_bus.up_since is None)
    far.here("agent", "us_1", False)
    far.here("agent", "us_2", True)
    await asyncio.sleep(5)
    assert near.there("agent", "us_1"), "who hears nothing does not take the others for dead"
    line.mend()
    await until(lambda: near.there("agent", "us_2") and not near.there("agent", "us_1"))
    for part in (near, far):
        await part.stop()
    for bus in (near_bus, far_bus):
        await bus.close()
    line.close()


async def test_a_node_that_died_is_forgotten_with_all_who_were_there(redis: RedisServer) -> None:
    dying_bus, bus = await opened(redis.url), await opened(redis.url)
    dying, roster = Roster(dying_bus), Roster(bus)
    await dying.start()
    await roster.start()
    dying.here("agent", "us_1", True)
    await until(lambda: roster.there("agent", "us_1"))
    assert roster.nodes == sorted([bus.node, dying_bus.node])
    await dying_bus.close()
    gone: list[str] = []
    roster.on_change("agent", lambda id, there: gone.append(id))
    await until(lambda: gone == ["us_1"])
    assert roster.nodes == [bus.node]
    await dying.stop()
    await roster.stop()
    await bus.close()


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"bus\.url"):
        open_bus("http://db", "contacthub")
