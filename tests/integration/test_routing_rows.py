"""Routing as administrators set it, over a real server: overflow, rules, groups, blocks, dry runs, checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.house import House, error_of, furnished


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        yield house


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def edit(house: House, **changes: Any) -> None:
    """The queue Support, with some fields changed."""
    row = house.call("GET", "/queues/support").json()
    answer = house.call("PUT", "/queues/support", json={**row, **changes})
    assert answer.status_code == 200, answer.text


def make(house: House, **wanted: Any) -> dict[str, Any]:
    answer = house.call("POST", "/contacts", json={"channel": "chat", "queue": "support", **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def contact(house: House, id: str) -> dict[str, Any]:
    found: dict[str, Any] = house.call("GET", f"/contacts/{id}").json()
    return found


def test_who_waited_too_long_overflows_and_keeps_his_age(house: House) -> None:
    house.serving.put("queue", "second", name="Second")
    overflow = [{"when": "wait", "to": "queue", "queue": "second", "after_s": 1}]
    edit(house, overflow=overflow)
    made = make(house, text="Where is my parcel?")
    until(lambda: contact(house, made["id"])["queue"]["id"] == "second")
    after = contact(house, made["id"])
    assert after["queued_at"] == made["queued_at"]
    kinds = [event["type"] for event in house.call("GET", f"/contacts/{made['id']}/events").json()["items"]]
    assert kinds.count("contact.queued") == 2


def test_nobody_there_and_the_customer_is_told(house: House) -> None:
    overflow = [{"when": "unstaffed", "to": "message", "text": {"en": "Nobody is here.", "de": "Niemand ist da."}}]
    edit(house, overflow=overflow)
    made = make(house, language="de")
    until(lambda: contact(house, made["id"])["phase"] == "closed")
    said = house.call("GET", f"/contacts/{made['id']}/messages").json()["items"]
    assert ("text", "Niemand ist da.") in [(line["kind"], line["text"]) for line in said]
    mail = make(house, channel="email", customer={"email": "m@x.example"})
    time.sleep(0.3)
    assert contact(house, mail["id"])["phase"] == "queued", "mail is never sent away"


def test_callback_takes_the_place_of_a_chat_whose_number_is_known(house: House) -> None:
    overflow = [{"when": "unstaffed", "to": "callback"}]
    edit(house, overflow=overflow)
    made = make(house, customer={"phone": "+493012345678"})
    until(lambda: contact(house, made["id"])["channel"] == "callback")
    after = contact(house, made["id"])
    assert (after["phase"], after["queued_at"]) == ("queued", made["queued_at"])


def test_a_queue_that_closes_sends_its_contacts_on(house: House) -> None:
    house.serving.put("calendar", "office", name="Office", week={})
    house.serving.put("queue", "night", name="Night")
    closed = [{"when": "closed", "to": "queue", "queue": "night"}]
    made = make(house)
    edit(house, hours="office", overflow=closed)
    until(lambda: contact(house, made["id"])["queue"]["id"] == "night")
    assert make(house)["queue"]["id"] == "night", "a new one goes there at once"


def test_rules_place_a_contact_and_the_explanation_says_so(house: House) -> None:
    house.serving.put("skill", "chinese", name="Chinese")
    rule = {
        "name": "Gold customers from China",
        "when": [{"fact": "customer.tier", "value": "gold"}, {"fact": "caller", "op": "starts", "value": "+86"}],
        "priority": 10,
        "skills": {"chinese": 2},
    }
    assert house.call("POST", "/rules", json=rule).status_code == 201
    made = make(house, channel="voice", caller="+8613800000000", customer={"name": "Li", "fields": {"tier": "gold"}})
    told = house.call("GET", f"/contacts/{made['id']}/routing").json()
    assert told["requirements"] == {"support": 1, "chinese": 2} and told["priority"] == 10
    assert [rule["name"] for rule in told["rules"]] == ["Gold customers from China"]
    assert told["position"] == 1
    lead = next(row for row in told["agents"] if row["agent"]["name"] == "The_supervisor")
    assert not lead["eligible"] and "skill_missing" in lead["reasons"]
    assert house.call("GET", f"/contacts/{make(house)['id']}/routing").json()["rules"] == []


def test_a_dry_run_stores_nothing(house: House) -> None:
    before = house.call("GET", "/contacts").json()["items"]
    told = house.call("POST", "/routing/dry-run", json={"channel": "chat", "site": "shop", "topic": "support"}).json()
    assert told["queue"] == "support" and told["requirements"] == {"support": 1}
    reasons = {row["agent"]["name"]: row["reasons"] for row in told["agents"]}
    assert reasons["The_supervisor"] == ["not_available"]
    assert "skill_missing" in reasons["The_agent"]
    assert house.call("GET", "/contacts").json()["items"] == before
    assert (
        house.call("POST", "/routing/dry-run", "agent", json={"channel": "chat", "queue": "support"}).status_code == 403
    )
    answer = house.call("POST", "/routing/dry-run", json={"channel": "chat", "site": "shop", "topic": "no-such"})
    assert answer.status_code == 422 and answer.json()["error"]["details"]["path"] == "topic"


def test_the_same_key_makes_one_contact(house: House) -> None:
    made = {make(house, client_id="order-4711-x")["id"] for _ in range(2)}
    assert len(made) == 1
    assert house.call("POST", "/contacts", "agent", json={"channel": "chat", "queue": "support"}).status_code == 403


def test_a_known_customer_is_left_as_he_is(house: House) -> None:
    """Or a contact made at the same moment as an edit would undo it."""
    made = make(house, customer={"name": "Mara", "email": "mara@x.example"}, page="https://shop.example/cart")
    assert made["page"]["url"] == "https://shop.example/cart"
    before = house.call("GET", f"/customers/{made['customer']['id']}").json()
    store = house.serving.application.store
    change = {"version": before["version"], "note": "Prefers calls"}
    assert house.call("PATCH", f"/customers/{before['id']}", json=change).status_code == 200
    make(house, customer={"id": before["id"], "name": "Somebody else"})
    (stored,) = house.serving.run(store.people.customers([before["id"]])).values()
    assert (stored.name, stored.note, stored.version) == ("Mara", "Prefers calls", before["version"] + 1)
    assert house.call(
        "POST", "/contacts", json={"channel": "chat", "queue": "support", "page": "javascript:x"}
    ).is_error


def test_a_change_of_channel_keeps_the_place(house: House) -> None:
    first, second = make(house), make(house)
    answer = house.call("POST", f"/contacts/{first['id']}/channel", json={"channel": "callback"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["channel"], answer.json()["queued_at"]) == ("callback", first["queued_at"])
    assert contact(house, second["id"])["channel"] == "chat"


def test_groups_and_reservations_decide_who_may_serve(house: House) -> None:
    supervisor, agent = house.users["supervisor"], house.users["agent"]
    made = house.call("POST", "/groups", json={"name": "Night shift", "agents": [agent.id]})
    assert made.status_code == 201, made.text
    edit(house, groups=[made.json()["id"]])
    told = house.call("POST", "/routing/dry-run", json={"channel": "chat", "queue": "support"}).json()
    reasons = {row["agent"]["id"]: row["reasons"] for row in told["agents"]}
    assert "not_in_queue" in reasons[supervisor.id] and "not_in_queue" not in reasons[agent.id]
    row = house.call("GET", f"/users/{agent.id}").json()
    house.serving.put("queue", "other", name="Other")
    assert house.call("PUT", f"/users/{agent.id}", json={**row, "reserved": ["other"]}).status_code == 200
    told = house.call("POST", "/routing/dry-run", json={"channel": "chat", "queue": "support"}).json()
    assert all("not_in_queue" in row["reasons"] for row in told["agents"])
    assert error_of(house.call("DELETE", "/queues/other")) == "config.in_use"


def test_mistakes_in_the_routing_are_refused_with_the_queues_name(house: House) -> None:
    to = {"when": "wait", "to": "queue", "after_s": 30}
    house.call("POST", "/queues", json={"name": "Billing", "overflow": [{**to, "queue": "support"}]})
    row = house.call("GET", "/queues/support").json()
    loop = house.call("PUT", "/queues/support", json={**row, "overflow": [{**to, "queue": "billing"}]})
    assert loop.status_code == 422 and "Support → Billing → Support" in loop.text
    other = {"when": "unstaffed", "to": "queue", "queue": "billing"}
    mixed = house.call("PUT", "/queues/support", json={**row, "overflow": [other]})
    assert mixed.status_code == 422 and "Support → Billing → Support" in mixed.text, "by other rules is a loop, too"
    never = {"name": "R", "priority": 1, "when": [{"fact": "topic", "value": "no-such-topic"}]}
    assert "can never be" in house.call("POST", "/rules", json=never).text
    both = {"name": "R", "priority": 1, "when": [{"fact": "language", "value": v} for v in ("en", "de")]}
    assert house.call("POST", "/rules", json=both).status_code == 422
    candidate = {"kind": "queue", "row": {"name": "Empty", "skills": {"support": 5}}}
    (found,) = house.call("POST", "/routing/check", json=candidate).json()["items"]
    assert (found["level"], found["code"]) == ("warning", "queue.nobody") and "Empty" in found["message"]


def test_the_blocked_are_not_served(house: House) -> None:
    block = {"name": "Threats", "what": "email", "value": "mean@x.example"}
    assert house.call("POST", "/blocks", json=block).status_code == 201
    body = {"channel": "chat", "queue": "support", "customer": {"email": "Mean@x.example"}}
    assert error_of(house.call("POST", "/contacts", json=body)) == "customer.blocked"


def test_the_owner_is_asked_first(house: House) -> None:
    made = make(house, customer={"name": "Mara", "email": "mara@x.example"})
    customer = house.call("GET", f"/customers/{made['customer']['id']}").json()
    change = {"version": customer["version"], "owner": house.users["supervisor"].id}
    assert house.call("PATCH", f"/customers/{customer['id']}", json=change).json()["owner"] == change["owner"]
    again = make(house, customer={"id": customer["id"]})
    held = house.serving.run(house.serving.application.hub.contacts.get(again["id"]))
    assert held.contact.preferred == change["owner"]


def test_only_who_takes_contacts_can_be_an_owner(house: House) -> None:
    made = make(house, customer={"name": "Iris", "email": "iris@x.example"})
    path = f"/customers/{made['customer']['id']}"
    new = {"username": "left", "name": "Has Left", "role": "agent", "password": "long enough"}
    left = house.call("POST", "/users", json=new).json()["id"]
    assert house.call("DELETE", f"/users/{left}").status_code == 204
    version = house.call("GET", path).json()["version"]
    for owner, status in ((left, 422), ("us_nobody", 404), (house.users["agent"].id, 200), (None, 200)):
        answer = house.call("PATCH", path, json={"version": version, "owner": owner})
        assert answer.status_code == status, answer.text
        version += status == 200
