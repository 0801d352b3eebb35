"""Requests outside calls, what callers assert, what is refused and with which status, and the bounds."""

from __future__ import annotations

from typing import Any

import pytest

from channels.voice.sip.digest import Credentials
from channels.voice.sip.events import Answered, Ended, InfoDigit, Invited, OptionsAnswered, Reason
from channels.voice.sip.headers import Headers
from channels.voice.sip.message import BadMessage, Message, Request, parse
from channels.voice.sip.settings import Account, PeerOptions
from channels.voice.sip.wire import Send, Source
from tests.unit.sip.network import ANSWER, OFFER, party
from tests.unit.sip.pair import Pair, bobs
from tests.unit.sip.peer import Peer
from tests.unit.sip.scripted import answered_by_alice, called_by_peer


def scene(**more: Any) -> tuple[Pair, Peer]:
    pair = Pair(**more)
    pair.alice.react = lambda event: None
    return pair, Peer(pair.net)


def test_options_both_ways() -> None:
    pair = Pair()
    pair.alice.agent.options(pair.bob.destination, pair.net.now)
    pair.net.run(1)
    assert pair.alice.seen == [OptionsAnswered(pair.bob.destination, 200, pair.bob.destination)]
    (answer,) = pair.net.sent("bob", 200)
    assert "INVITE" in (answer.message.headers.get("Allow") or "")
    assert answer.message.headers.get("Accept") == "application/sdp"
    pair.net.run()
    assert pair.idle


def test_options_with_little_patience() -> None:
    pair = Pair()
    pair.net.drop = lambda carried: True
    pair.alice.agent.options(pair.bob.destination, pair.net.now, patience_s=2.0)
    pair.net.run(2.1)
    assert pair.alice.seen == [OptionsAnswered(pair.bob.destination, None)]


@pytest.mark.parametrize(
    ("method", "more", "status", "field"),
    [
        ("INVITE", {"headers": (("Require", "100rel, teleport"),)}, 420, ("Unsupported", "teleport")),
        ("INVITE", {"uri": "http://example.test/"}, 416, None),
        (
            "INVITE",
            {"headers": (("Content-Type", "text/html"),), "body": "<p>"},
            415,
            ("Accept", "application/sdp"),
        ),
        ("INVITE", {"to_tag": "gone"}, 481, None),
        ("BYE", {"to_tag": "gone"}, 481, None),
        ("BYE", {}, 481, None),
        ("CANCEL", {}, 481, None),
        ("SUBSCRIBE", {}, 405, ("Allow", None)),
        ("REFER", {}, 405, ("Allow", None)),
        ("MESSAGE", {}, 405, ("Allow", None)),
        ("JUGGLE", {}, 501, ("Allow", None)),
        ("REGISTER", {}, 401, ("WWW-Authenticate", None)),
    ],
)
def test_refusals(method: str, more: dict[str, Any], status: int, field: tuple[str, str | None] | None) -> None:
    pair, peer = scene()
    peer.request(method, **more)
    pair.net.run(0.3)
    (response,) = peer.responses(method)
    assert response.status == status
    if field is not None:
        value = response.headers.get(field[0])
        assert value is not None and (field[1] is None or value == field[1])
    assert pair.alice.seen == []
    pair.net.run()
    assert pair.idle


def test_optional_body_is_passed_over() -> None:
    pair, peer = scene()
    peer.request(
        "INVITE",
        body="<p>",
        headers=(("Content-Type", "text/html"), ("Content-Disposition", "render; handling=optional")),
    )
    pair.net.run(0.1)
    (invited,) = pair.alice.seen
    assert isinstance(invited, Invited) and invited.sdp is None


def test_sdp_beside_isup() -> None:
    body = (
        f"--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n"
        "--b\r\nContent-Type: application/ISUP;version=itu-t92+\r\n\r\n\x01\x02\r\n--b--\r\n"
    )
    pair, peer = scene()
    peer.request("INVITE", body=body, headers=(("Content-Type", "multipart/mixed;boundary=b"),))
    pair.net.run(0.1)
    (invited,) = pair.alice.seen
    assert isinstance(invited, Invited) and invited.sdp == OFFER


def test_unreadable_request_is_answered() -> None:
    pair, peer = scene()
    data = (
        b"INVITE sip:hub@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bK1;rport\r\n"
        b"From: <sip:a@x.test>;tag=1\r\nTo: <sip:hub@x.test>\r\nCall-ID: 1\r\nCSeq: nine INVITE\r\n\r\n"
    )
    with pytest.raises(BadMessage) as raised:
        parse(data)
    pair.alice.agent.refuse(raised.value, Source("udp", *peer.address), 0.0)
    (sent,) = pair.alice.agent.drain()
    assert isinstance(sent, Send) and sent.data.startswith(b"SIP/2.0 400 Malformed CSeq\r\n")
    assert sent.destination.host == peer.address[0]
    assert pair.idle


# Who calls

IDENTITY = (
    ("P-Asserted-Identity", '"Ann" <sip:ann@trunk.test>, <tel:+4930123456>'),
    ("Diversion", "<sip:+4930999@trunk.test>;reason=no-answer, <sip:+4930888@trunk.test>;reason=user-busy"),
)


@pytest.mark.parametrize("trusted", [True, False])
def test_identity_is_believed_of_the_trusted_only(trusted: bool) -> None:
    pair, peer = scene()
    pair.alice.trusted = trusted
    peer.request("INVITE", body=OFFER, headers=IDENTITY)
    pair.net.run(0.1)
    (invited,) = pair.alice.seen
    assert isinstance(invited, Invited)
    if trusted:
        assert invited.asserted_identity is not None and invited.asserted_identity.uri == "tel:+4930123456"
    else:
        assert invited.asserted_identity is None and "P-Asserted-Identity" not in invited.headers
    assert [party.uri for party in invited.diversion] == ["sip:+4930999@trunk.test", "sip:+4930888@trunk.test"]


def test_history() -> None:
    pair, peer = scene()
    entries = (
        "<sip:first@x.test?Reason=SIP%3Bcause%3D486>;index=1",
        "<sip:second@x.test>;index=1.1",
        "<sip:hub@x.test>;index=1.1.1",
    )
    peer.request("INVITE", body=OFFER, headers=(("History-Info", ", ".join(entries)),))
    pair.net.run(0.1)
    (invited,) = pair.alice.seen
    assert isinstance(invited, Invited)
    assert [party.uri for party in invited.diversion] == ["sip:second@x.test", "sip:first@x.test"]


# Digits


@pytest.mark.parametrize(
    ("kind", "body", "event"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=250\r\n", ("5", 250)),
        ("application/dtmf-relay", "Signal = #\r\n", ("#", 160)),
        ("application/dtmf-relay", "Signal=11\nDuration=100", ("#", 100)),
        ("application/dtmf", "d", ("D", 160)),
        ("application/dtmf", "55", None),
        ("application/dtmf-relay", "Duration=100", None),
        ("application/xml", "<x/>", None),
    ],
)
def test_digits_by_info(kind: str, body: str, event: tuple[str, int] | None) -> None:
    pair, peer, call, tag = answered_by_alice()
    peer.request("INFO", number=2, to_tag=tag, body=body, headers=(("Content-Type", kind),))
    pair.net.run(0.1)
    assert pair.alice.of(InfoDigit) == ([] if event is None else [InfoDigit(call, *event)])
    assert peer.responses("INFO")[-1].status == (415 if event is None else 200)


def test_our_digits() -> None:
    pair = Pair()
    call, other = pair.talk()
    for digit in "1*#D":
        pair.alice.agent.info(call, digit, 120, pair.net.now)
    pair.net.run(1)
    assert pair.bob.of(InfoDigit) == [InfoDigit(other, digit, 120) for digit in "1*#D"]


# Reasons


def test_reasons_are_read() -> None:
    pair, peer, call, tag = answered_by_alice()
    fields = (("Reason", 'Q.850;cause=17;text="User, \\"busy\\"", SIP;cause=486, broken;cause=x'),)
    peer.request("BYE", number=2, to_tag=tag, headers=fields)
    pair.net.run(0.1)
    reasons = (Reason("Q.850", 17, 'User, "busy"'), Reason("SIP", 486))
    assert pair.alice.finals(call) == [Ended(call, "bye", "remote", reasons)]


def test_bye_before_the_answer() -> None:
    pair, peer, _ = called_by_peer()
    call = bobs(pair.alice)
    pair.alice.agent.ring(call, pair.net.now)
    pair.net.run(0.1)
    tag = (peer.responses("INVITE")[0].headers.get("To") or "").partition("tag=")[2]
    peer.request("BYE", number=2, to_tag=tag)
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("INVITE")] == [180, 487]
    assert pair.alice.finals(call) == [Ended(call, "bye", "remote")]


# Bounds


def test_merged_request() -> None:
    pair, peer = scene()
    peer.request("INVITE", body=OFFER, branch="z9hG4bKone")
    peer.request("INVITE", body=OFFER, branch="z9hG4bKtwo")
    pair.net.run(0.1)
    assert len(pair.alice.of(Invited)) == 1
    assert [response.status for response in peer.responses("INVITE")] == [482]


def test_options_that_only_change_their_branch() -> None:
    pair, peer = scene()
    for _ in range(3):
        peer.request("OPTIONS")
    pair.net.run(0.1)
    assert [response.status for response in peer.responses("OPTIONS")] == [200, 200, 200]


def test_request_of_an_old_sender() -> None:
    """A branch without the magic cookie: the transaction is known by everything else (RFC 2543)."""
    pair, peer = scene()
    for _ in range(3):
        peer.request("INVITE", body=OFFER, branch="1")
    pair.net.run(0.1)
    assert len(pair.alice.of(Invited)) == 1
    pair.alice.agent.reject(bobs(pair.alice), 486, pair.net.now)
    pair.net.run(0.1)
    tag = (peer.responses("INVITE")[-1].headers.get("To") or "").partition("tag=")[2]
    peer.request("ACK", to_tag=tag, branch="1")
    pair.net.run(0.1)
    count = len(pair.net.sent("alice", 486))
    pair.net.run()
    assert len(pair.net.sent("alice", 486)) == count
    assert pair.idle


def test_too_many_calls() -> None:
    pair, peer = scene(calls=3)
    for number in range(5):
        peer.request("INVITE", body=OFFER, call_id=f"call-{number}")
    pair.net.run(0.1)
    refused = peer.responses("INVITE")
    assert len(pair.alice.of(Invited)) == 3 and [response.status for response in refused] == [503, 503]
    assert refused[0].headers.get("Retry-After") == "10"


def test_too_many_requests_leave_calls_alone() -> None:
    pair, peer = scene(transactions=20)
    peer.request("INVITE", body=OFFER)
    pair.net.run(0.1)
    call = bobs(pair.alice)
    pair.alice.agent.answer(call, ANSWER, pair.net.now)
    pair.net.run(0.1)
    tag = (peer.responses("INVITE")[-1].headers.get("To") or "").partition("tag=")[2]
    peer.request("ACK", to_tag=tag)
    for number in range(100):
        peer.request("OPTIONS", call_id=f"flood-{number}")
    pair.net.run(0.1)
    statuses = [response.status for response in peer.responses("OPTIONS")]
    assert (statuses.count(200), statuses.count(503)) == (19, 81)
    peer.request("BYE", number=2, to_tag=tag)
    pair.net.run(0.1)
    assert peer.responses("BYE")[-1].status == 200
    pair.net.run(40)
    peer.request("OPTIONS", call_id="after")
    pair.net.run(0.1)
    assert peer.responses("OPTIONS")[-1].status == 200
    pair.net.run()
    assert pair.idle


def test_stray_responses_and_acks() -> None:
    pair, peer = scene()
    peer.request("ACK", to_tag="none")
    request = Request("INVITE", "sip:x@x.test", Headers())
    for name, value in (
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKguess"),
        ("From", "<sip:a@x.test>;tag=1"),
        ("To", "<sip:b@x.test>;tag=2"),
        ("Call-ID", "x"),
        ("CSeq", "1 INVITE"),
    ):
        request.headers.add(name, value)
    peer.respond(request, 200, sdp=ANSWER)
    pair.net.run()
    assert pair.alice.seen == [] and pair.net.sent("alice", "ACK") == [] and pair.idle


def test_options_of_a_peer_are_chosen_by_its_source() -> None:
    pair, peer = scene(alice=PeerOptions(contact_user="one"))
    pair.alice.agent._options_for = lambda source, request: PeerOptions(contact_user=f"at-{source.host[-3:]}")
    peer.request("INVITE", body=OFFER)
    pair.net.run(0.1)
    pair.alice.agent.ring(bobs(pair.alice), pair.net.now)
    pair.net.run(0.1)
    assert peer.responses("INVITE")[0].headers.get("Contact") == "<sip:at-100@192.0.2.1:5060>"


# Credentials


def test_call_over_a_trunk_that_asks_for_credentials() -> None:
    pair, peer = scene(alice=PeerOptions(account=Account("trunk", "secret", ("trunk.test",))))
    field = ("Proxy-Authenticate", 'Digest realm="trunk.test", nonce="n1", qop="auth", algorithm=SHA-256')

    def act(message: Message) -> None:
        if isinstance(message, Request) and message.method == "INVITE" and "Proxy-Authorization" not in message.headers:
            peer.respond(message, 407, headers=(field,))
        elif isinstance(message, Request) and message.method not in ("ACK", "CANCEL"):
            peer.respond(message, 200, sdp=ANSWER if message.method == "INVITE" else None)

    peer.on_message = act
    call = pair.call(destinations=(peer.destination,))
    pair.net.run(0.2)
    assert pair.alice.of(Answered) == [Answered(call, ANSWER)]
    invite, ack = peer.requests("INVITE")[-1], peer.requests("ACK")[-1]
    # The ACK of a 2xx brings the credentials of its INVITE; later requests bring theirs at once.
    assert ack.headers.get("Proxy-Authorization") == invite.headers.get("Proxy-Authorization")
    pair.alice.agent.hang_up(call, pair.net.now)
    pair.net.run(0.2)
    (bye,) = peer.requests("BYE")
    credentials = Credentials.parse(bye.headers.get("Proxy-Authorization") or "")
    assert (credentials.nc, credentials.nonce) == (2, "n1")


def test_what_cannot_be_sent_is_no_call() -> None:
    pair, peer = scene()
    with pytest.raises(ValueError, match="line end"):
        pair.call(destinations=(peer.destination,), headers=(("Subject", "a\r\nX: b"),))
    with pytest.raises(ValueError, match="destination"):
        pair.alice.agent.invite(party("bob"), party("alice"), OFFER, (), pair.net.now)
    assert pair.idle and pair.alice.agent.next_deadline() is None
