"""Of two nodes one reads a mailbox, and when it dies the other goes on where it stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hub.web.table import BASE
from tests.dovecot import PASSWORD
from tests.hub import DemoHub
from tests.integration.mail.mailboxes import letter, served
from tests.integration.test_two_nodes import House, database, house
from tests.peers import CHECKOUT

__all__ = ["database", "house"]
PATIENCE_S = 120.0


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTHUB_TEST_MAIL", PASSWORD)


def until(wanted: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := wanted()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def rest(node: DemoHub) -> httpx.Client:
    config = node.folder / "demo-data" / "hub.toml"
    command = [sys.executable, "-m", "server", "--config", str(config), "user", "token", "admin"]
    token = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.strip()
    return httpx.Client(
        base_url=node.url + BASE, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
    )


def states(client: httpx.Client) -> str:
    items = client.get("/mailboxes/health").json()["items"]
    return next((str(each["state"]) for each in items if each["id"] == "post"), "")


def subjects(client: httpx.Client) -> list[str]:
    items = client.get("/contacts", params={"limit": 200}).json()["items"]
    return [each["subject"] for each in items if each["subject"].startswith("Mail ")]


def test_one_node_reads_and_the_other_takes_over(secret: None, house: House) -> None:
    with served() as dovecot, rest(house.a) as at_a, rest(house.b) as at_b:
        dovecot.put(*map(letter, range(30)))
        inbound = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.port, "security": "none", "poll_s": 5}
        inbound |= {"username": "support", "secret": "env:CONTACTHUB_TEST_MAIL"}
        row = {"id": "post", "name": "Post", "address": "post@hub.test", "queue": "support", "inbound": inbound}
        made = at_a.post("/mailboxes", json=row)
        assert made.status_code == 201, made.text
        until(lambda: len(subjects(at_b)) == 30)
        first = house.leader()
        clients = {house.a.port: at_a, house.b.port: at_b}
        until(lambda: states(clients[first.port]) == "idle")
        other = house.other(first)
        assert states(clients[other.port]) == "elsewhere"
        dovecot.put(*map(letter, range(30, 60)))
        until(lambda: len(subjects(clients[other.port])) > 35)
        first.kill()
        until(lambda: states(clients[other.port]) == "idle" and len(subjects(clients[other.port])) == 60)
        assert sorted(subjects(clients[other.port])) == sorted(f"Mail {number}" for number in range(60))
