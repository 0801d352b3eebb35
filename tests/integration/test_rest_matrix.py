"""Every declared REST route for every kind of caller: strangers, each role, other sites, stale pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hub.model import Role
from hub.permissions import ROLE_PERMISSIONS, Permission
from hub.web.api import ENDPOINTS
from hub.web.table import BASE, Endpoint
from tests.integration.house import House, error_of, furnished


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("hub")) as house:
        yield house


def address(endpoint: Endpoint, user: str = "nothing") -> str:
    """The route's address, about something that does not exist (a user's own row where only that is everybody's)."""
    own = endpoint.path == "/agents/{id}" and endpoint.method == "PATCH"
    return BASE + endpoint.path.replace("{id}", user if own else "nothing")


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


MATRIX = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
ROLES = pytest.mark.parametrize("role", [str(role) for role in Role])


@MATRIX
def test_strangers_are_refused(house: House, endpoint: Endpoint) -> None:
    strangers: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer cht_" + "x" * 43},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "ch_session=" + "x" * 43},
    ]
    for headers in strangers:
        answer = house.program.request(endpoint.method, address(endpoint), headers=headers)
        assert answer.status_code == 401, (headers, answer.text)
        assert error_of(answer).startswith("auth.")


@MATRIX
@ROLES
def test_roles_get_what_they_may(house: House, endpoint: Endpoint, role: str) -> None:
    path = address(endpoint, house.users[role].id)
    by_cookie = house.browsers[role].request(endpoint.method, path)
    by_token = house.program.request(endpoint.method, path, headers={"Authorization": f"Bearer {house.tokens[role]}"})
    allowed = endpoint.access == "session" or endpoint.access in ROLE_PERMISSIONS[Role(role)]
    for answer in (by_cookie, by_token):
        if allowed:
            assert answer.status_code not in (401, 403, 500), answer.text
        else:
            assert (answer.status_code, error_of(answer)) == (403, "auth.forbidden")


@MATRIX
def test_other_sites_and_stale_pages_are_refused(house: House, endpoint: Endpoint) -> None:
    browser, path = house.admin, address(endpoint)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": house.serving.origin.replace("127.0.0.1", "localhost")},
        {"Origin": house.serving.origin + "1"},
    ):
        answer = browser.request(endpoint.method, path, headers=headers)
        assert (answer.status_code, error_of(answer)) == (403, "auth.origin"), headers
    if endpoint.method != "GET":
        for token in ("", "x", browser.csrf[:-1]):
            answer = browser.request(endpoint.method, path, headers={"X-CSRF-Token": token})
            assert (answer.status_code, error_of(answer)) == (403, "auth.csrf")


def test_every_permission_opens_something(house: House) -> None:
    """A permission that no route, page or event asks for would be a promise that nobody keeps."""
    asked = {endpoint.access for endpoint in ENDPOINTS}
    elsewhere = {
        Permission.CONTACT_SEARCH,
        Permission.CONTACT_TRANSFER,
        Permission.CONTACT_JOIN,
        Permission.AGENT_SET_STATUS,
        Permission.AGENT_LOGOUT,
        Permission.COBROWSE_WATCH,
    }
    assert set(Permission) <= asked | elsewhere


def test_openapi_describes_every_route(house: House) -> None:
    with house.serving.client() as anybody:
        document = anybody.get(f"{BASE}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    schemas = document["components"]["schemas"]
    for reference in set(_references(document)):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
