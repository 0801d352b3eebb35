"""The gate: who is let in, how much of it, and that strangers leave nothing behind."""

import tracemalloc

import pytest

from channels.voice.sip.gate import Gate, Rule

TRUNK = Rule("trunk", ("192.0.2.0/24", "2001:db8::/32"), trusted=True, rate=10.0, burst=5.0)
PHONES = Rule("phones", ("0.0.0.0/0",), authenticate=True, rate=1.0, burst=2.0, total_rate=1.0, total_burst=4.0)


def test_smallest_network_counts() -> None:
    gate = Gate([PHONES, TRUNK, Rule("one", ("192.0.2.7",))])
    assert gate.rule_of("192.0.2.1") is TRUNK
    assert gate.rule_of("2001:db8::5") is TRUNK
    assert gate.rule_of("::ffff:192.0.2.1") is TRUNK
    assert gate.rule_of("198.51.100.1") is PHONES
    assert gate.rule_of("2001:db9::5") is None
    assert gate.rule_of("nobody") is None
    one = gate.rule_of("192.0.2.7")
    assert one is not None
    assert one.name == "one"


def test_resolved_addresses_belong_to_their_trunk() -> None:
    gate = Gate([TRUNK])
    assert gate.rule_of("203.0.113.1") is None
    gate.set_resolved("trunk", ["203.0.113.1", "2001:db9::1"])
    assert gate.rule_of("203.0.113.1") is gate.rule_of("2001:db9::1") is TRUNK
    gate.set_resolved("trunk", ["203.0.113.2"])
    assert gate.rule_of("203.0.113.1") is None
    gate.set_rules([PHONES])
    gate.set_rules([TRUNK])
    assert gate.rule_of("203.0.113.2") is None


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="example"):
        Gate([Rule("trunk", ("trunk.example.com",))])


def test_burst_then_rate() -> None:
    gate = Gate([TRUNK])
    assert [gate.admit(TRUNK, "192.0.2.1", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert gate.admit(TRUNK, "192.0.2.2", 0.0)
    assert gate.wait(TRUNK, "192.0.2.1", 0.05) == pytest.approx(0.05)
    assert [gate.admit(TRUNK, "192.0.2.1", 0.2) for _ in range(3)] == [True, True, False]
    assert gate.limited == {"trunk": 3}


def test_many_addresses_share_the_rules_total() -> None:
    gate = Gate([PHONES])
    let_in = [gate.admit(PHONES, f"198.51.100.{last}", 0.0) for last in range(10)]
    assert sum(let_in) == 4


def test_answers_are_expected_for_a_while() -> None:
    gate = Gate([], sources=2)
    gate.expect("203.0.113.1", 10.0)
    assert gate.expects("203.0.113.1", 10.0)
    assert not gate.expects("203.0.113.1", 10.1)
    assert not gate.expects("203.0.113.2", 0.0)
    gate.expect("203.0.113.2", 10.0)
    gate.expect("203.0.113.3", 10.0)
    assert not gate.expects("203.0.113.1", 0.0)


def test_any_number_of_addresses_needs_the_same_memory() -> None:
    gate = Gate([PHONES, TRUNK], sources=100)

    def flood(first: int, count: int) -> None:
        for number in range(first, first + count):
            gate.rule_of(f"2001:db9::{number:x}")
            gate.admit(PHONES, f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}", float(number))

    flood(0, 1_000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        flood(1_000, 20_000)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
