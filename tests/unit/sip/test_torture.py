"""The torture messages and their mutations against a user agent that takes every call: nothing breaks or stays."""

from __future__ import annotations

from channels.voice.sip.events import Answered, Invited, Offered
from channels.voice.sip.message import BadMessage, parse
from channels.voice.sip.wire import Source
from tests.unit.sip.corpus import mutations, torture
from tests.unit.sip.network import ANSWER
from tests.unit.sip.pair import Pair

MANGLER = Source("udp", "198.51.100.7", 5060)


def deliver(pair: Pair, data: bytes) -> None:
    agent, now = pair.bob.agent, pair.net.now
    try:
        message = parse(data)
    except BadMessage as bad:
        agent.refuse(bad, MANGLER, now)
    else:
        agent.receive(message, MANGLER, now)
    pair.net.settle()


def test_torture_messages_and_then_a_call() -> None:
    pair = Pair(calls=200, transactions=400)
    for data in torture().values():
        deliver(pair, data)
    for number, data in enumerate(mutations(8_000, seed=5)):
        deliver(pair, data)
        if number % 50 == 0:
            pair.net.run(1.0)
    assert pair.bob.of(Invited)
    assert len(pair.bob.agent._core.transactions) <= 3 * 400
    pair.net.run()
    assert pair.bob.agent.idle and pair.bob.agent.next_deadline() is None
    for event in pair.bob.of(Invited):
        assert isinstance(event, Invited)
        assert len(pair.bob.finals(event.call)) == 1
    pair.bob.seen.clear()
    call, _ = pair.talk()
    assert pair.alice.of(Answered) == [Answered(call, ANSWER)]
    assert not pair.bob.of(Offered)
