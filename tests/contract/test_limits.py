"""What may happen so often only is counted over every bus: by one node once, by all nodes together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from argon2 import PasswordHasher

from hub.auth import Auth, AuthSettings
from hub.clock import ManualClock
from hub.errors import NotSignedIn, RateLimited
from hub.limits import SharedLimit
from hub.model import Role, User
from hub.passwords import Passwords
from hub.ports import Bus
from hub.store import SqlStore
from tests.contract.test_bus import buses, opened, redis, until
from tests.redis import RedisServer

__all__ = ["buses", "redis"]
MINUTE = 60_000
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_800_000_000_000)


async def refused(limit: SharedLimit, key: str) -> bool:
    try:
        await limit.take(key)
    except RateLimited:
        return True
    return False


def spent(limit: SharedLimit, key: str, now: int) -> Callable[[], bool]:
    """Whether nothing is left, without taking any."""

    def none_left() -> bool:
        times = limit._limit._times.get(key, ())
        return sum(at > now - MINUTE for at in times) >= limit._limit.count

    return none_left


async def test_who_asks_at_each_node_in_turn_gains_nothing(buses: tuple[Bus, Bus], clock: ManualClock) -> None:
    one = SharedLimit("chat.started", 6, MINUTE, buses[0], clock)
    other = one if buses[0] is buses[1] else SharedLimit("chat.started", 6, MINUTE, buses[1], clock)
    for _ in range(3):
        assert not await refused(one, "192.0.2.1") and not await refused(other, "192.0.2.1")
    for limit in (one, other):
        await until(spent(limit, "192.0.2.1", clock.now()))
        assert await refused(limit, "192.0.2.1")
        assert not await refused(limit, "192.0.2.2"), "others are not touched"
    clock.advance(MINUTE)
    assert not await refused(one, "192.0.2.1") and not await refused(other, "192.0.2.1")


async def test_without_redis_each_node_counts_for_itself(redis: RedisServer, clock: ManualClock) -> None:
    one_bus, other_bus = await opened(redis.url), await opened(redis.url)
    one, other = (SharedLimit("chat.started", 2, MINUTE, bus, clock) for bus in (one_bus, other_bus))
    await asyncio.to_thread(redis.stop)
    try:
        await until(lambda: one_bus.up_since is None and other_bus.up_since is None)
        for limit in (one, other):
            assert [await refused(limit, "192.0.2.1") for _ in range(3)] == [False, False, True]
    finally:
        await asyncio.to_thread(redis.start)
        await one_bus.close()
        await other_bus.close()


@pytest.fixture
async def doors(buses: tuple[Bus, Bus], store: SqlStore, clock: ManualClock) -> AsyncIterator[tuple[Auth, Auth]]:
    """Where one signs in: the same door of one process, one at each of two nodes."""
    found = []
    for bus in dict.fromkeys(buses):
        auth = Auth(store, clock, AuthSettings(free_attempts_per_user=4))
        auth.passwords = Passwords(shortest=8, hasher=QUICK)
        auth.share(bus)
        found.append(auth)
    await found[0].create_user(User("us_1", "ann", "Ann", Role.AGENT), "correct horse", by="system")
    yield found[0], found[-1]


async def guess(door: Auth, password: str = "wrong") -> type[Exception] | None:
    try:
        await door.sign_in("ann", password, "192.0.2.1", "")
    except (NotSignedIn, RateLimited) as error:
        return type(error)
    return None


async def test_guessed_passwords_count_at_all_nodes(doors: tuple[Auth, Auth], clock: ManualClock) -> None:
    one, other = doors
    for door in (one, other, one, other):
        assert await guess(door) is NotSignedIn
    assert await guess(one) is NotSignedIn  # the fifth: from here on each costs time
    await until(lambda: other._by_name.wait("ann", clock.now()) > 0)
    for door in doors:
        assert await guess(door, "correct horse") is RateLimited
    clock.advance(2000)
    assert await guess(other, "correct horse") is None
    # Who has signed in begins anew, everywhere.
    await until(lambda: one._by_name.wait("ann", clock.now()) == 0 and "ann" not in one._by_name._records)
    assert [await guess(one) for _ in range(4)] == [NotSignedIn] * 4
