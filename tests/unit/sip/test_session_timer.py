"""Session timers (RFC 4028): what is agreed, who refreshes, and what ends when nobody does."""

from __future__ import annotations

from typing import Any

import pytest

from channels.voice.sip.events import Answered, Ended, Invited
from channels.voice.sip.headers import Headers
from channels.voice.sip.message import Request
from channels.voice.sip.session_timer import Terms, TooBrief, agreed, answer, ask
from channels.voice.sip.settings import PeerOptions
from tests.unit.sip.network import ANSWER, OFFER
from tests.unit.sip.pair import Pair, bobs
from tests.unit.sip.peer import Peer
from tests.unit.sip.scripted import calling_peer, tag_of

TIMER = ("Supported", "timer")


@pytest.mark.parametrize(
    ("fields", "ours", "refresher", "terms", "says"),
    [
        # the peer can; who refreshes is ours to say where it says nothing
        ([TIMER, ("Session-Expires", "1800")], 1800, None, Terms(1800, "remote"), "1800;refresher=uac"),
        ([TIMER, ("Session-Expires", "1800")], 1800, "local", Terms(1800, "local"), "1800;refresher=uas"),
        ([TIMER, ("Session-Expires", "1800;refresher=uas")], 1800, None, Terms(1800, "local"), "1800;refresher=uas"),
        ([TIMER, ("x", "1800;refresher=UAC")], 1800, "local", Terms(1800, "remote"), "1800;refresher=uac"),
        # shorter is agreed, not below the peer's least
        ([TIMER, ("Session-Expires", "3600")], 600, None, Terms(600, "remote"), "600;refresher=uac"),
        ([TIMER, ("Session-Expires", "3600"), ("Min-SE", "900")], 600, None, Terms(900, "remote"), None),
        # the peer cannot: we refresh
        ([], 1800, None, Terms(1800, "local"), "1800;refresher=uas"),
        ([("Session-Expires", "60")], 1800, None, Terms(60, "local"), None),  # never longer than asked for
        # nobody wants
        ([TIMER], 0, None, None, ""),
    ],
)
def test_terms_of_our_answer(
    fields: list[tuple[str, str]], ours: int, refresher: Any, terms: Terms | None, says: str | None
) -> None:
    found, answered = answer(Headers(fields), ours, 90, refresher)
    assert found == terms
    if says is not None:
        assert dict(answered).get("Session-Expires", "") == says
    assert ("Require", "timer") in answered or terms is None or terms.refresher == "local"


def test_terms_too_brief() -> None:
    with pytest.raises(TooBrief) as raised:
        answer(Headers([TIMER, ("Session-Expires", "60")]), 1800, 90, None)
    assert raised.value.least == 90


def test_terms_of_their_answer() -> None:
    assert agreed(Headers(), 1800) is None
    assert agreed(Headers([("Session-Expires", "600;refresher=uas")]), 1800) == Terms(600, "remote")
    assert agreed(Headers([("Session-Expires", "600")]), 1800) == Terms(600, "local")
    assert ask(0, 90, None) == ()
    assert ask(60, 120, "remote") == (("Session-Expires", "120;refresher=uas"), ("Min-SE", "120"))


@pytest.mark.parametrize("refresher", ["local", "remote"])
def test_call_lives_by_refreshes(refresher: Any) -> None:
    options = PeerOptions(session_s=600, refresher=refresher)
    pair = Pair(alice=options, bob=PeerOptions(session_s=600))
    call, _ = pair.talk()
    pair.net.run(7200)
    sender, other = ("alice", "bob") if refresher == "local" else ("bob", "alice")
    assert 20 <= len(pair.net.sent(sender, "UPDATE")) <= 25
    assert not pair.net.sent(other, "UPDATE")
    assert not pair.alice.finals(call)
    pair.net.drop = lambda carried: True
    pair.net.run(700)
    assert len(pair.alice.finals(call)) == 1 and len(pair.bob.finals(bobs(pair.bob))) == 1


def test_refresh_by_reinvite_without_update() -> None:
    def script(peer: Peer, invite: Request) -> None:
        peer.respond(invite, 200, sdp=ANSWER, headers=(("Session-Expires", "600;refresher=uac"), ("Require", "timer")))

    pair, peer, call = calling_peer(script)
    pair.net.run(1000)
    refreshes = peer.requests("INVITE")[1:]
    assert len(refreshes) == 3 and {refresh.body for refresh in refreshes} == {OFFER.encode()}
    assert all((invite.headers.get("Session-Expires") or "") == "600;refresher=uac" for invite in refreshes)
    assert not pair.alice.finals(call)


def test_refresh_finds_no_call() -> None:
    def script(peer: Peer, invite: Request) -> None:
        if tag_of(invite):
            peer.respond(invite, 481)
        else:
            peer.respond(invite, 200, sdp=ANSWER, headers=(("Session-Expires", "600;refresher=uac"),))

    pair, _, call = calling_peer(script)
    pair.net.run(400)
    assert pair.alice.finals(call) == [Ended(call, "gone", "remote")]


def test_session_expires() -> None:
    """The peer should refresh and does not: BYE before the time is up."""

    def script(peer: Peer, invite: Request) -> None:
        peer.respond(invite, 200, sdp=ANSWER, headers=(("Session-Expires", "600;refresher=uas"),))

    pair, peer, call = calling_peer(script)
    pair.net.run(566)
    assert not pair.alice.finals(call)
    pair.net.run(3)
    assert pair.alice.finals(call) == [Ended(call, "session_expired", "network")]
    assert len(peer.requests("BYE")) == 1


def test_peer_without_timer_is_asked_whether_it_lives() -> None:
    pair, peer, call = calling_peer(lambda peer, invite: peer.respond(invite, 200, sdp=ANSWER))
    pair.net.run(4000)
    assert len(peer.requests("OPTIONS")) == 4 and not pair.alice.finals(call)
    peer.on_message = lambda message: peer.respond(message, 481) if isinstance(message, Request) else None
    pair.net.run(1000)
    assert pair.alice.finals(call) == [Ended(call, "gone", "remote")]


def test_422_both_ways() -> None:
    pair = Pair()
    peer = Peer(pair.net)
    peer.request("INVITE", body=OFFER, headers=(("Supported", "timer"), ("Session-Expires", "60")))
    pair.net.run(0.1)
    (refusal,) = peer.responses("INVITE")
    assert (refusal.status, refusal.headers.get("Min-SE")) == (422, "90")
    assert not pair.alice.of(Invited)

    def script(peer: Peer, invite: Request) -> None:
        if invite.headers.get("Session-Expires") == "100":
            peer.respond(invite, 422, headers=(("Min-SE", "300"),))
        else:
            peer.respond(invite, 200, sdp=ANSWER)

    pair, peer, call = calling_peer(script, PeerOptions(session_s=100))
    assert pair.alice.of(Answered) == [Answered(call, ANSWER)]
    last = peer.requests("INVITE")[-1].headers
    assert (last.get("Session-Expires"), last.get("Min-SE")) == ("300", "300")
