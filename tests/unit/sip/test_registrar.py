"""The registrar against phones that do as they please: every rule of RFC 3261 section 10.3, and the bounds."""

from __future__ import annotations

import secrets

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.digest import DigestClient, hash_user
from channels.voice.sip.events import Event, PhoneGone, PhoneRegistered
from channels.voice.sip.headers import CSeq, Headers, NameAddr
from channels.voice.sip.message import Request, Response, parse
from channels.voice.sip.settings import Local, RegistrarSettings, Settings
from channels.voice.sip.wire import LookUp, Send, Source

REALM = "hub.test"
SETTINGS = RegistrarSettings(realm=REALM, min_expires=60, max_expires=600, expires=300, contacts_a_user=2, contacts=5)


class Desk:
    """A hub, and phones of users whose password is their name."""

    def __init__(self) -> None:
        settings = Settings(locals=(Local("udp", "192.0.2.1", 5060),), registrar=SETTINGS)
        self.agent = UserAgent(settings, secrets.token_hex, lookup=self.lookup)
        self.now = 0.0
        self.number = 0
        self.events: list[Event] = []
        self.clients: dict[str, DigestClient] = {}

    def lookup(self, user: str) -> dict[str, str] | None:
        return {"SHA-256": hash_user("SHA-256", user, REALM, user)} if user.startswith("user") else None

    def register(
        self,
        contact: str | None,
        *,
        user: str = "user1",
        aor: str | None = None,
        call_id: str = "phone-1",
        number: int | None = None,
        expires: int | None = None,
        source: Source | None = None,
    ) -> Response:
        """With credentials; the last response."""
        client = self.clients.setdefault(user, DigestClient(user, user, (REALM,), secrets.token_hex))
        fields = client.authorize("REGISTER", f"sip:{REALM}")
        response = self.send(contact, aor or user, call_id, number, expires, source, fields)
        if response.status == 401:
            fields = client.answer(response, 1, "REGISTER", f"sip:{REALM}")
            response = self.send(contact, aor or user, call_id, number, expires, source, fields)
        return response

    def send(
        self,
        contact: str | None,
        user: str,
        call_id: str,
        number: int | None,
        expires: int | None,
        source: Source | None,
        fields: list[tuple[str, str]],
    ) -> Response:
        self.number += 1
        headers = Headers([("Max-Forwards", "70")])
        headers.add("Via", f"SIP/2.0/UDP 192.0.2.5:5060;rport;branch=z9hG4bK{self.number}")
        headers.add("From", f"<sip:{user}@{REALM}>;tag=p{self.number}")
        headers.add("To", f"<sip:{user}@{REALM}>")
        headers.add("Call-ID", call_id)
        headers.add("CSeq", str(CSeq(number if number is not None else self.number, "REGISTER")))
        if contact is not None:
            headers.add("Contact", contact)
        if expires is not None:
            headers.add("Expires", str(expires))
        for name, value in fields:
            headers.add(name, value)
        request = Request("REGISTER", f"sip:{REALM}", headers)
        self.agent.receive(request, source or Source("udp", "192.0.2.5", 5060), self.now)
        return self.drain()

    def drain(self) -> Response:
        answers = []
        for output in self.agent.drain():
            if isinstance(output, Send):
                answers.append(parse(output.data))
            elif not isinstance(output, LookUp):
                self.events.append(output)
        (answer,) = answers
        assert isinstance(answer, Response)
        return answer

    def uris(self, user: str = "user1") -> list[str]:
        return [contact.uri for contact in self.agent.phones(user)]


def listed(response: Response) -> dict[str, str | None]:
    found = [NameAddr.parse(text) for text in response.headers.all("Contact")]
    return {contact.uri: contact.params.get("expires") for contact in found}


def test_contacts_are_added_listed_and_removed() -> None:
    desk = Desk()
    assert desk.register("<sip:a@192.0.2.5>;expires=120").status == 200
    desk.now = 20.0
    response = desk.register("<sip:b@192.0.2.5>", call_id="phone-2")
    assert listed(response) == {"sip:a@192.0.2.5": "100", "sip:b@192.0.2.5": "300"}
    assert listed(desk.register(None)) == {"sip:a@192.0.2.5": "100", "sip:b@192.0.2.5": "300"}
    assert listed(desk.register("<sip:a@192.0.2.5>;expires=0")) == {"sip:b@192.0.2.5": "300"}
    assert listed(desk.register("*", expires=0)) == {}
    kinds = [(type(event).__name__, getattr(event, "contact", "")[4:5]) for event in desk.events]
    assert kinds == [
        ("PhoneRegistered", "a"),
        ("PhoneRegistered", "b"),
        ("PhoneGone", "a"),
        ("PhoneGone", "b"),
    ]


def test_star_needs_to_mean_it() -> None:
    desk = Desk()
    desk.register("<sip:a@192.0.2.5>")
    assert desk.register("*").status == 400
    assert desk.register("*", expires=100).status == 400
    assert desk.register("*, <sip:a@192.0.2.5>", expires=0).status == 400
    assert desk.uris() == ["sip:a@192.0.2.5"]


def test_time_is_bounded() -> None:
    desk = Desk()
    assert listed(desk.register("<sip:a@192.0.2.5>;expires=99999999999")) == {"sip:a@192.0.2.5": "600"}
    response = desk.register("<sip:a@192.0.2.5>;expires=59")
    assert (response.status, response.headers.get("Min-Expires")) == (423, "60")
    assert listed(desk.register("<sip:a@192.0.2.5>", expires=100)) == {"sip:a@192.0.2.5": "100"}
    assert listed(desk.register("<sip:a@192.0.2.5>;expires=x")) == {"sip:a@192.0.2.5": "300"}


def test_nothing_is_changed_when_a_part_is_refused() -> None:
    desk = Desk()
    desk.register("<sip:a@192.0.2.5>")
    assert desk.register("<sip:b@192.0.2.5>, <sip:c@192.0.2.5>;expires=1").status == 423
    assert desk.register("<sip:b@192.0.2.5>, <mailto:x@x.test>").status == 400
    assert desk.register("<sip:b@192.0.2.5>, <tel:+4930>").status == 400
    assert desk.uris() == ["sip:a@192.0.2.5"]


def test_requests_that_come_late() -> None:
    desk = Desk()
    desk.register("<sip:a@192.0.2.5>", number=100)
    assert desk.register("<sip:a@192.0.2.5>;expires=0", number=50).status == 500
    assert desk.register("*", expires=0, number=60).status == 500
    assert desk.uris() == ["sip:a@192.0.2.5"]
    # A phone that was restarted counts anew, with another Call-ID.
    assert desk.register("<sip:a@192.0.2.5>;expires=0", number=1, call_id="restarted").status == 200
    assert desk.uris() == []


def test_phone_that_moves_is_one_contact() -> None:
    """By its instance id (RFC 5626) a phone is known with another address."""
    desk = Desk()
    mark = ';+sip.instance="<urn:uuid:1>";reg-id=1'
    desk.register(f"<sip:a@192.0.2.5>{mark}")
    desk.register(f"<sip:a@192.0.2.77>{mark}", call_id="phone-2", source=Source("udp", "192.0.2.77", 5060))
    (contact,) = desk.agent.phones("user1")
    assert (contact.uri, contact.destination.host) == ("sip:a@192.0.2.77", "192.0.2.77")


def test_oldest_contact_makes_room() -> None:
    desk = Desk()
    for name in "abc":
        desk.register(f"<sip:{name}@192.0.2.5>", call_id=name)
    assert desk.uris() == ["sip:c@192.0.2.5", "sip:b@192.0.2.5"]
    assert [event.contact for event in desk.events if isinstance(event, PhoneGone)] == ["sip:a@192.0.2.5"]


def test_all_contacts_are_bounded() -> None:
    desk = Desk()
    statuses = []
    for number in range(4):
        for name in "ab":
            statuses.append(desk.register(f"<sip:{name}@192.0.2.5>", user=f"user{number}").status)
    assert statuses == [200] * 5 + [503] * 3
    many = ", ".join(f"<sip:{number}@192.0.2.5>" for number in range(20))
    assert desk.register(many).status == 403


def test_strangers_and_other_peoples_addresses() -> None:
    desk = Desk()
    assert desk.register("<sip:a@192.0.2.5>", user="nobody").status == 401
    assert desk.register("<sip:a@192.0.2.5>", aor="user2").status == 403
    assert desk.uris() == desk.uris("user2") == []


def test_user_who_may_no_longer() -> None:
    desk = Desk()
    desk.register("<sip:a@192.0.2.5>")
    desk.register("<sip:b@192.0.2.5>")
    desk.agent.forget_phones("user1", desk.now)
    assert desk.uris() == [] and desk.agent.next_deadline() is not None
    desk.now = 1_000.0
    desk.agent.tick(desk.now)
    assert desk.agent.idle and desk.agent.next_deadline() is None


def test_call_goes_to_where_the_phone_is() -> None:
    """Its Contact names an address behind its router."""
    desk = Desk()
    desk.register("<sip:a@10.0.0.5:5062>", source=Source("tls", "198.51.100.9", 41_000, "flow-9"))
    (event,) = desk.events
    assert isinstance(event, PhoneRegistered)
    assert (event.destination.host, event.destination.port, event.destination.flow) == (
        "198.51.100.9",
        41_000,
        "flow-9",
    )
    desk.agent.lost("flow-8", desk.now)
    assert len(desk.uris()) == 1
    desk.agent.lost("flow-9", desk.now)
    assert desk.uris() == []
