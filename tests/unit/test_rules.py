"""Rules and blocks: what they say of a contact, and that no pattern takes long."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config_rows import Block, Condition, Rule
from hub.errors import InvalidInput
from hub.model import PRIORITY_LIMIT, Channel, Contact, Customer, Page
from hub.rules import blocked, facts_of, holds, place


def rule(*when: tuple[str, str, str], **does: object) -> Rule:
    conditions = [Condition(fact, value, op) for fact, op, value in when]  # type: ignore[arg-type]
    return Rule("A rule", conditions, **does)  # type: ignore[arg-type]


def always(calendar: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("op", "value", "fact", "true"),
    [
        ("is", "gold", "Gold", True),
        ("is", "gold", "golden", False),
        ("is_not", "gold", "", True),
        ("starts", "+86", "+8610", True),
        ("contains", "/checkout", "https://shop/checkout/2", True),
        ("matches", "*/checkout/*", "https://shop/checkout/2", True),
        ("matches", "*/checkout/*", "https://shop/check", False),
        ("matches", "a*a", "a", False),
        ("matches", "a*a", "aa", True),
        ("matches", "gold", "gold", True),
        ("matches", "gold", "golden", False),
        ("is", "gold", "", False),
    ],
)
def test_conditions(op: str, value: str, fact: str, true: bool) -> None:
    facts = {"customer.tier": fact} if fact else {}
    condition = Condition("customer.tier", value, op)  # type: ignore[arg-type]
    assert holds(condition, facts, always) is true


@given(st.lists(st.sampled_from(["a", "b", "*"]), max_size=8), st.text("ab", max_size=12))
def test_a_pattern_is_what_the_star_says(parts: list[str], text: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slow(pattern[1:], text[i:]) for i in range(len(text) + 1))
        return text[:1] == pattern[0] and slow(pattern[1:], text[1:])

    pattern = "".join(parts) or "a"
    assert holds(Condition("page", pattern, "matches"), {"page": text}, always) == slow(pattern, text)


def test_priorities_add_up_and_a_later_queue_counts() -> None:
    rules = {
        "vip": rule(("customer.tier", "is", "gold"), order=1, priority=10),
        "abroad": rule(("caller", "starts", "+86"), order=2, priority=5, queue="asia", skills={"chinese": 3}),
        "off": rule(("channel", "is", "voice"), order=3, priority=50, enabled=False),
        "last": rule(("channel", "is", "voice"), order=4, priority=1, stop=True),
        "never": rule(("channel", "is", "voice"), order=5, priority=100),
    }
    facts = {"channel": "voice", "caller": "+8610123", "customer.tier": "gold"}
    placed = place(rules, facts, "support", {"support": 2}, always)
    assert (placed.queue, placed.requirements, placed.priority) == ("asia", {"chinese": 3}, 16)
    assert placed.rules == ("vip", "abroad", "last")
    plain = place(rules, {"channel": "chat"}, "support", {"support": 2}, always)
    assert (plain.queue, plain.requirements, plain.priority, plain.rules) == ("support", {"support": 2}, 0, ())


def test_priorities_are_bounded() -> None:
    rules = {f"r{n}": rule(("channel", "is", "chat"), order=n, priority=100) for n in range(50)}
    assert place(rules, {"channel": "chat"}, "q", {}, always).priority == PRIORITY_LIMIT


def test_hours_are_asked_by_calendar() -> None:
    night = {"night": rule(("hours", "is_not", "office"), queue="night")}
    assert place(night, {}, "day", {}, lambda calendar: calendar != "office").queue == "night"
    assert place(night, {}, "day", {}, always).queue == "day"


def test_what_is_known_of_a_contact() -> None:
    page = Page("https://shop/a", "A", 1)
    contact = Contact("ct_1", channel=Channel.CHAT, queue="support", site="shop", page=page, fields={"order": "MK1"})
    customer = Customer("cu_1", "Mara", "m@x.example", "+49301", verified=True, fields={"tier": "gold"})
    facts = facts_of(contact, customer, topic="returns")
    assert facts["customer.tier"] == "gold" and facts["field.order"] == "MK1" and facts["verified"] == "yes"
    assert facts["page"] == "https://shop/a" and facts["topic"] == "returns" and facts["caller"] == "+49301"
    assert facts_of(contact, customer, caller="+86")["caller"] == "+86"


TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("block", "who"),
    [
        (Block("spam", "email", "Mean@X.example"), {"email": "mean@x.EXAMPLE"}),
        (Block("spam", "domain", "@x.example"), {"email": "any@x.example"}),
        (Block("hoax", "phone", "+4930*"), {"phone": "+49301234"}),
        (Block("hoax", "phone", "+49301234"), {"phone": "+49301234"}),
        (Block("rude", "visitor", "vi_1"), {"visitor": "vi_1"}),
        (Block("flood", "address", "203.0.113.0/24", "2026-11-22"), {"address": "203.0.113.9"}),
        (Block("flood", "address", "2001:db8::/32"), {"address": "2001:db8::1"}),
    ],
)
def test_blocks(block: Block, who: dict[str, str]) -> None:
    assert blocked([block], TODAY, **who) is block
    assert blocked([block], TODAY) is None
    other = {"email": "a@sub.x.example", "phone": "+4831", "visitor": "vi_2", "address": "198.51.100.1"}
    assert blocked([block], TODAY, **other) is None


def test_a_block_ends() -> None:
    block = Block("spam", "email", "a@x.example", "2026-11-21")
    assert blocked([block], TODAY, email="a@x.example") is None


def test_rows_that_say_nothing_are_refused() -> None:
    with pytest.raises(InvalidInput):
        rule(("channel", "is", "chat")).check()
    with pytest.raises(InvalidInput):
        rule(("hours", "contains", "office"), priority=1).check()
    with pytest.raises(InvalidInput):
        Block("x", "address", "not an address").check()
    with pytest.raises(InvalidInput):
        Block("x", "phone", "030 123").check()
