"""Of two nodes one reads a mailbox and one sends, and when it dies the other goes on where it stopped."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from hub.mails import MailState
from hub.store import open_store
from hub.web.table import BASE
from tests.dovecot import PASSWORD
from tests.hub import DemoHub
from tests.integration.mail.mailboxes import letter, served
from tests.integration.mail.servers import Box, Received, taking
from tests.integration.mail.test_outbox_crash import AT_ONCE
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


MAILS = 40


async def test_two_nodes_send_each_mail_once_and_a_death_doubles_few(house: House) -> None:
    """Written at both nodes, in one outbox. While the one that sends is giving mails away it is killed: what it gave
    and could not note goes again when its claim is over, from the other, and all else went once."""
    arrived: dict[str, list[bytes]] = {}
    deadly = False
    first = house.leader()

    def data(mail: Received) -> str:
        nonlocal deadly
        (to,) = mail.recipients
        arrived.setdefault(to, []).append(mail.raw)
        if deadly and len(arrived) == MAILS + 10:
            deadly = False
            first.kill()
        return "250 taken"

    async with taking(Box(data=data)) as box:
        with rest(house.a) as at_a, rest(house.b) as at_b:
            out = {"kind": "smtp", "host": "127.0.0.1", "port": box.port, "security": "none", "per_minute": 100_000}
            row = {"id": "post", "name": "Post", "address": "post@hub.test", "queue": "support", "outbound": out}
            made = await asyncio.to_thread(lambda: at_a.post("/mailboxes", json=row))
            assert made.status_code == 201, made.text

            def write(number: int, by: httpx.Client) -> str:
                body: dict[str, Any] = {"mailbox": "post", "subject": f"Mail {number}", "text": "It left today."}
                body |= {"to": [{"address": f"c{number}@x.example"}], "client_id": f"two-nodes-{number:04d}"}
                answer = by.post("/mails", json=body)
                assert answer.status_code == 201, answer.text
                return str(answer.json()["id"])

            async def all_arrived(count: int) -> None:
                async with asyncio.timeout(PATIENCE_S):
                    while len(arrived) < count:
                        await asyncio.sleep(0.05)

            def both(numbers: range) -> list[str]:
                return [write(number, (at_a, at_b)[number % 2]) for number in numbers]

            ids = await asyncio.to_thread(both, range(MAILS))
            await all_arrived(MAILS)
            assert Counter(map(len, arrived.values())) == {1: MAILS}

            deadly = True
            more = await asyncio.to_thread(both, range(MAILS, 2 * MAILS))
            async with asyncio.timeout(PATIENCE_S):
                while first.process is not None and first.process.poll() is None:
                    await asyncio.sleep(0.05)
            other = at_b if first is house.a else at_a
            store = open_store(house.store)
            await store.open()
            try:
                # Minutes pass: the claims of the one that died are over.
                async with asyncio.timeout(PATIENCE_S):
                    while left := [
                        mail
                        for id in more
                        if (mail := await store.mails.get(id)) is not None and mail.state is not MailState.SENT
                    ]:
                        if all(mail.state is MailState.SENDING for mail in left):
                            for mail in left:
                                await store.mails.update(replace(mail, next_at=1))
                            # What is written wakes who sends.
                            await asyncio.to_thread(write, 1000 + int(time.monotonic()), other)
                        await asyncio.sleep(1)
                states = [await store.mails.get(id) for id in (*ids, *more)]
            finally:
                await store.close()
    assert all(mail is not None and mail.state is MailState.SENT for mail in states)
    wanted = {f"c{number}@x.example" for number in range(2 * MAILS)}
    assert wanted <= arrived.keys()
    doubled = [raws for raws in arrived.values() if len(raws) > 1]
    assert 1 <= len(doubled) <= AT_ONCE
    assert all(len(raws) == 2 and len(set(raws)) == 1 for raws in doubled)
