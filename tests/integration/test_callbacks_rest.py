"""Callbacks by REST: who may, what is refused, slots, imports, lists and caps, without anybody being called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from channels.voice.settings import DialSettings, TrunkSettings, VoiceSettings
from hub.model import Role
from hub.web.api import ENDPOINTS
from tests.integration.serving import Serving, serving
from tests.unit.test_numbers import toll_fraud

ALL_DAY = {"hours": "00:00-24:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
VOICE = VoiceSettings(trunks=(TrunkSettings("line", region="DE"),), dial=DialSettings(("CN", "DE", "FR", "GB", "US")))


class House:
    def __init__(self, hub: Serving) -> None:
        self.hub = hub
        self.tokens = {role: hub.token(hub.user(str(role), role)) for role in Role}
        self.keys = 0

    def request(
        self, method: str, path: str, role: Role = Role.SUPERVISOR, key: str = "", **options: Any
    ) -> httpx.Response:
        self.keys += 1
        headers = {
            "Authorization": f"Bearer {self.tokens[role]}",
            "Idempotency-Key": key or f"request-{self.keys:06d}",
        }
        with self.hub.client(headers=headers) as http:
            return http.request(method, f"/api/v1/{path}", **options)

    def ask(self, phone: str, role: Role = Role.SUPERVISOR, key: str = "", **values: Any) -> httpx.Response:
        return self.request("POST", "callbacks", role, key, json={"phone": phone, "queue": "support"} | values)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {"enabled": True, "slot_capacity": 2, "per_number": 3} | ALL_DAY
    limits = {"requests_per_minute": 100_000}
    with serving(tmp_path_factory.mktemp("hub"), VOICE, callbacks=settings, security=limits) as hub:
        week = {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        hub.put("calendar", "office", name="Office", timezone="Europe/Berlin", week=week)
        hub.put("queue", "support", name="Support")
        hub.put("queue", "sales", name="Sales", hours="office")
        topics = [{"id": "help", "label": {"en": "Support", "de": "Hilfe"}, "queue": "support"}]
        hub.put("site", "shop", name="Shop", topics=topics)
        yield House(hub)


def error(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    found = answer.json()["error"]
    return answer.status_code, found["code"], found["details"]


def tomorrow(hour: int, days: int = 1) -> datetime:
    day = datetime.now(UTC) + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def test_numbers_that_may_not_be_called_are_refused_with_path_and_reason(house: House) -> None:
    refused: dict[str, list[str]] = {}
    for row in toll_fraud():
        if row["verdict"] != "called" and row["number"][:1] in ("+", "t") and "\\" not in row["number"]:
            refused.setdefault(row["verdict"], []).append(row["number"])
    for reason, numbers in refused.items():
        for number in numbers[:4]:
            answer = house.ask(number)
            assert error(answer) == (422, "callback.number_refused", {"path": "phone", "reason": reason}), number
    for typed in ("+493012345678\r\nContact: <sip:x@y>", "+49301234\x005678"):
        # Control characters are refused before anybody asks whether it is a number.
        status, code, details = error(house.ask(typed))
        assert (status, code, details["path"]) == (422, "input.invalid", "phone")


def test_a_callback_waits_for_its_slot_and_is_moved_and_cancelled(house: House) -> None:
    at = tomorrow(10)
    made = house.ask("+49 30 5550001", key="slot-key-0001", when=at.isoformat(), name="Eva", consent="Yes, call me",
                     consent_version="3", topic="Support")  # fmt: skip
    assert made.status_code == 201, made.text
    callback = made.json()
    assert (callback["state"], callback["next_at"]) == ("scheduled", int(at.timestamp() * 1000))
    assert (callback["consent"], callback["consent_version"], callback["phone"]) == (
        "Yes, call me",
        "3",
        "+49305550001",
    )
    assert house.ask("+49 30 5550001", key="slot-key-0001").json()["id"] == callback["id"]
    moved = house.request("PATCH", f"callbacks/{callback['id']}", json={"when": tomorrow(12).isoformat()})
    assert moved.json()["when"] == int(tomorrow(12).timestamp() * 1000), moved.text
    given = house.request("POST", f"callbacks/{callback['id']}/assign", json={"agent": "us_agent"})
    assert given.json()["only_agent"]["id"] == "us_agent", given.text
    assert house.request("GET", f"callbacks/{callback['id']}", Role.AGENT).status_code == 403
    listed = house.request("GET", "callbacks?state=scheduled&phone=%2B49305550001").json()["items"]
    assert [item["id"] for item in listed] == [callback["id"]]
    cancelled = house.request("POST", f"callbacks/{callback['id']}/cancel", json={}).json()
    assert (cancelled["state"], cancelled["next_at"]) == ("cancelled", None)


def test_slots_keep_to_the_hours_and_fill_up(house: House) -> None:
    # Berlin's ten o'clock in any season lies between eight and nine in UTC.
    at = tomorrow(9, days=2)
    for n in range(2):
        taken = house.ask(f"+49 30 556000{n}", queue="sales", when=at.isoformat())
        assert taken.status_code == 201, taken.text
    assert error(house.ask("+49 30 5560002", queue="sales", when=at.isoformat()))[:2] == (409, "callback.full")
    night = house.ask("+49 30 5560003", queue="sales", when=tomorrow(1, days=2).isoformat())
    assert error(night)[:2] == (409, "callback.hours")
    found = house.request("GET", "callback-slots?queue=sales").json()["items"]
    by_start = {slot["start"]: slot["left"] for slot in found}
    assert by_start[int(at.timestamp() * 1000)] == 0
    assert set(by_start.values()) == {0, 2}
    assert int(tomorrow(1, days=2).timestamp() * 1000) not in by_start


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"when": "tomorrow"}, "when"),
        ({"when": "2026-05-04T10:00:00"}, "when"),
        ({"when": "2001-05-04T10:00:00Z"}, "when"),
        ({"queue": "nowhere"}, "queue"),
        ({"site": "nowhere"}, "site"),
        ({"queue": "", "topic": "nothing"}, "topic"),
        ({"email": "nobody"}, "email"),
    ],
)
def test_mistakes_name_their_path(house: House, values: dict[str, Any], path: str) -> None:
    status, code, details = error(house.ask("+49305570000", **values))
    assert (status, code, details["path"]) == (422, "input.invalid", path)


def test_what_is_unknown_is_not_taken(house: House) -> None:
    assert house.ask("+49305570000", surprise=1).status_code == 422
    assert error(house.ask("+49305570000", contact="ct_none"))[:2] == (404, "contact.not_found")


def test_a_list_is_imported_line_by_line(house: House) -> None:
    at = tomorrow(11).isoformat()
    lines = [
        "phone,name,queue,when",
        f"+49 30 5580001,Eva,support,{at}",
        f"+1 900 555 0123,Mallory,support,{at}",
        f'+49 30 5580002,"Meier, Hans",support,{at}',
        "+49 30 5580003,Late,support,yesterday",
        "",
        f"+49 30 5580001,Eva again,support,{at}",
    ]
    sent = {"csv": "\n".join(lines), "client_id": "import-0001"}
    found = house.request("POST", "callback-import", json=sent).json()
    assert (found["taken"], found["joined"]) == (2, 1)
    assert [(wrong["line"], wrong["path"], wrong["code"]) for wrong in found["errors"]] == [
        (3, "phone", "callback.number_refused"),
        (5, "when", "input.invalid"),
    ]
    house.request("POST", "callback-import", json=sent)
    listed = house.request("GET", "callbacks?phone=%2B49305580001").json()["items"]
    assert len(listed) == 1
    wrong = house.request("POST", "callback-import", json={"csv": "name\nEva"})
    assert error(wrong)[2]["path"] == "csv"


def test_a_list_is_tried_before_it_is_taken(house: House) -> None:
    at = tomorrow(11, days=3).isoformat()
    lines = [
        "phone,queue,when",
        *(f"+49 30 570000{n},support,{at}" for n in range(3)),
        f"030 5700000,support,{at}",
        f"+1 900 555 0123,support,{at}",
    ]
    sent = {"csv": "\n".join(lines), "dry_run": True, "client_id": "rehearsal-0001"}
    found = house.request("POST", "callback-import", json=sent).json()
    assert (found["taken"], found["joined"]) == (2, 1)
    assert [(wrong["line"], wrong["code"]) for wrong in found["errors"]] == [
        (4, "callback.full"),
        (6, "callback.number_refused"),
    ]
    assert house.request("GET", "callbacks?q=5700000").json()["items"] == [], "nothing was taken"
    taken = house.request("POST", "callback-import", json=sent | {"dry_run": False}).json()
    assert taken == found, "what it said came true"
    audit = house.request("GET", "audit?limit=5", Role.ADMINISTRATOR).json()["items"]
    imports = [(each["action"], each["kind"], each["after"]) for each in audit if each["action"] == "import"]
    assert imports[:1] == [("import", "callback", {"taken": 2, "joined": 1, "errors": 2})]


def test_callbacks_are_found_and_slots_say_what_they_bear(house: House) -> None:
    at = tomorrow(9, days=4)
    made = house.ask("+49 30 5710001", Role.ADMINISTRATOR, queue="sales", when=at.isoformat()).json()
    house.request("POST", f"callbacks/{made['id']}/assign", json={"agent": "us_agent"})

    def ids(query: str) -> list[str]:
        return [item["id"] for item in house.request("GET", f"callbacks?{query}").json()["items"]]

    for query in ("q=030%205710001", f"q={made['reference']}", f"q={made['reference'].lower()}", "agent=us_agent"):
        assert made["id"] in ids(query), query
    assert ids("q=%25") == ids("agent=us_%25") == ids("q=nobody") == []
    assert made["id"] not in ids("agent=us_administrator")

    since, slot = int(at.timestamp() * 1000), int(at.timestamp() * 1000)
    query = f"callback-load?queue=sales&since={since}&until={since + 3_600_000}"
    loads = house.request("GET", query).json()["items"]
    assert loads[0] == {"start": slot, "end": slot + 1_800_000, "promised": 1, "due": 1, "capacity": 2}
    assert loads[1]["due"] == 0
    both = house.request("GET", f"callback-load?since={since}&until={since + 3_600_000}").json()["items"]
    assert (both[0]["due"], both[0]["capacity"]) == (1, 4)
    night = int(tomorrow(1, days=4).timestamp() * 1000)
    closed = f"callback-load?queue=sales&since={night}&until={night + 3_600_000}"
    assert house.request("GET", closed).json()["items"] == []
    assert error(house.request("GET", f"callback-load?since={since}&until={since - 1}"))[2]["path"] == "until"
    assert house.request("GET", query, Role.AGENT).status_code == 403

    house.request("POST", f"callbacks/{made['id']}/cancel", json={})
    audit = house.request("GET", "audit?limit=5", Role.ADMINISTRATOR).json()["items"]
    changes = [(each["actor"], each["action"]) for each in audit if each["row"] == made["id"]]
    assert changes == [("us_supervisor", "cancel"), ("us_supervisor", "assign")]


def test_numbers_that_are_never_called_go_out_and_come_in_again(house: House) -> None:
    house.request("POST", "do-not-call/import", json={"csv": "phone\n+49305720001\n+49305720002"})
    out = house.request("GET", "do-not-call.csv")
    assert out.headers["content-type"].startswith("text/csv")
    lines = out.text.splitlines()
    assert lines[0] == "phone,at,source,by"
    assert any(line.startswith("+49305720001,20") and line.endswith(",import,us_supervisor") for line in lines)
    again = house.request("POST", "do-not-call/import", json={"csv": out.text}).json()
    assert (again["added"], again["errors"]) == (0, [])
    assert house.request("GET", "do-not-call.csv", Role.AGENT).status_code == 403


def test_who_said_never_again_is_never_called_again(house: House) -> None:
    promised = house.ask("+49305590001", when=tomorrow(10).isoformat()).json()
    assert house.request("POST", "do-not-call", Role.AGENT, json={"phone": "030 5590001"}).status_code == 201
    assert house.request("GET", f"callbacks/{promised['id']}").json()["state"] == "cancelled"
    assert error(house.ask("+49 30 5590001"))[1:] == (
        "callback.number_refused",
        {"path": "phone", "reason": "do_not_call"},
    )
    sent = {"csv": "phone\n+49305590002\nnonsense\n+49305590001"}
    tried = house.request("POST", "do-not-call/import", json=sent | {"dry_run": True})
    assert "+49305590002" not in house.request("GET", "do-not-call?limit=200").text, "nothing was added"
    found = house.request("POST", "do-not-call/import", json=sent)
    assert tried.json() == found.json(), "what it said came true"
    assert (found.json()["added"], [wrong["line"] for wrong in found.json()["errors"]]) == (1, [3])
    listed = [entry["number"] for entry in house.request("GET", "do-not-call?limit=200").json()["items"]]
    assert {"+49305590001", "+49305590002"} <= set(listed)
    assert house.request("DELETE", "do-not-call/+49305590001").status_code == 403
    assert house.request("DELETE", "do-not-call/+49305590001", Role.ADMINISTRATOR).status_code == 204
    assert house.ask("+49305590001", when=tomorrow(10).isoformat()).status_code == 201


def test_a_number_gets_so_many_in_a_day(house: House) -> None:
    for _ in range(3):
        made = house.ask("+49305600001", when=tomorrow(14).isoformat())
        assert made.status_code == 201, made.text
        house.request("POST", f"callbacks/{made.json()['id']}/cancel", json={})
    status, code, details = error(house.ask("+49305600001"))
    assert (status, code) == (429, "rate.limited")
    assert details["retry_after_ms"] > 0


def test_only_an_administrator_lets_a_breaker_go_on(house: House) -> None:
    found = house.request("GET", "breakers").json()["items"]
    assert [breaker["name"] for breaker in found] == ["minutes", "spend", "lines"]
    assert house.request("POST", "breakers/spend/reset", json={}).status_code == 403
    assert house.request("POST", "breakers/spend/reset", Role.ADMINISTRATOR, json={}).status_code == 204
    assert house.request("POST", "breakers/none/reset", Role.ADMINISTRATOR, json={}).status_code == 404
    (spend,) = [each for each in house.request("GET", "breakers").json()["items"] if each["name"] == "spend"]
    assert spend["reset_by"] == "us_administrator"


def test_without_a_trunk_it_is_postponed_and_says_why(house: House) -> None:
    made = house.ask("+49305610001").json()
    while (found := house.request("GET", f"callbacks/{made['id']}").json())["reason"] == "":
        pass
    assert (found["state"], found["reason"], found["attempts"]) == ("scheduled", "trunk", [])


def test_where_it_is_switched_off_nothing_is_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("off"), VOICE, callbacks={"enabled": False}) as hub:
        hub.put("queue", "support", name="Support")
        off = House(hub)
        assert error(off.ask("+49305620001"))[:2] == (409, "callback.off")
        assert error(off.request("GET", "callbacks"))[:2] == (409, "callback.off")


def test_answers_have_the_declared_shape(house: House) -> None:
    made = house.ask("+49 30 5557001", when=tomorrow(10, days=3).isoformat()).json()
    asked = {
        "/callback-report": {"asked_from": made["asked_at"], "asked_to": made["asked_at"] + 1},
        "/callback-load": {"since": made["when"], "until": made["when"] + 1},
        "/callback-slots": {"queue": "support"},
    }
    checked = 0
    for endpoint in ENDPOINTS:
        if (
            endpoint.method != "GET"
            or endpoint.result is None
            or not endpoint.path.startswith(("/callback", "/do-not", "/breakers"))
        ):
            continue
        path, query = endpoint.path[1:].replace("{id}", made["id"]), asked.get(endpoint.path)
        answer = house.request("GET", path, Role.ADMINISTRATOR, params=query)
        if endpoint.path == "/callbacks":
            assert answer.json()["items"], "a list that is empty shows no shape"
        assert answer.status_code == 200, (endpoint.path, answer.text)
        shown = msgspec.convert(answer.json(), endpoint.result)
        assert msgspec.to_builtins(shown) == answer.json(), endpoint.path
        checked += 1
    assert checked >= 5
