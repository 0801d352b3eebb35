"""Where requests inside a dialog go, and when things are due."""

from __future__ import annotations

import pytest

from channels.voice.sip.clock import Clock
from channels.voice.sip.core import Core
from channels.voice.sip.dialog import destination_of
from channels.voice.sip.settings import Local, Settings
from channels.voice.sip.wire import Destination
from tests.unit.sip.pair import Pair

UDP = Destination("udp", "192.0.2.9", 5080, "socket")
TCP = Destination("tcp", "192.0.2.9", 40_000, "flow")
TLS = Destination("tls", "192.0.2.9", 40_001, "flow")


@pytest.mark.parametrize(
    ("uri", "seen", "expected"),
    [
        ("sip:a@192.0.2.7", UDP, Destination("udp", "192.0.2.7", 5060, "socket")),
        ("sip:a@192.0.2.7:5070", UDP, Destination("udp", "192.0.2.7", 5070, "socket")),
        ("sip:a@[2001:db8::1]:5070", UDP, Destination("udp", "2001:db8::1", 5070, "socket")),
        ("sip:a@proxy.test", UDP, Destination("udp", "proxy.test", 0, "socket")),
        ("sip:a@192.0.2.7;transport=tcp", UDP, Destination("tcp", "192.0.2.7", 5060)),
        ("sip:a@192.0.2.7;transport=TLS", UDP, Destination("tls", "192.0.2.7", 5061)),
        ("sips:a@192.0.2.7", UDP, Destination("tls", "192.0.2.7", 5061)),
        ("sips:a@192.0.2.7;transport=tcp", UDP, Destination("tls", "192.0.2.7", 5061)),
        ("sip:a@192.0.2.9;transport=udp", TCP, Destination("udp", "192.0.2.9", 5060)),
        # the connection is used again for the host at its end
        ("sip:a@192.0.2.9", TCP, Destination("tcp", "192.0.2.9", 5060, "flow")),
        ("sip:a@192.0.2.8", TCP, Destination("tcp", "192.0.2.8", 5060)),
        # what began over TLS stays there
        ("sip:a@192.0.2.9;transport=udp", TLS, Destination("tls", "192.0.2.9", 5061, "flow")),
        ("sip:a@192.0.2.8:5099", TLS, Destination("tls", "192.0.2.8", 5099)),
        ("tel:+4930123", TCP, TCP),
        ("mailto:a@x.test", UDP, UDP),
    ],
)
def test_destination_of(uri: str, seen: Destination, expected: Destination) -> None:
    assert destination_of(uri, seen) == expected


def test_our_address_fits_the_destination() -> None:
    locals_ = (
        Local("udp", "192.0.2.1", 5060),
        Local("udp", "2001:db8::1", 5062),
        Local("tls", "hub.test", 5061),
    )
    core = Core(Settings(locals=locals_), lambda size: "ab" * size, Pair().alice.agent)
    assert core.contact(Destination("udp", "2001:db8::9", 5060), "hub") == "<sip:hub@[2001:db8::1]:5062>"
    assert core.via(Destination("udp", "192.0.2.9", 5060)).startswith("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK")
    assert core.contact(Destination("tls", "192.0.2.9", 5061), "hub") == "<sip:hub@hub.test:5061;transport=tls>"


def test_clock() -> None:
    clock, ran = Clock(), list[str]()
    clock.tell(10.0)
    late = clock.after(5.0, lambda: ran.append("late"))
    clock.after(1.0, lambda: ran.append("first"))

    def second() -> None:
        ran.append("second")
        clock.after(0.0, lambda: ran.append("at once"))

    clock.after(1.0, second)
    assert clock.next_deadline() == 11.0
    clock.tell(11.0)
    clock.run()
    assert ran == ["first", "second", "at once"]
    clock.tell(3.0)
    assert clock.now == 11.0
    clock.cancel(late)
    clock.cancel(late)
    assert clock.next_deadline() is None and len(clock) == 0
    timers = [clock.after(float(n), lambda: None) for n in range(1_000)]
    for timer in timers[:-1]:
        clock.cancel(timer)
    assert len(clock) == 1 and len(clock._heap) <= 65
