"""Which numbers are called: a set of numbers of all kinds, each with the verdict that it must get."""

import csv
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.numbers import SENTENCES, named_zones, verdict, zones_of
from tests.peers import CHECKOUT

COUNTRIES = ("CN", "DE", "FR", "GB", "US")
SUMMER = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)


def toll_fraud() -> list[dict[str, str]]:
    """`number` as it is typed, with control characters escaped; `verdict` is "called" or why it is not."""
    with (CHECKOUT / "tests/fixtures/numbers/toll_fraud.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_number_gets_the_verdict_it_must() -> None:
    rows = toll_fraud()
    assert len(rows) >= 200
    assert len({row["country"] for row in rows}) >= 30
    wrong = []
    for row in rows:
        typed = row["number"].encode().decode("unicode_escape") if "\\" in row["number"] else row["number"]
        found = verdict(typed, COUNTRIES).reason or "called"
        if found != row["verdict"]:
            wrong.append((row, found))
    assert wrong == []
    kinds = Counter(row["verdict"] for row in rows)
    assert set(kinds) == {"called", *SENTENCES}, "every verdict is in the set"


def test_nothing_is_called_where_no_country_is_listed() -> None:
    assert [row for row in toll_fraud() if "\\" not in row["number"] and not verdict(row["number"], ()).reason] == []


@pytest.mark.parametrize(
    ("typed", "region", "number", "country"),
    [
        ("030 1234567", "DE", "+49301234567", "DE"),
        ("+49 (0)30 1234567", None, "+49301234567", "DE"),
        ("+1 202 555 0123", None, "+12025550123", "US"),
    ],
)
def test_a_number_as_people_write_it(typed: str, region: str | None, number: str, country: str) -> None:
    found = verdict(typed, COUNTRIES, region)
    assert (found.number, found.country, found.reason) == (number, country, "")


@given(st.text())
def test_whatever_is_typed_is_a_number_or_is_not(typed: str) -> None:
    found = verdict(typed, COUNTRIES, "DE")
    if not found.reason:
        assert found.number[0] == "+"
        assert found.number[1:].isascii()
        assert found.number[1:].isdigit()
        assert found.country in COUNTRIES


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+49301234567", ("Europe/Berlin",)),
        ("+8613800138000", ("Asia/Shanghai",)),
        ("+18005551234", ()),
    ],
)
def test_where_a_number_may_be(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(named_zones(number), SUMMER) == zones


def test_zones_that_are_alike_are_asked_once() -> None:
    """British mobiles may be of London or of the islands, whose clocks show the same."""
    assert len(zones_of(named_zones("+447911123456"), SUMMER)) == 1
