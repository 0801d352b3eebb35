"""3xx to a call of ours: followed in the order of q, few times, and only where that is allowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.voice.dialling import may_follow
from channels.voice.settings import DialSettings
from channels.voice.sip.events import Answered, Rejected
from channels.voice.sip.message import Message, Request
from channels.voice.sip.redirection import MOST_DEPTH, MOST_TARGETS
from channels.voice.sip.settings import PeerOptions
from tests.unit.sip.network import ANSWER
from tests.unit.sip.pair import Pair
from tests.unit.sip.peer import Peer


def anywhere(uri: str) -> bool:
    return True


class Scene:
    """Alice calls `first`, which sends her on by what `contacts` gives for each INVITE; others answer by their user."""

    def __init__(self, contacts: Callable[[Request], list[str]], allowed: Callable[[str], bool] | None) -> None:
        self.pair = Pair(alice=PeerOptions(redirect=allowed))
        self.first, self.second = Peer(self.pair.net, "first"), Peer(self.pair.net, "second")
        self.contacts = contacts
        self.invites: list[Request] = []
        for peer in (self.first, self.second):
            peer.on_message = lambda message, peer=peer: self.act(peer, message)  # type: ignore[misc]
        self.call = self.pair.call(destinations=(self.first.destination,))
        self.pair.net.run(2.0)

    def act(self, peer: Peer, message: Message) -> None:
        if not isinstance(message, Request) or message.method == "ACK":
            return
        if message.method != "INVITE":
            peer.respond(message, 200)
            return
        self.invites.append(message)
        user = message.uri.partition(":")[2].partition("@")[0]
        if user == "good":
            peer.respond(message, 200, sdp=ANSWER)
        elif user.isdigit() and len(user) == 3:
            peer.respond(message, int(user))
        else:
            found = ", ".join(self.contacts(message))
            peer.respond(message, 302, contact=found or "<mailto:nobody@example.test>")

    @property
    def uris(self) -> list[str]:
        return [request.uri for request in self.invites[1:]]

    @property
    def rejected(self) -> Rejected:
        (final,) = self.pair.alice.finals(self.call)
        assert isinstance(final, Rejected)
        return final


def test_contacts_are_tried_by_their_q() -> None:
    host = "192.0.2.101"
    found = [f"<sip:486@{host}>;q=0.5", f"<sip:good@{host};user=phone>;q=0.2", f"<sip:503@{host}>", "<tel:+4930>"]
    scene = Scene(lambda invite: found, anywhere)
    assert scene.uris == [f"sip:503@{host}", f"sip:486@{host}", f"sip:good@{host};user=phone"]
    assert scene.pair.alice.of(Answered)
    numbers = [request.headers.get("CSeq") for request in scene.invites]
    assert len(set(numbers)) == 4 and len({request.headers.get("Call-ID") for request in scene.invites}) == 1
    scene.pair.alice.agent.hang_up(scene.call, scene.pair.net.now)
    scene.pair.net.run()
    assert scene.pair.alice.agent.idle


def test_the_other_server_may_be_named_by_a_name() -> None:
    scene = Scene(lambda invite: ["<sip:good@other.test>"], anywhere)
    assert scene.rejected.status == 503, "nobody knows that name"
    scene = Scene(lambda invite: [], anywhere)
    scene.pair.net.names = {"other.test": (scene.second.destination,)}
    scene.contacts = lambda invite: ["<sip:good@other.test>"]
    scene.pair.call(destinations=(scene.first.destination,))
    scene.pair.net.run(1.0)
    assert scene.second.requests("INVITE") and scene.pair.alice.of(Answered)


def test_a_peer_that_may_not_send_on_gets_nothing() -> None:
    scene = Scene(lambda invite: ["<sip:good@192.0.2.101>"], None)
    assert (scene.uris, scene.rejected.status) == ([], 302)


def test_a_place_that_is_not_allowed_is_named() -> None:
    scene = Scene(lambda invite: ["<sip:good@192.0.2.101>"], lambda uri: "192.0.2.101" not in uri)
    assert (scene.uris, scene.rejected.status) == ([], 302)
    assert "192.0.2.101" in scene.rejected.reason
    assert not scene.second.requests("INVITE")


def test_of_several_only_those_that_are_allowed_are_tried() -> None:
    found = ["<sip:good@192.0.2.66>;q=1", "<sip:good@192.0.2.101>;q=0.1"]
    scene = Scene(lambda invite: found, lambda uri: uri.endswith("@192.0.2.101"))
    assert scene.uris == ["sip:good@192.0.2.101"]
    assert scene.pair.alice.of(Answered)


def test_a_circle_ends() -> None:
    scene = Scene(lambda invite: ["<sip:around@192.0.2.100>", "<sip:again@192.0.2.101>"], anywhere)
    assert scene.uris == ["sip:around@192.0.2.100", "sip:again@192.0.2.101"]
    assert scene.rejected.status == 302


def test_a_chain_without_end_is_given_up() -> None:
    def further(invite: Request) -> list[str]:
        return [f"<sip:x{invite.uri.partition(':')[2].partition('@')[0]}@192.0.2.100>"]

    scene = Scene(further, anywhere)
    assert len(scene.uris) == MOST_DEPTH
    assert scene.rejected.status == 302


def test_a_crowd_of_contacts_is_bounded() -> None:
    scene = Scene(lambda invite: [f"<sip:486@192.0.2.101;n={number}>" for number in range(50)], anywhere)
    assert len(scene.uris) == MOST_TARGETS
    assert scene.rejected.status == 486


def test_a_refusal_for_good_ends_it() -> None:
    scene = Scene(lambda invite: ["<sip:603@192.0.2.101>", "<sip:good@192.0.2.101>"], anywhere)
    assert scene.uris == ["sip:603@192.0.2.101"]
    assert scene.rejected.status == 603


def test_what_began_by_tls_is_not_sent_on_without() -> None:
    """The keys of the audio stand in the INVITE."""
    pair = Pair(alice=PeerOptions(redirect=anywhere), transport="tls")
    first, second = Peer(pair.net, "first", transport="tls"), Peer(pair.net, "second", transport="tls")
    first.on_message = lambda message: (
        first.respond(message, 302, contact=f"<sip:good@{second.address[0]}:5060;transport=udp>")
        if isinstance(message, Request) and message.method == "INVITE"
        else None
    )
    pair.call(destinations=(first.destination,))
    pair.net.run(1.0)
    (invite,) = [carried for carried in pair.net.sent("alice", "INVITE") if carried.receiver == "second"]
    assert (invite.message.headers.get("Via") or "").startswith("SIP/2.0/TLS")


def test_nobody_is_called_when_the_caller_has_given_up() -> None:
    pair = Pair(alice=PeerOptions(redirect=anywhere))
    first, second = Peer(pair.net, "first"), Peer(pair.net, "second")
    first.on_message = lambda message: (
        first.respond(message, 180) if isinstance(message, Request) and message.method == "INVITE" else None
    )
    call = pair.call(destinations=(first.destination,))
    pair.net.run(1.0)
    pair.alice.agent.hang_up(call, pair.net.now)
    (invite,) = first.requests("INVITE")
    first.respond(invite, 302, contact=f"<sip:good@{second.address[0]}>")
    pair.net.run()
    assert not second.inbox
    assert pair.alice.agent.idle
    assert len(pair.alice.finals(call)) == 1


# --- toll fraud ------------------------------------------------------------------------------------------------------

PLACES = ("sip.acme.example", "198.51.100.0/28", "2001:db8::/64")
DIAL = DialSettings(("DE",))


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("sip:+49301234567@sip.acme.example", True),
        ("sip:+49301234567@SIP.ACME.EXAMPLE;transport=tcp", True),
        ("sip:+49301234567;npdi;rn=+4930@198.51.100.3:5070", True),
        ("sip:+49301234567@[2001:db8::7]", True),
        ("sip:03098765432@198.51.100.3", True),  # another number that an agent could have dialled
        ("sip:+49301234567@198.51.100.16", False),  # outside its network
        ("sip:+49301234567@acme.example", False),
        ("sip:+49301234567@sip.acme.example.attacker.example", False),
        ("sip:+499001234567@sip.acme.example", False),  # premium
        ("sip:+88161234567@sip.acme.example", False),  # satellite
        ("sip:+442071234567@sip.acme.example", False),  # a country that is not allowed
        ("sip:voicemail@sip.acme.example", False),
        ("sip:sip.acme.example", False),
        ("tel:+49301234567", False),
    ],
)
def test_a_call_is_sent_on_only_where_it_could_have_been_dialled(uri: str, allowed: bool) -> None:
    assert may_follow(uri, "+49301234567", PLACES, DIAL, "DE") is allowed
