"""The two packet streams of a leg: one run of numbers outwards whatever comes in, and right counts inwards."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from webrtc.stream import Codec, Incoming, Outgoing

HEADER = struct.Struct("!BBHII")
PCMU = Codec("PCMU", 0)


class Wire(list[bytes]):
    """What was sent."""

    def fields(self) -> list[tuple[int, bool, int, int, int]]:
        """kind, marker, sequence, timestamp, ssrc."""
        read = [HEADER.unpack_from(packet) for packet in self]
        return [(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc) for _, kind, sequence, timestamp, ssrc in read]


def outgoing(sequence: int = 65_530, timestamp: int = 2**32 - 1000) -> tuple[Outgoing, Wire]:
    wire = Wire()
    return Outgoing(PCMU, wire.append, ssrc=7, sequence=sequence, timestamp=timestamp, events=101), wire


def test_switches_step_on_by_the_time_that_passed() -> None:
    out, wire = outgoing(sequence=10, timestamp=0)
    for n in range(3):
        out.play(b"a" * 160, n * 0.02)
    out.switch()
    # Another party's packets, with numbers of their own, after a second of nothing.
    for n in range(3):
        out.forward(b"b" * 160, 77_000 + 160 * n, 500 + n, False, 1.04 + n * 0.02)
    out.switch()
    out.play(b"c" * 160, 1.09)
    fields = wire.fields()
    assert [marker for _, marker, *_ in fields] == [True, False, False, True, False, False, True]
    assert [sequence for _, _, sequence, *_ in fields] == list(range(11, 18))
    stamps = [timestamp for *_, timestamp, _ in fields]
    assert stamps == [0, 160, 320, 320 + 8000, 8480, 8640, 8640 + 160]
    assert {ssrc for *_, ssrc in fields} == {7}


def test_losses_and_order_of_a_source_are_passed_on() -> None:
    out, wire = outgoing(sequence=0, timestamp=0)
    for n in (0, 1, 3, 2, 5):
        out.forward(bytes(160), 160 * n, 900 + n, n == 0, n * 0.02)
    assert [(sequence - 1, timestamp // 160) for _, _, sequence, timestamp, _ in wire.fields()] == [
        (n, n) for n in (0, 1, 3, 2, 5)
    ]
    out.switch()
    out.play(bytes(160), 0.12)
    assert wire.fields()[-1][2] == 7


def test_packet_from_before_the_switch_is_dropped() -> None:
    out, wire = outgoing()
    out.forward(bytes(160), 1600, 10, False, 0.0)
    out.forward(bytes(160), 1440, 9, False, 0.01)
    assert len(wire) == 1


def test_leap_of_the_source_is_a_switch() -> None:
    out, wire = outgoing(sequence=0, timestamp=0)
    out.forward(bytes(160), 0, 0, True, 0.0)
    out.forward(bytes(160), 3_000_000_000, 40_000, False, 0.02)
    assert wire.fields()[1] == (0, True, 2, 160, 7)


def test_long_streams_stay_passed() -> None:
    """A source of more than 2**16 packets: its numbers wrap, and none is taken for late."""
    out, wire = outgoing()
    count = 140_000
    for n in range(count):
        out.forward(b"", 160 * n & 0xFFFFFFFF, n & 0xFFFF, False, n * 0.02)
    assert len(wire) == count
    numbers = [sequence for _, _, sequence, *_ in wire.fields()]
    assert all(later - before & 0xFFFF == 1 for before, later in pairwise(numbers))


Step = st.one_of(
    st.tuples(st.just("switch"), st.just(0), st.just(0)),
    st.tuples(st.just("play"), st.just(0), st.just(0)),
    st.tuples(st.just("event"), st.booleans().map(int), st.just(0)),
    st.tuples(st.just("forward"), st.integers(-3, 40), st.integers(0, 3)),
    st.tuples(st.just("jump"), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
)


@given(st.lists(Step, max_size=60), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
def test_one_stream_whatever_is_switched(steps: list[tuple[str, int, int]], sequence: int, timestamp: int) -> None:
    """Numbers are never used twice, but for what a source itself doubles, and time never runs back at a switch."""
    out, wire = outgoing(sequence, timestamp)
    now, source, at = 0.0, 100, 1_000_000
    doubled = False
    for kind, one, two in steps:
        now += 0.02
        before, count = out.timestamp, len(wire)
        if kind == "switch":
            out.switch()
        elif kind == "play":
            out.play(bytes(160), now)
        elif kind == "event":
            out.event(bytes(4), now, first=bool(one))
        else:
            if kind == "jump":
                doubled = doubled or source - two & 0xFFFF <= 100
                source, at = two, one
            else:
                source, at = source + one & 0xFFFF, at + 160 * one & 0xFFFFFFFF
                doubled = doubled or one <= 0
            out.forward(bytes(160), at, source, False, now)
        if len(wire) > count and wire.fields()[-1][1]:
            assert (out.timestamp - before) & 0xFFFFFFFF < 0x80000000
    numbers = [number for _, _, number, *_ in wire.fields()]
    if not doubled:
        assert len(set(numbers)) == len(numbers)
    assert {ssrc for *_, ssrc in wire.fields()} <= {7}


def packet(sequence: int, timestamp: int, payload: bytes = b"x" * 160, kind: int = 0, ssrc: int = 1) -> bytes:
    return HEADER.pack(0x80, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def incoming() -> tuple[Incoming, list[bytes]]:
    made, heard = Incoming({0: PCMU}, 101), []

    def hear(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        heard.append(payload)

    made.on_audio = hear
    return made, heard


def test_losses_and_jitter_are_counted() -> None:
    into, heard = incoming()
    for n in range(100):
        if n % 10 != 5:
            into.receive(packet(65_500 + n, 160 * n), n * 0.02 + (0.01 if n % 2 else 0))
    assert (into.packets, into.expected, into.lost, len(heard)) == (90, 100, 10, 90)
    assert 5 < into.jitter_ms < 11
    assert into.fraction() == 0.1
    assert into.extended_highest == 65_599


@given(st.binary(max_size=64))
def test_nothing_malformed_gets_through(data: bytes) -> None:
    into, heard = incoming()
    into.receive(data, 0.0)
    assert sum(map(len, heard)) <= max(0, len(data) - 12)


def test_extensions_padding_and_sources_are_cut_off() -> None:
    into, heard = incoming()
    head = HEADER.pack(0x80 | 0x10 | 0x20 | 2, 0, 1, 2, 3) + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4)
    into.receive(head + b"voice" + b"\x00\x00\x03", 0.0)
    assert heard == [b"voice"]
    into.receive(HEADER.pack(0xA0, 0, 2, 3, 3) + b"\xff", 0.0)
    assert into.discarded == 1 and len(heard) == 1


def test_other_payload_types_are_left_out() -> None:
    into, heard = incoming()
    into.receive(packet(1, 0, kind=8), 0.0)
    into.receive(packet(1, 0, kind=13), 0.0)
    assert not heard and into.discarded == 2


def test_other_law_is_turned_into_the_agreed_one() -> None:
    """A party that changes from mu-law to A-law in the middle, as its answer allowed."""
    made, heard = Incoming({0: PCMU, 8: Codec("PCMA", 8)}, 101), []
    made.on_audio = lambda payload, timestamp, sequence, marker, now: heard.append(payload)
    silence = {0: b"\xff" * 160, 8: b"\xd5" * 160}
    for n, kind in enumerate((0, 0, 8, 8, 0)):
        made.receive(packet(n, 160 * n, silence[kind], kind), n * 0.02)
    # A-law's least is 8, mu-law's nearest to that 0xFE.
    assert [payload[0] for payload in heard] == [0xFF, 0xFF, 0xFE, 0xFE, 0xFF]
