"""Guessing gets slower and slower; being right costs nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.attempts import Attempts


def test_doubles_up_to_the_limit() -> None:
    attempts = Attempts(free=2, base_ms=1000, limit_ms=5000)
    waits = []
    now = 0
    for _ in range(7):
        now += attempts.wait("k", now)
        attempts.begin("k", now)
        waits.append(attempts.wait("k", now))
    assert waits == [0, 0, 1000, 2000, 4000, 5000, 5000]


def test_attempts_at_once_all_count() -> None:
    attempts = Attempts(free=3)
    for _ in range(50):
        attempts.begin("k", 0)
    assert attempts.wait("k", 0) == 15 * 60_000


def test_good_ones_are_given_back_and_others_are_not() -> None:
    attempts = Attempts(free=1)
    for _ in range(100):
        attempts.begin("office", 0)
        attempts.give_back("office")
    assert attempts.wait("office", 0) == 0
    attempts.begin("office", 0)
    attempts.begin("office", 0)
    assert attempts.wait("office", 0) > 0


def test_peace_is_forgotten() -> None:
    attempts = Attempts(free=0, forget_ms=10_000, limit_ms=1000)
    attempts.begin("k", 0)
    attempts.begin("k", 1000)
    attempts.begin("k", 20_000)
    assert attempts.wait("k", 20_000) == 1000


@given(st.lists(st.integers(0, 40), max_size=200))
def test_memory_is_bounded(keys: list[int]) -> None:
    attempts = Attempts(free=0, most_keys=10)
    for now, key in enumerate(keys):
        attempts.begin(str(key), now)
    assert sum(attempts.wait(str(key), len(keys)) > 0 for key in range(41)) <= 10
