"""Rate limits against counting by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import RateLimited
from hub.limits import SlidingLimit

steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60)), max_size=60)


@given(steps, st.integers(1, 5), st.integers(1, 100))
def test_never_more_than_said_within_any_window(takes: list[tuple[str, int]], count: int, window: int) -> None:
    limit = SlidingLimit(count, window)
    taken: dict[str, list[int]] = {"a": [], "b": []}
    now = 0
    for key, later in takes:
        now += later
        within = [at for at in taken[key] if at > now - window]
        if len(within) < count:
            limit.take(key, now)
            taken[key].append(now)
            continue
        with pytest.raises(RateLimited) as caught:
            limit.take(key, now)
        # Exactly so long, and no shorter.
        wait = caught.value.details["retry_after_ms"]
        assert wait == within[0] + window - now
        assert wait > 0


def test_after_the_wait_there_is_room() -> None:
    limit = SlidingLimit(2, 1000)
    limit.take("a", 0)
    limit.take("a", 400)
    with pytest.raises(RateLimited) as caught:
        limit.take("a", 500)
    limit.take("a", 500 + caught.value.details["retry_after_ms"])


def test_memory_is_bounded() -> None:
    """Beyond `keys` those used longest ago are forgotten, and only those."""
    limit = SlidingLimit(1, 1_000_000, keys=100)
    for n in range(1000):
        limit.take(f"key-{n}", n)
    assert len(limit._times) == 100
    with pytest.raises(RateLimited):
        limit.take("key-999", 1000)
    limit.take("key-0", 1000)
