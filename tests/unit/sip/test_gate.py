"""The gate: who is let in, how much of it, and that strangers leave nothing behind."""

import tracemalloc

import pytest

from channels.voice.sip.gate import Gate, Rule, phone_rule

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


def test_a_newcomer_may_only_register_and_gets_little() -> None:
    gate = Gate([phone_rule(["0.0.0.0/0"]), TRUNK])
    rule = gate.rule_of("198.51.100.1")
    assert rule is not None and rule.only_register and rule.authenticate and not rule.trusted
    assert gate.takes(rule, "198.51.100.1", b"REGISTER sip:hub SIP/2.0", 0.0)
    for other in (b"INVITE sip:a@hub SIP/2.0", b"OPTIONS sip:hub SIP/2.0", b"REGISTERS", b"\0" * 40, b""):
        assert not gate.takes(rule, "198.51.100.1", other, 0.0)
    assert not gate.takes(rule, "198.51.100.1", b"SIP/2.0 200 OK", 0.0)
    gate.expect("198.51.100.1", 10.0)
    assert gate.takes(rule, "198.51.100.1", b"SIP/2.0 200 OK", 5.0), "an answer to us"
    assert not gate.takes(rule, "198.51.100.1", b"SIP/2.0 200 OK", 11.0)
    assert sum(gate.admit(rule, "198.51.100.1", 0.0) for _ in range(100)) == 20
    assert gate.admit(rule, "198.51.100.1", 1.0)


def test_where_a_phone_stands_registered_everything_is_taken() -> None:
    gate = Gate([phone_rule(["0.0.0.0/0"])])
    for _ in range(2):
        gate.know("198.51.100.1", True)
    rule = gate.rule_of("198.51.100.1")
    assert rule is not None and rule.authenticate and not rule.only_register
    assert gate.takes(rule, "198.51.100.1", b"INVITE sip:a@hub SIP/2.0", 0.0)
    other = gate.rule_of("198.51.100.2")
    assert other is not None and other.only_register
    gate.know("198.51.100.1", False)
    assert gate.rule_of("198.51.100.1") is rule, "the other one is still there"
    gate.know("198.51.100.1", False)
    assert gate.rule_of("198.51.100.1") is other


def test_a_crowd_of_newcomers_takes_nothing_from_registered_phones() -> None:
    gate = Gate([phone_rule(["0.0.0.0/0"])])
    gate.know("198.51.100.1", True)
    for n in range(1_000):
        address = f"203.0.{n // 250}.{n % 250}"
        rule = gate.rule_of(address)
        assert rule is not None
        gate.admit(rule, address, 0.0)
    late = gate.rule_of("203.0.113.9")
    assert late is not None and not gate.admit(late, "203.0.113.9", 0.0), "they share what there is"
    known = gate.rule_of("198.51.100.1")
    assert known is not None and gate.admit(known, "198.51.100.1", 0.0)


def test_who_guesses_passwords_is_barred_for_a_while_but_no_phone_is() -> None:
    gate = Gate([phone_rule(["0.0.0.0/0"])])
    gate.bar("198.51.100.1", 30.0)
    rule = gate.rule_of("198.51.100.1")
    assert rule is not None
    assert not gate.takes(rule, "198.51.100.1", b"REGISTER sip:hub SIP/2.0", 29.0)
    assert gate.takes(rule, "198.51.100.1", b"REGISTER sip:hub SIP/2.0", 30.0)
    gate.know("198.51.100.1", True)
    rule = gate.rule_of("198.51.100.1")
    assert rule is not None and gate.takes(rule, "198.51.100.1", b"REGISTER sip:hub SIP/2.0", 1.0)


def test_trunks_do_not_register_unless_phones_may_there() -> None:
    gate = Gate([TRUNK, Rule("demo", ("127.0.0.0/8",), trusted=True, registers=True)])
    trunk, demo = gate.rule_of("192.0.2.1"), gate.rule_of("127.0.0.1")
    assert trunk is not None and demo is not None
    assert not gate.takes(trunk, "192.0.2.1", b"REGISTER sip:hub SIP/2.0", 0.0)
    assert gate.takes(trunk, "192.0.2.1", b"INVITE sip:hub SIP/2.0", 0.0)
    assert gate.takes(demo, "127.0.0.1", b"REGISTER sip:hub SIP/2.0", 0.0)
