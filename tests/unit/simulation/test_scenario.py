"""Scenarios: a mistake names its path and what was expected, and what is right is understood."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from hub.errors import ConfigError
from hub.simulation import Job
from routing.simulation.chart import nice_ticks
from routing.simulator import run
from tests.unit.simulation.cases import one_queue, simulated, total

SOUND: dict[str, Any] = {
    "days": 2,
    "queues": {"sales": {"skills": {"sales": 1}}},
    "agents": [{"name": "sellers", "count": 2, "skills": {"sales": 3}, "shifts": [["08:00", "16:00"]]}],
    "arrivals": [
        {"queue": "sales", "per_hour": [0] * 8 + [20] * 8 + [0] * 8, "handle_s": {"lognormal": 200, "deviation": 90}}
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The sound scenario with one thing set, or taken out (None)."""
    scenario: Any = copy.deepcopy(SOUND)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = scenario
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return dict(scenario)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("seed", "one", 'seed: expected a whole number, got "one"'),
        ("dayz", 1, "dayz: there is no such setting; did you mean days?"),
        ("arrivals.0.per_hour", "many", "arrivals[0].per_hour: expected"),
        ("arrivals.0.per_hour", [1.0] * 7, "arrivals[0].per_hour: expected one rate or a list that divides the day"),
        ("arrivals.0.per_hour", -3, "arrivals[0].per_hour: expected a number >= 0"),
        ("arrivals.0.handle_s", None, "arrivals[0].handle_s: expected, but it is not there"),
        ("arrivals.0.handle_s", 0, "arrivals[0].handle_s: expected a number > 0"),
        ("arrivals.0.handle_s", {"fixed": 3, "exponential": 4}, "arrivals[0].handle_s: expected one of exponential"),
        ("arrivals.0.handle_s", {"lognormal": 3}, "arrivals[0].handle_s.deviation: expected together with lognormal"),
        (
            "arrivals.0.handle_s.deviaton",
            3,
            "arrivals[0].handle_s.deviaton: there is no such setting; did you mean dev",
        ),
        ("arrivals.0.patience_s", {"recorded": []}, "arrivals[0].patience_s.recorded: expected a list of times"),
        ("arrivals.0.queue", "support", 'arrivals[0].queue: expected one of the queues ("sales"), got "support"'),
        ("arrivals.0.channel", "fax", "arrivals[0].channel: "),
        ("agents.0.skills.sales", 9, "agents[0].skills"),
        ("agents.0.shifts", [["16:00", "08:00"]], "agents[0].shifts[0]: expected an end after the start"),
        ("agents.0.miss", 2, "agents[0].miss: expected a number <= 1"),
        (
            "agents",
            [{"name": "x"}, {"name": "x"}],
            'agents[1].name: expected another name for each group, got "x" again',
        ),
        ("hours", 5, "hours: expected either hours (one long run) or days"),
        (
            "queues.sales.relax",
            [{"after_s": 9, "skills": {"sales": 5}}],
            "queues.sales: relax[0].skills.sales: a step only",
        ),
        ("queues.sales.colour", "red", "queues.sales"),
        ("queues.sales.hours", "office", "queues.sales.hours: a scenario has no calendars"),
        ("users", {"ada": {"absent": True}}, "users: only a replay knows users"),
        ("arrivals", [], "arrivals: expected at least one"),
    ],
)
def test_mistake_names_its_path(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        run(Job(scenario=changed(path, value), source="day.toml"), None, lambda done, total: None)
    assert str(refused.value).startswith(f"day.toml: {sentence}")


def test_steady_state_has_no_times_of_day() -> None:
    for path, value in (("arrivals.0.per_hour", 5), ("agents.0.shifts", [])):
        scenario = {**changed(path, value), "hours": 10}
        del scenario["days"]
        with pytest.raises(ConfigError, match="need days instead of hours"):
            simulated(scenario)


def test_same_seed_same_numbers() -> None:
    first, again, other = simulated(SOUND), simulated(SOUND), simulated({**SOUND, "seed": 2})
    assert first == again
    assert total(first).asa_s != total(other).asa_s


def test_more_agents_meet_the_same_contacts() -> None:
    """Common random numbers: who comes, and how long he takes, does not depend on the agents."""
    few, many = simulated(one_queue(60, 120, 3, 20, 60)), simulated(one_queue(60, 120, 6, 20, 60))
    assert total(few).offered == total(many).offered
    assert (total(few).abandoned or 0) > (total(many).abandoned or 0)


def test_a_threshold_of_each_queue() -> None:
    scenario = one_queue(200, 180, 12, 20, 120)
    del scenario["threshold_s"]
    scenario["queues"] = {"all": {"target": {"percent": 80, "seconds": 120}}}
    strict = simulated({**scenario, "threshold_s": 1})
    assert (total(simulated(scenario)).service_level or 0) > (total(strict).service_level or 0)


def test_one_day_has_no_intervals() -> None:
    report = simulated({**SOUND, "days": 1})
    assert total(report).ci == {}
    assert report.notes


def test_chart_is_a_picture_of_the_day() -> None:
    text = run(Job(scenario=SOUND, chart=True), None, lambda done, total: None).chart
    picture = ET.fromstring(text)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    words = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    for word in ("Contacts waiting", "Agents", "Service level, %", "busy", "waiting", "answered in time", "12:00"):
        assert word in words
    # Nobody is there and nobody comes at night, so the picture begins in the morning.
    assert "04:00" not in words
    assert simulated(SOUND).chart == ""


@pytest.mark.parametrize(
    ("most", "ticks"), [(0, [0, 1]), (7, [0, 2, 4, 6, 8]), (100, [0, 25, 50, 75, 100]), (0.3, [0, 0.1, 0.2, 0.3])]
)
def test_axes_have_round_numbers(most: float, ticks: list[float]) -> None:
    assert nice_ticks(most) == pytest.approx(ticks)
