"""The REST interface over a real server: what it takes, what the resources do, what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from hub.web.api import ENDPOINTS
from hub.web.table import BASE
from tests.integration.house import House, error_of, furnished
from tests.integration.serving import PASSWORD


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        yield house


# --- input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "A", "wrong": 1}, ""),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": 7}, "name"),
        ({}, ""),
        ([], ""),
        ({"name": "A", "skills": {"support": 9}}, "skills[...]"),
        ({"name": "A", "skills": {"no-such": 1}}, "skills.no-such"),
        ({"name": "A", "hours": "no-such"}, "hours"),
        ({"name": "A", "relax": [{"after_s": 60, "skills": {}}, {"after_s": 5, "skills": {}}]}, "relax[1].after_s"),
        ({"name": "A\u0000"}, "name"),
        ({"name": "A\nB"}, "name"),
        ({"name": "A\u202eB"}, "name"),
        ({"name": "A", "closed_message": {"en": "x\u0007"}}, "closed_message.en"),
        ({"name": "A", "id": "Not An Id"}, "id"),
    ],
)
def test_mistakes_are_named(house: House, body: Any, path: str) -> None:
    answer = house.call("POST", "/queues", json=body)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "input.invalid" and error["details"]["path"] == path
    assert error["details"]["expected"]


@pytest.mark.parametrize(
    ("content", "type", "status"),
    [
        (b"{", "application/json", 422),
        (b'"\xff"', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"name": "\\ud800"}', "application/json", 422),
        (b"name=A", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b'{"name": "' + b"x" * 300_000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_that_are_none(house: House, content: bytes, type: str, status: int) -> None:
    answer = house.call("POST", "/queues", content=content, headers={"Content-Type": type})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}


def test_a_body_without_a_length_is_bounded_too(house: House) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2000):
            yield b"x" * 1024

    try:
        answer = house.call("POST", "/queues", content=endless(), headers={"Content-Type": "application/json"})
    except httpx.WriteError:
        return  # the server closed the line on us, which is as good
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "nonsense=1", "phase=weird", "limit=1&limit=2", "after=%00", "open=maybe"],
)
def test_query_strings_are_checked(house: House, query: str) -> None:
    answer = house.call("GET", f"/contacts?{query}")
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("cursor", ["ct_forged", "%27%20OR%201=1", "x" * 100])
def test_forged_cursors_show_nothing_more(house: House, cursor: str) -> None:
    house.contact(f"cursor-{len(cursor)}")
    for role in ("agent", "administrator"):
        answer = house.call("GET", f"/contacts?after={cursor}", role)
        assert answer.status_code in (200, 422)
        if role == "agent":
            assert answer.status_code == 422 or answer.json()["items"] == []


def test_wrong_methods_are_told_the_right_ones(house: House) -> None:
    answer = house.call("PATCH", "/queues")
    assert answer.status_code == 405 and error_of(answer) == "http.method"
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
    assert error_of(house.call("GET", "/nowhere")) == "http.not_found"


# --- configuration -------------------------------------------------------------------------------------------------


def test_a_row_lives(house: House) -> None:
    made = house.call("POST", "/queues", json={"name": "Spare parts", "skills": {"support": 2}})
    assert made.status_code == 201, made.text
    row = made.json()
    assert (row["id"], row["version"], row["wrap_up_s"]) == ("spare-parts", 1, 60)
    assert house.call("POST", "/queues", json={"name": "Spare parts"}).json()["id"] == "spare-parts-2"
    assert error_of(house.call("POST", "/queues", json={"name": "X", "id": "spare-parts"})) == "config.exists"

    changed = house.call("PUT", "/queues/spare-parts", json={**row, "name": "Parts"})
    assert changed.status_code == 200 and changed.json()["version"] == 2
    stale = house.call("PUT", "/queues/spare-parts", json={**row, "name": "Other"})
    assert stale.status_code == 409 and error_of(stale) == "queue.conflict"
    assert error_of(house.call("PUT", "/queues/spare-parts", json={"name": "No version"})) == "input.invalid"
    assert house.call("GET", "/queues/spare-parts").json()["name"] == "Parts"
    assert house.serving.application.hub.directory.queue("spare-parts").name == "Parts"

    names = [item["name"] for item in house.call("GET", "/queues?limit=200").json()["items"]]
    assert names == sorted(names, key=str.casefold)
    assert house.call("DELETE", "/queues/spare-parts?version=1").status_code == 409
    assert house.call("DELETE", "/queues/spare-parts").status_code == 204
    assert house.call("GET", "/queues/spare-parts").status_code == 404

    entries = house.call("GET", "/audit?kind=queue&row=spare-parts").json()["items"]
    assert [entry["action"] for entry in entries] == ["delete", "update", "create"]
    assert entries[1]["before"]["name"] == "Spare parts" and entries[1]["after"]["name"] == "Parts"
    assert entries[0]["actor"] == house.users["administrator"].id


def test_lists_page(house: House) -> None:
    for n in range(5):
        house.call("POST", "/reasons", json={"name": f"Reason {n}"})
    seen: list[str] = []
    after = ""
    while True:
        page = house.call("GET", f"/reasons?limit=2{after}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) >= 5
    assert house.call("GET", "/reasons?after=forged").status_code == 422


def test_rows_in_use_stay(house: House) -> None:
    refused = house.call("DELETE", "/skills/support")
    assert refused.status_code == 409 and error_of(refused) == "config.in_use"
    used_by = refused.json()["error"]["details"]["used_by"]
    assert {"queue", "user"} <= {use["kind"] for use in used_by}
    refused = house.call("DELETE", "/queues/support")
    assert refused.status_code == 409 and "Shop" in refused.json()["error"]["message"]
    house.call("POST", "/queues", json={"name": "Busy", "id": "busy"})
    house.contact("busy-queue-1", queue="busy")
    refused = house.call("DELETE", "/queues/busy")
    assert refused.status_code == 409 and "not closed" in refused.json()["error"]["message"]


def test_secrets_are_written_and_never_shown(house: House) -> None:
    site = house.call("GET", "/sites/shop").json()
    assert "identity_secret" not in site and site["identity_secret_set"] is False
    changed = house.call("PUT", "/sites/shop", json={**site, "identity_secret": "hush-hush-hush"})
    assert changed.status_code == 200 and "hush" not in changed.text and changed.json()["identity_secret_set"] is True
    again = house.call("PUT", "/sites/shop", json={**changed.json(), "name": "The shop"})
    assert again.status_code == 200, again.text
    assert house.serving.application.hub.directory.site("shop").identity_secret == "hush-hush-hush"
    assert "hush" not in house.call("GET", "/sites").text + house.call("GET", "/audit").text


# --- users, tokens, sessions ---------------------------------------------------------------------------------------


def test_a_user_lives(house: House) -> None:
    made = house.call(
        "POST",
        "/users",
        json={"username": "nina", "name": "Nina", "role": "agent", "password": PASSWORD, "skills": {"support": 4}},
    )
    assert made.status_code == 201, made.text
    user = made.json()
    assert "password" not in made.text and user["maxima"]["chat"] == 3
    taken = house.call("POST", "/users", json={"username": "NINA", "name": "Other", "role": "agent"})
    assert taken.status_code == 409 and error_of(taken) == "user.exists"
    unknown = house.call("PUT", f"/users/{user['id']}", json={**user, "skills": {"juggling": 1}})
    assert unknown.json()["error"]["details"]["path"] == "skills.juggling"

    browser = house.serving.sign_in("nina")
    changed = house.call("PUT", f"/users/{user['id']}", json={**user, "name": "Nina N", "units": 50})
    assert changed.json()["units"] == 50 and browser.http.get(f"{BASE}/me").json()["name"] == "Nina N"
    assert house.call("PUT", f"/users/{user['id']}", json=user).status_code == 409

    assert house.call("POST", f"/users/{user['id']}/password", json={"password": "another one"}).status_code == 204
    assert browser.http.get(f"{BASE}/me").status_code == 401, "a new password ends the sessions"
    browser = house.serving.sign_in("nina", "another one")
    assert house.call("DELETE", f"/users/{user['id']}").status_code == 204
    assert browser.http.get(f"{BASE}/me").status_code == 401, "a disabled user is out at once"
    assert house.call("GET", f"/users/{user['id']}").json()["disabled"] is True


def test_the_last_administrator_cannot_go(house: House) -> None:
    me = house.users["administrator"]
    row = house.call("GET", f"/users/{me.id}").json()
    for answer in (
        house.call("DELETE", f"/users/{me.id}"),
        house.call("PUT", f"/users/{me.id}", json={**row, "role": "agent"}),
        house.call("PUT", f"/users/{me.id}", json={**row, "disabled": True}),
    ):
        assert answer.status_code == 409 and error_of(answer) == "user.last_administrator"
    assert house.call("GET", "/me").status_code == 200


def test_tokens_are_shown_once(house: House) -> None:
    agent = house.users["agent"]
    made = house.call("POST", "/tokens", json={"name": "CRM", "user": agent.id, "expires_at": "2099-01-01T00:00:00Z"})
    assert made.status_code == 201, made.text
    token = made.json()
    assert token["expires_at"] == 4070908800000
    with house.serving.client(headers={"Authorization": f"Bearer {token['token']}"}) as program:
        assert program.get(f"{BASE}/me").json()["id"] == agent.id
        assert program.get(f"{BASE}/users").status_code == 403
        listed = house.call("GET", "/tokens")
        assert token["token"] not in listed.text
        assert next(item for item in listed.json()["items"] if item["id"] == token["id"])["used_at"]
        assert house.call("DELETE", f"/tokens/{token['id']}").status_code == 204
        assert program.get(f"{BASE}/me").status_code == 401
    for bad in ({"expires_at": "tomorrow"}, {"expires_at": "2020-01-01T00:00:00Z"}, {"user": "us_nobody"}):
        assert house.call("POST", "/tokens", json={"name": "x", "user": agent.id, **bad}).status_code == 422


def test_me(house: House) -> None:
    changed = house.call("PATCH", "/me", "agent", json={"theme": "dark", "locale": "zh-CN", "sound": False})
    assert changed.status_code == 200, changed.text
    me = house.call("GET", "/me", "agent").json()
    assert (me["theme"], me["locale"], me["sound"]) == ("dark", "zh-CN", False)
    assert 'lang="zh-CN"' in house.browsers["agent"].http.get("/agent").text
    assert house.call("PATCH", "/me", "agent", json={"role": "administrator"}).status_code == 422
    assert house.call("PATCH", "/me", "agent", json={"theme": "auto", "locale": "en"}).status_code == 200


# --- contacts, customers, agents ------------------------------------------------------------------------------------


def test_contacts_are_shown_to_whom_they_concern(house: House) -> None:
    id = house.contact("visible-0001")
    assert house.call("GET", f"/contacts/{id}", "agent").status_code == 403, "he has not the skill"
    assert house.call("GET", f"/contacts/{id}/messages", "agent").status_code == 403
    assert house.call("GET", f"/contacts/{id}/events", "agent").status_code == 403
    assert id not in house.call("GET", "/contacts?limit=200", "agent").text
    found = house.call("GET", f"/contacts/{id}", "supervisor").json()
    assert (found["phase"], found["queue"]["name"], found["customer"]["name"]) == ("queued", "Support", "Mara")
    for query in ("queue=support", "queue=SUPPORT", "phase=queued&channel=chat", f"customer={found['customer']['id']}"):
        assert id in [item["id"] for item in house.call("GET", f"/contacts?limit=200&{query}").json()["items"]]
    assert house.call("GET", "/contacts?queue=nothing").json()["items"] == []
    assert error_of(house.call("GET", "/contacts/ct_none")) == "contact.not_found"


def test_messages_and_notes_by_program(house: House) -> None:
    id = house.contact("messages-001")
    said = house.call("GET", f"/contacts/{id}/messages").json()["items"]
    assert "Where is my parcel?" in [message["text"] for message in said]
    note = {"text": "Called twice.", "kind": "note", "client_id": "note-by-program"}
    first = house.call("POST", f"/contacts/{id}/messages", json=note)
    assert first.status_code == 201 and first.json()["kind"] == "note" and first.json()["internal"] is True
    assert house.call("POST", f"/contacts/{id}/messages", json=note).json()["id"] == first.json()["id"]
    keyed = {"Idempotency-Key": "same-key-again"}
    ids = {
        house.call("POST", f"/contacts/{id}/messages", json={"text": "x", "kind": "note"}, headers=keyed).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    refused = house.call("POST", f"/contacts/{id}/messages", json={"text": "Hello!"})
    assert refused.status_code == 409, "words to the customer need a part in the conversation"
    last = house.call("GET", f"/contacts/{id}/messages?after={first.json()['seq']}").json()["items"]
    assert [message["text"] for message in last] == ["x"]
    kinds = [event["type"] for event in house.call("GET", f"/contacts/{id}/events").json()["items"]]
    assert kinds[:2] == ["contact.created", "contact.queued"] and "message.added" in kinds


def test_routing_is_explained(house: House) -> None:
    id = house.contact("routing-0001")
    view = house.call("GET", f"/contacts/{id}/routing", "supervisor").json()
    assert view["position"] is not None and view["agents"]
    assert house.call("GET", f"/contacts/{id}/routing", "agent").status_code == 403


def test_customers(house: House) -> None:
    id = house.contact("customer-001", name="Zoë")
    customer = house.call("GET", f"/contacts/{id}").json()["customer"]["id"]
    assert house.call("GET", f"/customers/{customer}", "agent").status_code == 403
    assert customer in house.call("GET", "/customers?query=Zo%C3%AB").text
    row = house.call("GET", f"/customers/{customer}").json()
    changed = house.call(
        "PATCH", f"/customers/{customer}", json={"version": row["version"], "phone": "+49 30 901820", "note": "VIP"}
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["phone"], changed.json()["note"]) == ("+4930901820", "VIP")
    stale = house.call("PATCH", f"/customers/{customer}", json={"version": row["version"], "note": "x"})
    assert stale.status_code == 409 and stale.json()["error"]["details"]["customer"]["note"] == "VIP"
    wrong = house.call("PATCH", f"/customers/{customer}", json={"version": changed.json()["version"], "email": "no"})
    assert wrong.json()["error"]["details"]["path"] == "email"


def test_presence(house: House) -> None:
    agent = house.users["agent"].id
    assert (
        house.call("PATCH", f"/agents/{agent}", "agent", json={"state": "away"}).json()["presence"]["state"] == "away"
    )
    other = house.users["supervisor"].id
    refused = house.call("PATCH", f"/agents/{other}", "agent", json={"state": "away"})
    assert refused.status_code == 403
    wrong = house.call("PATCH", f"/agents/{agent}", "agent", json={"state": "away", "reason": "nothing"})
    assert wrong.json()["error"]["details"]["path"] == "reason"
    assert house.call("PATCH", f"/agents/{agent}", "supervisor", json={"state": "offline"}).status_code == 200
    assert house.call("PATCH", "/agents/us_none", "supervisor", json={"state": "offline"}).status_code == 404


# --- what is declared is what is answered ----------------------------------------------------------------------------


def test_answers_have_the_declared_shape(house: House) -> None:
    """Nothing is missing and nothing more is given than OpenAPI says."""
    id = house.contact("shapes-00001")
    customer = house.call("GET", f"/contacts/{id}").json()["customer"]["id"]
    known = {
        "/contacts/{id}": id,
        "/customers/{id}": customer,
        "/agents/{id}": house.users["agent"].id,
        "/users/{id}": house.users["agent"].id,
    }
    house.call("POST", "/webhooks", json={"name": "Shape", "id": "shape", "url": "https://hooks.example/x"})
    for kind in ("queues", "skills", "sites", "hours", "canned", "outcomes", "reasons", "webhooks"):
        row = next(iter(house.call("GET", f"/{kind}").json()["items"]), None)
        known[f"/{kind}/{{id}}"] = row["id"] if row else "none"
    checked = 0
    for endpoint in ENDPOINTS:
        # This hub makes no callbacks; their answers are looked at in test_callbacks_rest.py.
        if (
            endpoint.method != "GET"
            or endpoint.result is None
            or endpoint.path.startswith(("/callback", "/do-not", "/breakers"))
        ):
            continue
        base = next((path for path in known if endpoint.path.startswith(path)), "")
        answer = house.call("GET", endpoint.path.replace("{id}", known.get(base, "none")))
        if answer.status_code == 404:
            continue
        assert answer.status_code == 200, (endpoint.path, answer.text)
        decoded = msgspec.convert(answer.json(), endpoint.result)
        assert _sorted(msgspec.to_builtins(decoded)) == _sorted(answer.json()), endpoint.path
        checked += 1
    assert checked >= 28


def _sorted(value: Any) -> Any:
    """Without what a secret's field would default to, and what a struct leaves out when it is unset."""
    if isinstance(value, dict):
        left_out = {"secret", "identity_secret", "identity_secret_set", "secret_set", "token"}
        return {key: _sorted(item) for key, item in sorted(value.items()) if key not in left_out}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
