"""Calls between two user agents over a wire: set up, changed, refused, taken back, ended."""

from __future__ import annotations

import pytest

from channels.voice.sip.events import Answered, Confirmed, Ended, Invited, OfferAnswered, Progress, Reason, Rejected
from tests.unit.sip.network import ANSWER, OFFER, Wire
from tests.unit.sip.pair import Pair, bobs


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_call_is_answered_and_ended(transport: str) -> None:
    pair = Pair(transport=transport)
    call, other = pair.talk()
    assert [type(event) for event in pair.alice.seen] == [Progress, Answered]
    assert pair.alice.of(Answered) == [Answered(call, ANSWER)]
    assert [type(event) for event in pair.bob.seen] == [Invited, Confirmed]
    pair.alice.agent.hang_up(call, pair.net.now, [Reason("Q.850", 16, "Normal call clearing")])
    pair.net.run(1)
    assert pair.alice.finals(call) == [Ended(call, "bye", "local")]
    assert pair.bob.finals(other) == [Ended(other, "bye", "remote", (Reason("Q.850", 16, "Normal call clearing"),))]
    pair.net.run()
    assert pair.idle, pair.net.flow()


def test_called_side_hangs_up() -> None:
    pair = Pair()
    call, other = pair.talk()
    pair.bob.agent.hang_up(other, pair.net.now)
    pair.net.run()
    assert pair.alice.finals(call) == [Ended(call, "bye", "remote")]
    assert pair.bob.finals(other) == [Ended(other, "bye", "local")]
    assert pair.idle


def test_busy() -> None:
    pair = Pair(answers=False)
    call = pair.call()
    pair.net.run(1)
    pair.bob.agent.reject(bobs(pair.bob), 486, pair.net.now)
    pair.net.run()
    assert pair.alice.finals(call) == [Rejected(call, 486, "Busy Here")]
    assert len(pair.bob.finals(bobs(pair.bob))) == 1
    assert pair.idle


def test_caller_cancels() -> None:
    pair = Pair(answers=False)
    call = pair.call()
    pair.net.run(1)
    pair.bob.agent.ring(bobs(pair.bob), pair.net.now)
    pair.net.run(1)
    pair.alice.agent.hang_up(call, pair.net.now, [Reason("SIP", 200, "Call completed elsewhere")])
    pair.net.run()
    assert pair.alice.finals(call) == [Ended(call, "cancelled", "local")]
    other = bobs(pair.bob)
    assert pair.bob.finals(other) == [
        Ended(other, "cancelled", "remote", (Reason("SIP", 200, "Call completed elsewhere"),))
    ]
    assert len(pair.net.sent("bob", 487)) == 1
    assert pair.idle


def test_offer_inside_the_call() -> None:
    pair = Pair()
    call, other = pair.talk()
    pair.alice.agent.reinvite(call, OFFER.replace("4000", "4002"), pair.net.now)
    pair.net.run(1)
    assert pair.alice.of(OfferAnswered) == [OfferAnswered(call, ANSWER)]
    pair.bob.agent.reinvite(other, None, pair.net.now)
    pair.net.run(1)
    assert pair.bob.of(OfferAnswered) == []  # Alice's offer came in her 200, Bob's answer goes in his ACK
    pair.bob.agent.hang_up(other, pair.net.now)
    pair.net.run()
    assert pair.idle


def test_call_without_an_offer() -> None:
    pair = Pair()
    call = pair.call(sdp=None)
    pair.net.run(2)
    other = bobs(pair.bob)
    assert pair.alice.of(Answered) == [Answered(call, None)]
    assert pair.bob.of(Confirmed) == [Confirmed(other, ANSWER)]


@pytest.mark.parametrize("seed", range(30))
def test_lossy_wire(seed: int) -> None:
    pair = Pair(seed=seed, wire=Wire(loss=0.25, double=0.2, delay=(0.01, 0.6)))
    call = pair.call()
    pair.net.run(40)
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run()
    assert len(pair.alice.finals(call)) == 1
    for event in pair.bob.of(Invited):
        assert isinstance(event, Invited)
        assert len(pair.bob.finals(event.call)) == 1
    assert len(pair.bob.of(Invited)) <= 1
    assert pair.idle, pair.net.flow()
