"""Caps and breakers, and the settings that they come from."""

from __future__ import annotations

from typing import Any

import pytest

from channels.callback.channel import configured
from hub.callbacks.protection import BREAKERS, counts_from, over_cap, tripped
from hub.callbacks.records import Asked, Breaker, Spent
from hub.callbacks.settings import DAY_MS, Caps, Limits, cost_of
from hub.config import parse
from hub.errors import ConfigError

CAPS = Caps(number=3, address=10, site=100, total=200)
LIMITS = Limits(talk_ms=60 * 60_000, cost=50_000, lines=5)


@pytest.mark.parametrize(
    ("asked", "address", "cap"),
    [
        (Asked(2, 9, 99, 199), "192.0.2.1", None),
        (Asked(3, 0, 0, 3), "", "number"),
        (Asked(0, 10, 0, 10), "192.0.2.1", "address"),
        (Asked(0, 10, 0, 10), "", None),
        (Asked(0, 0, 100, 100), "", "site"),
        (Asked(0, 0, 0, 200), "", "total"),
    ],
)
def test_the_cap_that_one_more_would_break(asked: Asked, address: str, cap: str | None) -> None:
    assert over_cap(asked, CAPS, address=address) == cap


@pytest.mark.parametrize(
    ("spent", "opens"),
    [
        (Spent(60 * 60_000 - 1, 49_999, 4), []),
        (Spent(60 * 60_000, 0, 0), ["minutes"]),
        (Spent(0, 50_000, 0), ["spend"]),
        (Spent(0, 0, 5), ["lines"]),
        (Spent(60 * 60_000, 50_000, 5), ["minutes", "spend", "lines"]),
    ],
)
def test_the_breakers_that_open(spent: Spent, opens: list[str]) -> None:
    assert [name for name in BREAKERS if tripped(spent, LIMITS, name=name)] == opens


def test_what_was_before_a_reset_is_forgiven() -> None:
    now = 10 * DAY_MS
    assert counts_from(Breaker("spend"), now, DAY_MS) == now - DAY_MS
    assert counts_from(Breaker("spend", reset_at=now - 5), now, DAY_MS) == now - 5


def test_each_begun_minute_costs() -> None:
    assert [cost_of(ms, 50) for ms in (0, 1, 60_000, 60_001)] == [0, 50, 50, 100]


def test_settings_follow_from_the_configuration() -> None:
    config = parse({"callbacks": {"attempts": 2, "busy_minutes": 1, "hours": "09:00-17:30", "days": ["mon"]}})
    found = configured(config.callbacks, ("DE",), "DE")
    assert not config.callbacks.enabled
    assert (found.policy.attempts, found.policy.delays_ms["busy"]) == (2, 60_000)
    assert found.policy.hours == {"mon": ("09:00", "17:30")}
    assert set(found.policy.delays_ms) == {
        "busy",
        "unreachable",
        "interrupted",
        "unserved",
        "no_answer",
        "machine",
        "rejected",
    }


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ({"hours": "20:00-08:00"}, "callbacks.hours"),
        ({"hours": "all day"}, "callbacks.hours"),
        ({"days": ["monday"]}, "callbacks.days[0]"),
        ({"days": []}, "callbacks.days"),
        ({"slot_minutes": 7}, "callbacks.slot_minutes"),
        ({"attempts": 0}, "callbacks.attempts"),
    ],
)
def test_mistakes_name_their_path(section: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse({"callbacks": section})
    assert str(error.value).startswith(f"{path}:")
