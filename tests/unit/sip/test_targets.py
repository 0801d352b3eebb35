"""Names that stand for several servers, servers that failed, and requests that are too large for a datagram."""

from __future__ import annotations

import pytest

from channels.voice.sip.events import Answered, Confirmed, Ended, Offered, OptionsAnswered, Registered, Rejected
from channels.voice.sip.headers import Via
from channels.voice.sip.message import Message, Request, encode
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.settings import Account, PeerOptions
from channels.voice.sip.wire import Destination, LookUp
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, party
from tests.unit.sip.pair import Pair
from tests.unit.sip.peer import Peer

NAME = Destination("udp", "trunk.test", 0, peer="line")
DEAD = Destination("udp", "192.0.2.99", 5060)
LARGE = (("X-Long", "x" * 1_200),)


def called(pair: Pair, *destinations: Destination) -> str:
    return pair.call(destinations=destinations)


def asked(pair: Pair, method: str = "INVITE") -> list[str]:
    """Whom Alice sent it to, each once for every first copy."""
    found: list[str] = []
    for carried in pair.net.sent("alice", method):
        if not found or found[-1] != carried.receiver:
            found.append(carried.receiver)
    return found


# --- names -----------------------------------------------------------------------------------------------------------


def test_every_address_of_a_name_is_tried_and_then_the_next_name() -> None:
    pair = Pair()
    pair.net.names = {
        "trunk.test": (DEAD, Destination("udp", "192.0.2.98", 5060)),
        "other.test": (pair.bob.destination,),
    }
    called(pair, NAME, Destination("udp", "other.test", 0, peer="line"))
    pair.net.run(9.0)
    assert asked(pair)[-1] == "bob"
    assert pair.alice.of(Answered)
    assert {carried.at for carried in pair.net.sent("alice", "INVITE") if carried.receiver == "bob"} == {8.0}


def test_a_name_without_an_address_is_passed_over() -> None:
    pair = Pair()
    called(pair, NAME, pair.bob.destination)
    assert pair.net.now == 0.0
    assert asked(pair) == ["bob"]


def test_nothing_behind_any_name_is_a_call_that_cannot_be_made() -> None:
    pair = Pair()
    call = called(pair, NAME)
    (final,) = pair.alice.finals(call)
    assert isinstance(final, Rejected) and final.status == 503
    assert pair.alice.agent.idle


def test_names_that_lead_nowhere_leave_the_answer_that_was_heard() -> None:
    pair = Pair()
    peer = Peer(pair.net)
    peer.on_message = lambda message: _respond(peer, message, 503)
    call = called(pair, peer.destination, NAME)
    pair.net.run(1.0)
    (final,) = pair.alice.finals(call)
    assert isinstance(final, Rejected) and (final.status, final.reason) == (503, "Service Unavailable")


def _respond(peer: Peer, message: Message, status: int) -> None:
    if isinstance(message, Request) and message.method != "ACK":
        peer.respond(message, status)


def alone() -> Node:
    """An agent whose look-ups nobody answers."""
    return Network().add("alice")


def test_a_look_up_that_nobody_answers_has_an_end() -> None:
    node = alone()
    call = node.agent.invite(party("bob"), party("alice"), OFFER, (NAME,), 0.0)
    assert node.agent.drain() == [LookUp(NAME)]
    assert not node.agent.idle
    while (deadline := node.agent.next_deadline()) is not None:
        node.agent.tick(deadline)
    (final,) = node.agent.drain()
    assert isinstance(final, Rejected) and (final.call, final.status) == (call, 503)
    assert node.agent.idle


def test_a_call_that_is_given_up_while_its_name_is_looked_up_is_never_made() -> None:
    node = alone()
    call = node.agent.invite(party("bob"), party("alice"), OFFER, (NAME,), 0.0)
    node.agent.drain()
    node.agent.hang_up(call, 1.0)
    node.agent.located(NAME, [DEAD], 2.0)
    (final,) = node.agent.drain()
    assert isinstance(final, Ended) and final.cause == "cancelled"
    assert node.agent.idle


def test_several_calls_wait_for_one_look_up() -> None:
    pair = Pair()
    agent = pair.alice.agent
    for _ in range(3):
        agent.invite(party("bob"), party("alice"), OFFER, (NAME,), 0.0)
    assert agent.drain() == [LookUp(NAME)]
    agent.located(NAME, [pair.bob.destination], 0.0)
    pair.net.run(1.0)
    assert len(pair.alice.of(Answered)) == 3


def test_what_cannot_be_sent_is_told_before_the_name_is_known() -> None:
    node = alone()
    with pytest.raises(ValueError, match="line"):
        node.agent.invite(party("bob"), party("alice"), OFFER, (NAME,), 0.0, headers=(("Subject", "a\r\nX: b"),))
    assert node.agent.idle


def test_registrations_and_options_go_by_names_too() -> None:
    net = Network()
    alice, peer = net.add("alice"), Peer(net)
    net.names = {"trunk.test": (DEAD, peer.destination)}
    peer.on_message = lambda message: _respond(peer, message, 200)
    plan = RegistrationPlan("sip:hub@trunk.test", "sip:trunk.test", (NAME,))
    alice.agent.register("line", plan, 0.0)
    alice.agent.options(NAME, 0.0, silence_s=4.0, patience_s=10.0)
    net.run(6.0)
    (registered,) = alice.of(Registered)
    assert isinstance(registered, Registered) and registered.destination == peer.destination
    assert alice.of(OptionsAnswered) == [OptionsAnswered(NAME, 200, peer.destination)]


# --- servers that failed ---------------------------------------------------------------------------------------------


def test_a_server_that_failed_is_tried_last_for_a_while() -> None:
    pair = Pair()
    for at, order in ((0.0, ["?", "bob"]), (6.0, ["bob"]), (40.0, ["?", "bob"])):
        pair.net.run(at - pair.net.now)
        pair.net.carried.clear()
        called(pair, DEAD, pair.bob.destination)
        pair.net.run(5.0)
        assert asked(pair) == order, at


def test_a_server_that_asks_to_be_left_alone_is() -> None:
    pair = Pair()
    peer = Peer(pair.net)

    def refuse(message: Message) -> None:
        if isinstance(message, Request) and message.method != "ACK":
            peer.respond(message, 503, headers=(("Retry-After", "20"),))

    peer.on_message = refuse
    for at, order in ((0.0, ["peer", "bob"]), (10.0, ["bob"]), (25.0, ["peer", "bob"])):
        pair.net.run(at - pair.net.now)
        pair.net.carried.clear()
        called(pair, peer.destination, pair.bob.destination)
        pair.net.run(1.0)
        assert asked(pair) == order, at


def test_who_answers_again_is_first_again() -> None:
    pair = Pair()
    dead = True
    pair.net.drop = lambda carried: dead and carried.receiver == "bob"
    peer = Peer(pair.net)
    peer.on_message = lambda message: _respond(peer, message, 404)
    called(pair, pair.bob.destination, peer.destination)
    pair.net.run(5.0)
    assert asked(pair) == ["bob", "peer"]
    dead = False
    pair.alice.agent.options(pair.bob.destination, pair.net.now)
    pair.net.run(1.0)
    pair.net.carried.clear()
    called(pair, pair.bob.destination, peer.destination)
    pair.net.run(1.0)
    assert asked(pair) == ["bob"]


# --- size ------------------------------------------------------------------------------------------------------------


def transports(net: Network, method: str) -> list[str]:
    found = []
    for carried in net.sent("alice", method):
        via = Via.parse(carried.message.headers.get("Via") or "")
        found.append(via.transport.lower())
    return found


def test_a_request_too_large_for_a_datagram_goes_by_tcp() -> None:
    pair = Pair(also=("tcp",))
    peer = Peer(pair.net)

    def answer(message: Message) -> None:
        if isinstance(message, Request) and message.method != "ACK":
            peer.respond(message, 200, sdp=ANSWER if message.method == "INVITE" else None)

    peer.on_message = answer
    call = pair.call(destinations=(peer.destination,), headers=LARGE)
    pair.net.run(1.0)
    (invite,) = pair.net.sent("alice", "INVITE")
    assert len(encode(invite.message)) > 1_300
    assert transports(pair.net, "INVITE") == ["tcp"]
    contact = invite.message.headers.get("Contact") or ""
    assert "transport" not in contact, "small requests of the peer come by UDP, as ever"
    assert pair.alice.of(Answered)
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run()
    # What is small goes as it would have gone.
    assert transports(pair.net, "ACK") == transports(pair.net, "BYE") == ["udp"]
    assert pair.alice.agent.idle


def test_a_request_that_fits_stays_with_udp() -> None:
    pair = Pair(also=("tcp",))
    pair.call(headers=(("X-Long", "x" * 200),))
    pair.net.run(1.0)
    (invite,) = pair.net.sent("alice", "INVITE")
    assert 700 < len(encode(invite.message)) <= 1_300
    assert transports(pair.net, "INVITE") == ["udp"]


def test_without_tcp_of_ours_it_goes_by_udp() -> None:
    pair = Pair()
    pair.call(headers=LARGE)
    pair.net.run(1.0)
    assert transports(pair.net, "INVITE") == ["udp"]
    assert pair.alice.of(Answered)


def test_who_refuses_tcp_gets_it_by_udp_and_is_not_asked_again() -> None:
    pair = Pair(also=("tcp",))
    pair.net.no_tcp.add("bob")
    for number in (1, 2):
        pair.net.carried.clear()
        pair.call(headers=LARGE)
        pair.net.run(1.0)
        assert transports(pair.net, "INVITE") == (["tcp", "udp"] if number == 1 else ["udp"])
        assert len(pair.alice.of(Answered)) == number
    assert not pair.alice.of(Rejected)


def test_a_large_call_is_cancelled_where_it_was_sent() -> None:
    pair = Pair(also=("tcp",), answers=False)
    call = pair.call(headers=LARGE)
    pair.net.run(1.0)
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run()
    assert transports(pair.net, "CANCEL") == ["tcp"]
    assert pair.idle


@pytest.mark.parametrize("refuses", [False, True])
def test_a_large_ack_finds_its_way(refuses: bool) -> None:
    """Our answer in the ACK (the other side offers) makes it large; when TCP is refused, the 2xx that comes again gets
    it by UDP."""
    pair = Pair(also=("tcp",))
    if refuses:
        pair.net.no_tcp.add("bob")
    answer = ANSWER + "".join(f"a=fmtp:0 {number:0>80}\r\n" for number in range(15))

    def take(event: object) -> None:
        if isinstance(event, Offered):
            pair.alice.agent.accept_offer(event.call, answer, pair.net.now)

    pair.alice.react = take
    call = pair.call(sdp=None)
    pair.net.run(3.0)
    found = transports(pair.net, "ACK")
    assert found[0] == "tcp"
    assert (found[-1] == "udp") is refuses
    assert pair.bob.of(Confirmed)
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run()
    assert pair.idle


def test_credentials_can_make_it_large() -> None:
    """The repetition with credentials is what no longer fits."""

    pair = Pair(also=("tcp",), alice=PeerOptions(account=Account("hub", "secret", ("trunk",))))
    peer = Peer(pair.net)

    def challenge(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE":
            if message.headers.get("Authorization") is None:
                ask = ("WWW-Authenticate", f'Digest realm="trunk", nonce="{"n" * 300}", qop="auth"')
                peer.respond(message, 401, headers=(ask,))
            else:
                peer.respond(message, 200, sdp=ANSWER)

    peer.on_message = challenge
    pair.call(destinations=(peer.destination,), headers=(("X-Long", "x" * 350),))
    pair.net.run(0.3)
    assert transports(pair.net, "INVITE") == ["udp", "tcp"]
    assert pair.alice.of(Answered)
