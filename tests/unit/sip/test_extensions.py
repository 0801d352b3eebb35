"""Reliable provisional answers, UPDATE, routes and targets, transfers."""

from __future__ import annotations

import pytest

from channels.voice.sip.events import (
    Answered,
    Confirmed,
    Ended,
    Invited,
    OfferAnswered,
    Offered,
    OfferRefused,
    Progress,
    ReferProgress,
    Referred,
)
from channels.voice.sip.message import Message, Request
from channels.voice.sip.settings import PeerOptions
from tests.unit.sip.network import ANSWER, OFFER, party
from tests.unit.sip.pair import Pair, bobs
from tests.unit.sip.peer import Peer
from tests.unit.sip.scripted import answered_by_alice, called_by_peer, calling_peer, tag_of

TIMER = ("Supported", "timer")


# Reliable provisional answers (RFC 3262)


def test_early_media_is_acknowledged() -> None:
    pair = Pair(answers=False)
    call = pair.call()
    pair.net.run(0.1)
    other = bobs(pair.bob)
    pair.bob.agent.ring(other, pair.net.now, ANSWER)
    pair.bob.agent.answer(other, None, pair.net.now)  # waits for the PRACK
    pair.net.run(1)
    assert len(pair.net.sent("alice", "PRACK")) == 1
    assert pair.alice.seen == [Progress(call, 183, ANSWER), Answered(call, None)]
    assert pair.bob.of(Confirmed)


@pytest.mark.parametrize("lost", ["PRACK", "183"])
def test_reliable_answer_is_repeated(lost: str) -> None:
    pair = Pair(answers=False)
    pair.net.drop = lambda carried: lost in str(carried) and carried.at < 3
    call = pair.call()
    pair.net.run(0.1)
    pair.bob.agent.ring(bobs(pair.bob), pair.net.now, ANSWER)
    pair.net.run(6)
    assert pair.alice.of(Progress) == [Progress(call, 183, ANSWER)]
    assert len(pair.net.sent("bob", 183)) == 4 if lost == "183" else len(pair.net.sent("bob", 183)) >= 3
    count = len(pair.net.sent("bob", 183))
    pair.net.run(30)
    assert len(pair.net.sent("bob", 183)) == count


def test_nobody_acknowledges_the_early_answer() -> None:
    pair, peer, _ = called_by_peer(headers=(("Require", "100rel"),))
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now)
    pair.net.run(40)
    assert [response.status for response in peer.responses("INVITE")][-1] == 504
    assert pair.alice.finals(call) == [Ended(call, "timeout", "network")]


def test_prack_of_something_else() -> None:
    pair, peer, _ = called_by_peer(headers=(("Supported", "100rel"),))
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now, ANSWER)
    pair.net.run(0.1)
    ringing = peer.responses("INVITE")[0]
    number = int(ringing.headers.get("RSeq") or "0")
    tag = tag_of(ringing)
    peer.request("PRACK", number=2, to_tag=tag, headers=(("RAck", f"{number + 1} 1 INVITE"),))
    peer.request("PRACK", number=3, to_tag=tag, headers=(("RAck", f"{number} 1 INVITE"),))
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("PRACK")] == [481, 200]


def test_answer_in_the_prack() -> None:
    """An INVITE without SDP: our early answer offers, the PRACK answers."""
    pair, peer, _ = called_by_peer(headers=(("Supported", "100rel"),), body=None)
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now, OFFER)
    pair.net.run(0.1)
    ringing = peer.responses("INVITE")[0]
    rack = f"{ringing.headers.get('RSeq')} 1 INVITE"
    peer.request("PRACK", number=2, to_tag=tag_of(ringing), headers=(("RAck", rack),), body=ANSWER)
    pair.net.run(0.1)
    assert pair.alice.of(OfferAnswered) == [OfferAnswered(call, ANSWER)]
    pair.alice.agent.answer(call, None, pair.net.now)
    pair.net.run(0.1)
    assert peer.responses("INVITE")[-1].status == 200 and peer.responses("INVITE")[-1].body == b""


def test_offer_in_the_early_answer() -> None:
    """Our INVITE without SDP: the reliable answer offers, our PRACK answers."""

    def script(peer: Peer, invite: Request) -> None:
        peer.respond(invite, 183, sdp=OFFER, headers=(("Require", "100rel"), ("RSeq", "7")))

    _, peer, _ = calling_peer(script, sdp=None)
    (prack,) = peer.requests("PRACK")
    assert prack.body == ANSWER.encode() and (prack.headers.get("RAck") or "").startswith("7 ")


def test_early_answers_out_of_order() -> None:
    def script(peer: Peer, invite: Request) -> None:
        for number in (5, 7, 6, 6, 7):
            peer.respond(invite, 180, headers=(("Require", "100rel"), ("RSeq", str(number))))

    _, peer, _ = calling_peer(script)
    assert [(prack.headers.get("RAck") or "").partition(" ")[0] for prack in peer.requests("PRACK")] == ["5", "6", "7"]


# UPDATE (RFC 3311) and re-INVITE from the peer


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_offer_of_the_peer(method: str) -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request(method, number=2, to_tag=tag, body=OFFER)
    pair.net.run(0.1)
    assert pair.alice.of(Offered) == [Offered(call, OFFER)]
    peer.request("UPDATE", number=3, to_tag=tag, body=OFFER)  # another one meanwhile
    pair.net.run(0.1)
    assert peer.responses("UPDATE")[-1].status == 500
    assert peer.responses("UPDATE")[-1].headers.get("Retry-After") is not None
    pair.alice.agent.accept_offer(call, ANSWER, pair.net.now)
    pair.net.run(0.1)
    accepted = [response for response in peer.responses(method) if response.status == 200][-1]
    assert accepted.body == ANSWER.encode()
    peer.request(method, number=4, to_tag=tag, body=OFFER)
    pair.net.run(0.1)
    if method == "INVITE":  # not before the ACK of the last one
        assert peer.responses("INVITE")[-1].status == 500
        peer.request("ACK", number=2, to_tag=tag)
        peer.request(method, number=5, to_tag=tag, body=OFFER)
        pair.net.run(0.1)
    pair.alice.agent.refuse_offer(call, 488, pair.net.now)
    pair.net.run(0.1)
    assert peer.responses(method)[-1].status == 488
    assert not pair.alice.finals(call)


def test_update_without_sdp_is_answered_at_once() -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("UPDATE", number=2, to_tag=tag, headers=(("Session-Expires", "400;refresher=uac"), TIMER))
    pair.net.run(0.1)
    (response,) = peer.responses("UPDATE")
    assert (response.status, response.headers.get("Session-Expires")) == (200, "400;refresher=uac")
    assert not pair.alice.of(Offered)
    pair.net.run(400)
    assert pair.alice.finals(call) == [Ended(call, "session_expired", "network")]


def test_reinvite_without_sdp() -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("INVITE", number=2, to_tag=tag)
    pair.net.run(0.1)
    assert pair.alice.of(Offered) == [Offered(call, None)]
    pair.alice.agent.accept_offer(call, OFFER, pair.net.now)
    pair.net.run(0.1)
    assert peer.responses("INVITE")[-1].body == OFFER.encode()
    peer.request("ACK", number=2, to_tag=tag, body=ANSWER)
    pair.net.run(0.1)
    assert pair.alice.of(OfferAnswered) == [OfferAnswered(call, ANSWER)]


def test_answer_to_a_reinvite_is_never_acknowledged() -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("INVITE", number=2, to_tag=tag, body=OFFER)
    pair.net.run(0.1)
    pair.alice.agent.accept_offer(call, ANSWER, pair.net.now)
    pair.net.run(40)
    assert pair.alice.finals(call) == [Ended(call, "no_ack", "network")]
    assert len(peer.requests("BYE")) > 0


def test_reinvite_is_cancelled() -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("INVITE", number=2, to_tag=tag, body=OFFER, branch="z9hG4bKre")
    pair.net.run(0.1)
    peer.request("CANCEL", number=2, to_tag=tag, branch="z9hG4bKre")
    pair.net.run(0.1)
    assert peer.responses("CANCEL")[-1].status == 200 and peer.responses("INVITE")[-1].status == 487
    pair.alice.agent.accept_offer(call, ANSWER, pair.net.now)
    pair.net.run(60)
    assert not pair.alice.finals(call)


def test_our_offer_is_refused() -> None:
    pair, peer, call, _ = answered_by_alice()
    peer.on_message = lambda message: peer.respond(message, 488) if isinstance(message, Request) else None
    pair.alice.agent.reinvite(call, OFFER, pair.net.now)
    pair.net.run(0.1)
    assert pair.alice.of(OfferRefused) == [OfferRefused(call, 488)]
    assert not pair.alice.finals(call)


def test_request_that_comes_too_late() -> None:
    pair, peer, _, tag = answered_by_alice()
    peer.request("INFO", number=7, to_tag=tag)
    peer.request("INFO", number=6, to_tag=tag)
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("INFO")] == [200, 500]


# Routes and targets


def test_loose_routes_and_the_targets_change() -> None:
    def script(peer: Peer, invite: Request) -> None:
        routes = "<sip:192.0.2.100;lr>, <sip:192.0.2.100:5060;lr;r2=on>"
        contact = "<sip:moved@192.0.2.77:5080>" if tag_of(invite) else "<sip:there@192.0.2.66:5070>"
        peer.respond(invite, 200, sdp=ANSWER, headers=(("Record-Route", routes),), contact=contact)

    pair, peer, call = calling_peer(script)
    (ack,) = peer.requests("ACK")
    assert ack.uri == "sip:there@192.0.2.66:5070"
    assert ack.headers.all("Route") == ["<sip:192.0.2.100:5060;lr;r2=on>", "<sip:192.0.2.100;lr>"]
    pair.alice.agent.reinvite(call, OFFER, pair.net.now)
    pair.net.run(0.1)
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run(0.1)
    assert peer.requests("BYE")[0].uri == "sip:moved@192.0.2.77:5080"


def test_strict_route() -> None:
    def script(peer: Peer, invite: Request) -> None:
        peer.respond(
            invite,
            200,
            sdp=ANSWER,
            contact="<sip:there@192.0.2.66>",
            headers=(("Record-Route", "<sip:second@192.0.2.98;lr>, <sip:strict@192.0.2.100>"),),
        )

    _, peer, _ = calling_peer(script)
    (ack,) = peer.requests("ACK")
    assert ack.uri == "sip:strict@192.0.2.100"
    assert ack.headers.all("Route") == ["<sip:second@192.0.2.98;lr>", "<sip:there@192.0.2.66>"]


def test_route_of_a_call_that_came_in() -> None:
    pair, peer, call, _ = answered_by_alice(
        headers=(("Record-Route", "<sip:192.0.2.100;lr>, <sip:192.0.2.55;lr>"), ("Contact", "<sip:far@192.0.2.66>"))
    )
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run(0.1)
    (bye,) = peer.requests("BYE")
    assert bye.uri == "sip:far@192.0.2.66"
    assert bye.headers.all("Route") == ["<sip:192.0.2.100;lr>", "<sip:192.0.2.55;lr>"]


def test_peer_behind_nat() -> None:
    """With `follow` requests go to where the peer's messages come from."""
    pair, peer, call, _ = answered_by_alice(
        alice=PeerOptions(follow=True), headers=(("Contact", "<sip:phone@10.0.0.9:5062>"),)
    )
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run(0.1)
    assert [bye.uri for bye in peer.requests("BYE")] == ["sip:phone@10.0.0.9:5062"]


# Transfers


def test_transfer_is_refused_unless_allowed() -> None:
    pair, peer, _, tag = answered_by_alice()
    peer.request("REFER", number=2, to_tag=tag, headers=(("Refer-To", "<sip:other@example.test>"),))
    pair.net.run(0.1)
    assert peer.responses("REFER")[-1].status == 603 and not pair.alice.of(Referred)


def test_transfer_that_the_peer_asks_for() -> None:
    pair, peer, call, tag = answered_by_alice(alice=PeerOptions(refer=True))
    target = "<sip:other@example.test?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    peer.request("REFER", number=2, to_tag=tag, headers=(("Refer-To", target), ("Referred-By", "<sip:p@x.test>")))
    pair.net.run(0.1)
    assert peer.responses("REFER")[-1].status == 202
    assert pair.alice.of(Referred) == [
        Referred(call, "sip:other@example.test", "abc@x;to-tag=1;from-tag=2", "<sip:p@x.test>")
    ]
    pair.alice.agent.refer_progress(call, 180, pair.net.now)
    pair.alice.agent.refer_progress(call, 200, pair.net.now)
    pair.alice.agent.refer_progress(call, 486, pair.net.now)
    pair.net.run(0.1)
    told = [(n.body, (n.headers.get("Subscription-State") or "").partition(";")[0]) for n in peer.requests("NOTIFY")]
    assert told == [
        (b"SIP/2.0 100 Trying\r\n", "active"),
        (b"SIP/2.0 180 Ringing\r\n", "active"),
        (b"SIP/2.0 200 OK\r\n", "terminated"),
    ]


def test_transfer_that_we_ask_for() -> None:
    pair = Pair(bob=PeerOptions(refer=True))
    call, other = pair.talk()
    pair.alice.agent.refer(call, "sip:third@example.test", pair.net.now, replaces="a@b;to-tag=1;from-tag=2")
    pair.net.run(1)
    (referred,) = pair.bob.of(Referred)
    assert isinstance(referred, Referred) and referred.replaces == "a@b;to-tag=1;from-tag=2"
    pair.bob.agent.refer_progress(other, 200, pair.net.now)
    pair.net.run(1)
    assert pair.alice.of(ReferProgress) == [ReferProgress(call, 100), ReferProgress(call, 200)]


def test_call_takes_the_place_of_another() -> None:
    pair = Pair(bob=PeerOptions(replaces=True))
    call, other = pair.talk()
    replaces = pair.bob.agent.replaces_of(other)
    assert replaces is not None
    carol = pair.net.add("carol")
    local = replaces.replace("to-tag", "x-tag").replace("from-tag", "to-tag").replace("x-tag", "from-tag")
    new = carol.agent.invite(
        party("bob"), party("carol"), OFFER, (pair.bob.destination,), pair.net.now, headers=(("Replaces", local),)
    )
    pair.net.run(1)
    assert carol.of(Answered) == [Answered(new, ANSWER)]
    assert pair.bob.finals(other) == [Ended(other, "replaced", "local")]
    assert pair.alice.finals(call) == [Ended(call, "bye", "remote")]
    invited = pair.bob.of(Invited)[-1]
    assert isinstance(invited, Invited) and invited.replaces == other
    stale = carol.agent.invite(
        party("bob"), party("carol"), OFFER, (pair.bob.destination,), pair.net.now, headers=(("Replaces", local),)
    )
    pair.net.run(1)
    (final,) = carol.finals(stale)
    assert getattr(final, "status", None) == 481


def test_invitation_that_expires() -> None:
    pair, peer, _ = called_by_peer(headers=(("Expires", "20"),))
    pair.net.run(21)
    assert peer.responses("INVITE")[0].status == 480
    (final,) = pair.alice.finals(bobs(pair.alice))
    assert isinstance(final, Ended) and final.cause == "unanswered"


@pytest.mark.parametrize("reliable", [True, False])
def test_ringing_is_told_every_minute(reliable: bool) -> None:
    pair = Pair(
        answers=False,
        alice=PeerOptions(reliable="required" if reliable else "no", ring_s=300),
        bob=PeerOptions(ring_s=300),
    )
    pair.call()
    pair.net.run(0.5)
    pair.bob.agent.ring(bobs(pair.bob), pair.net.now)
    pair.net.run(200)
    assert len(pair.net.sent("bob", 180)) == 4
    assert len(pair.net.sent("alice", "PRACK")) == (4 if reliable else 0)


def test_forks_without_end() -> None:
    def script(peer: Peer, invite: Request) -> None:
        for number in range(100):
            peer.respond(invite, 200, tag=f"fork{number}", sdp=ANSWER)

    pair, peer, call = calling_peer(script)
    assert len(pair.alice.of(Answered)) == 1
    assert len({bye.headers.get("To") for bye in peer.requests("BYE")}) == 16
    assert not pair.alice.finals(call)


def test_offer_in_the_prack() -> None:
    """A new offer where the first was answered already (RFC 3262 section 5)."""
    pair, peer, _ = called_by_peer(headers=(("Supported", "100rel"),))
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now, ANSWER)
    pair.net.run(0.1)
    ringing = peer.responses("INVITE")[0]
    rack = ("RAck", f"{ringing.headers.get('RSeq')} 1 INVITE")
    peer.request("PRACK", number=2, to_tag=tag_of(ringing), headers=(rack,), body=OFFER)
    pair.net.run(0.1)
    assert pair.alice.of(Offered) == [Offered(call, OFFER)]
    pair.alice.agent.accept_offer(call, ANSWER, pair.net.now)
    pair.net.run(0.1)
    assert [(r.status, r.body) for r in peer.responses("PRACK")] == [(200, ANSWER.encode())]


def test_update_before_the_answer() -> None:
    pair, peer, _ = called_by_peer(headers=(("Supported", "100rel"),))
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now, ANSWER)
    pair.net.run(0.1)
    ringing = peer.responses("INVITE")[0]
    tag = tag_of(ringing)
    peer.request("UPDATE", number=2, to_tag=tag, body=OFFER)  # too early: nothing is agreed yet
    peer.request("PRACK", number=3, to_tag=tag, headers=(("RAck", f"{ringing.headers.get('RSeq')} 1 INVITE"),))
    peer.request("UPDATE", number=4, to_tag=tag, body=OFFER)
    pair.net.run(0.1)
    pair.alice.agent.accept_offer(call, ANSWER, pair.net.now)
    pair.alice.agent.answer(call, None, pair.net.now)
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("UPDATE")] == [500, 200]
    assert peer.responses("INVITE")[-1].status == 200


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        ((("Content-Type", "text/html"),), "<p>", 415),
        ((TIMER, ("Session-Expires", "60")), OFFER, 422),
    ],
)
def test_offer_that_cannot_be_taken(fields: tuple[tuple[str, str], ...], body: str, status: int) -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("INVITE", number=2, to_tag=tag, body=body, headers=fields)
    pair.net.run(0.1)
    assert peer.responses("INVITE")[-1].status == status
    assert not pair.alice.of(Offered) and not pair.alice.finals(call)


def test_our_refresh_is_too_brief() -> None:
    pair, peer, call, _ = answered_by_alice(headers=(("Allow", "INVITE, UPDATE"),))
    brief = ("Min-SE", "2400")

    def act(message: Message) -> None:
        if isinstance(message, Request) and message.method == "UPDATE":
            long = (message.headers.get("Session-Expires") or "").startswith("2400")
            peer.respond(message, 200 if long else 422, headers=() if long else (brief,))

    peer.on_message = act
    pair.net.run(1000)
    assert [(u.headers.get("Session-Expires") or "").partition(";")[0] for u in peer.requests("UPDATE")] == [
        "1800",
        "2400",
    ]
    assert not pair.alice.finals(call)


def test_their_offer_is_not_wanted() -> None:
    """We asked for an offer; the 2xx that brings it must be acknowledged, then there is no session any more."""
    pair, peer, call, _ = answered_by_alice()
    peer.on_message = lambda message: (
        peer.respond(message, 200, sdp=OFFER)
        if isinstance(message, Request) and message.method in ("INVITE", "BYE")
        else None
    )
    pair.alice.agent.reinvite(call, None, pair.net.now)
    pair.net.run(0.1)
    assert pair.alice.of(Offered) == [Offered(call, OFFER)]
    pair.alice.agent.refuse_offer(call, 488, pair.net.now)
    pair.net.run(0.1)
    assert len(peer.requests("ACK")) == 1 and len(peer.requests("BYE")) == 1
    assert pair.alice.finals(call) == [Ended(call, "failed", "local")]


def test_transfers_one_at_a_time() -> None:
    pair, peer, call, tag = answered_by_alice(alice=PeerOptions(refer=True))
    to = ("Refer-To", "<sip:other@example.test>")
    for number, fields in enumerate([(("Refer-To", "<mailto:x@x.test>"),), (), (to,), (to,)], start=2):
        peer.request("REFER", number=number, to_tag=tag, headers=fields)
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("REFER")] == [400, 400, 202, 491]
    pair.alice.agent.refer(call, "sip:a@x.test", pair.net.now)
    pair.alice.agent.refer(call, "sip:b@x.test", pair.net.now)
    pair.net.run(0.1)
    assert len(peer.requests("REFER")) == 1
    peer.respond(peer.requests("REFER")[0], 603)
    peer.request("NOTIFY", number=8, to_tag=tag, headers=(("Event", "presence"),))
    pair.net.run(0.1)
    assert [event.status for event in pair.alice.of(ReferProgress) if isinstance(event, ReferProgress)] == [491, 603]
    assert peer.responses("NOTIFY")[-1].status == 489
    pair.net.run(130)  # nobody said what became of the peer's transfer
    assert b"504" in peer.requests("NOTIFY")[-1].body
    assert not pair.alice.finals(call)
