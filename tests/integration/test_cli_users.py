"""Users made and changed on the command line while the hub runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.commands import Place, sign_in

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("users"))
    with place.serving():
        yield place


def test_who_is_added_while_it_runs_can_sign_in(hub: Place) -> None:
    with hub.client() as browser:
        assert sign_in(browser, "ada", PASSWORD) == 401
        hub.done("user", "add", "ada", "--role", "administrator", "--password-stdin", stdin=f"{PASSWORD}\n")
        assert sign_in(browser, "ada", "wrong horse") == 401
        assert sign_in(browser, "ADA", PASSWORD) == 200
        assert browser.get("/api/v1/me").json()["username"] == "ada"


def test_token_opens_rest_until_its_user_is_disabled(hub: Place) -> None:
    hub.done("user", "add", "root", "--role", "administrator", "--no-password")
    token = hub.done("user", "token", "root").removesuffix("\n")
    assert "\n" not in token
    with hub.client(token) as client:
        assert client.get("/api/v1/contacts").json() == {"items": [], "next": None}
        hub.done("user", "disable", "root")
        assert client.get("/api/v1/contacts").status_code == 401
        hub.done("user", "enable", "root")
        assert client.get("/api/v1/contacts").status_code == 200


def test_disabling_ends_the_session(hub: Place) -> None:
    hub.done("user", "add", "bob", "--password-stdin", stdin=f"{PASSWORD}\n")
    with hub.client() as browser:
        assert sign_in(browser, "bob", PASSWORD) == 200
        assert browser.get("/api/v1/me").status_code == 200
        hub.done("user", "disable", "bob")
        assert browser.get("/api/v1/me").status_code == 401
        assert sign_in(browser, "bob", PASSWORD) == 401


def test_new_password_ends_the_session(hub: Place) -> None:
    hub.done("user", "add", "cleo", "--password-stdin", stdin=f"{PASSWORD}\n")
    with hub.client() as browser:
        assert sign_in(browser, "cleo", PASSWORD) == 200
        hub.done("user", "passwd", "cleo", "--password-stdin", stdin="a better horse\n")
        assert browser.get("/api/v1/me").status_code == 401
        assert sign_in(browser, "cleo", PASSWORD) == 401
        assert sign_in(browser, "cleo", "a better horse") == 200


def test_running_hub_knows_new_skills_and_people(hub: Place, tmp_path: Path) -> None:
    """The skill is made over REST, used on the command line, and the user is then seen over REST."""
    hub.done("user", "add", "boss", "--role", "administrator", "--no-password")
    with hub.client(hub.done("user", "token", "boss").strip()) as client:
        assert client.post("/api/v1/skills", json={"id": "tea", "name": "Tea"}).status_code == 201
        made = hub.json("user", "add", "dora", "--skill", "tea=4", "--no-password")
        assert made["skills"] == {"tea": 4}
        users = client.get("/api/v1/users", params={"limit": 200}).json()["items"]
        assert [user["skills"] for user in users if user["username"] == "dora"] == [{"tea": 4}]
    assert hub.run("check").returncode == 0
