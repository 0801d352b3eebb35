"""What is asked about triage over REST: a dry run of rules as they would be, the report, the classifier."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import commands as c
from hub.contacts import Words
from hub.model import AuthorKind, Role
from hub.web.table import BASE
from tests.integration.serving import Serving, serving

RULE: dict[str, Any] = {
    "name": "Money",
    "when": [{"fact": "subject", "op": "regex", "value": "invoice|refund"}],
    "queue": "billing",
    "tags": ["money"],
}
OFTEN = {"requests_per_minute": 100_000}
BOX = {"name": "Support", "address": "support@hub.test", "queue": "support", "inbound": {"kind": "direct"}}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, email={"enabled": True}) as running:
        for queue in ("support", "billing"):
            running.put("queue", queue, name=queue.capitalize(), answer={"first": 30 if queue == "support" else None})
        running.put("mailbox", "support", **BOX)
        yield running


def client_of(hub: Serving, role: Role = Role.ADMINISTRATOR) -> httpx.Client:
    token = hub.token(hub.user(f"the_{role}", role))
    return hub.client(headers={"Authorization": f"Bearer {token}"})


def deliver(hub: Serving, number: int, subject: str, text: str = "Please help.") -> str:
    mail = EmailMessage()
    mail["From"] = f"Eva <eva{number}@berg.example>"
    mail["To"] = "support@hub.test"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{number}@berg.example>"
    mail.set_content(text)
    assert hub.application.mail_in is not None
    return hub.run(hub.application.mail_in.receiver.receive(mail.as_bytes(), "support")).contact


def test_rules_are_tried_saved_and_reported(hub: Serving) -> None:
    with client_of(hub) as client, client_of(hub, Role.SUPERVISOR) as supervisor:
        one = deliver(hub, 1, "Invoice 4711")
        two = deliver(hub, 2, "Broken screen")
        body = {"changes": [{"row": RULE}]}
        tried = client.post(f"{BASE}/triage/dry-run", json=body)
        assert tried.status_code == 200, tried.text
        found = tried.json()
        assert (found["mails"], found["right"], found["was_right"], found["whole"]) == (2, 1, 2, True)
        assert found["rules"] == [{"id": "new-1", "name": "Money", "mails": 1}]
        assert [item["contact"] for item in found["items"]] == [two, one]
        would = found["items"][1]["would"]
        assert (would["queue"], would["tags"], would["rules"]) == (
            {"id": "billing", "name": "Billing"},
            ["money"],
            [{"id": "new-1", "name": "Money"}],
        )
        wrong = {
            "changes": [{"row": RULE}, {"row": RULE | {"when": [{"fact": "subject", "op": "regex", "value": "("}]}}]
        }
        refused = client.post(f"{BASE}/triage/dry-run", json=wrong)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"]["path"] == "changes[1].row.when[0].value"
        assert supervisor.post(f"{BASE}/triage/dry-run", json=body).status_code == 403

        made = client.post(f"{BASE}/mail-rules", json=RULE | {"id": "money"})
        assert made.status_code == 201, made.text
        three = deliver(hub, 3, "A refund")
        contact = client.get(f"{BASE}/contacts/{three}").json()
        assert (contact["queue"]["id"], contact["tags"], contact["due"]) == ("billing", ["money"], None)
        routing = client.get(f"{BASE}/contacts/{three}/routing").json()
        assert routing["rules"] == [{"id": "mail:money", "name": "Money"}]

        report = supervisor.get(f"{BASE}/triage/report").json()
        assert (report["contacts"], report["sorted"], report["corrected"], report["whole"]) == (3, 1, 0, True)
        assert {(rule["rule"], rule["name"], rule["contacts"]) for rule in report["rules"]} == {
            ("", "", 2),
            ("money", "Money", 1),
        }
        assert [day["contacts"] for day in report["days"]] == [3]
        told = ("queue", "name", "placed", "answered", "promised_minutes")
        assert [tuple(queue[key] for key in told) for queue in report["queues"]] == [
            ("support", "Support", 2, 0, 30),
            ("billing", "Billing", 1, 0, None),
        ]
        late = supervisor.get(f"{BASE}/triage/report", params={"since": 0, "until": 10**13})
        assert late.status_code == 422
        with client_of(hub, Role.AGENT) as agent:
            assert agent.get(f"{BASE}/triage/report").status_code == 403

        off = client.get(f"{BASE}/triage/classifier").json()
        assert (off["state"], off["queues"]) == ("off", [])
        for path in ("learn", "guess"):
            answer = client.post(f"{BASE}/triage/classifier/{path}", json={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "classifier.off")


def test_a_hub_without_mail_has_nothing_to_sort(tmp_path: Path) -> None:
    with serving(tmp_path) as hub, client_of(hub) as client:
        answer = client.post(f"{BASE}/triage/dry-run", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "email.off")
        assert client.get(f"{BASE}/triage/report").json()["contacts"] == 0


def test_the_classifier_learns_from_what_agents_answered(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra contacthub[classifier]")
    with (
        serving(tmp_path, email={"enabled": True, "classifier": True}, security=OFTEN) as hub,
        client_of(hub) as client,
    ):
        for queue in ("support", "billing"):
            hub.put("queue", queue, name=queue.capitalize())
        hub.put("mailbox", "support", **BOX)
        agent = hub.user("agent", Role.AGENT).id
        contacts = hub.application.hub.contacts

        def state() -> Any:
            return client.get(f"{BASE}/triage/classifier").json()

        while state()["state"] == "learning":
            time.sleep(0.05)
        assert "at least 50 mails" in state()["problem"]
        now = hub.application.hub.clock.now()
        for number in range(60):
            money = number % 2 == 0
            contact = deliver(hub, number, "Hello", "My invoice is wrong" if money else "My screen is broken")
            steps: list[c.ContactCommand | Words] = [
                *([c.Move("billing", {}, "overflow")] if money else []),
                c.MakeOffer(agent, 1_000_000 + number, now + 3_600_000, 1),
                c.Accept(agent, 1_000_000 + number),
                Words(AuthorKind.AGENT, agent, "Ada", "We look into it."),
                c.End(agent, "closed", 0),
                c.Finish(agent, None),
            ]
            hub.run(contacts.carry_out(contact, steps, actor=agent, command_id=f"answer-{number}"))
        assert client.post(f"{BASE}/triage/classifier/learn").status_code == 202
        while state()["state"] != "ready":
            time.sleep(0.05)
        known = state()
        assert (known["mails"], known["accuracy"], known["threshold"]) == (60, 1.0, 0.8)
        assert [(each["queue"], each["name"], each["mails"], each["words"][0]) for each in known["queues"]] == [
            ("billing", "Billing", 30, "invoice"),
            ("support", "Support", 30, "broken"),
        ]
        guesses = client.post(f"{BASE}/triage/classifier/guess", json={"text": "The invoice"}).json()["items"]
        assert [guess["queue"] for guess in guesses] == ["billing", "support"]
        assert "invoice" in guesses[0]["words"]
        new = deliver(hub, 100, "Hello", "My invoice is wrong")
        assert client.get(f"{BASE}/contacts/{new}").json()["queue"]["id"] == "billing"
        (line,) = [
            message["data"]
            for message in client.get(f"{BASE}/contacts/{new}/messages").json()["items"]
            if message["code"] == "guessed"
        ]
        assert line["queue"] == "Billing" and line["percent"] >= 80 and "invoice" in line["words"]
        unknown = deliver(hub, 101, "Zzz", "Qqq")
        assert client.get(f"{BASE}/contacts/{unknown}").json()["queue"]["id"] == "support"
        report = client.get(f"{BASE}/triage/report").json()
        assert [rule["contacts"] for rule in report["rules"] if rule["rule"] == "guess"] == [1]
