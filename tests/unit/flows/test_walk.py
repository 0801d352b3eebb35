"""A caller's way through a flow, key by key; and that any way through any flow ends and keeps its secrets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.flows import nodes as m
from hub.flows import walk as w
from hub.flows.check import Known, problems
from hub.flows.flow import Flow, read_flow

NOW = 1_800_000_000_000


def words(text: str) -> list[dict[str, Any]]:
    return [{"say": "words", "text": {"en": text, "zh": f"{text}（中文）"}}]


def say(text: str, next: str) -> dict[str, Any]:
    return {"do": "say", "parts": words(text), "next": next}


ORDERS = read_flow(
    {
        "name": "Front door",
        "start": "language",
        "languages": ["en", "zh"],
        "nodes": {
            "language": {
                "do": "menu",
                "parts": words("1 for English, 2 for Chinese"),
                "options": {"1": "hours", "2": "chinese"},
                "invalid": words("Not that one"),
                "silence": words("Are you there?"),
                "tries": 2,
                "failed": "agents",
            },
            "chinese": {"do": "set", "language": "zh", "next": "hours"},
            "hours": {"do": "hours", "calendar": "weekdays", "open": "order", "closed": "mailbox"},
            "order": {
                "do": "collect",
                "parts": words("Your order number"),
                "into": "order",
                "least": 4,
                "most": 6,
                "next": "pin",
                "failed": "agents",
            },
            "pin": {
                "do": "collect",
                "parts": words("Your PIN"),
                "into": "pin",
                "least": 4,
                "most": 4,
                "end": "",
                "secret": True,
                "next": "ask",
                "failed": "agents",
            },
            "ask": {
                "do": "lookup",
                "url": "https://shop.example/orders/{order}",
                "method": "POST",
                "body": {"pin": "{pin}"},
                "take": {"state": "/state"},
                "next": "tell",
                "missing": "unknown",
                "failed": "agents",
            },
            "tell": say("It is {state}.", "vip"),
            "unknown": say("There is no such order.", "order"),
            "vip": {
                "do": "branch",
                "cases": [{"when": [{"fact": "queue.sales.waiting", "op": "above", "value": "5"}], "to": "back"}],
                "otherwise": "agents",
            },
            "back": {"do": "callback", "queue": "sales"},
            "mailbox": {"do": "hang_up", "parts": words("We are closed.")},
            "agents": {"do": "queue", "queue": "sales", "priority": 5},
        },
    }
)


class World:
    def __init__(self, *, open: bool = True, **facts: str) -> None:
        self.open = open
        self.facts = {name.replace("__", "."): value for name, value in facts.items()}

    def is_open(self, calendar: str) -> bool:
        return self.open

    def fact(self, name: str) -> str:
        return self.facts.get(name, "")


def through(flow: Flow, world: World | None = None, **flows: Flow) -> w.Walk:
    return w.Walk.through({"main": flow, **flows}, "main", world or World(), NOW)


def said(wishes: list[w.Wish]) -> list[str]:
    return [
        part.text[wish.language]
        for wish in wishes
        if isinstance(wish, w.Speak)
        for part in wish.parts
        if isinstance(part, m.Words)
    ]


def typed(walk: w.Walk, keys: str, now: int = NOW) -> list[w.Wish]:
    return [wish for key in keys for wish in walk.key(key, now)]


def test_an_order_is_asked_for_in_chinese_and_told() -> None:
    walk = through(ORDERS)
    assert said(walk.begin(NOW)) == ["1 for English, 2 for Chinese"]
    assert said(walk.key("2", NOW)) == ["Your order number（中文）"]
    assert walk.spoken(NOW) == [] and walk.state.deadline == NOW + 8_000
    assert typed(walk, "1234") == []
    assert walk.state.deadline == NOW + 3_000
    assert said(walk.key("#", NOW)) == ["Your PIN（中文）"]
    (*_, fetch) = typed(walk, "9876")
    assert fetch == w.Fetch("https://shop.example/orders/1234", "POST", {"pin": "9876"}, {"state": "/state"}, 3)
    (speak,) = walk.answered("found", {"state": "shipped", "more": "x"}, NOW)
    assert isinstance(speak, w.Speak) and speak.values == {"state": "shipped"}
    assert walk.spoken(NOW) == [w.Enqueue("sales", {}, 5)] == [walk.ending]
    assert walk.state.attributes == {"order": "1234", "state": "shipped"}
    assert [step.exit for step in walk.steps] == [
        *("options.2", "next", "open", "next", "next", "next", "next", "otherwise", "")
    ]
    assert walk.key("1", NOW) == walk.spoken(NOW) == walk.late(NOW + 10**9) == []


def test_who_says_nothing_is_asked_again_and_then_let_go_on() -> None:
    walk = through(ORDERS)
    walk.begin(NOW)
    walk.spoken(NOW)
    assert walk.late(NOW + 4_999) == []
    assert said(walk.late(NOW + 5_000)) == ["Are you there?", "1 for English, 2 for Chinese"]
    assert walk.key("7", NOW) == [w.Hush(), w.Enqueue("sales", {}, 5)]


def test_a_prompt_that_never_ends_is_taken_as_said() -> None:
    walk = through(ORDERS)
    walk.begin(NOW)
    walk.late(NOW + w.SPOKEN_MS)
    assert walk.state.phase == "listening"


def test_a_pause_ends_a_number_that_is_long_enough_and_none_that_is_not() -> None:
    walk = through(ORDERS)
    walk.begin(NOW)
    walk.key("1", NOW)
    typed(walk, "123")
    assert said(walk.late(NOW + 3_000)) == ["Your order number"]
    typed(walk, "1234")
    assert said(walk.late(NOW + 3_000)) == ["Your PIN"]
    assert walk.state.attributes["order"] == "1234"


def test_the_end_key_after_the_last_digit_answers_no_later_question() -> None:
    walk = through(ORDERS)
    walk.begin(NOW)
    walk.key("1", NOW)
    assert said(typed(walk, "123456")) == ["Your PIN"]
    assert walk.key("#", NOW) == [], "it belonged to the number"
    typed(walk, "98")
    assert said(walk.key("#", NOW)) == ["Your PIN"], "here it is a wrong key"


def test_lookups_that_find_nothing_fail_or_never_answer_have_exits_of_their_own() -> None:
    for told, expected in (("missing", ["There is no such order."]), ("failed", []), ("late", [])):
        walk = through(ORDERS)
        walk.begin(NOW)
        typed(walk, "11234#9876")
        wishes = walk.late(NOW + 3_000) if told == "late" else walk.answered(told, {}, NOW)  # type: ignore[arg-type]
        assert said(wishes) == expected
        assert expected or wishes == [w.Enqueue("sales", {}, 5)]
        assert walk.answered("found", {"state": "x"}, NOW) == [], "too late"


def test_hours_and_the_queues_state_decide() -> None:
    closed = through(ORDERS, World(open=False))
    closed.begin(NOW)
    assert said(closed.key("1", NOW)) == ["We are closed."]
    assert closed.spoken(NOW) == [w.End("flow")]
    full = through(ORDERS, World(queue__sales__waiting="6"))
    full.begin(NOW)
    typed(full, "11234#9876")
    full.answered("found", {}, NOW)
    assert full.spoken(NOW) == [w.AskCallback("sales")]


def test_a_walk_goes_on_after_a_restart_from_what_was_kept() -> None:
    walk = through(ORDERS)
    walk.begin(NOW)
    typed(walk, "112")
    kept = msgspec.json.decode(msgspec.json.encode(walk.state), type=w.State)
    again = w.Walk({"main": ORDERS}, kept, World())
    assert said(typed(again, "34#")) == ["Your PIN"]


def test_a_sub_flow_returns_to_where_it_was_called() -> None:
    inner = read_flow(
        {"name": "Inner", "start": "a", "nodes": {"a": say("inside", "end"), "end": {"do": "return"}}},
    )
    outer = read_flow(
        {
            "name": "Outer",
            "start": "go",
            "nodes": {"go": {"do": "flow", "flow": "inner", "next": "bye"}, "bye": {"do": "hang_up", "parts": []}},
        }
    )
    walk = through(outer, inner=inner)
    assert said(walk.begin(NOW)) == ["inside"]
    assert walk.spoken(NOW) == [w.End("flow")]
    assert [(step.flow, step.node) for step in walk.steps] == [
        *(("main", "go"), ("inner", "a"), ("inner", "end"), ("main", "bye"))
    ]
    itself = read_flow(
        {"name": "Round", "draft": True, "start": "a", "nodes": {"a": {"do": "flow", "flow": "main", "next": "a"}}}
    )
    assert through(itself).begin(NOW) == [w.End("too_deep")]


def test_circles_dead_ends_and_long_walks_end() -> None:
    circle = read_flow({"name": "Circle", "draft": True, "start": "a", "nodes": {"a": {"do": "set", "next": "a"}}})
    assert through(circle).begin(NOW) == [w.End("loop")]
    spoken = read_flow({"name": "Circle", "draft": True, "start": "a", "nodes": {"a": say("again", "a")}})
    walk, now = through(spoken), NOW
    wishes = walk.begin(now)
    while walk.ending is None:
        now += 3_000
        wishes = walk.spoken(now)
    assert wishes == [w.End("too_long")] and now - NOW <= w.LONGEST_MS + 3_000
    assert through(read_flow({"name": "None", "draft": True, "start": None, "nodes": {}})).begin(NOW) == [
        w.End("dead_end")
    ]


def test_what_stands_in_an_address_stays_one_segment() -> None:
    flow = read_flow(
        {
            "name": "Ask",
            "draft": True,
            "start": "a",
            "nodes": {"a": {"do": "lookup", "url": "https://a.example/o/{id}"}},
        }
    )
    walk = w.Walk.through({"main": flow}, "main", World(), NOW, attributes={"id": "../x?y#z"})
    (fetch,) = walk.begin(NOW)
    assert isinstance(fetch, w.Fetch) and fetch.url == "https://a.example/o/%2E%2E%2Fx%3Fy%23z"


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"do": "fly"}, "nodes"),
        ({"do": "menu", "parts": [], "options": {}}, "options"),
        ({"do": "menu", "parts": [], "options": {"12": None}}, "options"),
        ({"do": "collect", "parts": [], "into": "a", "least": 5, "most": 4}, "nodes.a.least"),
        ({"do": "lookup", "url": "file:///etc/passwd"}, "url"),
        ({"do": "lookup", "url": "https://{host}/x"}, "url"),
        ({"do": "lookup", "url": "https://a.example/", "take": {"a": "b"}}, "nodes.a.take"),
        ({"do": "say", "parts": [], "nxt": "a"}, "nxt"),
    ],
)
def test_what_is_no_flow_is_refused_with_its_path(node: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_flow({"name": "Wrong", "start": "a", "nodes": {"a": node}})
    assert path in str(refused.value.details)


# --- whatever the flow ------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
EXITS = st.one_of(NAMES, NAMES, NAMES, st.none(), st.just("nowhere"))
ATTRIBUTES = st.sampled_from(["order", "pin", "state"])
TEXTS = st.sampled_from(["", "Hello", "It is {state}", "{pin} {order}"])
PARTS = st.lists(
    st.one_of(
        st.builds(m.Words, st.fixed_dictionaries({"en": TEXTS})),
        st.builds(m.Value, ATTRIBUTES),
        st.builds(m.Prompt, st.just("hello")),
    ),
    max_size=2,
)
KEYS = st.sampled_from("0123456789*#")
TESTS = st.builds(m.Test, st.sampled_from(["order", "pin", "caller"]), TEXTS, st.sampled_from(["is", "above"]))
NODES = st.one_of(
    st.builds(m.Say, parts=PARTS, next=EXITS),
    st.builds(m.Menu, parts=PARTS, options=st.dictionaries(KEYS, EXITS, min_size=1), failed=EXITS),
    st.builds(m.Collect, parts=PARTS, into=st.just("order"), most=st.just(3), next=EXITS, failed=EXITS),
    st.builds(m.Collect, parts=PARTS, into=st.just("pin"), secret=st.just(True), next=EXITS, failed=EXITS),
    st.builds(m.Hours, calendar=st.just("week"), open=EXITS, closed=EXITS),
    st.builds(m.Branch, cases=st.lists(st.builds(m.Case, st.lists(TESTS, min_size=1), EXITS), min_size=1, max_size=2)),
    st.builds(m.Set, values=st.dictionaries(st.just("state"), TEXTS), next=EXITS),
    st.builds(
        m.Lookup, url=st.just("https://x.example/{pin}"), take=st.just({"state": "/s"}), next=EXITS, failed=EXITS
    ),
    st.builds(m.SubFlow, flow=st.sampled_from(["main", "other", "none"]), next=EXITS),
    st.just(m.Return()),
    st.builds(m.ToQueue, queue=st.just("sales")),
    st.builds(m.HangUp, parts=PARTS),
)
FLOWS = st.builds(Flow, st.just("Any"), EXITS, st.dictionaries(NAMES, NODES, max_size=5), st.just(["en"]))
INPUTS = st.lists(
    st.one_of(KEYS, st.sampled_from(["spoken", "late", "found", "missing", "failed"]), st.just("spoken")), max_size=60
)
PIN = "777"


@settings(max_examples=150)
@given(FLOWS, FLOWS, INPUTS)
def test_any_walk_keeps_its_bounds_and_its_secrets(main: Flow, other: Flow, inputs: list[str]) -> None:
    walk, now = w.Walk.through({"main": main, "other": other}, "main", World(), NOW), NOW
    ends = 0
    for told in ["begin", *inputs]:
        now += 200
        if told in ("begin", "spoken"):
            wishes = getattr(walk, told)(now)
        elif told == "late":
            now = walk.state.deadline or now
            wishes = walk.late(now)
        elif told in ("found", "missing", "failed"):
            wishes = walk.answered(told, {"state": "s"}, now)  # type: ignore[arg-type]
        else:
            node = main.nodes.get(walk.state.node) if walk.state.flow == "main" else other.nodes.get(walk.state.node)
            secret = isinstance(node, m.Collect) and node.secret
            # What is secret is told apart from everything else.
            wishes = [wish for key in (PIN if secret else told.replace("7", "1")) for wish in walk.key(key, now)]
        ends += sum(isinstance(wish, w.Ending) for wish in wishes)
        shown = [wish for wish in wishes if not isinstance(wish, w.Fetch)]
        assert PIN not in str([*shown, walk.state.attributes, walk.steps])
        assert (walk.state.phase == "done") == (walk.ending is not None)
        assert (walk.state.deadline is None) == (walk.ending is not None), "what waits has a deadline"
        assert len(walk.state.path) <= w.MOST_DEPTH
        assert walk.ending is None or not walk.state.secrets
    assert ends == (walk.ending is not None)
    # Left alone, it ends by its deadlines.
    for _ in range(2 * w.MOST_INPUTS):
        if walk.state.deadline is None:
            break
        now = walk.state.deadline
        walk.late(now)
    assert walk.ending is not None
    # A flow that is found right leads nowhere wrong.
    known = Known(
        {"sales"}, {"week"}, {"main": main, "other": other}, {"hello": {"en"}}, given={"order", "pin", "state"}
    )
    if not problems("main", main, known) and not problems("other", other, known):
        assert not isinstance(walk.ending, w.End) or walk.ending.reason in ("flow", "too_long")
