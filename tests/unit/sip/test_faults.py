"""What goes wrong between two ends: one call, one final event at each, nothing stuck."""

from __future__ import annotations

import pytest

from channels.voice.sip.events import (
    Answered,
    Confirmed,
    Ended,
    Event,
    Invited,
    OfferAnswered,
    OptionsAnswered,
    Rejected,
)
from channels.voice.sip.message import Message, Request, Response
from channels.voice.sip.settings import Account, PeerOptions
from channels.voice.sip.wire import Destination
from tests.unit.sip.network import ANSWER, OFFER, Carried, Wire
from tests.unit.sip.pair import Pair, bobs
from tests.unit.sip.peer import Peer

DEAD = Destination("udp", "192.0.2.99", 5060)


def alone(pair: Pair, call: str) -> Event:
    """The one final event of the call, with nothing left of it anywhere."""
    pair.net.run()
    (final,) = pair.alice.finals(call)
    for event in pair.bob.of(Invited):
        assert isinstance(event, Invited)
        assert len(pair.bob.finals(event.call)) == 1, pair.net.flow()
    assert pair.idle, pair.net.flow()
    assert pair.alice.agent.next_deadline() is None and pair.bob.agent.next_deadline() is None
    return final


def times(sent: list[Carried]) -> list[float]:
    return [round(carried.at - sent[0].at, 2) for carried in sent]


def with_peer(answers: bool = True, **more: object) -> tuple[Pair, Peer]:
    pair = Pair(answers=answers, **more)  # type: ignore[arg-type]
    return pair, Peer(pair.net)


# Timers


def test_invite_into_silence() -> None:
    pair = Pair()
    call = pair.call(destinations=(DEAD,))
    assert alone(pair, call) == Rejected(call, 408, "No answer from the other side")
    assert times(pair.net.sent("alice", "INVITE")) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


def test_other_request_into_silence() -> None:
    pair = Pair()
    pair.alice.agent.options(DEAD, pair.net.now)
    pair.net.run()
    assert times(pair.net.sent("alice", "OPTIONS")) == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert [repr(event) for event in pair.alice.seen] == [repr(OptionsAnswered(DEAD, None))]


def test_nothing_is_repeated_over_tcp() -> None:
    pair = Pair(transport="tcp")
    call = pair.call(destinations=(Destination("tcp", "192.0.2.99", 5060),))
    assert alone(pair, call) == Rejected(call, 408, "No answer from the other side")
    assert len(pair.net.sent("alice", "INVITE")) == 1


def test_transport_fails() -> None:
    pair = Pair()
    call = pair.call(destinations=(DEAD,))
    pair.alice.agent.failed(DEAD, pair.net.now)
    assert alone(pair, call) == Rejected(call, 503, "The other side cannot be reached")


def test_ack_of_a_refusal_is_lost() -> None:
    pair = Pair(answers=False)
    pair.net.drop = lambda carried: isinstance(carried.message, Request) and carried.message.method == "ACK"
    call = pair.call()
    pair.net.run(1)
    pair.bob.agent.reject(bobs(pair.bob), 486, pair.net.now)
    assert isinstance(alone(pair, call), Rejected)
    assert times(pair.net.sent("bob", 486)) == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


# Answers


def test_ack_never_comes() -> None:
    pair = Pair()
    pair.net.drop = lambda carried: isinstance(carried.message, Request) and carried.message.method == "ACK"
    call = pair.call()
    assert alone(pair, call) == Ended(call, "bye", "remote")
    other = bobs(pair.bob)
    assert pair.bob.finals(other) == [Ended(other, "no_ack", "network")]
    answers = [carried for carried in pair.net.sent("bob", 200) if "INVITE" in str(carried)]
    assert times(answers) == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_first_answer_is_lost(transport: str) -> None:
    pair = Pair(transport=transport)
    lost: list[Carried] = []

    def drop(carried: Carried) -> bool:
        if isinstance(carried.message, Response) and carried.message.status == 200 and not lost:
            lost.append(carried)
            return True
        return False

    pair.net.drop = drop
    call, _ = pair.talk()
    assert pair.alice.of(Answered) and pair.bob.of(Confirmed)
    pair.alice.agent.hang_up(call, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "local")


def test_everything_is_doubled() -> None:
    pair = Pair(wire=Wire(double=1.0, delay=(0.0, 0.4)))
    call, other = pair.talk()
    assert len(pair.bob.of(Invited)) == 1 and len(pair.alice.of(Answered)) == 1 and len(pair.bob.of(Confirmed)) == 1
    pair.bob.agent.hang_up(other, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "remote")


def test_called_side_hangs_up_before_the_ack() -> None:
    """It may not say BYE before (RFC 3261 section 15)."""
    pair = Pair()
    pair.net.drop = lambda carried: (
        isinstance(carried.message, Request) and carried.message.method == "ACK" and carried.at < 3
    )
    call = pair.call()
    pair.net.run(1)
    other = bobs(pair.bob)
    pair.bob.agent.hang_up(other, pair.net.now)
    assert not pair.net.sent("bob", "BYE")
    assert alone(pair, call) == Ended(call, "bye", "remote")
    assert pair.bob.finals(other) == [Ended(other, "bye", "local")]


def test_forked_answers() -> None:
    pair, peer = with_peer()

    def fork(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE":
            for tag in ("one", "two", "three"):
                peer.respond(message, 180, tag=tag)
            for tag in ("two", "one"):
                peer.respond(message, 200, tag=tag, sdp=ANSWER)
        elif isinstance(message, Request) and message.method == "BYE":
            peer.respond(message, 200)

    peer.on_message = fork
    call = pair.call(destinations=(peer.destination,))
    pair.net.run(2)
    assert len(pair.alice.of(Answered)) == 1
    assert {(ack.headers.get("To") or "")[-3:] for ack in peer.requests("ACK")} == {"two", "one"}
    assert [(bye.headers.get("To") or "")[-3:] for bye in peer.requests("BYE")] == ["one"]
    invite = peer.requests("INVITE")[0]
    peer.respond(invite, 200, tag="two", sdp=ANSWER)  # its ACK got lost
    pair.net.run(1)
    assert len(peer.requests("ACK")) == 3 and len(peer.requests("BYE")) == 1
    pair.alice.agent.hang_up(call, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "local")
    assert len(peer.requests("BYE")) == 2


# CANCEL


def test_cancel_crosses_the_answer() -> None:
    pair = Pair(answers=False)
    call = pair.call()
    pair.net.run(1)
    pair.bob.agent.answer(bobs(pair.bob), ANSWER, pair.net.now)
    pair.alice.agent.hang_up(call, pair.net.now)
    assert alone(pair, call) == Ended(call, "cancelled", "local")
    other = bobs(pair.bob)
    assert pair.bob.finals(other) == [Ended(other, "bye", "remote")]
    assert len(pair.net.sent("alice", "CANCEL")) == 1
    assert len(pair.net.sent("alice", "ACK")) == 1 and len(pair.net.sent("alice", "BYE")) == 1
    assert not pair.net.sent("bob", 487)


def test_cancel_waits_for_a_first_sign() -> None:
    pair, peer = with_peer()
    call = pair.call(destinations=(peer.destination,))
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run(1)
    assert not peer.requests("CANCEL")
    peer.respond(peer.requests("INVITE")[0], 100, tag=None)
    pair.net.run(0.2)
    assert len(peer.requests("CANCEL")) == 1
    cancel, invite = peer.requests("CANCEL")[0], peer.requests("INVITE")[0]
    assert cancel.headers.get("Via") == invite.headers.get("Via") and cancel.uri == invite.uri
    assert alone(pair, call) == Ended(call, "cancelled", "local")


@pytest.mark.parametrize("seed", range(40))
def test_cancel_and_answer_at_any_time(seed: int) -> None:
    pair = Pair(seed=seed, answers=False, wire=Wire(loss=0.2, double=0.2, delay=(0.01, 1.0)))
    call = pair.call()
    pair.net.run(2)
    if pair.bob.of(Invited):
        pair.bob.agent.ring(bobs(pair.bob), pair.net.now)
    pair.net.run(pair.net.random.random())
    if pair.bob.of(Invited):
        pair.bob.agent.answer(bobs(pair.bob), ANSWER, pair.net.now)
    pair.net.run(pair.net.random.random())
    pair.alice.agent.hang_up(call, pair.net.now)
    assert isinstance(alone(pair, call), Ended | Rejected)


# Failover


def failing(status: int | None) -> tuple[Pair, Peer, str]:
    pair, peer = with_peer()

    def refuse(message: Message) -> None:
        if status is not None and isinstance(message, Request) and message.method == "INVITE":
            peer.respond(message, status)

    peer.on_message = refuse
    return pair, peer, pair.call(destinations=(peer.destination, pair.bob.destination))


@pytest.mark.parametrize("status", [503, None])
def test_next_destination_is_tried(status: int | None) -> None:
    pair, _, call = failing(status)
    pair.net.run(6)
    assert pair.alice.of(Answered) == [Answered(call, ANSWER)]
    pair.alice.agent.hang_up(call, pair.net.now)
    alone(pair, call)


def test_last_destination_is_full() -> None:
    pair, peer = with_peer()
    peer.on_message = lambda message: peer.respond(message, 503) if isinstance(message, Request) else None
    call = pair.call(destinations=(peer.destination,))
    assert alone(pair, call) == Rejected(call, 503, "Service Unavailable")


def test_other_refusals_are_final() -> None:
    pair, _, call = failing(486)
    assert alone(pair, call) == Rejected(call, 486, "Busy Here")
    assert not pair.bob.of(Invited)


def test_given_up_destination_answers_late() -> None:
    pair, peer, call = failing(None)
    pair.net.run(6)
    assert pair.alice.of(Answered)
    peer.respond(peer.requests("INVITE")[0], 180)
    pair.net.run(0.3)
    assert len(peer.requests("CANCEL")) == 1
    peer.respond(peer.requests("INVITE")[0], 200, sdp=ANSWER)
    pair.net.run(1)
    assert len(peer.requests("ACK")) == 1 and len(peer.requests("BYE")) >= 1
    assert len(pair.alice.of(Answered)) == 1 and not pair.alice.finals(call)
    pair.alice.agent.hang_up(call, pair.net.now)
    alone(pair, call)


# Challenges


def challenged(realm: str, realms: tuple[str, ...]) -> tuple[Pair, Peer, str]:
    pair, peer = with_peer(alice=PeerOptions(account=Account("trunk", "secret", realms)))

    def challenge(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE":
            nonce = len(peer.inbox)
            field = f'Digest realm="{realm}", nonce="n{nonce}", qop="auth", algorithm=SHA-256, stale=true'
            peer.respond(message, 407, headers=(("Proxy-Authenticate", field),))

    peer.on_message = challenge
    return pair, peer, pair.call(destinations=(peer.destination,))


def test_challenges_without_end() -> None:
    pair, peer, call = challenged("trunk.test", ("trunk.test",))
    final = alone(pair, call)
    assert isinstance(final, Rejected) and final.status == 407
    assert len({invite.headers.get("CSeq") for invite in peer.requests("INVITE")}) == 3


def test_foreign_realm_gets_no_answer() -> None:
    pair, peer, call = challenged("elsewhere.test", ("trunk.test",))
    final = alone(pair, call)
    assert isinstance(final, Rejected) and final.status == 407 and "elsewhere.test" in final.reason
    assert all("Proxy-Authorization" not in invite.headers for invite in peer.requests("INVITE"))


# Inside a call


def test_glare() -> None:
    pair = Pair()
    call, other = pair.talk()
    pair.alice.agent.reinvite(call, OFFER, pair.net.now)
    pair.bob.agent.reinvite(other, OFFER, pair.net.now)
    pair.net.run(10)
    assert pair.net.sent("alice", 491) and pair.net.sent("bob", 491)
    assert len(pair.alice.of(OfferAnswered)) == 1 and len(pair.bob.of(OfferAnswered)) == 1
    # The side that did not make the Call-ID came first.
    assert pair.net.sent("bob", "INVITE")[-1].at < pair.net.sent("alice", "INVITE")[-1].at
    pair.alice.agent.hang_up(call, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "local")


def test_glare_without_end() -> None:
    pair, peer = with_peer()

    def refuse(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE":
            again = "tag=peer" in (message.headers.get("To") or "")
            peer.respond(message, 491 if again else 200, sdp=None if again else ANSWER)

    peer.on_message = refuse
    call = pair.call(destinations=(peer.destination,))
    pair.net.run(1)
    pair.alice.agent.reinvite(call, OFFER, pair.net.now)
    pair.net.run(60)
    assert str(pair.alice.seen[-1]) == f"OfferRefused(call='{call}', status=491)"
    assert len({invite.headers.get("CSeq") for invite in peer.requests("INVITE")}) == 1 + 7


def test_bye_is_lost() -> None:
    pair = Pair()
    call, other = pair.talk()
    pair.net.drop = lambda carried: isinstance(carried.message, Request) and carried.message.method == "BYE"
    pair.alice.agent.hang_up(call, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "local")
    # Bob's refresh finds nobody.
    (final,) = pair.bob.finals(other)
    assert isinstance(final, Ended) and final.cause in ("gone", "session_expired")


def test_both_hang_up_at_once() -> None:
    pair = Pair()
    call, other = pair.talk()
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.bob.agent.hang_up(other, pair.net.now)
    assert alone(pair, call) == Ended(call, "bye", "local")


def test_peer_vanishes() -> None:
    pair = Pair()
    call, _ = pair.talk()
    pair.net.drop = lambda carried: True
    final = alone(pair, call)
    assert isinstance(final, Ended) and final.by == "network"
    assert 900 < pair.net.now < 2000


def test_nobody_answers_in_time() -> None:
    pair = Pair(answers=False, alice=PeerOptions(ring_s=30))
    call = pair.call()
    assert alone(pair, call) == Rejected(call, 408, "Nobody answered in time")


def test_called_side_never_says_anything() -> None:
    pair = Pair(answers=False, bob=PeerOptions(ring_s=20))
    call = pair.call()
    assert alone(pair, call) == Rejected(call, 480, "Nobody answered in time")
    other = bobs(pair.bob)
    assert pair.bob.finals(other) == [Ended(other, "unanswered", "local")]


def test_offer_that_nobody_answers() -> None:
    pair = Pair()
    call, _ = pair.talk()
    pair.bob.react = lambda event: None
    pair.alice.agent.reinvite(call, OFFER, pair.net.now)
    pair.net.run(20)
    assert pair.alice.seen[-1].__class__.__name__ == "OfferRefused"
    pair.alice.agent.hang_up(call, pair.net.now)
    alone(pair, call)


@pytest.mark.parametrize("seed", range(60))
def test_whole_life_over_a_bad_wire(seed: int) -> None:
    """Calls, offers from both sides, hold and hang-up at random times; a third of all messages lost or late."""
    pair = Pair(seed=seed, wire=Wire(loss=0.3, double=0.2, delay=(0.01, 2.0)))
    random, net = pair.net.random, pair.net
    call = pair.call(sdp=random.choice([OFFER, None]))
    for _ in range(6):
        net.run(random.uniform(0, 6))
        other = bobs(pair.bob) if pair.bob.of(Invited) else "none"
        match random.randrange(5):
            case 0:
                pair.alice.agent.reinvite(call, random.choice([OFFER, None]), net.now)
            case 1:
                pair.bob.agent.reinvite(other, random.choice([OFFER, None]), net.now)
            case 2:
                pair.alice.agent.info(call, "5", 100, net.now)
            case 3:
                pair.bob.agent.refer(other, "sip:elsewhere@example.test", net.now)
    net.run(random.uniform(0, 30))
    if pair.bob.of(Invited) and random.random() < 0.5:
        pair.bob.agent.hang_up(bobs(pair.bob), net.now)
        net.run(random.uniform(0, 10))
    pair.alice.agent.hang_up(call, net.now)
    alone(pair, call)


def test_calls_do_not_pile_up() -> None:
    pair = Pair()
    for _ in range(50):
        call, _ = pair.talk()
        pair.alice.agent.hang_up(call, pair.net.now)
        pair.net.run(1)
    assert pair.alice.agent.calls == pair.bob.agent.calls == 0
    pair.net.run()
    assert pair.idle
