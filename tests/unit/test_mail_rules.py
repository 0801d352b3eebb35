"""What the rules of triage make of a mail, and that no rule and no mail can take long."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.config_mail import MAIL_FACTS, MailCondition
from hub.config_rows import MailRule, read
from hub.errors import InvalidInput
from hub.mail_rules import Facts, Sorted, holds, in_order, needs_headers, sort_mail
from hub.patterns import TEXT_LIMIT, check_pattern, found

MAIL: Facts = {
    "mailbox": ("support",),
    "to": ("support@shop.example", "support+Invoices@shop.example"),
    "plus": ("Invoices",),
    "from": ("Eva@berg.example",),
    "domain": ("berg.example",),
    "subject": ("Rechnung 4711 ist falsch",),
    "text": ("Guten Tag,\nbitte STORNIEREN.\n",),
    "language": ("de",),
    "attachment": ("rechnung.pdf", "application/pdf"),
    "kind": ("normal",),
    "vip": ("no",),
    "header.x-priority": ("1", "5"),
}


def rule(*when: tuple[str, str, str], **does: Any) -> MailRule:
    conditions = [{"fact": fact, "op": op, "value": value} for fact, op, value in when]
    return read(MailRule, {"name": "r", "when": conditions, **(does or {"priority": 1})})


def outcome(*rules: MailRule, facts: Facts = MAIL) -> Sorted:
    return sort_mail({f"r{n}": rule for n, rule in enumerate(rules)}, facts, time.monotonic)


@pytest.mark.parametrize(
    ("fact", "op", "value", "expected"),
    [
        ("mailbox", "is", "support", True),
        ("to", "is", "support@shop.example", True),
        ("to", "is_not", "support@shop.example", False),
        ("to", "is_not", "sales@shop.example", True),
        ("plus", "is", "invoices", True),
        ("from", "is", "eva@BERG.example", True),
        ("domain", "matches", "*.example", True),
        ("domain", "is", "example", False),
        ("subject", "starts", "rechnung", True),
        ("subject", "matches", "rechnung * falsch", True),
        ("subject", "regex", r"^rechnung\s+\d{4}\b", True),
        ("subject", "regex", r"^\d", False),
        ("text", "contains", "stornieren", True),
        ("text", "regex", r"(?m)^bitte", True),
        ("language", "is", "de", True),
        ("attachment", "is", "application/pdf", True),
        ("attachment", "matches", "*.pdf", True),
        ("attachment", "matches", "*.exe", False),
        ("vip", "is", "yes", False),
        ("kind", "is", "normal", True),
        ("header.X-Priority", "is", "5", True),
        ("header.X-Other", "contains", "5", False),
        ("header.X-Other", "is_not", "5", True),
    ],
)
def test_conditions(fact: str, op: str, value: str, expected: bool) -> None:
    assert holds(rule((fact, op, value)).when[0], MAIL) is expected


def test_all_of_a_rules_conditions_have_to_hold() -> None:
    both = rule(("language", "is", "de"), ("vip", "is", "yes"), queue="billing")
    assert outcome(both) == Sorted()
    assert outcome(both, facts={**MAIL, "vip": ("yes",)}).queue == "billing"


def test_rules_add_up_in_their_order_and_stop() -> None:
    german = ("language", "is", "de")
    found = outcome(
        rule(german, queue="support", skills={"german": 3}, priority=5, tags=["de"], owner="us_1", order=1),
        rule(german, queue="billing", skills={"money": 2}, priority=6, tags=["invoice", "de"], order=3),
        rule(german, skills={"german": 2, "money": 4}, owner="us_2", language="de-AT", order=4, stop=True),
        rule(german, queue="never", order=5),
        rule(german, queue="off", order=2, enabled=False),
    )
    assert found == Sorted(
        "billing", {"money": 4, "german": 2}, 11, ("de", "invoice"), "us_2", "de-AT", ("r0", "r1", "r2")
    )


def test_what_was_asked_for_stays_where_a_rule_names_the_queue_that_the_mail_comes_to_anyway() -> None:
    german = ("language", "is", "de")
    rules = {"a": rule(german, skills={"german": 3}), "b": rule(german, queue="support", skills={"money": 1})}
    assert sort_mail(rules, MAIL, time.monotonic, home="support").skills == {"german": 3, "money": 1}
    assert sort_mail(rules, MAIL, time.monotonic, home="sales").skills == {"money": 1}


def test_expressions_are_not_asked_when_the_time_is_over() -> None:
    now = iter(range(100))
    rules = {f"r{n}": rule(("subject", "regex", "."), tags=[str(n)]) for n in range(4)}
    rules["r9"] = rule(("language", "is", "de"), tags=["plain"])
    found = sort_mail(rules, MAIL, lambda: float(next(now)), 2.5)
    assert (found.tags, found.rules, found.unasked) == (("0", "1", "plain"), ("r0", "r1", "r9"), ("r2", "r3"))


def test_headers_are_read_only_for_rules_that_ask_for_them() -> None:
    assert needs_headers({"a": rule(("header.X-Priority", "is", "1"))})
    assert not needs_headers({"a": rule(("header.X-Priority", "is", "1"), priority=1, enabled=False)})
    assert not needs_headers({"a": rule(("subject", "is", "1"))})


@pytest.mark.parametrize(
    "pattern", ["(", r"(?=a)b", r"(a)\1", "(a{1000}){1000}", "a{2000}", r"(?:\pL?){900}", "\ud800"]
)
def test_what_is_refused_as_an_expression(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_pattern(pattern, "when[0].value")
    assert refused.value.details["path"] == "when[0].value"
    assert not found(pattern, "aaa")


HOSTILE = [
    r"(a+)+$",
    r"(a|aa)+$",
    r"(a|a?)+b",
    r"(.*)(.*)(.*)(.*)(.*)(.*)[^a!]",
    r"(?:(?:a{0,100}){0,10})b",
    r"(?:a?){500}a{500}z",
    r"(?:[^x]?){330}z",
    r"\bx?\b.*[a!].{400}$",
    "(" * 100 + "a" + ")*" * 100,
]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_expression_takes_long(pattern: str) -> None:
    """Measured by the processor's time, which no other program on the machine makes longer; ten times what it takes."""
    check_pattern(pattern, "value")
    text = ("a" * 30 + "!") * 100_000
    began = time.process_time()
    found(pattern, text)
    assert time.process_time() - began < 5.0
    assert not found("needle", "x" * TEXT_LIMIT + "needle")


ops = st.sampled_from(["is", "is_not", "starts", "contains", "matches", "regex"])
names = st.sampled_from([*MAIL_FACTS, "header.X-Y"])
scraps = st.text(st.sampled_from("a!*+?(){}[]|\\^$.,0123bdwpL:=<>-é中\ud800\x00 "), min_size=1, max_size=60)
conditions = st.builds(MailCondition, names, scraps, ops)
rules = st.builds(
    MailRule,
    st.just("r"),
    st.lists(conditions, min_size=1, max_size=4),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([None, "support", "billing"]),
    st.dictionaries(st.sampled_from(["german", "money"]), st.integers(1, 5)),
    st.integers(-100, 100),
    st.lists(st.text(min_size=1, max_size=3), max_size=3),
    st.sampled_from([None, "us_1"]),
    st.sampled_from([None, "de"]),
    st.booleans(),
)
facts = st.dictionaries(st.sampled_from([*MAIL_FACTS, "header.x-y"]), st.lists(st.text(max_size=200), max_size=3))


@given(st.dictionaries(st.sampled_from("abcdef"), rules, max_size=5), facts)
@example({}, {"text": ["\ud800" * 50]})
@settings(deadline=None)
def test_any_rules_and_any_mail_give_an_outcome(rules: dict[str, MailRule], facts: Facts) -> None:
    result = sort_mail(rules, facts, time.monotonic, 60.0)
    assert not result.unasked
    assert set(result.rules) <= {id for id, each in rules.items() if each.enabled}
    applied = [rules[id] for id in result.rules]
    assert [id for id, _ in in_order(rules) if id in result.rules] == list(result.rules)
    assert result.priority == sum(each.priority for each in applied)
    assert set(result.tags) == {tag for each in applied for tag in each.tags}
    assert result.queue == next((each.queue for each in reversed(applied) if each.queue), None)
    assert all(not each.stop for each in applied[:-1])
