"""Registrations both ways: ours at a trunk, and desk phones at our registrar."""

from __future__ import annotations

from typing import Any

import pytest

from channels.voice.sip.digest import hash_user
from channels.voice.sip.events import (
    Answered,
    Invited,
    PhoneDenied,
    PhoneGone,
    Registered,
    RegistrationFailed,
    Rejected,
    Unregistered,
)
from channels.voice.sip.message import Request, Response
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.settings import Account, PeerOptions, RegistrarSettings
from channels.voice.sip.wire import Destination
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, Wire, party

REALM = "hub.test"
PASSWORDS = {"agent1": "secret1", "agent2": "secret2"}
PHONES = RegistrarSettings(realm=REALM, min_expires=60, max_expires=600, contacts_a_user=3)


def lookup(username: str) -> dict[str, str] | None:
    password = PASSWORDS.get(username)
    if password is None:
        return None
    return {name: hash_user(name, username, REALM, password) for name in ("MD5", "SHA-256")}


def network(*, transport: Any = "udp", wire: Wire | None = None) -> tuple[Network, Node, Node]:
    """A registrar (the hub) and a phone."""
    net = Network(1, wire)
    hub = net.add("hub", transport=transport, lookup=lookup, registrar=PHONES)
    hub.authenticate = True
    return net, hub, net.add("phone", transport=transport)


def plan(hub: Node, user: str = "agent1", password: str | None = None, **more: Any) -> RegistrationPlan:
    return RegistrationPlan(
        f"sip:{user}@{REALM}",
        f"sip:{REALM}",
        more.pop("destinations", (hub.destination,)),
        Account(user, password or PASSWORDS[user], (REALM,)),
        contact_user=user,
        **more,
    )


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_phone_registers_stays_and_leaves(transport: str) -> None:
    net, hub, phone = network(transport=transport)
    phone.agent.register("line", plan(hub, expires=300), net.now)
    net.run(1)
    assert phone.seen == [Registered("line", 300, hub.destination)]
    (contact,) = hub.agent.phones("agent1")
    assert contact.destination.host == phone.address[0]
    net.run(3000)
    assert len(phone.of(Registered)) > 10
    assert hub.of(PhoneGone) == []
    assert len(hub.agent.phones("agent1")) == 1
    # Only the first was challenged: the nonce was used again until it was stale.
    assert len(net.sent("hub", 401)) <= 1 + 3000 // 250
    phone.agent.unregister("line", net.now)
    net.run(1)
    assert phone.of(Unregistered) == [Unregistered("line")]
    assert hub.agent.phones("agent1") == ()
    net.run()
    assert hub.agent.idle and phone.agent.idle
    assert hub.agent.next_deadline() is None and phone.agent.next_deadline() is None


def test_wrong_password_is_not_tried_for_ever() -> None:
    net, hub, phone = network()
    phone.agent.register("line", plan(hub, password="wrong"), net.now)
    net.run()
    (failed,) = phone.seen
    assert isinstance(failed, RegistrationFailed)
    assert (failed.status, failed.retry_s) == (401, None)
    assert len(net.sent("phone", "REGISTER")) == 2
    assert [event.user for event in hub.of(PhoneDenied) if isinstance(event, PhoneDenied)] == ["agent1"]


def test_another_users_address() -> None:
    net, hub, phone = network()
    theirs = RegistrationPlan(
        f"sip:agent2@{REALM}", f"sip:{REALM}", (hub.destination,), Account("agent1", PASSWORDS["agent1"])
    )
    phone.agent.register("line", theirs, net.now)
    net.run(5)
    assert len(net.sent("hub", 403)) == 1
    assert hub.agent.phones("agent2") == ()


def test_interval_too_brief() -> None:
    net, hub, phone = network()
    phone.agent.register("line", plan(hub, expires=30), net.now)
    net.run(1)
    assert len(net.sent("hub", 423)) == 1
    assert phone.seen == [Registered("line", 60, hub.destination)]


def test_silent_registrar_is_followed_by_the_next() -> None:
    net, hub, phone = network()
    dead = Destination("udp", "192.0.2.99", 5060)
    phone.agent.register("line", plan(hub, destinations=(dead, hub.destination)), net.now)
    net.run(10)
    assert phone.seen == [Registered("line", 600, hub.destination)]


def test_pauses_grow_while_nobody_answers() -> None:
    net, hub, phone = network()
    net.drop = lambda carried: True
    phone.agent.register("line", plan(hub), net.now)
    net.run(4 * 3600)
    pauses = [event.retry_s or 0 for event in phone.of(RegistrationFailed) if isinstance(event, RegistrationFailed)]
    assert pauses[0] <= 30 and max(pauses) > 900 and max(pauses) <= 1800
    assert 8 < len(pauses) < 40
    net.drop = lambda carried: False
    net.run(1900)
    assert phone.of(Registered)


def test_contact_expires() -> None:
    net, hub, phone = network()
    phone.agent.register("line", plan(hub, expires=60), net.now)
    net.run(1)
    net.drop = lambda carried: carried.sender == "phone"
    net.run(100)
    (gone,) = hub.of(PhoneGone)
    assert isinstance(gone, PhoneGone) and gone.why == "expired"
    assert hub.agent.phones("agent1") == ()


def test_closed_connection() -> None:
    net, hub, phone = network(transport="tls")
    net.flows = True
    phone.agent.register("line", plan(hub), net.now)
    net.run(1)
    (contact,) = hub.agent.phones("agent1")
    assert contact.destination.flow is not None
    hub.agent.lost(contact.destination.flow, net.now)
    net.settle()
    (gone,) = hub.of(PhoneGone)
    assert isinstance(gone, PhoneGone) and gone.why == "flow"


def test_several_phones_of_one_user() -> None:
    net, hub, first = network()
    others = [net.add(f"phone{n}") for n in range(3)]
    for phone in (first, *others):
        phone.agent.register("line", plan(hub), net.now)
        net.run(1)
    # The fourth pushed the first out.
    assert [contact.destination.host for contact in hub.agent.phones("agent1")] == [
        phone.address[0] for phone in reversed(others)
    ]


def test_call_to_a_phone_and_from_it() -> None:
    net, hub, phone = network()
    phone.agent.register("line", plan(hub), net.now)
    net.run(1)

    def ring(event: object) -> None:
        if isinstance(event, Invited):
            phone.agent.answer(event.call, ANSWER, net.now)

    phone.react = ring
    (contact,) = hub.agent.phones("agent1")
    call = hub.agent.invite(
        party("agent1", REALM),
        party("customer"),
        OFFER,
        (contact.destination,),
        net.now,
        request_uri=contact.uri,
        options=PeerOptions(follow=True),
    )
    net.run(1)
    assert hub.of(Answered) == [Answered(call, ANSWER)]

    hub.react = lambda event: hub.agent.answer(event.call, ANSWER, net.now) if isinstance(event, Invited) else None
    mine = phone.agent.invite(
        party("support", REALM),
        party("agent1", REALM),
        OFFER,
        (hub.destination,),
        net.now,
        options=PeerOptions(account=Account("agent1", PASSWORDS["agent1"])),
    )
    stranger = phone.agent.invite(party("support", REALM), party("agent1", REALM), OFFER, (hub.destination,), net.now)
    net.run(1)
    assert phone.of(Answered) == [Answered(mine, ANSWER)]
    assert [event.call for event in phone.of(Rejected) if isinstance(event, Rejected)] == [stranger]
    (invited,) = hub.of(Invited)
    assert isinstance(invited, Invited) and invited.user == "agent1"


def test_register_that_comes_late() -> None:
    """A delayed REGISTER must not undo a younger one of the same phone."""
    net, hub, phone = network()
    phone.agent.register("line", plan(hub), net.now)
    net.run(40)
    old = net.sent("phone", "REGISTER")[-1].message
    assert isinstance(old, Request)
    headers = old.headers.copy()
    headers.replace_first("Via", (headers.get("Via") or "").replace("branch=z9hG4bK", "branch=z9hG4bKx"))
    headers.set("Expires", "0")
    net.inject("phone", "hub", Request("REGISTER", old.uri, headers))
    net.run(1)
    assert len(hub.agent.phones("agent1")) == 1
    assert net.carried[-1].sender == "hub" and isinstance(net.carried[-1].message, Response)
    assert net.carried[-1].message.status == 401  # the nonce count was used already


def test_same_plan_again_changes_nothing() -> None:
    net, hub, phone = network()
    for _ in range(3):
        phone.agent.register("line", plan(hub), net.now)
        net.run(1)
    assert len(net.sent("phone", "REGISTER")) == 2  # one of them with credentials
    assert len(phone.of(Registered)) == 1


def test_other_plan_for_the_same_address_does_not_take_it_back() -> None:
    net, hub, phone = network()
    phone.agent.register("line", plan(hub), net.now)
    net.run(1)
    phone.agent.register("line", plan(hub, expires=120), net.now)
    net.run(400)
    assert hub.of(PhoneGone) == [] and phone.of(Unregistered) == []
    assert len(hub.agent.phones("agent1")) == 1
    phone.agent.register("line", plan(hub, user="agent2"), net.now)
    net.run(1)
    assert phone.of(Unregistered) == [Unregistered("line")]
    assert hub.agent.phones("agent1") == () and len(hub.agent.phones("agent2")) == 1


@pytest.mark.parametrize("seed", range(20))
def test_registered_again_at_once_after_leaving(seed: int) -> None:
    """What takes back must not come after what registers."""
    net, hub, phone = network(wire=Wire(loss=0.2, double=0.2, delay=(0.01, 1.5)))
    net.random.seed(seed)
    phone.agent.register("line", plan(hub), net.now)
    net.run(20)
    phone.agent.unregister("line", net.now)
    net.run(net.random.random())
    phone.agent.register("line", plan(hub), net.now)
    net.run(200)
    assert len(hub.agent.phones("agent1")) == 1
    phone.agent.unregister("line", net.now)
    net.run()
    assert phone.agent.next_deadline() is None and hub.agent.next_deadline() is None


def test_registrar_that_closes_every_connection() -> None:
    net, hub, phone = network(transport="tcp")
    net.flows = True
    phone.agent.register("line", plan(hub, expires=600), net.now)
    for _ in range(100):
        net.run(3)
        phone.agent.lost("hub-phone", net.now)
    assert 8 <= len(phone.of(Registered)) <= 11
    net.run(100)
    phone.agent.lost("hub-phone", net.now)
    count = len(phone.of(Registered))
    net.run(1)
    assert len(phone.of(Registered)) == count + 1
