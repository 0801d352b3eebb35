"""Intervals that hold as often as they say."""

from __future__ import annotations

import random

import pytest

from routing.simulation.chances import Times, sampler
from routing.simulation.statistics import half_width, ratio, share, student_975


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.7062), (5, 2.5706), (11, 2.2010), (19, 2.0930), (29, 2.0452), (1000, 1.9623)]
)
def test_student(degrees: int, quantile: float) -> None:
    assert student_975(degrees) == pytest.approx(quantile, abs=2e-4)


def correlated(chance: random.Random, count: int, with_next: float) -> list[float]:
    """Numbers around 0, each of which depends on the one before."""
    numbers = [chance.gauss(0, 1)]
    for _ in range(count - 1):
        numbers.append(with_next * numbers[-1] + (1 - with_next**2) ** 0.5 * chance.gauss(0, 1))
    return numbers


@pytest.mark.parametrize(("with_next", "least"), [(0.0, 0.94), (0.3, 0.92), (0.6, 0.88)])
def test_interval_of_a_mean_holds_the_truth(with_next: float, least: float) -> None:
    chance, held, runs = random.Random(1), 0, 2000
    for _ in range(runs):
        numbers = correlated(chance, 20, with_next)
        half = half_width(numbers)
        assert half is not None
        held += abs(sum(numbers) / len(numbers)) <= half
    assert least <= held / runs <= 0.985


def test_interval_of_a_ratio_holds_the_truth() -> None:
    """Batches of different sizes, whose parts go with them."""
    chance, held, runs = random.Random(2), 0, 2000
    for _ in range(runs):
        wholes = [chance.gauss(100, 20) for _ in range(20)]
        value, interval = ratio([0.3 * whole + chance.gauss(0, 3) for whole in wholes], wholes)
        assert value is not None and interval is not None
        held += interval[0] <= 0.3 <= interval[1]
    assert 0.94 <= held / runs <= 0.985


def test_one_batch_says_nothing_of_the_next() -> None:
    assert half_width([1.0]) is None
    assert ratio([1.0], [2.0]) == (0.5, None)
    assert ratio([0.0, 0.0], [0.0, 0.0]) == (None, None)


def test_never_seen_is_not_impossible() -> None:
    assert share([0.0, 0.0], [50.0, 50.0]) == (0.0, (0.0, 0.03))
    assert share([50.0, 50.0], [50.0, 50.0]) == (1.0, (0.97, 1.0))


@pytest.mark.parametrize(
    ("times", "mean", "deviation"),
    [
        (Times(exponential=180), 180, 180),
        (Times(lognormal=240, deviation=120), 240, 120),
        (Times(fixed=30), 30, 0),
        (Times(recorded=(10, 20, 60)), 30, 21.602),
    ],
)
def test_times_have_their_mean_and_deviation(times: Times, mean: float, deviation: float) -> None:
    draw = sampler(times, random.Random(4))
    drawn = [draw() / 1000 for _ in range(40_000)]
    found = sum(drawn) / len(drawn)
    assert found == pytest.approx(mean, rel=0.02)
    spread = (sum((each - found) ** 2 for each in drawn) / len(drawn)) ** 0.5
    assert spread == pytest.approx(deviation, rel=0.05, abs=1e-9)
