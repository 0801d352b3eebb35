"""Trunks and numbers as administrators edit them over REST: kept, checked, and gone by at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.model import Role
from hub.web.table import BASE
from tests.integration.house import House, furnished
from tests.integration.serving import Browser, serving
from tests.integration.sip.sipp import sipp
from tests.integration.voice.desk import a_telephone
from tests.ports import free_port

TRUNK = {"name": "Acme Telecom", "networks": ["198.51.100.0/28"], "host": "sip.acme.example", "region": "DE"}
NUMBER = {"name": "Hotline", "pattern": "+4930123*", "queue": "support", "site": "shop"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        yield house


def test_a_trunk_is_kept_as_it_was_said(house: House) -> None:
    said = {**TRUNK, "username": "hub", "password": "env:CONTACTHUB_ACME", "register": True, "calls": 30}
    made = house.call("POST", "/trunks", json=said)
    assert made.status_code == 201, made.text
    row = house.call("GET", f"/trunks/{made.json()['id']}").json()
    assert said.items() <= row.items()
    assert (row["port"], row["transport"], row["codecs"], row["dtmf"]) == (None, "udp", ["PCMU", "PCMA"], "rfc4733")
    changed = house.call("PUT", f"/trunks/{row['id']}", json={**row, "transport": "tls", "port": 5061})
    assert (changed.status_code, changed.json()["transport"]) == (200, "tls"), changed.text
    assert row["id"] in {found["id"] for found in house.call("GET", "/trunks").json()["items"]}
    assert house.call("DELETE", f"/trunks/{row['id']}").status_code == 204
    assert house.call("GET", f"/trunks/{row['id']}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"networks": ["198.51.100.0/28", "acme"]}, "networks[1]"),
        ({"networks": [], "host": ""}, "networks"),
        ({"register": True}, "register"),
        ({"username": "hub"}, "password"),
        ({"username": "hub", "password": "plain secret"}, "password"),
        ({"username": "hub", "password": "file:../secret"}, "password"),
        ({"transport": "ws"}, "transport"),
        ({"port": 70_000}, "port"),
        ({"codecs": []}, "codecs"),
        ({"host": "sip acme"}, "host"),
        ({"caller_id": "Acme"}, "caller_id"),
        ({"redirects": ["198.51.100.0/40"]}, "redirects[0]"),
        ({"redirects": ["sip:a@b"]}, "redirects[0]"),
        ({"transport": "tls", "ca": "/etc/ssl/ca.pem"}, "ca"),
        ({"transport": "tls", "ca": "file:../ca.pem"}, "ca"),
        ({"ca": "file:ca.pem"}, "ca"),
        ({"transport": "tls", "certificate": "file:acme.pem"}, "key"),
    ],
)
def test_a_mistake_is_told_at_its_field(house: House, changes: dict[str, Any], path: str) -> None:
    answer = house.call("POST", "/trunks", json={**TRUNK, **changes})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["path"] == path


def test_a_number_leads_to_a_queue_and_a_site_that_are_there(house: House) -> None:
    for name in ("queue", "site"):
        answer = house.call("POST", "/numbers", json={**NUMBER, name: "no-such"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"]["path"] == name
    made = house.call("POST", "/numbers", json=NUMBER)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert (NUMBER | {"language": "en", "order": 100}).items() <= house.call("GET", f"/numbers/{id}").json().items()

    for kept in ("/queues/support", "/sites/shop"):
        answer = house.call("DELETE", kept)
        assert answer.status_code == 409, answer.text
        used_by = answer.json()["error"]["details"]["used_by"]
        assert {"kind": "number", "id": id} in [{"kind": use["kind"], "id": use["id"]} for use in used_by]
    assert house.call("DELETE", f"/numbers/{id}").status_code == 204


def test_only_administrators_see_and_edit_trunks(house: House) -> None:
    for role in ("agent", "supervisor"):
        for path in ("/trunks", "/numbers", "/trunk-health"):
            assert house.call("GET", path, role).status_code == 403
        assert house.call("POST", "/trunks", role, json=TRUNK).status_code == 403
    answer = house.call("GET", "/trunk-health")
    assert (answer.status_code, answer.json()) == (200, {"items": []})


# --- calls by rows ---------------------------------------------------------------------------------------------------


@dataclass
class Company:
    """A hub with voice and no trunk; its administrator, and where its SIP is."""

    admin: Browser
    port: int

    async def call(self, method: str, path: str, **options: Any) -> Any:
        answer = await asyncio.to_thread(self.admin.request, method, BASE + path, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    port = free_port()
    listen, ports = [f"udp:127.0.0.1:{port}"], [34_000, 35_999]
    voice = {"enabled": True, "listen": listen, "media_host": "127.0.0.1", "media_ports": ports}
    voice["secrets"] = str(tmp_path)
    with serving(tmp_path / "hub", voice) as hub:
        hub.put("skill", "support", name="Support")
        hub.put("queue", "support", name="Support")
        hub.put("site", "shop", name="Shop")
        hub.user("root", Role.ADMINISTRATOR)
        yield Company(hub.sign_in("root"), port)


async def test_rows_let_calls_in_and_refuse_them_at_once(company: Company, tmp_path: Path) -> None:
    number = await company.call("POST", "/numbers", json={**NUMBER, "pattern": "hotline"})
    trunk = await company.call("POST", "/trunks", json={"name": "Here", "networks": ["127.0.0.1"]})
    target = f"127.0.0.1:{company.port}"
    async with sipp(tmp_path, "uac", target, "-s", "hotline", "-m", "1", "-d", "300") as caller:
        await caller.finish()
    (contact,) = (await company.call("GET", "/contacts"))["items"]
    assert (contact["channel"], contact["queue"]["id"]) == ("voice", "support")
    (health,) = (await company.call("GET", "/trunk-health"))["items"]
    assert (health["id"], health["name"], health["reachable"]) == (trunk["id"], "Here", None)

    # Without its number the trunk's call is answered, but leads nowhere.
    await company.call("DELETE", f"/numbers/{number['id']}")
    async with a_telephone(400.0) as telephone:
        telephone.dial(company.port, "hotline")
        assert (await telephone.rejected()).status == 404

    # Without its trunk it is a stranger's: dropped unread.
    await company.call("POST", "/numbers", json={**NUMBER, "pattern": "hotline"})
    await company.call("DELETE", f"/trunks/{trunk['id']}")
    assert (await company.call("GET", "/trunk-health"))["items"] == []
    async with sipp(
        tmp_path, "uac", target, "-s", "hotline", "-m", "1", "-nr", "-timeout", "2", "-timeout_error"
    ) as stranger:
        with pytest.raises(AssertionError, match="SIPp exit code"):
            await stranger.finish()
    assert len((await company.call("GET", "/contacts"))["items"]) == 1

    # What is not in use is as little let in.
    await company.call("POST", "/trunks", json={"name": "Here", "networks": ["127.0.0.1"], "enabled": False})
    assert (await company.call("GET", "/trunk-health"))["items"] == []


async def test_a_password_on_a_disk_that_stalls_holds_up_nothing(company: Company, tmp_path: Path) -> None:
    """A pipe gives nothing until somebody writes to it, as a network disk that is away."""
    os.mkfifo(tmp_path / "acme")
    await company.call("POST", "/numbers", json={**NUMBER, "pattern": "hotline"})
    account = {"username": "hub", "password": "file:acme"}
    acme = await company.call("POST", "/trunks", json={**TRUNK, **account, "name": "Acme", "host": "127.0.0.1"})
    here = await company.call("POST", "/trunks", json={"name": "Here", "networks": ["127.0.0.1"]})

    async def told() -> dict[str, str]:
        return {row["id"]: row["problem"] for row in (await company.call("GET", "/trunk-health"))["items"]}

    assert await told() == {acme["id"]: "Its password has not been read yet.", here["id"]: ""}
    target = f"127.0.0.1:{company.port}"
    async with sipp(tmp_path, "uac", target, "-s", "hotline", "-m", "1", "-d", "100") as caller:
        await caller.finish()
    assert len((await company.call("GET", "/contacts"))["items"]) == 1, "calls come meanwhile"
    await asyncio.to_thread((tmp_path / "acme").write_text, "secret\n")
    while (await told())[acme["id"]]:
        await asyncio.sleep(0.02)


async def test_a_password_that_is_missing_is_said(company: Company, tmp_path: Path) -> None:
    account = {"username": "hub", "password": "file:acme"}
    row = await company.call("POST", "/trunks", json={**TRUNK, **account})
    while True:
        (health,) = (await company.call("GET", "/trunk-health"))["items"]
        if health["problem"] == "The file acme in the folder of secrets cannot be read.":
            break
        await asyncio.sleep(0.02)
    # It is there now; saving the trunk again has it read at once.
    (tmp_path / "acme").write_text("secret\n")
    made = await company.call("GET", f"/trunks/{row['id']}")
    await company.call("PUT", f"/trunks/{row['id']}", json={**made, "calls": 7})
    while (await company.call("GET", "/trunk-health"))["items"][0]["problem"]:
        await asyncio.sleep(0.02)
