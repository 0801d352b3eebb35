"""What is told of a flow that is being drawn."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import InvalidInput
from hub.flows.check import Known, Problem, problems
from hub.flows.flow import Flow, read_flow
from tests.unit.flows.test_walk import ORDERS, words

KNOWN = Known(queues={"sales"}, calendars={"weekdays"}, prompts={"hello": {"en"}})


def flow(start: str | None = "a", languages: tuple[str, ...] = ("en",), **nodes: dict[str, Any]) -> Flow:
    return read_flow({"name": "Drawn", "draft": True, "start": start, "languages": list(languages), "nodes": nodes})


def test_a_flow_that_is_right_has_no_problems() -> None:
    assert problems("main", ORDERS, KNOWN) == []


END: dict[str, Any] = {"do": "hang_up"}


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (flow(start=None), [Problem("", "start", "no_start")]),
        (flow(start="b", a=END), [Problem("", "start", "unknown_node", "b"), Problem("a", "", "unreachable")]),
        (flow(a={"do": "say", "parts": []}), [Problem("a", "next", "open_exit")]),
        (flow(a={"do": "say", "parts": [], "next": "z"}), [Problem("a", "next", "unknown_node", "z")]),
        (
            flow(a={"do": "set", "next": "b"}, b={"do": "say", "parts": words("x"), "next": "a"}),
            [Problem("a", "", "loop"), Problem("b", "", "loop")],
        ),
        (
            # A circle that asks is left by who does not answer.
            flow(a={"do": "menu", "parts": words("x"), "options": {"1": "a"}, "failed": "b"}, b=END),
            [],
        ),
        (
            flow(a={"do": "menu", "parts": [], "options": {"1": "b"}, "failed": "b"}, b=END),
            [Problem("a", "parts", "silent")],
        ),
        (
            flow(languages=("en", "zh", "de"), a={"do": "hang_up", "parts": words("x")}),
            [Problem("a", "parts[0]", "missing_prompt", "de")],
        ),
        (
            flow(languages=("en", "zh"), a={"do": "hang_up", "parts": [{"say": "prompt", "prompt": "hello"}]}),
            [Problem("a", "parts[0]", "missing_prompt", "zh")],
        ),
        (flow(a={"do": "queue", "queue": "sails"}), [Problem("a", "queue", "unknown_queue", "sails")]),
        (
            flow(a={"do": "hang_up", "parts": [{"say": "waiting", "queue": "sails"}]}),
            [Problem("a", "parts[0].queue", "unknown_queue", "sails")],
        ),
        (
            flow(
                a={
                    "do": "branch",
                    "cases": [{"when": [{"fact": "queue.sails.agents", "value": "1"}], "to": "b"}],
                    "otherwise": "b",
                },
                b=END,
            ),
            [Problem("a", "cases[0].when[0].fact", "unknown_queue", "sails")],
        ),
        (
            flow(a={"do": "hours", "calendar": "always", "open": "b", "closed": "b"}, b=END),
            [Problem("a", "calendar", "unknown_calendar", "always")],
        ),
        (
            flow(a={"do": "flow", "flow": "other", "next": "b"}, b=END),
            [Problem("a", "flow", "unknown_flow", "other")],
        ),
        (
            flow(a={"do": "hang_up", "parts": [{"say": "value", "of": "state"}]}),
            [Problem("a", "parts[0].of", "unset_attribute", "state")],
        ),
        (
            flow(
                a={
                    "do": "collect",
                    "parts": words("x"),
                    "into": "pin",
                    "secret": True,
                    "next": "b",
                    "failed": "b",
                },
                b={"do": "hang_up", "parts": words("Your PIN is {pin}")},
            ),
            [Problem("b", "parts[0].text", "secret_attribute", "pin")],
        ),
    ],
)
def test_each_mistake_is_named_where_it_is(drawn: Flow, expected: list[Problem]) -> None:
    assert problems("main", drawn, KNOWN) == expected


def test_a_flow_that_is_no_draft_is_refused_with_its_first_mistake() -> None:
    drawn = {"name": "Drawn", "start": "a", "nodes": {"a": {"do": "say", "parts": words("x"), "next": "b"}}}
    with pytest.raises(InvalidInput) as refused:
        read_flow(drawn)
    assert refused.value.details == {"path": "nodes.a.next", "expected": "expected the name of a node"}
    read_flow(drawn | {"draft": True})


def test_flows_that_call_each_other_in_a_circle_are_told() -> None:
    one = flow(a={"do": "flow", "flow": "two", "next": "b"}, b=END)
    two = flow(a={"do": "flow", "flow": "main", "next": "b"}, b={"do": "return"})
    known = Known(flows={"main": one, "two": two})
    assert problems("main", one, known) == [Problem("a", "flow", "circular_flow", "two")]
    assert problems("two", two, known) == [Problem("a", "flow", "circular_flow", "main")]


def test_an_attribute_may_come_of_a_sub_flow_or_with_the_contact() -> None:
    inner = flow(a={"do": "set", "values": {"state": "open"}, "next": "b"}, b={"do": "return"})
    tell = {"do": "hang_up", "parts": [{"say": "value", "of": "state"}, {"say": "value", "of": "topic"}]}
    outer = flow(a={"do": "flow", "flow": "inner", "next": "b"}, b=tell)
    assert problems("main", outer, Known(flows={"inner": inner}, given={"topic"})) == []
