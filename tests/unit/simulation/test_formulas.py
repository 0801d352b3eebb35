"""Erlang's formulas, and the simulator against them: each figure within the interval that the simulator gives."""

from __future__ import annotations

import pytest

from routing.simulation.chances import Times
from routing.simulation.demand import DAY_MS, Source
from routing.simulation.erlang import Erlang, erlang_a, erlang_c
from routing.simulation.plan import Plan, simulate
from routing.simulation.statistics import outcome
from routing.simulation.world import Office
from routing.simulator import streams
from routing.specs import QueueSpec
from tests.unit.simulation.cases import HOUR, here, one_queue, simulated, total

SERVED = {"p_wait", "service_level", "asa_s", "occupancy"}


@pytest.mark.parametrize(
    ("per_hour", "handle_s", "agents", "expected"),
    [
        (200, 180, 13, (0.285270, 0.795595, 17.116, 0.7692)),
        (200, 180, 14, (0.174132, 0.888350, 7.836, 0.7143)),
        (2880, 60, 50, (0.694456, 0.643455, 20.834, 0.96)),
    ],
)
def test_erlang_c(per_hour: float, handle_s: float, agents: int, expected: tuple[float, ...]) -> None:
    figures = erlang_c(per_hour, handle_s, agents, 20)
    assert figures is not None
    assert figures[:4] == pytest.approx(expected, rel=6e-5)


@pytest.mark.parametrize(
    ("per_hour", "handle_s", "patience_s", "agents", "expected"),
    [
        (2880, 60, 120, 50, Erlang(0.46777, 0.94302, 3.616, 0.93032, 0.03091)),
        (200, 180, 120, 12, Erlang(0.27981, 0.82558, 6.335, 0.78200, 0.06160)),
    ],
)
def test_erlang_a(per_hour: float, handle_s: float, patience_s: float, agents: int, expected: Erlang) -> None:
    assert erlang_a(per_hour, handle_s, patience_s, agents, 20) == pytest.approx(expected, rel=2e-4)


def test_erlang_a_becomes_c_with_endless_patience() -> None:
    patient, endless = erlang_a(200, 180, 1e9, 13, 20), erlang_c(200, 180, 13, 20)
    assert endless is not None
    assert patient == pytest.approx(endless, rel=1e-5, abs=1e-6)


def test_more_work_than_agents_has_no_steady_state() -> None:
    assert erlang_c(200, 180, 10, 20) is None
    # With patience there is one, however many come: all agents are busy, and the others give up.
    crowded = erlang_a(20_000, 180, 120, 10, 20)
    assert crowded.occupancy == pytest.approx(1, abs=1e-6)
    assert crowded.abandoned == pytest.approx(1 - 10 / 1000, abs=1e-6)


@pytest.mark.parametrize(
    ("per_hour", "handle_s", "agents", "hours", "patience_s"),
    [
        (200, 180, 13, 150, None),
        (200, 180, 14, 150, None),
        (200, 180, 12, 150, 120),
        (2880, 60, 50, 10, 120),
        (2880, 60, 50, 10, None),
    ],
)
def test_simulator_agrees(
    per_hour: float, handle_s: float, agents: int, hours: float, patience_s: float | None
) -> None:
    report = simulated(one_queue(per_hour, handle_s, agents, hours, patience_s))
    figures = total(report)
    assert report.reference_name == ("Erlang A" if patience_s else "Erlang C")
    for name in SERVED | ({"abandoned"} if patience_s else set()):
        low, high = figures.ci[name]
        assert low <= report.reference[name] <= high, name
        assert low <= getattr(figures, name) <= high, name
    low, high = figures.ci["offered"]
    assert low <= per_hour * hours <= high
    if patience_s is None:
        assert figures.abandoned == 0
        assert figures.answered == figures.offered


def test_who_gives_up_is_patience_times_queue_length() -> None:
    """abandoned = theta x E[queue length] / lambda, an identity whatever the number of agents."""
    patience_s, per_hour, hours = 120.0, 300.0, 60.0
    source = Source("q", "voice", (per_hour,), Times(exponential=180), patience=Times(exponential=patience_s))
    plan = Plan(Office([(0, QueueSpec("q"))], [here(f"a{n}") for n in range(13)]), [source], {}, seed=1, hours=hours)
    (tally,) = simulate(plan, streams(1), lambda done, total: None)
    figures = outcome([tally]).total
    assert figures.abandoned is not None and figures.abandoned > 0.1
    queue_length = sum(tally.waiting.areas) / (tally.grid.width * tally.grid.buckets)
    low, high = figures.ci["abandoned"]
    assert low <= queue_length / patience_s / (per_hour / 3600) <= high


def test_two_skills_per_agent_are_nearly_as_good_as_all() -> None:
    """6 kinds of contacts, 90 agents, 84 Erlang. Mean waits in service times, measured by others: .717 with one skill,
    .082 with two (a ring), .073 with all; Erlang's C has .722 with one and .069 with all."""
    handle_s, kinds, agents = 60.0, 6, 90
    alone, pooled = erlang_c(84 * 60 / kinds, 60, agents // kinds, 20), erlang_c(84 * 60, 60, agents, 20)
    assert alone is not None and pooled is not None
    assert (alone.asa_s / 60, pooled.asa_s / 60) == pytest.approx((0.7223, 0.0687), abs=1e-4)

    def mean_wait(skills: int, hours: float) -> tuple[float, float, float]:
        groups = [
            {
                "name": f"g{n}",
                "count": agents // kinds,
                "skills": {f"s{(n + more) % kinds}": 1 for more in range(skills)},
            }
            for n in range(kinds)
        ]
        queues = {f"q{n}": {"skills": {f"s{n}": 1}} for n in range(kinds)}
        rate = 84 / kinds / handle_s * 3600
        sources = [{"queue": f"q{n}", "per_hour": rate, "handle_s": handle_s} for n in range(kinds)]
        figures = total(simulated({"hours": hours, "seed": 3, "queues": queues, "agents": groups, "arrivals": sources}))
        assert figures.asa_s is not None
        return figures.ci["asa_s"][0] / handle_s, figures.asa_s / handle_s, figures.ci["asa_s"][1] / handle_s

    two, every = mean_wait(2, 6), mean_wait(kinds, 6)
    # Without shared skills the kinds are six centres of their own: one of them, for as many contacts.
    waited = total(simulated(one_queue(84 * 60 / kinds, 60, agents // kinds, 36)))
    assert waited.asa_s is not None
    one = waited.ci["asa_s"][0] / 60, waited.asa_s / 60, waited.ci["asa_s"][1] / 60
    assert one[0] <= alone.asa_s / 60 <= one[2]
    assert two[0] <= 0.082 <= two[2]
    assert every[0] <= pooled.asa_s / 60 <= every[2]
    assert every[1] < two[1] < 0.3 * one[1]


def test_day_of_arrivals_has_the_rates_it_was_given() -> None:
    rates = tuple(float(rate) for rate in range(24))
    source = Source("q", "voice", rates, Times(fixed=1))
    plan = Plan(Office([(0, QueueSpec("q"))], [here(f"a{n}") for n in range(30)]), [source], {}, seed=5, days=40)
    tallies = simulate(plan, streams(5), lambda done, total: None)
    came = [sum(column) for column in zip(*(tally.came for tally in tallies), strict=True)]
    by_hour = [sum(came[hour * 4 : hour * 4 + 4]) for hour in range(24)]
    assert tallies[0].grid.end == DAY_MS == 24 * HOUR
    for hour, number in enumerate(by_hour):
        assert abs(number - 40 * hour) <= 4 * (40 * hour) ** 0.5
    figures = outcome(tallies).total
    low, high = figures.ci["offered"]
    assert low <= 40 * sum(rates) <= high
